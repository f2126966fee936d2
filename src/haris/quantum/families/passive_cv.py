"""Continuous variables with passive state preparation from a thermal source, over a fibre to one user or to several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.symbols import Symbols
from haris.quantum.emulate.expected_gaussian import expected_block
from haris.quantum.emulate.expected_passive import expected_passive_channel
from haris.quantum.emulate.sampled_passive import sampled_passive_symbols
from haris.quantum.families.family import Family, Knob, Parts, Rate, of
from haris.quantum.families.live_quadratures import live_quadratures
from haris.quantum.optics.oscillator_receiver import OscillatorReceiver
from haris.quantum.optics.split_fibre import SplitFibre
from haris.quantum.optics.thermal_source import ThermalSource
from haris.quantum.protocols.passive_cv import PassiveCV
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.limits import plob
from haris.quantum.security.passive_bounds import PROOFS, passive_key_length, prepared_terms, users_terms

NAME = "passive-cv"


def _source(parts: Parts) -> ThermalSource:
    return of(NAME, "source", parts.source, ThermalSource)


def _fibre(parts: Parts) -> SplitFibre:
    return of(NAME, "channel", parts.channel, SplitFibre)


def _receiver(parts: Parts) -> OscillatorReceiver:
    return of(NAME, "detector", parts.detector, OscillatorReceiver)


def _protocol(parts: Parts) -> PassiveCV:
    return of(NAME, "protocol", parts.protocol, PassiveCV)


def _check(parts: Parts) -> None:
    """Bounds for finite blocks need an estimate."""
    if PROOFS[parts.security.bound].finite and _protocol(parts).p_estimation == 0.0:
        raise ParameterError(
            f"p_estimation must be above 0 for bound {parts.security.bound!r}: "
            "the channel is unknown unless symbols are disclosed"
        )


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one user's block whose estimates meet their expectation."""
    source, fibre, protocol = _source(parts), _fibre(parts), _protocol(parts)
    channel = expected_passive_channel(source, fibre, _receiver(parts), at_m)
    prepared = prepared_terms(source.modulation_variance_snu, source.preparation_noise_snu, source.trusted)
    key = passive_key_length(expected_block(channel, protocol), parts.security, prepared)
    per_pulse = np.asarray(key.length_bits / protocol.block_pulses)
    per_s = np.asarray(per_pulse * source.clock_hz)
    return Rate(
        distance_m=at_m,
        secret_bits_per_pulse=per_pulse,
        secret_bits_per_s=per_s,
        qber=np.full(at_m.shape, np.nan),
        plob_per_pulse=plob(fibre.transmittance(at_m)),
        key=users_terms(key, fibre.users, per_s) if fibre.users > 1 else key,
    )


def _known(parts: Parts) -> GaussianChannel:
    """Preparation and calibrated receiver. Raises ParameterError behind a splitter: its users draw samples apart."""
    if _fibre(parts).users > 1:
        raise ParameterError("users must be 1 for live keys: what is disclosed to one user would be another one's key")
    return expected_passive_channel(_source(parts), _fibre(parts), _receiver(parts), np.asarray(_fibre(parts).length_m))


def _expected(parts: Parts, at_m: NDArray[np.float64]) -> GaussianBlock:
    return expected_block(
        expected_passive_channel(_source(parts), _fibre(parts), _receiver(parts), at_m), _protocol(parts)
    )


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Symbols, Symbols]:
    """Symbols of n_pulses modes of one user, those that carry a reference left out."""
    n_symbols = round(n_pulses * (1.0 - _protocol(parts).p_reference))
    return sampled_passive_symbols(_source(parts), _fibre(parts), _receiver(parts), n_symbols, seed, eve_fraction)


_KNOBS = (Knob("attenuation", 0.0, 80.0), Knob("p of estimation", 1e-3, 0.9, logarithmic=True))


def _settings(parts: Parts) -> dict[str, float]:
    return {"attenuation": _source(parts).attenuation_db, "p of estimation": _protocol(parts).p_estimation}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    return Parts(
        replace(_source(parts), attenuation_db=settings["attenuation"]),
        parts.channel,
        parts.detector,
        replace(_protocol(parts), p_estimation=settings["p of estimation"]),
        parts.security,
    )


FAMILY = Family(
    name=NAME,
    title="continuous variables prepared passively from a thermal source, to one user or through a splitter to several",
    source=ThermalSource,
    media={"fibre": SplitFibre},
    detector=OscillatorReceiver,
    protocol=PassiveCV,
    bounds=PROOFS,
    check=_check,
    rate=_rate,
    emulate=_emulate,
    live=live_quadratures(_known, _expected, passive_key_length),
    ignores=("channel.misalignment", "security.f_ec"),
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
