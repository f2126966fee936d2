"""Differential phase shift over a fibre, in packets of three pulses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.packet_bits import PacketBits
from haris.nouns.packet_counts import PacketCounts
from haris.quantum.emulate.expected_packets import expected_dps_counts
from haris.quantum.emulate.sampled_packets import emulate_dps
from haris.quantum.families.family import Family, Knob, Parts, Rate, of
from haris.quantum.optics.delay_interferometer import DelayInterferometer
from haris.quantum.optics.pulse_train import PulseTrain
from haris.quantum.protocols.dps import Dps
from haris.quantum.security import mizutani2023
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.limits import plob

NAME = "dps"


def dps_parts(parts: Parts) -> tuple[PulseTrain, DelayInterferometer, Dps]:
    """Source, receiver and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, PulseTrain),
        of(NAME, "detector", parts.detector, DelayInterferometer),
        of(NAME, "protocol", parts.protocol, Dps),
    )


def packet_counts(parts: Parts, at_m: NDArray[np.float64]) -> tuple[PacketCounts, PacketCounts]:
    """Expected packets of one block that make key, and those that are told, at each distance."""
    source, receiver, protocol = dps_parts(parts)
    return expected_dps_counts(source, parts.channel, receiver, protocol, protocol.packets, at_m)


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[PacketBits, PacketBits]:
    source, receiver, protocol = dps_parts(parts)
    return emulate_dps(source, parts.channel, receiver, protocol, n_pulses, seed, eve_fraction)


def _check(parts: Parts) -> None:
    dps_parts(parts)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    source, _, protocol = dps_parts(parts)
    key_counts, test_counts = packet_counts(parts, at_m)
    leaked = parts.security.f_ec * key_counts.kept * binary_entropy(key_counts.qber)
    if parts.security.bound == "asymptotic":
        key = mizutani2023.asymptotic(key_counts, test_counts, source.intensity, leaked)
    else:
        tightened = parts.security.bound == "tightened"
        about = protocol.p_key, source.intensity, parts.security
        key = mizutani2023.finite(key_counts, test_counts, *about, leaked, tightened)
    per_pulse = np.asarray(key.length_bits / protocol.block_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * source.clock_hz),
        qber=key_counts.qber,
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


_KNOBS = (Knob("intensity", 1e-7, 0.3, logarithmic=True), Knob("p_key", 0.01, 0.999))


def _settings(parts: Parts) -> dict[str, float]:
    source, _, protocol = dps_parts(parts)
    return {"intensity": source.intensity, "p_key": protocol.p_key}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, receiver, protocol = dps_parts(parts)
    dimmed = replace(source, intensity=settings["intensity"])
    return Parts(dimmed, parts.channel, receiver, replace(protocol, p_key=settings["p_key"]), parts.security)


FAMILY = Family(
    name=NAME,
    title="differential phase shift, packets of three laser pulses",
    source=PulseTrain,
    detector=DelayInterferometer,
    protocol=Dps,
    bounds={
        "mizutani2023": mizutani2023.PROOF,
        "tightened": mizutani2023.TIGHTENED_PROOF,
        "asymptotic": mizutani2023.ASYMPTOTIC_PROOF,
    },
    check=_check,
    rate=_rate,
    emulate=_emulate,
    ignores=("channel.misalignment",),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
