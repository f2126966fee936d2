"""Three states of time bins over a fibre, one or two decoys; and the same with states that are not ideal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.nouns.three_state_counts import ThreeStateCounts
from haris.quantum.emulate.expected_three_state import expected_three_state_counts
from haris.quantum.emulate.sampled_three_state import emulate_three_states
from haris.quantum.families.family import AIR_OR_FIBRE, Family, Knob, Parts, Rate, Varying, exposed, of
from haris.quantum.optics.source import Source
from haris.quantum.optics.three_state_source import FlawedSource
from haris.quantum.optics.time_bin_receiver import TimeBinReceiver
from haris.quantum.protocols.three_state import LossTolerant, ThreeState
from haris.quantum.security.decoys import require_decoys
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength
from haris.quantum.security.limits import plob
from haris.quantum.security.loss_tolerant import ASYMPTOTIC, FINITE, Preparation, asymptotic, finite

NAME = "three-state"
LOSS_TOLERANT = "loss-tolerant"

IDEAL_RAD = (0.0, pi, pi / 2.0)


def three_state_parts(parts: Parts) -> tuple[Source, TimeBinReceiver, ThreeState]:
    """Source, receiver and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, Source),
        exposed(parts, of(NAME, "detector", parts.detector, TimeBinReceiver)),
        of(NAME, "protocol", parts.protocol, ThreeState),
    )


def angles_rad(source: Source) -> tuple[float, float, float]:
    """Of the states that are sent: as they were measured, or ideal."""
    return source.angles_rad if isinstance(source, FlawedSource) else IDEAL_RAD


def expected_counts(
    parts: Parts, n_pulses: float | None = None, distance_m: ArrayLike | None = None
) -> ThreeStateCounts:
    """Expected counts of n_pulses (None: one block) at each distance (None: the channel's own)."""
    source, receiver, protocol = three_state_parts(parts)
    n = protocol.block_pulses if n_pulses is None else n_pulses
    return expected_three_state_counts(source, angles_rad(source), parts.channel, receiver, protocol, n, distance_m)


def preparation(parts: Parts) -> Preparation:
    """What the bound may know of both ends."""
    source, receiver, protocol = three_state_parts(parts)
    return Preparation(angles_rad(source), protocol.p_states, receiver.empty_ratio(protocol.p_key_basis))


def _check(parts: Parts) -> None:
    source, receiver, protocol = three_state_parts(parts)
    require_decoys(source.intensities)
    receiver.require_clock(source.clock_hz)
    if receiver.choice == "passive" and protocol.p_key_basis < 0.5:
        raise ParameterError(
            f"p_key_basis must be at least 0.5 behind a beam splitter, or the test basis would see fewer dark counts "
            f"for its light than the key basis, got {protocol.p_key_basis}"
        )


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    counts = expected_counts(parts, distance_m=at_m)
    key = _key(parts, counts)
    per_pulse = np.asarray(key.length_bits / counts.n_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * parts.source.clock_hz),
        qber=counts.qber,
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


def _key(parts: Parts, counts: ThreeStateCounts) -> KeyLength:
    security, prepared = parts.security, preparation(parts)
    leaked = security.f_ec * counts.sifted * binary_entropy(counts.qber)
    if security.bound == "asymptotic":
        return asymptotic(counts, prepared, leaked)
    return finite(counts, prepared, security, leaked)


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Pulses, Detections]:
    source, receiver, protocol = three_state_parts(parts)
    return emulate_three_states(
        source, angles_rad(source), parts.channel, receiver, protocol, n_pulses, seed, eve_fraction
    )


_KNOBS = (
    Knob("intensity 1", 0.05, 1.0),
    Knob("intensity 2", 0.002, 0.5, logarithmic=True),
    Knob("p of intensity 1", 0.02, 0.98),
    Knob("p of intensity 2", 0.01, 0.97),
    Knob("p of the key basis", 0.5, 0.999),
)


def _settings(parts: Parts) -> dict[str, float]:
    source, _, protocol = three_state_parts(parts)
    values = (*source.intensities[:2], *source.p_intensities[:2], protocol.p_key_basis)
    return dict(zip((knob.name for knob in _KNOBS), values, strict=True))


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    """The first two intensities and their probabilities, and the bases; the last of three intensities stays."""
    source, _, protocol = three_state_parts(parts)
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
    title="three states of time bins (early, late, one superposition), one or two decoys, as simplified BB84",
    source=Source,
    detector=TimeBinReceiver,
    media=AIR_OR_FIBRE,
    protocol=ThreeState,
    bounds={"loss-tolerant": FINITE, "asymptotic": ASYMPTOTIC},
    check=_check,
    rate=_rate,
    emulate=_emulate,
    varying=Varying(expected_counts, _key, ("loss-tolerant", "asymptotic")),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)

FLAWED_FAMILY = replace(
    FAMILY,
    name=LOSS_TOLERANT,
    title="loss-tolerant three states: known flaws of their preparation, one or two decoys",
    source=FlawedSource,
    protocol=LossTolerant,
)
