"""The Compression Estimate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.assessment.estimate import Z_ALPHA, Estimate

BLOCK = 6
N_VALUES = 1 << BLOCK
N_DICTIONARY = 1000
SIGMA_FACTOR = 0.5907


def compression(bits: NDArray[np.uint8]) -> Estimate:
    """Min-entropy a bit from the distances between equal blocks of 6 bits (Maurer's test).

    bits: uint8 of 0 and 1, shape (n,). SP 800-90B, 6.3.4. None where no more than 1000 blocks are there.
    """
    n_blocks = len(bits) // BLOCK
    v = n_blocks - N_DICTIONARY
    if v < 2:
        return Estimate(None, {})
    logs = np.log2(distances(bits[: n_blocks * BLOCK]).astype(np.float64))
    mean = float(logs.mean())
    sigma = SIGMA_FACTOR * math.sqrt(float(np.square(logs).sum()) / (v - 1) - mean * mean)
    bound = mean - Z_ALPHA * sigma / math.sqrt(v)
    log2 = np.log2(np.arange(1, n_blocks + 1, dtype=np.float64))
    p = _solved(bound, log2)
    figures = {"x_bar": mean, "sigma_hat": sigma, "x_bar_bound": bound, "p": p}
    return Estimate(-math.log2(p) / BLOCK, figures)


def distances(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many blocks before each block after the dictionary the same value last stood; its own number, if nowhere."""
    n_blocks = len(bits) // BLOCK
    blocks = np.packbits(bits[: n_blocks * BLOCK].reshape(-1, BLOCK), axis=1).reshape(-1)
    order = np.argsort(blocks, kind="stable")
    before = np.full(n_blocks, -1, np.int64)
    again = blocks[order[1:]] == blocks[order[:-1]]
    before[order[1:][again]] = order[:-1][again]
    return (np.arange(n_blocks) - before)[N_DICTIONARY:]


def _solved(bound: float, log2: NDArray[np.float64]) -> float:
    """p of the commonest block for which the expected mean is the bound; 1 / 64 where none is: full entropy."""
    low, high = 1.0 / N_VALUES, 1.0  # the expected mean falls with p
    if _expected_mean(low, log2) <= bound:
        return low
    while True:
        p = (low + high) / 2
        if not low < p < high:
            return high
        if _expected_mean(p, log2) > bound:
            low = p
        else:
            high = p


def _expected_mean(p: float, log2: NDArray[np.float64]) -> float:
    others = N_VALUES - 1
    return _share(p, log2) + others * _share((1.0 - p) / others, log2)


def _share(z: float, log2: NDArray[np.float64]) -> float:
    """G(z) of step 7: the sums exchanged, so that each distance u counts once, and terms below e^-60 left."""
    if z <= 0.0:
        return 0.0
    n_blocks, d = len(log2), N_DICTIONARY
    last = n_blocks if z < 60.0 / n_blocks else math.ceil(60.0 / z)
    last = min(n_blocks, max(last, 2))
    u = np.arange(1, last + 1)
    terms = log2[:last] * np.exp((u - 1) * math.log1p(-z)) if z < 1.0 else np.zeros(last)
    inner = float((terms * (n_blocks - np.maximum(u, d))).sum())
    return z * (z * inner + float(terms[d:].sum())) / (n_blocks - d)
