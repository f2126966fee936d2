"""Round-robin differential phase shift over a fibre."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.packet_bits import PacketBits
from haris.nouns.packet_counts import PacketCounts
from haris.quantum.emulate.expected_packets import expected_rrdps_counts
from haris.quantum.emulate.sampled_packets import emulate_rrdps
from haris.quantum.families.family import Family, Knob, Parts, Rate, of
from haris.quantum.optics.delay_interferometer import DelayInterferometer
from haris.quantum.optics.pulse_train import PulseTrain
from haris.quantum.protocols.rrdps import Rrdps
from haris.quantum.security import rrdps
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength
from haris.quantum.security.limits import plob

NAME = "rrdps"

_ENDLESS: dict[str, Callable[[PacketCounts, int, float, NDArray[np.float64]], KeyLength]] = {
    "asymptotic": rrdps.asymptotic,
    "yin2018": rrdps.collective,
}


def rrdps_parts(parts: Parts) -> tuple[PulseTrain, DelayInterferometer, Rrdps]:
    """Source, receiver and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, PulseTrain),
        of(NAME, "detector", parts.detector, DelayInterferometer),
        of(NAME, "protocol", parts.protocol, Rrdps),
    )


def packet_counts(parts: Parts, at_m: NDArray[np.float64]) -> PacketCounts:
    """Expected packets kept of one block at each distance."""
    source, receiver, protocol = rrdps_parts(parts)
    return expected_rrdps_counts(source, parts.channel, receiver, protocol, protocol.packets, at_m)


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[PacketBits, PacketBits]:
    source, receiver, protocol = rrdps_parts(parts)
    return emulate_rrdps(source, parts.channel, receiver, protocol, n_pulses, seed, eve_fraction)


def _check(parts: Parts) -> None:
    rrdps_parts(parts)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    source, _, protocol = rrdps_parts(parts)
    counts = packet_counts(parts, at_m)
    leaked = parts.security.f_ec * counts.kept * binary_entropy(counts.qber)
    about = counts, protocol.packet_pulses, source.intensity
    endless = _ENDLESS.get(parts.security.bound)
    key = endless(*about, leaked) if endless else rrdps.finite(*about, parts.security, leaked)
    per_pulse = np.asarray(key.length_bits / protocol.block_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * source.clock_hz),
        qber=counts.qber,
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


_KNOB = Knob("intensity", 1e-5, 1.0, logarithmic=True)


def _settings(parts: Parts) -> dict[str, float]:
    return {_KNOB.name: rrdps_parts(parts)[0].intensity}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, receiver, protocol = rrdps_parts(parts)
    turned = replace(source, intensity=settings[_KNOB.name])
    return Parts(turned, parts.channel, receiver, protocol, parts.security)


FAMILY = Family(
    name=NAME,
    title="round-robin differential phase shift, packets of laser pulses, no errors watched",
    source=PulseTrain,
    detector=DelayInterferometer,
    protocol=Rrdps,
    bounds={
        "takesue2015": rrdps.FINITE_PROOF,
        "asymptotic": rrdps.ASYMPTOTIC_PROOF,
        "yin2018": rrdps.COLLECTIVE_PROOF,
    },
    check=_check,
    rate=_rate,
    emulate=_emulate,
    ignores=("channel.misalignment",),
    knobs=(_KNOB,),
    settings=_settings,
    turned=_turned,
)
