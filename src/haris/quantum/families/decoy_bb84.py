"""Decoy-state BB84 over a fibre, or through the air."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import KEY_BASIS, DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.recorded_light import recorded_light
from haris.quantum.emulate.expected import expected_counts as counts_of
from haris.quantum.emulate.sampled import emulate as sampled
from haris.quantum.families.family import AIR_OR_FIBRE, Family, Knob, Live, Parts, Rate, Varying, exposed, of
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import Agreement, DecoyBB84
from haris.quantum.security.bounds import PROOFS, key_length, require_bound
from haris.quantum.security.key_length import BlockLength, KeyLength
from haris.quantum.security.limits import plob
from haris.quantum.security.variable_length import block_length

NAME = "decoy-bb84"


def bb84_parts(parts: Parts) -> tuple[Source, Detector, DecoyBB84]:
    """Source, detector and protocol. Raises ParameterError on a link of another family.

    Of a path in the air, the detector is as it counts behind it, the light of the surroundings included.
    """
    source = of(NAME, "source", parts.source, Source)
    detector = exposed(parts, of(NAME, "detector", parts.detector, Detector))
    return source, detector, of(NAME, "protocol", parts.protocol, DecoyBB84)


def agreement(parts: Parts) -> Agreement:
    """What sifting and estimation need to know, without the physics."""
    source, detector, protocol = bb84_parts(parts)
    return Agreement(
        protocol=protocol,
        clock_hz=source.clock_hz,
        intensities=source.intensities,
        p_intensities=source.p_intensities,
        dead_time_s=detector.dead_time_s,
        gate_s=detector.gate_s,
    )


def expected_counts(parts: Parts, n_pulses: float | None = None, distance_m: ArrayLike | None = None) -> DecoyCounts:
    """Expected sifted counts of n_pulses (None: one block), float64, shape distance_m.shape + (2, k)."""
    source, detector, protocol = bb84_parts(parts)
    n = protocol.block_pulses if n_pulses is None else n_pulses
    return counts_of(source, parts.channel, detector, protocol, n, distance_m)


def _check(parts: Parts) -> None:
    source, detector, _ = bb84_parts(parts)
    require_bound(parts.security, source.intensities)
    detector.require_clock(source.clock_hz)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    return rate_of_counts(parts, expected_counts(parts, distance_m=at_m), at_m)


def rate_of_counts(parts: Parts, counts: DecoyCounts, at_m: NDArray[np.float64]) -> Rate:
    """The rate that these counts of one block give at each distance, whatever they come from."""
    key = _key(parts, counts)
    per_pulse = np.asarray(key.length_bits / counts.n_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * parts.source.clock_hz),
        qber=counts.qber[..., KEY_BASIS],
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


def _key(parts: Parts, counts: DecoyCounts) -> KeyLength:
    return key_length(counts, parts.security)


def _length(parts: Parts, counts: DecoyCounts, leaked_bits: int) -> BlockLength:
    return block_length(counts, parts.security, leaked_bits)


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Pulses, Detections]:
    source, detector, protocol = bb84_parts(parts)
    return sampled(source, parts.channel, detector, protocol, n_pulses, seed, eve_fraction)


_KNOBS = (
    Knob("intensity 1", 0.05, 1.0),
    Knob("intensity 2", 0.01, 0.5, logarithmic=True),
    Knob("p of intensity 1", 0.02, 0.98),
    Knob("p of intensity 2", 0.01, 0.97),
    Knob("p of the key basis", 0.5, 0.999),
)


def _settings(parts: Parts) -> dict[str, float]:
    source, _, protocol = bb84_parts(parts)
    values = (*source.intensities[:2], *source.p_intensities[:2], protocol.p_key_basis)
    return dict(zip((knob.name for knob in _KNOBS), values, strict=True))


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    """The first two intensities and their probabilities, and the bases; the last of three intensities stays."""
    source, _, protocol = bb84_parts(parts)
    mu1, mu2, p1, p2, p_key = (settings[knob.name] for knob in _KNOBS)
    if len(source.intensities) == 2:
        p2 = 1.0 - p1
    p = (p1, p2, 1.0 - p1 - p2)[: len(source.intensities)]
    if min(p) <= 0.0:
        raise ParameterError(f"p_intensities must be above 0, got {p}")
    turned = Parts(
        replace(source, intensities=(mu1, mu2, *source.intensities[2:]), p_intensities=p),
        parts.channel,
        parts.detector,
        replace(protocol, p_key_basis=p_key),
        parts.security,
    )
    _check(turned)
    return turned


FAMILY = Family(
    name=NAME,
    title="decoy-state BB84, one or two decoys, efficient choice of bases (as T12 has it)",
    source=Source,
    detector=Detector,
    media=AIR_OR_FIBRE,
    protocol=DecoyBB84,
    bounds=PROOFS,
    check=_check,
    rate=_rate,
    emulate=_emulate,
    live=Live(("variable-length",), agreement, expected_counts, _length, alice, bob, recorded_light),
    varying=Varying(expected_counts, _key, tuple(PROOFS)),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
