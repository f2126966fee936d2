"""One block of emulated continuous variables: what Alice modulates and what Bob measures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.symbols import Symbols
from haris.quantum.emulate.expected_gaussian import expected_channel
from haris.quantum.emulate.noise_budget import NoiseBudget
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.security.gaussian_channel import GaussianChannel

RESENT_NOISE_SNU = 2.0
"""At the channel's input: a unit of Eve's heterodyne measurement, and one of the coherent state that she resends."""


def sampled_symbols(
    source: ModulatedLaser | ConstellationLaser,
    fibre: NoisyFibre,
    receiver: CoherentReceiver,
    n_symbols: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
    budget: NoiseBudget | None = None,
) -> tuple[Symbols, Symbols]:
    """Sample n_symbols: Alice's half and Bob's, of Gaussian or discrete modulation. The same arguments give the same.

    Of homodyne detection, Alice's values are those of the quadrature that Bob drew and told. Alice's do not depend on
    Eve, who measures both quadratures of the share eve_fraction of the symbols and resends what she found.
    budget: what hardware adds over this fibre, as Gaussian noise.
    Raises ParameterError on arguments outside their range.
    """
    require_not_negative("n_symbols", n_symbols)
    require_probability("eve_fraction", eve_fraction)
    channel = expected_channel(source, fibre, receiver, budget=budget)
    shape = (n_symbols, channel.values_per_symbol)
    sent = _modulated(source, generator(seed, b"modulation"), shape)
    return Symbols(sent), measured(sent, channel, seed, eve_fraction)


def measured(light: NDArray[np.float32], channel: GaussianChannel, seed: int | bytes, eve_fraction: float) -> Symbols:
    """Bob's values of light whose quadratures have these means at the channel's input, shape (symbols, values)."""
    random = generator(seed, b"measured")
    gain = np.float32(np.sqrt(channel.gain * channel.transmittance))
    values = random.standard_normal(light.shape, dtype=np.float32)
    values *= np.float32(np.sqrt(channel.value_noise_snu))
    values += gain * light
    if eve_fraction > 0.0:
        resent = random.random(len(light), dtype=np.float32) < eve_fraction
        noise = random.standard_normal((int(resent.sum()), light.shape[1]), dtype=np.float32)
        values[resent] += gain * np.float32(np.sqrt(RESENT_NOISE_SNU)) * noise
    return Symbols(values)


def _modulated(
    source: ModulatedLaser | ConstellationLaser, random: np.random.Generator, shape: tuple[int, int]
) -> NDArray[np.float32]:
    if isinstance(source, ModulatedLaser):
        return random.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(source.modulation_variance_snu))
    levels = source.levels_snu.astype(np.float32)
    return levels[np.searchsorted(np.cumsum(source.probabilities)[:-1], random.random(shape), side="right")]


def generator(seed: int | bytes, purpose: bytes) -> np.random.Generator:
    """Random numbers of one purpose from a seed."""
    return np.random.default_rng(np.frombuffer(derived_key(seed, purpose), np.uint32))
