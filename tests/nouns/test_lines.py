"""Text of others on one line."""

from __future__ import annotations

import pytest

from haris.nouns.lines import one_line


@pytest.mark.parametrize("control", ["\n", "\r", "\x00", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029"])
def test_nothing_that_forges_a_line_or_moves_a_terminal_is_left(control: str) -> None:
    assert one_line(f"bob{control}[31m") == "bob [31m"


def test_other_letters_stay() -> None:
    assert one_line("Zürich – حارس") == "Zürich – حارس"
