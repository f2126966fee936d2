"""Serial test: all tuples of bits come equally often. SP 800-22, 2.11."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.sp800_22.chi_square import upper_tail
from haris.quantum.entropy.sp800_22.windows import cyclic_counts, shorter

TUPLE_BITS = 16


def serial(bits: NDArray[np.uint8], tuple_bits: int = TUPLE_BITS) -> NDArray[np.float64]:
    """Two P-values, of the first and the second difference. bits: 0 or 1, shape (n,); tuple_bits: 3 to 16."""
    counts = cyclic_counts(bits, tuple_bits)
    fewer = shorter(counts)
    scores = [_psi_square(c, len(bits)) for c in (counts, fewer, shorter(fewer))]
    first = scores[0] - scores[1]
    second = scores[0] - 2 * scores[1] + scores[2]
    return np.array([upper_tail(first, 1 << (tuple_bits - 1)), upper_tail(second, 1 << (tuple_bits - 2))])


def _psi_square(counts: NDArray[np.int64], n: int) -> float:
    return float(len(counts) / n * (counts.astype(np.float64) ** 2).sum() - n)
