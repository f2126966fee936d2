"""Measurement-device-independent continuous variables over a fibre with a relay on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.relayed_symbols import RelayedSymbols
from haris.quantum.emulate.expected_relay import expected_relay_channel
from haris.quantum.emulate.sampled_relay import emulate_relayed
from haris.quantum.families.family import Family, Knob, Parts, Rate, of
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.quadrature_relay import QuadratureRelay
from haris.quantum.protocols.cv_mdi import CvMdi
from haris.quantum.security import pirandola2015
from haris.quantum.security.limits import plob

NAME = "cv-mdi"


def relay_parts(parts: Parts) -> tuple[ModulatedLaser, NoisyFibre, QuadratureRelay, CvMdi]:
    """Source, fibre, relay and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, ModulatedLaser),
        of(NAME, "channel", parts.channel, NoisyFibre),
        of(NAME, "detector", parts.detector, QuadratureRelay),
        of(NAME, "protocol", parts.protocol, CvMdi),
    )


def _check(parts: Parts) -> None:
    relay_parts(parts)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block whose estimates meet their expectation."""
    source, fibre, relay, protocol = relay_parts(parts)
    channel = expected_relay_channel(source, fibre, relay, at_m)
    key = pirandola2015.asymptotic(channel, protocol.block_pulses, protocol.reconciliation_efficiency)
    per_pulse = np.asarray(key.length_bits / protocol.block_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * source.clock_hz),
        qber=np.full(at_m.shape, np.nan),
        plob_per_pulse=plob(fibre.transmittance(at_m)),
        key=key,
    )


def _emulate(
    parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float
) -> tuple[RelayedSymbols, RelayedSymbols]:
    source, fibre, relay, _ = relay_parts(parts)
    return emulate_relayed(source, fibre, relay, n_pulses, seed, eve_fraction)


_KNOB = Knob("modulation", 0.1, 1000.0, logarithmic=True)


def _settings(parts: Parts) -> dict[str, float]:
    return {_KNOB.name: relay_parts(parts)[0].modulation_variance_snu}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, fibre, relay, protocol = relay_parts(parts)
    turned = replace(source, modulation_variance_snu=settings[_KNOB.name])
    return Parts(turned, fibre, relay, protocol, parts.security)


FAMILY = Family(
    name=NAME,
    title="continuous variables from both ends, measured at an untrusted relay between them",
    source=ModulatedLaser,
    media={"fibre": NoisyFibre},
    detector=QuadratureRelay,
    protocol=CvMdi,
    bounds={"asymptotic": pirandola2015.PROOF},
    check=_check,
    rate=_rate,
    emulate=_emulate,
    ignores=("source.hardware", "channel.misalignment", "channel.classical", "security.f_ec"),
    knobs=(_KNOB,),
    settings=_settings,
    turned=_turned,
)
