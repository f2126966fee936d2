"""Text of others, told on one line."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def one_line(text: str) -> str:
    """Text without control characters: a line break would forge a line of a log, an escape would move a terminal."""
    return _CONTROL.sub(" ", text)
