"""Actively odd parity pairing: Bob pairs each 0 with a 1; pairs whose parity is odd at Alice too give one bit each.

Xu, Yu, Jiang, Hu, Wang, PRA 101, 042330 (2020); finite sizes: Jiang, Hu, Yu, Wang, New J. Phys. (2021),
arXiv:2102.00739. An untagged bit has no bit error, and a pair of two of them is untagged. Their phase errors are
bounded by total spin, without the i.i.d. bits of 2 e (1 - e), whatever Eve did; docs/explanation/security.md has the
proof.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from haris.nouns.sns_counts import Counts
from haris.quantum.security.chernoff import count_below

Array = NDArray[np.float64]

EVENTS = 2
"""Untagged pairs down; their phase errors up."""

_NEWTON_STEPS = 6
_LEAST_SLACK = 1e-3
_STIRLING = 300.0
"""From here on Stirling's series with one term errs by less than 1e-10."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """What pairing makes of raw bits, float64, shape of the sweep: pairs of Bob's, those that Alice finds odd too, and
    those among them in which both bits are wrong."""

    pairs: Array
    kept: Array
    wrong: Array


def pair_bits(signal: Counts) -> Pairing:
    """Expected pairing of raw bits by who sent, shape (..., 4) as SIGNAL_KINDS. Bob's bit is 0 when he sent.

    A kept pair has two right bits, or two wrong ones: who sent neither are wrong 1s, who sent both wrong 0s.
    """
    nobody, alice, bob, both = np.moveaxis(np.asarray(signal, dtype=np.float64), -1, 0)
    zeros, ones = bob + both, alice + nobody
    ways = np.maximum(np.maximum(zeros, ones), 1e-300)  # pairs / (zeros ones)
    wrong = both * nobody / ways
    return Pairing(pairs=np.minimum(zeros, ones), kept=bob * alice / ways + wrong, wrong=wrong)


def untagged_pairs(signal: Counts, zeros: ArrayLike, ones: ArrayLike, epsilon: float) -> Array:
    """Pairs of two untagged bits, at least; fails with probability epsilon. zeros, ones: untagged bits, at least.

    Every bit of the rarer value is paired with a random one of the other, so untagged bits meet as in a sample without
    replacement, whose tails are inside those of independent draws.
    """
    nobody, alice, bob, both = np.moveaxis(np.asarray(signal, dtype=np.float64), -1, 0)
    ways = np.maximum(np.maximum(bob + both, alice + nobody), 1e-300)
    mean = np.asarray(zeros, dtype=np.float64) * np.asarray(ones, dtype=np.float64) / ways
    return np.minimum(count_below(mean, epsilon), np.minimum(zeros, ones))


def log_factorial_moment(s: ArrayLike, pairs: Array, zeros: Array, ones: Array, errors: Array) -> Array:
    """ln E[W (W - 1) ... (W - s + 1)] of the number W of phase errors among untagged pairs, at most; broadcast shape.

    For the worst state it is the product over i < s of (r - i) (k - i) (n + 1 - k - i) / (2 (n_0 - i) (n_1 - i)), with
    r random pairs of one of n_0 0s with one of n_1 1s, n = n_0 + n_1, and k phase errors among those at most.
    0 <= s <= k <= n_0, n_1. It falls with n_0 and n_1 and rises with k, so that bounds may stand for them.
    """
    up = (pairs, errors, zeros + ones + 1.0 - errors)
    falls = sum(_log_falling(x, s) for x in up) - sum(_log_falling(x, s) for x in (zeros, ones))
    return np.asarray(falls - np.asarray(s) * np.log(2.0))


def pair_phase_errors(pairs: ArrayLike, zeros: ArrayLike, ones: ArrayLike, errors: ArrayLike, epsilon: float) -> Array:
    """Phase errors among untagged pairs, at most, float64 of the broadcast shape; fails with probability epsilon.

    pairs: random pairs of an untagged 0 with an untagged 1. errors: phase errors among all untagged bits, at most k.
    By Markov's inequality w or more of them have probability at most E[W (W-1) ...] / (w (w-1) ...), of as many factors
    as one likes; about as many are taken as make it least. There are never more than k, nor taken more than half.
    Without deviations the rate is k (n + 1 - k) / (2 n_0 n_1), which is 2 e (1 - e) for as many 0s as 1s.
    """
    r, n0, n1, k = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (pairs, zeros, ones, errors)))
    hopeless = (k >= np.minimum(n0, n1)) | (np.minimum(n0, n1) < 1.0) | (r < 1.0)
    r, n0, n1, k = (np.where(hopeless, 1.0, x) for x in (r, n0, n1, k))
    mean, cost = r * k * (n0 + n1 + 1.0 - k) / (2.0 * n0 * n1), -np.log(epsilon)
    found = np.minimum(mean, k)
    if cost > 0.0:
        # Of s factors: mean - fall s of the one, w - s of the other meet at the best s.
        fall = mean * (1.0 / r + 1.0 / np.maximum(k, 1.0) + 1.0 / (n0 + n1 + 1.0 - k) - 1.0 / n0 - 1.0 / n1)
        slack = np.clip(1.0 - fall, _LEAST_SLACK, 1.0)
        most = np.floor(np.minimum(k, r))
        above = _poisson_above(mean, cost) * np.sqrt(slack)
        for _ in range(2):
            s = np.clip(np.round(above / slack), 1.0, np.maximum(most, 1.0))
            at_most = _passed(s, log_factorial_moment(s, r, n0, n1, np.maximum(k, s)) + cost)
            above = at_most - mean
        found = np.where(most < 1.0, found, np.minimum(np.maximum(at_most, mean), k))
    return np.where(hopeless, np.asarray(pairs) / 2.0, np.minimum(found, r / 2.0))


def _poisson_above(mean: Array, cost: float) -> Array:
    """By how much a Poisson count passes its mean with probability exp(-cost), about: no bound, only where to look."""
    x = mean + np.sqrt(2.0 * mean * cost) + cost
    for _ in range(_NEWTON_STEPS):
        log = np.log(np.maximum(x, 1e-300) / np.maximum(mean, 1e-300))
        x = np.where(log > 0.0, x - (x * log - x + mean - cost) / np.maximum(log, 1e-9), x)
    return np.asarray(np.maximum(x - mean, 0.0))


def _passed(s: Array, target: Array) -> Array:
    """A w, s at least, whose product w (w - 1) ... (w - s + 1) has a logarithm of at least target.

    The logarithm is concave in w, so Newton's steps from below stay below; the last step goes by its least slope, s/w.
    """
    w = np.maximum(s, np.exp(np.clip(target / s, 0.0, 600.0)))
    for _ in range(_NEWTON_STEPS):
        slope = np.log1p(s / np.maximum(w - s + 1.0, 1.0))  # about the sum of 1 / (w - i), and at most that
        w = w + np.maximum(target - _log_falling(w, s), 0.0) / np.maximum(slope, s / w)
    return np.asarray(w * np.exp(np.maximum(target - _log_falling(w, s), 0.0) / s))


def _log_falling(x: ArrayLike, s: ArrayLike) -> Array:
    """ln of x (x - 1) ... (x - s + 1); by Stirling's series where numbers are great, so that no digits are lost."""
    x, s = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(s, dtype=np.float64))
    rest = x - s
    great, few = np.maximum(x, 1.0), np.maximum(rest, _STIRLING)
    series = s * np.log(great) - s - (few + 0.5) * np.log1p(-np.minimum(s / great, 1.0 - 1e-16))
    series += (1.0 / great - 1.0 / few) / 12.0
    exact = gammaln(x + 1.0) - gammaln(np.maximum(rest, 0.0) + 1.0)
    return np.asarray(np.where(rest >= _STIRLING, series, exact))
