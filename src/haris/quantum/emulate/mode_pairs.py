"""Expected counts of a block of mode pairing at the station in the middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ive

from haris.nouns.checks import require_not_negative
from haris.nouns.mode_pair_counts import ModePairCounts
from haris.quantum.optics.interference import HARMONICS, lone_clicks, slice_average, turned_variance
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.pairing_source import PairingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.mode_pairing import ModePairing, pairing_rate

Array = NDArray[np.float64]

CELLS = 240
"""Of the gaps between the two windows of a pair: one for each gap where there are no more, else wider and wider."""
LEAST = 1e-200
"""Click probability below which a detector is silent."""
TURNS = 8
"""Harmonics of a pair's turn of phase that are kept; the n-th has the square of I_n of about the photons detected."""


def expected_counts(
    source: PairingSource,
    fibre: Medium,
    station: Station,
    protocol: ModePairing,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
) -> ModePairCounts:
    """Expected pairs of n_pulses windows by kind, float64, leading shape distance_m.shape.

    distance_m: between the two ends, any shape; by default the fibre's own length. The station is half way, and half
    of the fibre's loss, fixed loss included, lies in each arm. Whether a window is heralded depends on what is sent
    there, not on the window that it will be paired with, for phases are random. Raises ParameterError on a negative
    n_pulses.
    """
    require_not_negative("n_pulses", n_pulses)
    arm = station.efficiency * np.sqrt(fibre.transmittance(distance_m))
    visibility, random = 1.0 - 2.0 * fibre.misalignment, np.zeros(HARMONICS)
    mu, nu = source.intensities
    p = np.asarray(source.p_intensities)
    lone = [
        [sum(lone_clicks(arm * a, arm * b, station.p_dark, visibility, random)) for b in (mu, nu, 0.0)]
        for a in (mu, nu, 0.0)
    ]
    sent = np.moveaxis(np.asarray(lone), (0, 1), (-2, -1)) * np.outer(p, p)  # heralded, and of these intensities
    heralded = sent.sum(axis=(-2, -1))
    share = np.divide(sent, heralded[..., None, None], out=np.zeros_like(sent), where=heralded[..., None, None] > LEAST)
    pairs = n_pulses * pairing_rate(heralded, protocol.max_interval_pulses)

    nothing = share[..., 2, 2]
    same = share * nothing[..., None, None]  # both in one window, none in the other; either may be the first
    other = share[..., :, 2:] * share[..., 2:, :]
    z = 2.0 * (same + other)
    z[..., 2, :] /= 2.0  # of who sent nothing there is one kind of pair, not two
    z[..., :, 2] /= 2.0
    right, wrong = _turns(source, station, protocol, arm * nu, visibility, heralded)
    weak = pairs * protocol.p_in_slices * share[..., 1, 1] ** 2
    each = pairs[..., None, None]
    return ModePairCounts(
        n_pulses=n_pulses,
        intensities=(mu, nu),
        p_intensities=(float(p[0]), float(p[1]), float(p[2])),
        p_slice=protocol.p_in_slices,
        z=np.asarray(each * z),
        key_errors=np.asarray(pairs * 2.0 * same[..., 0, 0]),
        lone=np.stack([pairs * share[..., 2, 1] ** 2, pairs * share[..., 1, 2] ** 2], axis=-1),
        slice_clicks=np.asarray(weak * (right + wrong)),
        slice_errors=np.asarray(weak * wrong),
    )


def mean_turns(
    source: PairingSource, station: Station, protocol: ModePairing, p_heralded: ArrayLike
) -> NDArray[np.float64]:
    """Mean of cos(n phi), n = 1 to TURNS, of what the phase turns by within a pair; shape (..., TURNS).

    Gaps are geometric, cut at max_interval_pulses; what it turns by in a gap is normal.
    """
    most = protocol.max_interval_pulses
    edges = np.arange(1, most + 2) if most <= CELLS else np.unique(np.geomspace(1, most + 1, CELLS).round())
    gap = (edges[:-1] + edges[1:] - 1.0) / 2.0
    log_quiet = np.log1p(-np.clip(p_heralded, 1e-300, 1.0 - 1e-16))[..., None]
    mass = np.exp(log_quiet * (edges[:-1] - 1.0)) * -np.expm1(log_quiet * np.diff(edges))
    n = np.arange(1, TURNS + 1)
    kept = np.exp(-np.multiply.outer(turned_variance(source, station, gap / source.clock_hz), n**2) / 2.0)
    return np.asarray(mass @ kept / mass.sum(axis=-1, keepdims=True))


def _turns(
    source: PairingSource, station: Station, protocol: ModePairing, photons: Array, visibility: float, heralded: Array
) -> tuple[Array, Array]:
    """Of two heralded windows, both ends at photons in both: shares that click as their turns of phase favour, or not.

    In a window of relative phase psi a detector clicks alone with probability c_0 + sum of c_n cos(n psi), the other
    one with that of psi + pi. Averaged over psi, with a turn phi to the other window, the same detector clicks twice
    with 2 c_0^2 + sum of c_n^2 cos(n phi), and both do with the signs of odd n turned; here over (2 c_0)^2.
    """
    mean, _ = lone_clicks(photons, photons, station.p_dark, visibility, np.zeros(TURNS))
    n = np.arange(1, TURNS + 1)
    s, x, c_0 = photons[..., None], visibility * photons[..., None], mean[..., None]
    waves = (1.0 - station.p_dark) * 2.0 * ive(n, x) * np.exp(x - s)
    waves = np.divide(waves, c_0, out=np.zeros_like(waves), where=c_0 > LEAST)
    turns = mean_turns(source, station, protocol, heralded) * slice_average(protocol.phase_slice_rad)[:TURNS]
    even, odd = ((waves[..., k::2] ** 2 * turns[..., k::2]).sum(axis=-1) / 4.0 for k in (1, 0))
    return np.asarray(0.5 + even + odd), np.asarray(np.maximum(0.5 + even - odd, 0.0))
