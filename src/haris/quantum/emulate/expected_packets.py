"""Expected counts of packets whose pulses meet in an interferometer, before detectors that count photons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.packet_counts import PacketCounts
from haris.quantum.optics.delay_interferometer import DelayInterferometer
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.pulse_train import PulseTrain
from haris.quantum.protocols.dps import Dps
from haris.quantum.protocols.rrdps import Rrdps

Floats = NDArray[np.float64]


def photons_per_pulse(
    source: PulseTrain, fibre: Medium, receiver: DelayInterferometer, distance_m: ArrayLike | None = None
) -> Floats:
    """Mean photons of one pulse that are counted, shape distance_m.shape."""
    return np.asarray(source.intensity * fibre.transmittance(distance_m) * receiver.efficiency)


def slot_counts(photons: Floats, receiver: DelayInterferometer) -> tuple[Floats, Floats]:
    """Counts where two whole halves meet, at the right and at the wrong detector, over (1 - p_dark); shape of photons.

    Times the probability that all else stays dark, they are the probabilities that this count is the only one.
    """
    right, wrong = ((1.0 + side * receiver.visibility) / 2.0 for side in (1.0, -1.0))
    live, dark = 1.0 - receiver.p_dark, receiver.p_dark
    return photons * right * live + dark, photons * wrong * live + dark


def expected_rrdps_counts(
    source: PulseTrain,
    fibre: Medium,
    receiver: DelayInterferometer,
    protocol: Rrdps,
    n_packets: float,
    distance_m: ArrayLike | None = None,
) -> PacketCounts:
    """Expected packets kept, and errors, of n_packets of round-robin differential phase shift; distance_m.shape.

    With a delay of r periods, two of a packet's L pulses meet in L - r of its 2 L - 1 periods. A packet is kept if
    there is one count in all of these, and it lies among those L - r, which are L / 2 on average.
    Raises ParameterError on a negative n_packets.
    """
    require_not_negative("n_packets", n_packets)
    photons = photons_per_pulse(source, fibre, receiver, distance_m)
    right, wrong = slot_counts(photons, receiver)
    pulses = protocol.packet_pulses
    dark = (1.0 - receiver.p_dark) ** (2 * protocol.packet_periods - 1)
    alone = n_packets * pulses / 2.0 * dark * np.exp(-pulses * photons)
    errors = np.asarray(alone * wrong)
    return PacketCounts(n_packets, np.asarray(alone * right + errors), errors)


def expected_dps_counts(
    source: PulseTrain,
    fibre: Medium,
    receiver: DelayInterferometer,
    protocol: Dps,
    n_packets: float,
    distance_m: ArrayLike | None = None,
) -> tuple[PacketCounts, PacketCounts]:
    """Expected packets of n_packets of differential phase shift that make key, and those told; distance_m.shape each.

    A packet is kept if there is one count in the two periods where two of its three pulses meet.
    Raises ParameterError on a negative n_packets.
    """
    require_not_negative("n_packets", n_packets)
    photons = photons_per_pulse(source, fibre, receiver, distance_m)
    right, wrong = slot_counts(photons, receiver)
    alone = n_packets * 2.0 * (1.0 - receiver.p_dark) ** 3 * np.exp(-2.0 * photons)
    errors = np.asarray(alone * wrong)
    kept = np.asarray(alone * right + errors)
    key, test = (PacketCounts(n_packets, p * kept, p * errors) for p in (protocol.p_key, 1.0 - protocol.p_key))
    return key, test
