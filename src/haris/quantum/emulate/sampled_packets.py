"""One block of emulated light whose pulses meet in an interferometer: both ends' bits of the packets that are kept.

Each count is traced to its origin: a photon of one pulse, through one arm, to one port; or a dark count in some period.
Nothing here uses the closed forms. Packets without a lone count cost nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.packet_bits import PacketBits
from haris.quantum.emulate.expected_packets import photons_per_pulse
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.emulate.sampled_announcements import some_pulses
from haris.quantum.optics.delay_interferometer import DelayInterferometer
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.pulse_train import PulseTrain
from haris.quantum.protocols.dps import PACKET_PULSES, Dps
from haris.quantum.protocols.rrdps import Rrdps

MOST_PACKETS = 1e8
"""Packets with a lone count, of a block that is held at once."""


def emulate_rrdps(
    source: PulseTrain,
    fibre: Medium,
    receiver: DelayInterferometer,
    protocol: Rrdps,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[PacketBits, PacketBits]:
    """Sample the whole packets of n_pulses: Alice's half and Bob's half. The same arguments give the same light.

    In the share eve_fraction of the packets Eve finds in which pulse a photon is, and sends one there: the counts stay,
    the interference is gone. Raises ParameterError on arguments outside their range, or on more than MOST_PACKETS
    packets with a lone count.
    """
    pulses, periods, dark = protocol.packet_pulses, protocol.packet_periods, receiver.p_dark
    photons = pulses * float(photons_per_pulse(source, fibre, receiver))
    alone = np.exp(-photons) * (1.0 - dark) ** (2 * periods - 1)
    p_photon, p_dark_count = alone * photons * (1.0 - dark), alone * 2.0 * periods * dark
    rng, packet = _lone_packets(n_pulses // periods, p_photon + p_dark_count, seed, b"rrdps", eve_fraction)

    delay = rng.integers(1, pulses, packet.size)
    lit = rng.random(packet.size) * (p_photon + p_dark_count) < p_photon
    arrival = rng.integers(0, pulses, packet.size) + delay * rng.integers(0, 2, packet.size)
    period = np.where(lit, arrival, rng.integers(0, periods, packet.size))
    kept = (period >= delay) & (period < pulses)
    wrong = _wrong_ports(rng, lit & (rng.random(packet.size) >= eve_fraction), receiver)
    return _halves(rng, n_pulses // periods, packet[kept], wrong[kept], np.zeros(int(kept.sum()), dtype=np.bool_))


def emulate_dps(
    source: PulseTrain,
    fibre: Medium,
    receiver: DelayInterferometer,
    protocol: Dps,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[PacketBits, PacketBits]:
    """Sample n_pulses of differential phase shift as emulate_rrdps does, in packets of three and without delays."""
    dark = receiver.p_dark
    # Of the three pulses' photons, those of the outer two miss the two periods by half.
    seen = 2.0 * float(photons_per_pulse(source, fibre, receiver))
    alone = np.exp(-seen) * (1.0 - dark) ** 3
    p_photon, p_dark_count = alone * seen * (1.0 - dark), alone * 4.0 * dark
    p_lone = p_photon + p_dark_count
    rng, packet = _lone_packets(n_pulses // PACKET_PULSES, p_lone, seed, b"dps", eve_fraction)
    lit = rng.random(packet.size) * p_lone < p_photon
    wrong = _wrong_ports(rng, lit & (rng.random(packet.size) >= eve_fraction), receiver)
    return _halves(rng, n_pulses // PACKET_PULSES, packet, wrong, rng.random(packet.size) >= protocol.p_key)


def _lone_packets(
    n_packets: int, p_lone: float, seed: int | bytes, purpose: bytes, eve_fraction: float
) -> tuple[np.random.Generator, NDArray[np.int64]]:
    """A generator, and the packets that have a lone count: each with probability p_lone."""
    require_probability("eve_fraction", eve_fraction)
    if n_packets < 0 or n_packets * p_lone > MOST_PACKETS:
        raise ParameterError(
            f"n_pulses must be at least 0, with at most {MOST_PACKETS:g} lone counts, got about "
            f"{n_packets * p_lone:.3g}"
        )
    rng = np.random.default_rng(np.frombuffer(derived_key(seed, purpose), dtype=np.uint32))
    return rng, some_pulses(rng, n_packets, int(rng.binomial(n_packets, min(p_lone, 1.0))))


def _wrong_ports(
    rng: np.random.Generator, interferes: NDArray[np.bool_], receiver: DelayInterferometer
) -> NDArray[np.bool_]:
    """Whether each count is at the wrong detector: of light that interferes seldom, of any other by chance."""
    return rng.random(interferes.size) < np.where(interferes, (1.0 - receiver.visibility) / 2.0, 0.5)


def _halves(
    rng: np.random.Generator,
    n_packets: int,
    packet: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    tested: NDArray[np.bool_],
) -> tuple[PacketBits, PacketBits]:
    bit = rng.integers(0, 2, packet.size, dtype=np.uint8)
    return PacketBits(n_packets, packet, bit, tested), PacketBits(n_packets, packet, bit ^ wrong, tested)
