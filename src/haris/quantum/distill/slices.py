"""Slice reconciliation: values are quantised, and the bits of each are reconciled one after another.

Bob's value falls into one of 2^m steps, whose number has m bits. Alice decodes the least significant first; what she
knows of a bit comes from her value and from the bits before (Van Assche, Cardinal, Cerf, IEEE Trans. Inf. Theory 50,
394 (2004); multistage decoding: Bloch, Thangaraj, McLaughlin, Merolla, ITW 2006). A bit of which she knows next to
nothing is told. Steps of one size keep more than steps of one probability, and their bits are not equally likely: a
bound of security begins at the entropy of the steps, not at m.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from haris.nouns.errors import ParameterError
from haris.nouns.quadratures import Quadratures
from haris.quantum.distill.soft_code import SoftCode, codes

Bits = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

MOST_SLICES = 8
_STEPS = np.arange(0.16, 0.62, 0.02)
_AT_ONCE = 1 << 14
_LEAST = 1e-30


@dataclass(frozen=True, slots=True)
class Slicing:
    """step: of the quantiser, in standard deviations. codes: of each slice, the least significant first; None: told."""

    step: float
    codes: tuple[SoftCode | None, ...]

    def __post_init__(self) -> None:
        if not 0.0 < self.step <= 4.0:
            raise ParameterError(f"step must lie in (0, 4], got {self.step}")
        if not 1 <= len(self.codes) <= MOST_SLICES:
            raise ParameterError(f"there must be 1 to {MOST_SLICES} slices, got {len(self.codes)}")

    @property
    def leaked_bits_per_value(self) -> float:
        """Bits of each value that are told, as parities or in full."""
        return sum(1.0 if code is None else 1.0 - code.rate for code in self.codes)

    def entropy(self) -> float:
        """Bits of the number of a step, for values of variance 1."""
        return _entropy(_probabilities(self.step, len(self.codes), 0.0, 1.0))

    def efficiency(self, snr: float) -> float:
        """beta: bits of each value that both ends come to share untold, over log2(1 + snr) / 2."""
        return (self.entropy() - self.leaked_bits_per_value) / (0.5 * float(np.log2(1.0 + snr)))


@cache
def plan(snr: float) -> Slicing:
    """The slicing of the greatest efficiency at that signal to noise ratio: 3 to 5 slices, with the codes there are."""
    tried = [Slicing(float(step), _chosen(snr, float(step), n)) for step in _STEPS for n in (3, 4, 5)]
    return max(tried, key=lambda slicing: slicing.efficiency(snr))


def slices(values: Floats, slicing: Slicing) -> Bits:
    """Bob: the bits of each value, uint8 0/1, shape (slices, n)."""
    half = 1 << (len(slicing.codes) - 1)
    number = np.clip(np.floor(values / np.float32(slicing.step)) + half, 0, 2 * half - 1).astype(np.uint8)
    return np.stack([(number >> k) & 1 for k in range(len(slicing.codes))])


def ratios(quadratures: Quadratures, slicing: Slicing, known: Bits) -> Floats:
    """Alice: the log-likelihood ratio of the next bit of each of Bob's values, float32 (n,), above 0 for a 0.

    known: the slices before, uint8 0/1, shape (k, n).
    """
    values, rho = quadratures.values, quadratures.correlation
    number = sum((bits.astype(np.intp) << k for k, bits in enumerate(known)), np.zeros(len(values), np.intp))
    result = np.empty(len(values), np.float32)
    for first in range(0, len(values), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        chances = _probabilities(slicing.step, len(slicing.codes), rho * values[part], np.sqrt(1.0 - rho**2))
        stride = 1 << len(known)
        row = np.arange(len(values[part]))
        zero = sum(chances[row, number[part] + j] for j in range(0, chances.shape[1], 2 * stride))
        one = sum(chances[row, number[part] + j] for j in range(stride, chances.shape[1], 2 * stride))
        result[part] = np.log((zero + _LEAST) / (one + _LEAST))
    return result


def information(snr: float, step: float, n_slices: int) -> list[tuple[float, float]]:
    """Of each slice, its entropy given the slices before, and given Alice's value too, in bits."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    rho = np.sqrt(snr / (1.0 + snr))
    alone = _probabilities(step, n_slices, 0.0, 1.0)
    given = _probabilities(step, n_slices, rho * nodes, float(np.sqrt(1.0 - rho**2)))
    told, before = [], (0.0, 0.0)
    for k in range(1, n_slices + 1):
        folded = alone.reshape(1, -1, 1 << k).sum(axis=1), given.reshape(len(nodes), -1, 1 << k).sum(axis=1)
        now = _entropy(folded[0]), float(weights @ _entropies(folded[1]) / weights.sum())
        told.append((now[0] - before[0], now[1] - before[1]))
        before = now
    return told


def _chosen(snr: float, step: float, n_slices: int) -> tuple[SoftCode | None, ...]:
    """The code of the highest rate that each slice bears; None where telling it costs no more."""
    chosen: list[SoftCode | None] = []
    for entropy, equivocation in information(snr, step, n_slices):
        fit = [code for code in codes() if code.least_information <= 1.0 - equivocation]
        best = max(fit, key=lambda code: code.rate, default=None)
        chosen.append(None if best is None or 1.0 - best.rate >= entropy else best)
    return tuple(chosen)


def _probabilities(step: float, n_slices: int, mean: Doubles | Floats | float, deviation: float) -> Doubles:
    """Of each step of the quantiser for Gaussian values, shape (means, 2^n_slices); the outermost reach to infinity."""
    half = 1 << (n_slices - 1)
    edges = np.concatenate([[-np.inf], step * np.arange(1 - half, half), [np.inf]])
    means = np.atleast_1d(np.asarray(mean, np.float64))
    chances: Doubles = np.diff(ndtr((edges[None, :] - means[:, None]) / deviation), axis=1)
    return chances


def _entropies(chances: Doubles) -> Doubles:
    safe = np.maximum(chances, 1e-300)
    result: Doubles = -(chances * np.log2(safe)).sum(axis=1)
    return result


def _entropy(chances: Doubles) -> float:
    return float(_entropies(chances)[0])
