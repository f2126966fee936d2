"""Coincidences of a pair source behind loss, in closed form: Ma, Fung, Lo, PRA 76, 012307 (2007)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.optics.slot_path import SlotPath
from haris.quantum.protocols.bbm92 import BBM92

Array = NDArray[np.float64]


def arm_transmittances(source: PairSource, fibre: Medium, distance_m: ArrayLike | None = None) -> tuple[Array, Array]:
    """Transmittance from the source to Alice and to Bob, shape distance_m.shape; their product is the medium's.

    Of a fibre, by the source's position on it; of a channel of slots, each arm has its own.
    """
    if isinstance(fibre, SlotPath):
        return fibre.arms
    whole = fibre.transmittance(distance_m)
    return whole**source.position, whole ** (1.0 - source.position)


def pair_rates(
    source: PairSource, eta: tuple[ArrayLike, ArrayLike], p_dark: tuple[float, float], angle_rad: float = 0.0
) -> tuple[Array, Array]:
    """Gain Q and correlation C of perfectly correlated pairs, per window in which both measure at one angle.

    eta: probability that a photon of the source clicks at Alice's and at Bob's end, any shape. p_dark: of each detector
    there. angle_rad: of polarisation between Alice's and Bob's bases; 0 where they are the same.
    Q: a click at both ends, which no angle changes. C: those that agree less those that do not, a double click being a
    random bit; the error rate at visibility V is (Q - V C) / (2 Q).

    A squeezer of mean n stays dark at ends that see x and y of it with probability 1 / (1 + n (x + y - x y)), and k of
    them, each of n / k, with the k-th power of that. Q is Eq. (9) of the paper, and C follows from its Eq. (10), which
    leaves out dark counts beside true clicks; they are kept here. Written so that no digits are lost at any loss.
    """
    eta_a, eta_b = (np.asarray(x, dtype=np.float64) for x in eta)
    each = 0.5 * source.mean_pairs  # of one bit value
    with np.errstate(divide="ignore"):
        dark_a, dark_b = np.log1p(-np.asarray(p_dark))
    dark_a, dark_b = dark_a - _log_power(eta_a * each, source.modes), dark_b - _log_power(eta_b * each, source.modes)
    linked = _linked(eta_a, eta_b, each, source.modes)
    gain = np.expm1(2.0 * dark_a) * np.expm1(2.0 * dark_b) - np.exp(2.0 * (dark_a + dark_b + linked)) * np.expm1(
        -2.0 * linked
    )
    same, other = (_linked(eta_a, eta_b, each, source.modes, f(angle_rad) ** 2) for f in (np.cos, np.sin))
    correlation = -2.0 * np.exp(dark_a + dark_b + same) * np.expm1(other - same)
    return np.asarray(gain), np.asarray(correlation)


def expected_coincidences(
    source: PairSource,
    fibre: Medium,
    receivers: PairReceivers,
    protocol: BBM92,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
) -> CoincidenceCounts:
    """Expected sifted coincidences and errors of n_pulses windows, by basis, float64 (distance_m.shape + (2,)).

    distance_m: length of the whole fibre, any shape; by default its own. The fibre's misalignment is that of both arms
    together. Raises ParameterError on a negative n_pulses.
    """
    require_not_negative("n_pulses", n_pulses)
    alice, bob = arm_transmittances(source, fibre, distance_m)
    eta = receivers.efficiency_alice * alice, receivers.efficiency_bob * bob
    gain, correlation = pair_rates(source, eta, (receivers.p_dark_alice, receivers.p_dark_bob))
    visibility = source.visibilities * (1.0 - 2.0 * fibre.misalignment)
    wrong = 0.5 * np.maximum(gain[..., None] - visibility * correlation[..., None], 0.0)
    p_bases = (1.0 - protocol.p_bell) * np.array([protocol.p_key_basis**2, (1.0 - protocol.p_key_basis) ** 2])
    return CoincidenceCounts(n_pulses, n_pulses * p_bases * gain[..., None], n_pulses * p_bases * wrong)


def _log_power(mean: Array, modes: float) -> Array:
    """log of (1 + mean / modes)^modes; mean itself for endless modes."""
    return mean if np.isinf(modes) else np.asarray(modes * np.log1p(mean / modes))


def _linked(eta_a: Array, eta_b: Array, mean: float, modes: float, overlap: float = 1.0) -> Array:
    """log of how much likelier two detectors stay dark together than two that see independent light.

    overlap: of the polarisation that the one sees with the partner of what the other sees.
    """
    if np.isinf(modes):
        return overlap * eta_a * eta_b * mean
    n = mean / modes
    together = eta_a * n / (1.0 + eta_a * n) * (eta_b * (1.0 + n) / (1.0 + eta_b * n))
    return np.asarray(-modes * np.log1p(-overlap * together))
