"""Privacy amplification: a shorter string of which an eavesdropper knows nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from haris.kernels.toeplitz import toeplitz
from haris.nouns.errors import PeerError
from haris.wire.distillation import Amplification
from haris.wire.packing import unpack_bits


def seed_octets(n_bits: int, length_bits: int, entropy: Callable[[int], bytes]) -> bytes:
    """A fresh public seed of n_bits + length_bits - 1 bits, packed.

    It is drawn after the pulses of its block were measured, and serves this block alone.
    """
    size_bits = n_bits + length_bits - 1
    octets = bytearray(entropy(-(-size_bits // 8)))
    octets[-1] &= 0xFF >> -size_bits % 8
    return bytes(octets)


def amplify(bits: NDArray[np.uint8], message: Amplification) -> NDArray[np.uint8]:
    """The key: length_bits of the Toeplitz hash of bits under the announced seed (Krawczyk, CRYPTO '94).

    The family is 2-universal, as the leftover hash lemma asks. Raises PeerError on a seed of another length.
    """
    if not 1 <= message.length_bits <= len(bits):
        raise PeerError(f"the peer wants {message.length_bits} bits of key from {len(bits)}")
    return toeplitz(bits, unpack_bits(message.seed, len(bits) + message.length_bits - 1), message.length_bits)
