"""Privacy amplification: a shorter string of which an eavesdropper knows nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from haris.kernels.toeplitz import toeplitz_packed
from haris.nouns.errors import PeerError
from haris.wire.distillation import Amplification
from haris.wire.packing import packed_bits


def seed_octets(n_bits: int, length_bits: int, entropy: Callable[[int], bytes]) -> bytes:
    """A fresh public seed of n_bits + length_bits - 1 bits, packed.

    It is drawn after the pulses of its block were measured, and serves this block alone.
    """
    size_bits = n_bits + length_bits - 1
    octets = bytearray(entropy(-(-size_bits // 8)))
    octets[-1] &= 0xFF >> -size_bits % 8
    return bytes(octets)


def amplify(bits: NDArray[np.uint8], n_bits: int, message: Amplification) -> NDArray[np.uint8]:
    """The key, uint8 0/1: length_bits of the Toeplitz hash of n_bits packed bits under the announced seed.

    The family is 2-universal, as the leftover hash lemma asks (Krawczyk, CRYPTO '94).
    Raises PeerError on a seed of another length.
    """
    if not 1 <= message.length_bits <= n_bits:
        raise PeerError(f"the peer wants {message.length_bits} bits of key from {n_bits}")
    seed = packed_bits(message.seed, n_bits + message.length_bits - 1)
    key = toeplitz_packed(bits, n_bits, seed, message.length_bits)
    return np.unpackbits(key, count=message.length_bits, bitorder="little")
