"""Coherent one way over a fibre, in pairs of pulses with empty pairs among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.pulse_pairs import PulsePairCounts, PulsePairs
from haris.quantum.emulate.expected_pulse_pairs import expected_pulse_pair_counts
from haris.quantum.emulate.sampled_pulse_pairs import emulate_pulse_pairs
from haris.quantum.families.family import Family, Knob, Parts, Rate, of
from haris.quantum.optics.pulse_pair_source import PulsePairSource
from haris.quantum.optics.tapped_receiver import TappedReceiver
from haris.quantum.protocols.cow import Cow
from haris.quantum.security import cow
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.limits import plob

NAME = "cow"


def cow_parts(parts: Parts) -> tuple[PulsePairSource, TappedReceiver, Cow]:
    """Source, receiver and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, PulsePairSource),
        of(NAME, "detector", parts.detector, TappedReceiver),
        of(NAME, "protocol", parts.protocol, Cow),
    )


def pair_counts(parts: Parts, at_m: NDArray[np.float64]) -> PulsePairCounts:
    """Expected counts of one block at each distance."""
    source, receiver, protocol = cow_parts(parts)
    return expected_pulse_pair_counts(source, parts.channel, receiver, protocol, protocol.pairs, at_m)


def _check(parts: Parts) -> None:
    cow_parts(parts)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    source, receiver, protocol = cow_parts(parts)
    counts = pair_counts(parts, at_m)
    leaked = parts.security.f_ec * counts.kept * binary_entropy(counts.qber)
    about = source.contrast_intensity, receiver.data_share, receiver.p_dark
    if parts.security.bound == "asymptotic":
        key = cow.asymptotic(counts, *about, leaked)
    else:
        key = cow.finite(counts, counts, *about, parts.security, leaked)
    per_pulse = np.asarray(key.length_bits / protocol.block_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * source.clock_hz),
        qber=counts.qber,
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[PulsePairs, PulsePairs]:
    source, receiver, protocol = cow_parts(parts)
    return emulate_pulse_pairs(source, parts.channel, receiver, protocol, n_pulses, seed, eve_fraction)


_KNOBS = (
    Knob("intensity", 1e-7, 1.0, logarithmic=True),
    Knob("data_share", 0.05, 0.99),
    Knob("p_data", 0.05, 0.99),
    Knob("p_both", 1e-3, 0.8, logarithmic=True),
)


def _settings(parts: Parts) -> dict[str, float]:
    source, receiver, protocol = cow_parts(parts)
    return {
        "intensity": source.intensity,
        "data_share": receiver.data_share,
        "p_data": protocol.p_data,
        "p_both": protocol.p_both,
    }


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, receiver, protocol = cow_parts(parts)
    dimmed = replace(source, intensity=settings["intensity"])
    tapped = replace(receiver, data_share=settings["data_share"])
    turned = replace(protocol, p_data=settings["p_data"], p_both=settings["p_both"])
    return Parts(dimmed, parts.channel, tapped, turned, parts.security)


FAMILY = Family(
    name=NAME,
    title="coherent one way in pairs of pulses with empty pairs, a key that falls with the square of the transmittance",
    source=PulsePairSource,
    detector=TappedReceiver,
    protocol=Cow,
    bounds={"kato": cow.FINITE_PROOF, "asymptotic": cow.PROOF},
    check=_check,
    rate=_rate,
    emulate=_emulate,
    ignores=("channel.misalignment",),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
