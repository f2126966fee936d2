"""Continuous variables under attack: what the users estimate and claim of them, and what Eve leaves secret."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haris.nouns.symbols import Symbols
from haris.quantum.attacks.attack import Attack, AttackedRate, Secret, Sign, deviations
from haris.quantum.emulate.sampled_gaussian import RESENT_NOISE_SNU, measured
from haris.quantum.families import discrete_cv, gaussian_cv
from haris.quantum.families.coherent_hardware import estimated
from haris.quantum.families.family import Parts, of
from haris.quantum.protocols.discrete_cv import DiscreteCV
from haris.quantum.protocols.quadratures import QuadratureProtocol
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.key_length import Term
from haris.quantum.security.limits import thermal_loss

Floats = NDArray[np.float64]

LIMIT = "Pirandola et al., Nat. Commun. 8, 15043 (2017), thermal loss; and no more than I(A;B)"


@dataclass(frozen=True, slots=True)
class Quadratures:
    """Two descriptions of one channel under attack, before Eve resends anything.

    true: what the light really undergoes, in true units of shot noise. seen: what the users' estimates come to, by the
    modulation and the unit that they believe in; its noise may be below what can be.
    """

    true: GaussianChannel
    seen: GaussianChannel


class QuadratureAttack(Attack, Protocol):
    """An attack on quadratures.

    eve_fraction: share of the symbols that Eve measures and resends. quadratures: what becomes of the rest.
    least_source: why the rest of the key is secret. eve_terms: further numbers, of the true channel.
    """

    @property
    def eve_fraction(self) -> float:
        """In [0, 1]."""

    @property
    def least_source(self) -> str:
        """Theorem, or the argument."""

    def quadratures(self, honest: GaussianChannel) -> Quadratures:
        """Of a link that would honestly have this channel."""

    def eve_terms(self, true: GaussianChannel) -> tuple[Term, ...]:
        """None, of most attacks."""


def with_resent(channel: GaussianChannel, eve_fraction: float) -> GaussianChannel:
    """A channel with the noise that what Eve resends adds to it on average, RESENT_NOISE_SNU of her share."""
    return replace(channel, noise_snu=channel.noise_snu + eve_fraction * RESENT_NOISE_SNU * channel.transmittance)


def possible(channel: GaussianChannel) -> GaussianChannel:
    """A channel as its estimates come out, cut to what can be."""
    return replace(
        channel,
        transmittance=np.minimum(channel.transmittance, 1.0),
        noise_snu=np.maximum(channel.noise_snu, 0.0),
    )


def quadrature_rate(attack: QuadratureAttack, parts: Parts, at_m: Floats) -> AttackedRate:
    """Claimed and secret key of a link of quadratures at distances in metres, and what its users see."""
    protocol = of("quadratures", "protocol", parts.protocol, QuadratureProtocol)
    rate_of = discrete_cv.rate_of_channel if isinstance(protocol, DiscreteCV) else gaussian_cv.rate_of_channel
    honest, noise = estimated(parts, at_m)
    under = attack.quadratures(honest)
    seen, true = (possible(with_resent(each, attack.eve_fraction)) for each in (under.seen, under.true))
    claimed, known = (rate_of(parts, each, at_m) for each in (seen, true))
    claimed_bits, known_bits = (np.asarray(each.key.length_bits, dtype=np.float64) for each in (claimed, known))
    disclosed = protocol.n_symbols * (protocol.p_estimation or 1.0)
    alone = (1.0 - attack.eve_fraction) * protocol.n_symbols * (1.0 - protocol.p_estimation)
    limit = np.minimum(thermal_loss(under.true.transmittance, under.true.noise_snu), under.true.mutual_information)
    secret = Secret(
        at_least=np.minimum(known_bits, claimed_bits),
        at_most=np.asarray(alone * limit),
        least_source=attack.least_source,
        most_source=LIMIT,
        terms=attack.eve_terms(true),
    )
    return AttackedRate(
        honest=rate_of(parts, honest, at_m, noise),
        claimed=claimed,
        secret=secret,
        signs=signs(honest, with_resent(under.seen, attack.eve_fraction), disclosed),
    )


def signs(honest: GaussianChannel, seen: GaussianChannel, n_symbols: float) -> tuple[Sign, ...]:
    """The two estimates, with the spread that those of so many symbols have."""
    n = n_symbols * honest.values_per_symbol
    noise = honest.value_noise_snu
    slope, slope_seen = (np.sqrt(each.gain * each.transmittance) for each in (honest, seen))
    of_slope = deviations(slope, slope_seen, np.sqrt(noise / (n * honest.modulation_variance_snu)))
    of_noise = deviations(noise, seen.value_noise_snu, noise * np.sqrt(2.0 / n))
    return (
        Sign("transmittance", honest.transmittance, seen.transmittance, of_slope),
        Sign("noise of a value, SNU", noise, seen.value_noise_snu, of_noise),
    )


def sampled_quadratures(attack: QuadratureAttack, parts: Parts, alice: Symbols, seed: int | bytes) -> Symbols:
    """Bob's half, in his own units, of the states that Alice sent. The same seed gives the same light."""
    honest, _ = estimated(parts, np.asarray(parts.channel.length_m))
    return measured(alice.values, attack.quadratures(honest).seen, seed, attack.eve_fraction)


def measured_signs(parts: Parts, alice: Symbols, bob: Symbols) -> tuple[Sign, ...]:
    """The estimates of these symbols, not cut to what can be, beside those that an honest link would give."""
    honest, _ = estimated(parts, np.asarray(parts.channel.length_m))
    x, y = (each.values.astype(np.float64) for each in (alice, bob))
    slope = (x * y).sum() / (x * x).sum()
    noise = ((y - slope * x) ** 2).mean()
    measured_channel = replace(
        honest,
        transmittance=np.asarray(slope**2 / honest.gain),
        noise_snu=np.asarray((noise - 1.0 - honest.electronic_noise_snu) / honest.gain),
    )
    return signs(honest, measured_channel, alice.n_symbols)
