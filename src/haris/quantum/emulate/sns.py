"""Expected counts of a block of sending-or-not-sending at the station in the middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.sns_counts import SnsCounts
from haris.quantum.optics.interference import HARMONICS, coherence, lone_clicks, slice_average
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.sending_source import SendingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.sns import SendingOrNot

Array = NDArray[np.float64]


def expected_counts(
    source: SendingSource,
    fibre: Medium,
    station: Station,
    protocol: SendingOrNot,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
) -> SnsCounts:
    """Expected heralded windows of n_pulses by kind, float64, leading shape distance_m.shape.

    distance_m: between the two ends, any shape; by default the fibre's own length. The station is half way, and half
    of the fibre's loss, fixed loss included, lies in each arm. Raises ParameterError on a negative n_pulses.
    """
    require_not_negative("n_pulses", n_pulses)
    arm = station.efficiency * np.sqrt(fibre.transmittance(distance_m))
    visibility, random = 1.0 - 2.0 * fibre.misalignment, np.zeros(HARMONICS)
    mu_z, mu_y, mu_x = source.intensities

    def heralded(mu_a: float, mu_b: float) -> Array:
        return np.asarray(sum(lone_clicks(arm * mu_a, arm * mu_b, station.p_dark, visibility, random)))

    sent = ((0.0, 0.0), (0.0, mu_x), (mu_x, 0.0), (0.0, mu_y), (mu_y, 0.0))
    signals = ((0.0, 0.0), (mu_z, 0.0), (0.0, mu_z), (mu_z, mu_z))
    p_slice = source.p_both_x * protocol.p_in_slices
    within = coherence(source, station) * slice_average(protocol.phase_slice_rad)
    right, wrong = lone_clicks(arm * mu_x, arm * mu_x, station.p_dark, visibility, within)
    return SnsCounts(
        n_pulses=n_pulses,
        intensities=source.intensities,
        p_decoys=source.p_decoy_kinds,
        p_slice=p_slice,
        p_one=source.p_signal_kinds[1],
        decoys=_counted(n_pulses, source.p_decoy_kinds, [heralded(*mu) for mu in sent]),
        signal=_counted(n_pulses, source.p_signal_kinds, [heralded(*mu) for mu in signals]),
        slice_clicks=np.asarray(n_pulses * p_slice * (right + wrong)),
        slice_errors=np.asarray(n_pulses * p_slice * wrong),
    )


def interference_error(source: SendingSource, fibre: Medium, station: Station) -> float:
    """Probability that a single photon in both arms leaves by the wrong port: (1 - visibility E[cos phi]) / 2.

    The phase slice is not in it.
    """
    return float((1.0 - (1.0 - 2.0 * fibre.misalignment) * coherence(source, station)[0]) / 2.0)


def _counted(n_pulses: float, p: tuple[float, ...], heralded: list[Array]) -> Array:
    return np.stack([n_pulses * share * each for share, each in zip(p, heralded, strict=True)], axis=-1)
