"""B92 over a fibre, with single photons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.conclusive_counts import ConclusiveCounts
from haris.nouns.rounds import Rounds
from haris.quantum.emulate.expected_b92 import expected_conclusive_counts
from haris.quantum.emulate.sampled_b92 import emulate_b92
from haris.quantum.families.family import AIR_OR_FIBRE, Family, Knob, Parts, Rate, exposed, of
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.single_photon_source import SinglePhotonSource
from haris.quantum.protocols.b92 import B92
from haris.quantum.security import tamaki2004
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.limits import plob

NAME = "b92"


def b92_parts(parts: Parts) -> tuple[SinglePhotonSource, Detector, B92]:
    """Source, detector and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, SinglePhotonSource),
        exposed(parts, of(NAME, "detector", parts.detector, Detector)),
        of(NAME, "protocol", parts.protocol, B92),
    )


def conclusive_counts(parts: Parts, at_m: NDArray[np.float64]) -> ConclusiveCounts:
    """Expected conclusive bits of one block at each distance."""
    source, detector, protocol = b92_parts(parts)
    return expected_conclusive_counts(source, parts.channel, detector, protocol, protocol.block_pulses, at_m)


def _check(parts: Parts) -> None:
    source, detector, _ = b92_parts(parts)
    detector.require_clock(source.clock_hz)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    counts = conclusive_counts(parts, at_m)
    leaked = parts.security.f_ec * counts.conclusive * binary_entropy(counts.qber)
    key = tamaki2004.asymptotic(counts, b92_parts(parts)[2].overlap, leaked)
    per_pulse = np.asarray(key.length_bits / counts.n_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * parts.source.clock_hz),
        qber=counts.qber,
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=key,
    )


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Rounds, Rounds]:
    source, detector, protocol = b92_parts(parts)
    return emulate_b92(source, parts.channel, detector, protocol, n_pulses, seed, eve_fraction)


_KNOB = Knob("overlap", 0.01, 0.999)


def _settings(parts: Parts) -> dict[str, float]:
    return {_KNOB.name: b92_parts(parts)[2].overlap}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, _, protocol = b92_parts(parts)
    turned = replace(protocol, overlap=settings[_KNOB.name])
    return Parts(source, parts.channel, parts.detector, turned, parts.security)


FAMILY = Family(
    name=NAME,
    title="B92, two states that are not orthogonal, single photons",
    source=SinglePhotonSource,
    detector=Detector,
    media=AIR_OR_FIBRE,
    protocol=B92,
    bounds={"asymptotic": tamaki2004.PROOF},
    check=_check,
    rate=_rate,
    emulate=_emulate,
    ignores=("detector.p_afterpulse", "detector.afterpulse_time_s"),
    knobs=(_KNOB,),
    settings=_settings,
    turned=_turned,
)
