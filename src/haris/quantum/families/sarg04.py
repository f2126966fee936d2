"""SARG04 over a fibre, with decoy states: key from pulses of one photon and of two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.detections import Detections
from haris.nouns.photon_counts import PhotonCounts
from haris.nouns.pulses import Pulses
from haris.quantum.emulate.photon_numbers import expected_photon_counts
from haris.quantum.emulate.sampled import emulate as sampled
from haris.quantum.families.family import AIR_OR_FIBRE, Family, Knob, Parts, Rate, exposed, of
from haris.quantum.families.photon_rate import photon_rate, require_signal
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.protocols.sarg04 import Sarg04
from haris.quantum.security import fung2006
from haris.quantum.security.entropy import binary_entropy

NAME = "sarg04"


def sarg04_parts(parts: Parts) -> tuple[Source, Detector, Sarg04]:
    """Source, detector and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, Source),
        exposed(parts, of(NAME, "detector", parts.detector, Detector)),
        of(NAME, "protocol", parts.protocol, Sarg04),
    )


def photon_counts(parts: Parts, at_m: NDArray[np.float64]) -> PhotonCounts:
    """Expected conclusive bits of one block at each distance, one and two photons told apart."""
    source, detector, protocol = sarg04_parts(parts)
    n = protocol.block_pulses
    return expected_photon_counts(source, parts.channel, detector, protocol.sifting, 2, n, at_m)


def _check(parts: Parts) -> None:
    source, detector, _ = sarg04_parts(parts)
    require_signal(source, detector)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts, with f_ec n h(qber) bits disclosed."""
    counts = photon_counts(parts, at_m)
    leaked = parts.security.f_ec * counts.sifted * binary_entropy(counts.qber)
    return photon_rate(parts, at_m, counts, fung2006.asymptotic(counts, leaked))


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Pulses, Detections]:
    """The light is that of BB84 with both bases as likely: only what is announced differs."""
    source, detector, protocol = sarg04_parts(parts)
    light = DecoyBB84(0.5, protocol.block_pulses)
    return sampled(source, parts.channel, detector, light, n_pulses, seed, eve_fraction)


_KNOB = Knob("intensity 1", 0.01, 1.0)


def _settings(parts: Parts) -> dict[str, float]:
    return {_KNOB.name: sarg04_parts(parts)[0].intensities[0]}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, _, protocol = sarg04_parts(parts)
    turned = replace(source, intensities=(settings[_KNOB.name], *source.intensities[1:]))
    return Parts(turned, parts.channel, parts.detector, protocol, parts.security)


FAMILY = Family(
    name=NAME,
    title="SARG04, pairs of states announced, decoy states without end, key from one photon and from two",
    source=Source,
    detector=Detector,
    media=AIR_OR_FIBRE,
    protocol=Sarg04,
    bounds={"asymptotic": fung2006.PROOF},
    check=_check,
    rate=_rate,
    emulate=_emulate,
    knobs=(_KNOB,),
    settings=_settings,
    turned=_turned,
)
