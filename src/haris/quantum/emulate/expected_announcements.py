"""Expected counts of a block of pulse pairs that meet at a Bell-state measurement station."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.pair_counts import PairCounts
from haris.quantum.emulate.bell_gains import diagonal, rectilinear, single_photons
from haris.quantum.optics.bell_station import BellStation
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.mdi_qkd import MdiQkd


def expected_pair_counts(
    source: Source,
    fibre: Fibre,
    station: BellStation,
    protocol: MdiQkd,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
) -> PairCounts:
    """Expected announcements and errors of n_pulses pairs, float64, shape distance_m.shape + (2, k, k).

    distance_m: any shape; by default the fibre's own length. Raises ParameterError on a negative n_pulses.
    """
    require_not_negative("n_pulses", n_pulses)
    arm_a, arm_b = station.arms(fibre, distance_m)
    intensities, p = np.array(source.intensities), np.array(source.p_intensities)
    photons_a = station.efficiency * arm_a[..., None, None] * intensities[:, None]
    photons_b = station.efficiency * arm_b[..., None, None] * intensities
    pairs = [gains(photons_a, photons_b, station.p_dark, fibre.misalignment) for gains in (rectilinear, diagonal)]
    p_bases = np.array([protocol.p_key_basis**2, (1.0 - protocol.p_key_basis) ** 2])
    sent = n_pulses * p_bases[:, None, None] * np.outer(p, p)
    clicks = sent * np.stack([announced for announced, _ in pairs], axis=-3)
    errors = sent * np.stack([wrong for _, wrong in pairs], axis=-3)
    return PairCounts(
        n_pulses=n_pulses,
        intensities=source.intensities,
        p_intensities=source.p_intensities,
        clicks=clicks,
        errors=np.minimum(errors, clicks),
    )


def expected_single_photons(
    fibre: Fibre, station: BellStation, distance_m: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Yield of a pair of single photons and its error rate in the test basis, shape of distance_m."""
    arm_a, arm_b = station.arms(fibre, distance_m)
    return single_photons(station.efficiency * arm_a, station.efficiency * arm_b, station.p_dark, fibre.misalignment)
