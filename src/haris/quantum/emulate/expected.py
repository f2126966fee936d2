"""Expected counts of a decoy-state BB84 block: what the sampled detections give on average."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.counts import DecoyCounts
from haris.quantum.emulate.clicks import Arrivals, arrivals, class_rates, click_rates
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84


def expected_counts(
    source: Source,
    fibre: Medium,
    detector: Detector,
    protocol: DecoyBB84,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
    eve_fraction: float = 0.0,
    arrived: Arrivals | None = None,
) -> DecoyCounts:
    """Expected sifted clicks and errors of n_pulses, by basis and intensity, float64 (distance_m.shape + (2, k)).

    distance_m: any shape; by default the fibre's own length. eve_fraction: pulses that Eve measures in a random
    basis and resends at their mean photon number. arrived: in place of what an honest fibre leaves, of distance_m's
    shape. A double click counts as one click with a random bit.
    Hold-off and after-pulses are in the long-run rates; the ends of a block shift them by about one click.
    Raises ParameterError on a negative n_pulses or an eve_fraction outside [0, 1].
    """
    require_not_negative("n_pulses", n_pulses)
    require_probability("eve_fraction", eve_fraction)
    honest = arrived is None
    arrived = arrivals(source, fibre, detector, distance_m) if arrived is None else arrived
    p_aligned = protocol.p_key_basis**2 + (1.0 - protocol.p_key_basis) ** 2
    rates, _ = class_rates(arrived, detector, source.clock_hz, p_aligned)
    rates = rates if honest else arrived.by_intensity(rates, axis=-3)
    # Where Alice's and Bob's bases match, half of Eve's bases do not, and the pulse she resends fits neither.
    matched = (1.0 - eve_fraction / 2.0) * rates[..., 0, :] + eve_fraction / 2.0 * rates[..., 1, :]
    p_bases = np.array([protocol.p_key_basis**2, (1.0 - protocol.p_key_basis) ** 2])[:, None]
    wrong = matched[..., 1] + 0.5 * matched[..., 2]
    right = matched[..., 0] + 0.5 * matched[..., 2]
    errors = n_pulses * p_bases * wrong[..., None, :]
    return DecoyCounts(
        n_pulses=n_pulses,
        intensities=source.intensities,
        p_intensities=source.p_intensities,
        clicks=errors + n_pulses * p_bases * right[..., None, :],
        errors=errors,
    )


def click_rate_hz(
    source: Source, fibre: Medium, detector: Detector, distance_m: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Gates with a click per second, shape distance_m.shape; a double click counts once."""
    _, rates = click_rates(source, fibre, detector, distance_m)
    return np.asarray(source.clock_hz * rates.clicks)
