"""Plain specification of the LDPC kernels: parities by the whole matrix, and decoding row by row in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.ldpc import FIRST_LEVEL, LEVEL, N_CLASSES, WEIGHT, Beliefs, Circulants


def edges_of(code: Circulants, row: int) -> NDArray[np.int64]:
    """Bits in the checks of a row, shape (edges, lifting)."""
    edges = slice(code.start[row], code.start[row + 1])
    turned = (np.arange(code.lifting) + code.shift[edges, None]) % code.lifting
    at: NDArray[np.int64] = turned + code.column[edges, None].astype(np.int64) * code.lifting
    return at


def syndrome(code: Circulants, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The parity of every check."""
    rows = [np.bitwise_xor.reduce(bits[edges_of(code, row)], axis=0) for row in range(len(code.start) - 1)]
    parities: NDArray[np.uint8] = np.concatenate(rows)
    return parities


def classes(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Class of |v|: two steps each."""
    found: NDArray[np.int64] = np.minimum(np.abs(values) >> 1, N_CLASSES - 1)
    return found


def level(total: NDArray[np.int64]) -> NDArray[np.int64]:
    """phi of a sum of weights, by its octave and quarter of an octave."""
    octave_quarter = total.astype(np.float32).view(np.int32) >> 21
    found: NDArray[np.int64] = LEVEL[np.maximum(octave_quarter - FIRST_LEVEL, 0)].astype(np.int64)
    return found


def decode(code: Circulants, parities: NDArray[np.uint8], beliefs: Beliefs, iterations: int) -> int | None:
    """As the kernel's decode, beliefs changed in place."""
    for done in range(iterations + 1):
        if np.array_equal(syndrome(code, beliefs.bits), parities):
            return done
        if done < iterations:
            for row in range(len(code.start) - 1):
                _row(code, row, parities[row * code.lifting :][: code.lifting], beliefs)
    return None


def _row(code: Circulants, row: int, parities: NDArray[np.uint8], beliefs: Beliefs) -> None:
    at = edges_of(code, row)
    messages = beliefs.messages.reshape(-1, code.lifting)[code.start[row] : code.start[row + 1]]
    told = beliefs.posterior[at].astype(np.int64) - messages
    kinds = classes(told)
    weakest = kinds.min(axis=0)
    total = np.minimum(WEIGHT[kinds].astype(np.int64).sum(axis=0), 65535)
    others = np.maximum(total - WEIGHT[weakest], 0)
    size = np.where(kinds == weakest, level(others), level(total))
    odd = np.bitwise_xor.reduce(told < 0, axis=0) ^ (parities > 0)
    messages[:] = np.where((told < 0) ^ odd, -size, size)
    beliefs.posterior[at] = told + messages
