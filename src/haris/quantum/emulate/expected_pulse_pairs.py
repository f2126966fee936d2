"""Expected clicks of pairs of pulses of which either, both or none is sent."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.pulse_pairs import PulsePairCounts
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.pulse_pair_source import PulsePairSource
from haris.quantum.optics.tapped_receiver import TappedReceiver
from haris.quantum.protocols.cow import Cow

Floats = NDArray[np.float64]


def pair_clicks(
    source: PulsePairSource, fibre: Medium, receiver: TappedReceiver, distance_m: ArrayLike | None = None
) -> Floats:
    """Click probabilities, shape distance_m.shape + (4, 4): by what was sent (early, late, both, none), and by where.

    Where: at the first detector early and late, at the interferometer's bright and dark port where both pulses meet.
    A pulse that is switched off keeps the phase of the others.
    """
    on, off = source.intensity, source.residual_intensity
    early, late = np.array([on, off, on, off]), np.array([off, on, on, off])
    cross = 2.0 * receiver.visibility * np.sqrt(early * late)
    tap = 1.0 - receiver.data_share
    at = np.stack(
        [
            receiver.data_share * early,
            receiver.data_share * late,
            tap * (early + late + cross) / 4.0,
            tap * (early + late - cross) / 4.0,
        ],
        axis=-1,
    )
    eta = fibre.transmittance(distance_m) * receiver.efficiency
    return np.asarray(receiver.p_dark - (1.0 - receiver.p_dark) * np.expm1(-eta[..., None, None] * at))


def expected_pulse_pair_counts(
    source: PulsePairSource,
    fibre: Medium,
    receiver: TappedReceiver,
    protocol: Cow,
    n_pairs: float,
    distance_m: ArrayLike | None = None,
) -> PulsePairCounts:
    """Expected counts of n_pairs; a click both early and late becomes a random bit. Raises on a negative n_pairs."""
    require_not_negative("n_pairs", n_pairs)
    p = pair_clicks(source, fibre, receiver, distance_m)
    sent = n_pairs * np.array([protocol.p_data, protocol.p_both, protocol.p_kinds[3]])
    right, wrong = p[..., 0, 0], p[..., 0, 1]  # the early pulse; the late one is alike
    kept = right + wrong - right * wrong
    errors = wrong * (1.0 - right) + right * wrong / 2.0
    return PulsePairCounts(sent, sent[0] * kept, sent[0] * errors, sent[:, None] * p[..., [0, 2, 3], 2:])
