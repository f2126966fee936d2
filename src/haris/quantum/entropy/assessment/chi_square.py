"""The chi-square tests of the IID track: independence and goodness of fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

ALPHA = 0.001
LEAST_EXPECTED = 5.0
N_PARTS = 10
MOST_TUPLE = 11


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A statistic, its degrees of freedom (0: too few samples to test) and the probability of one so large."""

    score: float
    degrees: int

    @property
    def p_value(self) -> float:
        """Upper tail of the chi-square distribution."""
        return float(gammaincc(self.degrees / 2, self.score / 2)) if self.degrees else 1.0

    @property
    def passed(self) -> bool:
        """Whether it is not among the largest 0.1 %."""
        return self.p_value >= ALPHA


def independence(symbols: NDArray[np.uint8], n_symbols: int) -> ChiSquare:
    """Pairs beside what independent symbols give; of bits, tuples of up to 11. SP 800-90B, 5.2.1, 5.2.3.

    symbols: uint8, shape (n,), below n_symbols.
    """
    if n_symbols == 2:
        return _independence_of_bits(symbols)
    p = np.bincount(symbols, minlength=n_symbols) / len(symbols)
    n_pairs = len(symbols) // 2
    bin_of, expected = _bins(np.outer(p, p).reshape(-1) * n_pairs)
    pairs = symbols[: 2 * n_pairs].reshape(-1, 2).astype(np.int64)
    observed = np.bincount(bin_of[pairs[:, 0] * n_symbols + pairs[:, 1]], minlength=len(expected))
    return ChiSquare(_score(observed, expected), max(0, len(expected) - n_symbols))


def goodness_of_fit(symbols: NDArray[np.uint8], n_symbols: int) -> ChiSquare:
    """Counts in ten parts beside those of the whole. SP 800-90B, 5.2.2, 5.2.4.

    symbols: uint8, shape (n,), below n_symbols.
    """
    size = len(symbols) // N_PARTS
    expected_each = np.bincount(symbols, minlength=n_symbols) / len(symbols) * size
    bin_of, expected = (np.arange(2), expected_each) if n_symbols == 2 else _bins(expected_each)
    parts = symbols[: N_PARTS * size].reshape(N_PARTS, size)
    score = sum(_score(np.bincount(bin_of[part], minlength=len(expected)), expected) for part in parts)
    return ChiSquare(score, (N_PARTS - 1) * (len(expected) - 1))


def _independence_of_bits(bits: NDArray[np.uint8]) -> ChiSquare:
    p1 = np.count_nonzero(bits) / len(bits)
    rarer = min(p1, 1.0 - p1)
    fitting = [m for m in range(2, MOST_TUPLE + 1) if rarer**m * (len(bits) // m) >= LEAST_EXPECTED]
    if not fitting:
        return ChiSquare(0.0, 0)
    m = max(fitting)
    n_tuples = len(bits) // m
    tuples = bits[: n_tuples * m].reshape(-1, m) @ (1 << np.arange(m - 1, -1, -1))
    ones = np.array([w.bit_count() for w in range(1 << m)])
    expected = p1**ones * (1.0 - p1) ** (m - ones) * n_tuples
    return ChiSquare(_score(np.bincount(tuples, minlength=1 << m), expected), (1 << m) - 2)


def _bins(expected: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Bin of each value, rarest first, each bin with at least 5 expected; and what is expected in each bin."""
    bin_of = np.empty(len(expected), np.int64)
    bins: list[float] = [0.0]
    for value in np.argsort(expected, kind="stable").tolist():
        if bins[-1] >= LEAST_EXPECTED:
            bins.append(0.0)
        bin_of[value] = len(bins) - 1
        bins[-1] += float(expected[value])
    if len(bins) > 1 and bins[-1] < LEAST_EXPECTED:
        rest = bins.pop()
        bins[-1] += rest
        bin_of[bin_of == len(bins)] = len(bins) - 1
    return bin_of, np.array(bins)


def _score(observed: NDArray[np.int64], expected: NDArray[np.float64]) -> float:
    return float((np.square(observed - expected) / expected).sum())
