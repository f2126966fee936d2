"""Memory of a long-lived process."""

from __future__ import annotations

import contextlib
import ctypes

_M_ARENA_MAX = -8


def share_one_arena() -> None:
    """Have all threads allocate from one arena of the C library (glibc; elsewhere nothing happens).

    A block's arrays are large and short-lived, and are freed by another thread as often as not: with an arena for each
    thread a site keeps a third more memory than it uses.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
