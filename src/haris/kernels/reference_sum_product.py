"""Plain specification of sum-product decoding: row by row in doubles, by the formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.reference_ldpc import edges_of
from haris.kernels.sum_product import LeafyCode

Doubles = NDArray[np.float64]

MOST, SUREST = 30.0, 0.99999988


def iterate(
    code: LeafyCode, parities: NDArray[np.uint8], leaf: Doubles, posterior: Doubles, messages: Doubles, iterations: int
) -> None:
    """Change posterior and messages as so many iterations do, whether or not every check holds before."""
    core, lifting = code.core, code.core.lifting
    for _ in range(iterations):
        for row in range(len(core.start) - 1):
            at = edges_of(core, row)
            edges = slice(core.start[row] * lifting, core.start[row + 1] * lifting)
            told = messages[edges].reshape(at.shape)
            heard = posterior[at] - told
            sure = 1.0 - 2.0 * parities[row * lifting : (row + 1) * lifting]
            if row < code.n_leaves:
                sure = sure * np.tanh(leaf[row * lifting : (row + 1) * lifting] / 2)
            t = np.tanh(np.clip(heard, -MOST, MOST) / 2)
            for e in range(len(at)):
                product = sure * np.prod(np.delete(t, e, axis=0), axis=0)
                told[e] = 2 * np.arctanh(np.clip(product, -SUREST, SUREST))
            posterior[at] = heard + told
