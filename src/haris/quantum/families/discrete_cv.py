"""Continuous variables with discrete modulation over a fibre: QPSK and square QAM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.symbols import Symbols
from haris.quantum.emulate.expected_constellation import expected_constellation_block
from haris.quantum.emulate.sampled_gaussian import sampled_symbols
from haris.quantum.families.coherent_hardware import budget_of, estimated, require_hardware
from haris.quantum.families.family import Family, Knob, Parts, Rate, of
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.discrete_cv import DiscreteCV
from haris.quantum.security.denys2021 import PROOF, asymptotic
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.key_length import Term
from haris.quantum.security.limits import plob

NAME = "discrete-cv"


def _check(parts: Parts) -> None:
    """Hardware has to fit; any other parts of these classes do."""
    require_hardware(parts)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block whose estimates meet their expectation."""
    channel, noise = estimated(parts, at_m)
    return rate_of_channel(parts, channel, at_m, noise)


def rate_of_channel(
    parts: Parts, channel: GaussianChannel, at_m: NDArray[np.float64], noise: tuple[Term, ...] = ()
) -> Rate:
    """The rate of a block over a channel of these estimates at each distance, whatever they come from.

    The states are the source's, at the channel's modulation. noise: terms that tell what its noise is made of.
    """
    source = of(NAME, "source", parts.source, ConstellationLaser)
    source = replace(source, modulation_variance_snu=channel.modulation_variance_snu)
    protocol = of(NAME, "protocol", parts.protocol, DiscreteCV)
    key = asymptotic(expected_constellation_block(source, channel, protocol), parts.security)
    per_pulse = np.asarray(key.length_bits / protocol.block_pulses)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=np.asarray(per_pulse * source.clock_hz),
        qber=np.full(at_m.shape, np.nan),
        plob_per_pulse=plob(parts.channel.transmittance(at_m)),
        key=replace(key, terms=(*noise, *key.terms)),
    )


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Symbols, Symbols]:
    """Symbols of n_pulses states, those that carry a reference left out."""
    return sampled_symbols(
        of(NAME, "source", parts.source, ConstellationLaser),
        of(NAME, "channel", parts.channel, NoisyFibre),
        of(NAME, "detector", parts.detector, CoherentReceiver),
        round(n_pulses * (1.0 - of(NAME, "protocol", parts.protocol, DiscreteCV).p_reference)),
        seed,
        eve_fraction,
        budget_of(parts),
    )


def _settings(parts: Parts) -> dict[str, float]:
    return {"modulation": of(NAME, "source", parts.source, ConstellationLaser).modulation_variance_snu}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source = of(NAME, "source", parts.source, ConstellationLaser)
    return replace(parts, source=replace(source, modulation_variance_snu=settings["modulation"]))


FAMILY = Family(
    name=NAME,
    title="continuous variables with discrete modulation (QPSK to 256-QAM), homodyne or heterodyne detection",
    source=ConstellationLaser,
    media={"fibre": NoisyFibre},
    detector=CoherentReceiver,
    protocol=DiscreteCV,
    bounds={"asymptotic": PROOF},
    check=_check,
    rate=_rate,
    emulate=_emulate,
    ignores=("channel.misalignment", "security.f_ec"),
    knobs=(Knob("modulation", 0.02, 20.0, logarithmic=True),),
    settings=_settings,
    turned=_turned,
)
