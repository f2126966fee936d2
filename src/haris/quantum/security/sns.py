"""Untagged bits of sending-or-not-sending: single photons that one end alone sent, and their phase errors.

Wang, Yu, Hu, PRA 98, 062323 (2018), with the finite sizes of Jiang, Yu, Hu, Wang, Phys. Rev. Applied 12, 024061 (2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from haris.nouns.keys import Proof
from haris.nouns.sns_counts import SnsCounts
from haris.quantum.security.chernoff import count_above, count_below, mean_above, mean_below
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security, term, whole_bits

Array = NDArray[np.float64]

WANG = "Wang et al., PRA 98, 062323 (2018)"
JIANG_2019 = "Jiang et al., Phys. Rev. Applied 12, 024061 (2019)"

ASSUMPTIONS = (
    "phase-randomised pulses of known intensities, equal at both ends",
    "settings drawn independently at each end and for each window",
    "phases told only in windows where both ends sent decoys",
    "an authenticated classical channel",
)

PROOF = Proof(f"{WANG}, key rate without pairing", "coherent", False, ("an endless block", *ASSUMPTIONS))

EVENTS = 10
"""Counts ox, xo down; oy, yo, slice errors up; oo up and down; untagged 0s and 1s down, their phase errors up."""


@dataclass(frozen=True, slots=True)
class Untagged:
    """Bits of a block that single photons made, float64, shape of the sweep.

    zeros: Bob alone sent, at least. ones: Alice alone sent, at least. phase_errors: among them all, at most.
    events: statistical bounds this leans on, each of which fails with the epsilon it was given.
    """

    zeros: Array
    ones: Array
    phase_errors: Array
    events: int


def single_yield(s_vacuum: Array, s_weak: Array, s_strong: Array, weak: float, strong: float) -> Array:
    """Least rate s_1 at which windows with one photon from one end, none from the other, are heralded.

    s_vacuum, s_strong: heralded rates of the empty window and of the stronger decoy, at most; s_weak: of the weaker,
    at least. The rates obey exp(mu) s_mu = sum over n of mu^n s_n / n!; from n = 3 on the terms left out are negative.
    """
    sum_1 = strong**2 * exp(weak) * s_weak - weak**2 * exp(strong) * s_strong - (strong**2 - weak**2) * s_vacuum
    return np.asarray(np.maximum(sum_1 / (weak * strong * (strong - weak)), 0.0))


def untagged(counts: SnsCounts, epsilon: float) -> Untagged:
    """Untagged bits of the signal windows; each of EVENTS bounds fails with probability epsilon (1: no deviations).

    Once Eve has announced, the photons of every heralded window are fixed, and what settings gave them is drawn
    independently window by window: so counts are sums of independent 0/1 variables, and Chernoff bounds hold for any
    attack. In a window where both ends send x with phases in one slice or opposite, a single photon is in the same
    mixed state as in a signal window in which one end sends, and its error is a phase error. An empty window errs half
    the time there.
    """
    n, (mu, strong, weak) = counts.n_pulses, counts.intensities
    windows = np.maximum(n * np.asarray(counts.p_decoys), 1e-300)
    lower, upper = (side(counts.decoys, epsilon) / windows for side in (mean_below, mean_above))
    s_01 = single_yield(upper[..., 0], lower[..., 1], upper[..., 3], weak, strong)
    s_10 = single_yield(upper[..., 0], lower[..., 2], upper[..., 4], weak, strong)
    single = n * counts.p_one * mu * exp(-mu)
    in_slices = n * counts.p_slice * exp(-2.0 * weak)
    errors = np.maximum(mean_above(counts.slice_errors, epsilon) - in_slices * lower[..., 0] / 2.0, 0.0)
    share = 2.0 * single / max(in_slices * 2.0 * weak, 1e-300)
    return Untagged(
        zeros=count_below(single * s_01, epsilon),
        ones=count_below(single * s_10, epsilon),
        phase_errors=count_above(share * errors, epsilon),
        events=EVENTS,
    )


def unpaired(counts: SnsCounts, security: Security) -> KeyLength:
    """Length of the key without pairing that a block would give if its counts had no spread.

    Source: Wang et al., PRA 98, 062323 (2018): untagged (1 - h(e)) - f n h(E).
    """
    found = untagged(counts, 1.0)
    bits = found.zeros + found.ones
    phase = np.minimum(np.divide(found.phase_errors, bits, out=np.full_like(bits, 0.5), where=bits > 0), 0.5)
    entropy = bits * binary_entropy(phase)
    leaked = security.f_ec * counts.signal.sum(axis=-1) * binary_entropy(counts.qber)
    terms = (
        term("untagged", bits, "bits", "bits that single photons made, at least", f"{WANG}; {JIANG_2019}"),
        term("phase_error", phase, "", "phase error rate of untagged bits, at most", f"{WANG}; {JIANG_2019}"),
        term("entropy", entropy, "bits", "what Eve may know of untagged bits", f"{WANG}, untagged h(e)"),
        term("leaked", leaked, "bits", "disclosed by reconciliation", f"{WANG}, f n h(E)"),
    )
    return KeyLength(whole_bits(bits - entropy - leaked), terms, PROOF)
