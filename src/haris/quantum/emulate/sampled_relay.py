"""One block of emulated light of two senders of quadratures, and what the relay between them announces."""

from __future__ import annotations

import numpy as np

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.relayed_symbols import RelayedSymbols
from haris.quantum.emulate.expected_relay import expected_relay_channel
from haris.quantum.emulate.sampled_gaussian import RESENT_NOISE_SNU, generator
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.quadrature_relay import QuadratureRelay


def emulate_relayed(
    source: ModulatedLaser,
    fibre: NoisyFibre,
    relay: QuadratureRelay,
    n_symbols: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[RelayedSymbols, RelayedSymbols]:
    """Sample n_symbols: Alice's half and Bob's. The same arguments give the same light.

    Eve measures both quadratures of the share eve_fraction of Alice's states, and resends what she found.
    Raises ParameterError on arguments outside their range.
    """
    require_not_negative("n_symbols", n_symbols)
    require_probability("eve_fraction", eve_fraction)
    channel = expected_relay_channel(source, fibre, relay)
    shape, deviation = (n_symbols, 2), np.float32(np.sqrt(source.modulation_variance_snu))
    alice, bob = (
        deviation * generator(seed, purpose).standard_normal(shape, dtype=np.float32) for purpose in (b"alice", b"bob")
    )
    random = generator(seed, b"relay")
    resent = random.random(n_symbols, dtype=np.float32) < eve_fraction
    arriving = alice + (resent * np.float32(np.sqrt(RESENT_NOISE_SNU)))[:, None] * random.standard_normal(
        shape, dtype=np.float32
    )
    at_alice, at_bob = (np.float32(np.sqrt(t / 2.0)) for t in (channel.alice, channel.bob))
    announced = np.float32(np.sqrt(1.0 + channel.noise_snu)) * random.standard_normal(shape, dtype=np.float32)
    announced += at_bob * bob + at_alice * arriving * np.array([-1.0, 1.0], dtype=np.float32)
    return RelayedSymbols(alice, announced), RelayedSymbols(bob, announced)
