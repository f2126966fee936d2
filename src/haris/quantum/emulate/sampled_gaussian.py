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
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.security.gaussian_channel import GaussianChannel

RESENT_NOISE_SNU = 2.0
"""At the channel's input: a unit of Eve's heterodyne measurement, and one of the coherent state that she resends."""


def sampled_symbols(
    source: ModulatedLaser,
    fibre: NoisyFibre,
    receiver: CoherentReceiver,
    n_symbols: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
    budget: NoiseBudget | None = None,
) -> tuple[Symbols, Symbols]:
    """Sample n_symbols: Alice's half and Bob's. The same arguments give the same light.

    Of homodyne detection, Alice's values are those of the quadrature that Bob drew and told. Alice's do not depend on
    Eve, who measures both quadratures of the share eve_fraction of the symbols and resends what she found.
    budget: what hardware adds over this fibre, as Gaussian noise.
    Raises ParameterError on arguments outside their range.
    """
    require_not_negative("n_symbols", n_symbols)
    require_probability("eve_fraction", eve_fraction)
    channel = expected_channel(source, fibre, receiver, budget=budget)
    shape = (n_symbols, channel.values_per_symbol)
    modulation = np.float32(np.sqrt(source.modulation_variance_snu))
    sent = generator(seed, b"modulation").standard_normal(shape, dtype=np.float32) * modulation
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


def generator(seed: int | bytes, purpose: bytes) -> np.random.Generator:
    """Random numbers of one purpose from a seed."""
    return np.random.default_rng(np.frombuffer(derived_key(seed, purpose), np.uint32))
