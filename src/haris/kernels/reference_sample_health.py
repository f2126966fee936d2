"""The specification of the counts for health tests, sample by sample over a whole stream."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def repetition(codes: Sequence[int], cutoff: int) -> int | None:
    """The first sample that is the last of `cutoff` equal ones."""
    run = 0
    for at, code in enumerate(codes):
        run = run + 1 if at and code == codes[at - 1] else 1
        if run >= cutoff:
            return at
    return None


def proportion(codes: Sequence[int], cutoff: int, window: int) -> int | None:
    """The first sample at which the first of its window has come `cutoff` times, itself included."""
    for start in range(0, len(codes), window):
        came = np.flatnonzero(np.asarray(codes[start : start + window]) == codes[start])
        if len(came) >= cutoff:
            return start + int(came[cutoff - 1])
    return None


def rows(codes: NDArray[np.unsignedinteger], bits: int, window: int) -> NDArray[np.int64]:
    """Counts of each full window, as sample_health.Counts has them."""
    found = []
    changes = np.concatenate([[0], codes[1:] ^ codes[:-1]])
    for start in range(0, len(codes) - window + 1, window):
        part = codes[start : start + window].astype(np.int64)
        off = part - 2 ** (bits - 1)
        toggled = int(np.bitwise_or.reduce(changes[start : start + window]))
        found.append([off.sum(), (off**2).sum(), (part == 0).sum(), (part == 2**bits - 1).sum(), toggled])
    return np.array(found, np.int64).reshape(-1, 5)
