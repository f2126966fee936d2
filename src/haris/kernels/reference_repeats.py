"""The specification of haris.kernels.repeats, tuple by tuple."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray


def tuple_repeats(symbols: NDArray[np.uint8], width: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Specification of haris.kernels.repeats.tuple_repeats."""
    text = symbols.tobytes()
    most, pairs = [], []
    for t in range(1, len(text)):
        counts = Counter(text[i : i + t] for i in range(len(text) - t + 1)).values()
        if max(counts) < 2:
            break
        most.append(max(counts))
        pairs.append(sum(c * (c - 1) // 2 for c in counts))
    return np.array(most, np.int64), np.array(pairs, np.uint64)
