"""Continuous variables with Gaussian modulation over a fibre."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.symbols import Symbols
from haris.quantum.emulate.expected_gaussian import expected_block
from haris.quantum.emulate.sampled_gaussian import sampled_symbols
from haris.quantum.families.coherent_hardware import budget_of, estimated, require_hardware
from haris.quantum.families.family import Family, Knob, Parts, Rate, of
from haris.quantum.families.live_quadratures import live_quadratures
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_bounds import PROOFS, gaussian_key_length
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.key_length import Term
from haris.quantum.security.limits import plob

NAME = "gaussian-cv"


def _check(parts: Parts) -> None:
    """Bounds for finite blocks need an estimate; and hardware has to fit."""
    require_hardware(parts)
    protocol = of(NAME, "protocol", parts.protocol, GaussianCV)
    if PROOFS[parts.security.bound].finite and protocol.p_estimation == 0.0:
        raise ParameterError(
            f"p_estimation must be above 0 for bound {parts.security.bound!r}: "
            "the channel is unknown unless symbols are disclosed"
        )


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block whose estimates meet their expectation."""
    channel, noise = estimated(parts, at_m)
    return rate_of_channel(parts, channel, at_m, noise)


def rate_of_channel(
    parts: Parts, channel: GaussianChannel, at_m: NDArray[np.float64], noise: tuple[Term, ...] = ()
) -> Rate:
    """The rate of a block over a channel of these estimates at each distance, whatever they come from.

    noise: terms that tell what its noise is made of.
    """
    protocol = of(NAME, "protocol", parts.protocol, GaussianCV)
    key = gaussian_key_length(expected_block(channel, protocol), parts.security)
    per_pulse = np.asarray(key.length_bits / protocol.block_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * parts.source.clock_hz),
        qber=np.full(at_m.shape, np.nan),
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=replace(key, terms=(*noise, *key.terms)),
    )


def _known(parts: Parts) -> GaussianChannel:
    """Modulation and calibrated receiver, of the link's own length where hardware depends on it."""
    return estimated(parts, np.asarray(parts.channel.length_m))[0]


def _expected(parts: Parts, at_m: NDArray[np.float64]) -> GaussianBlock:
    return expected_block(estimated(parts, at_m)[0], of(NAME, "protocol", parts.protocol, GaussianCV))


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Symbols, Symbols]:
    """Symbols of n_pulses states, those that carry a reference left out."""
    return sampled_symbols(
        of(NAME, "source", parts.source, ModulatedLaser),
        of(NAME, "channel", parts.channel, NoisyFibre),
        of(NAME, "detector", parts.detector, CoherentReceiver),
        round(n_pulses * (1.0 - of(NAME, "protocol", parts.protocol, GaussianCV).p_reference)),
        seed,
        eve_fraction,
        budget_of(parts),
    )


_KNOBS = (Knob("modulation", 0.1, 100.0, logarithmic=True), Knob("p of estimation", 1e-3, 0.9, logarithmic=True))


def _settings(parts: Parts) -> dict[str, float]:
    source = of(NAME, "source", parts.source, ModulatedLaser)
    protocol = of(NAME, "protocol", parts.protocol, GaussianCV)
    return {"modulation": source.modulation_variance_snu, "p of estimation": protocol.p_estimation}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source = of(NAME, "source", parts.source, ModulatedLaser)
    protocol = of(NAME, "protocol", parts.protocol, GaussianCV)
    return Parts(
        replace(source, modulation_variance_snu=settings["modulation"]),
        parts.channel,
        parts.detector,
        replace(protocol, p_estimation=settings["p of estimation"]),
        parts.security,
    )


FAMILY = Family(
    name=NAME,
    title="continuous variables with Gaussian modulation, homodyne or heterodyne detection",
    source=ModulatedLaser,
    media={"fibre": NoisyFibre},
    detector=CoherentReceiver,
    protocol=GaussianCV,
    bounds=PROOFS,
    check=_check,
    rate=_rate,
    emulate=_emulate,
    live=live_quadratures(_known, _expected, gaussian_key_length),
    ignores=("channel.misalignment", "security.f_ec"),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
