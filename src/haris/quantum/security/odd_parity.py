"""Actively odd parity pairing: Bob pairs each 0 with a 1; pairs whose parity is odd at Alice too give one bit each.

Xu, Yu, Jiang, Hu, Wang, PRA 101, 042330 (2020); finite sizes: Jiang, Hu, Yu, Wang, New J. Phys. (2021),
arXiv:2102.00739. An untagged bit has no bit error, and a pair of two of them is untagged. Their phase errors are
bounded by total spin, without the i.i.d. bits of 2 e (1 - e); docs/explanation/security.md has the derivation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from haris.nouns.sns_counts import Counts
from haris.quantum.security.chernoff import count_above, count_below

Array = NDArray[np.float64]

EVENTS = 6
"""Untagged pairs down; singlet spins among their 0s and 1s up, pairs of two such down, pairs that are one singlet up,
phase errors of the pairs that hold one up."""

_MOST_WHOLE = np.arange(1.0, 400.0)


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


def pair_phase_errors(pairs: ArrayLike, zeros: ArrayLike, ones: ArrayLike, errors: ArrayLike, epsilon: float) -> Array:
    """Phase errors among untagged pairs, at most, float64 of the broadcast shape; five bounds fail with epsilon each.

    pairs: random pairs of an untagged 0 with an untagged 1. errors: phase errors among all untagged bits, at most k.
    Bits as spins: n/2 - J <= k for the total spin J, whatever the phase basis. Mixed over permutations, n spins of
    total spin J and n_1 ones are n/2 - J singlets and a symmetric rest. A pair within the rest has no phase error, one
    that is a singlet has one, and every other errs with probability 1/2, dependent at most two by two. Without
    deviations the rate is k (n - k) / (2 n_0 n_1), which is 2 e (1 - e) for as many 0s as 1s.
    """
    r, n0, n1, k = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (pairs, zeros, ones, errors)))
    hopeless = (k >= np.minimum(n0, n1)) | (r <= 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share0, share1 = (np.where(hopeless, 0.0, k / n) for n in (n0, n1))
        met = np.where(hopeless, 0.0, r * share0 / n1)
    held0, held1 = (np.minimum(count_above(r * share, epsilon), r) for share in (share0, share1))
    twice = count_below(np.divide(held0 * held1, r, out=np.zeros_like(held0), where=r > 0.0), epsilon)
    touched = np.clip(held0 + held1 - twice, 0.0, r)
    found = (touched + _whole(met, epsilon)) / 2.0 + np.sqrt(touched * np.log(1.0 / epsilon))
    return np.where(hopeless, r / 2.0, np.minimum(found, r / 2.0))


def _whole(mean: Array, epsilon: float) -> Array:
    """Pairs that are one singlet, at most: w or more of them have probability at most mean^w / w!."""
    with np.errstate(divide="ignore"):
        log_tail = _MOST_WHOLE * np.log(mean)[..., None] - gammaln(_MOST_WHOLE + 1.0)
    return np.asarray((log_tail > np.log(epsilon)).sum(axis=-1).astype(np.float64) * (epsilon < 1.0))
