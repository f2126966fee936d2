"""Verification: do both ends hold the same bits after reconciliation?"""

from __future__ import annotations

import hmac
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from haris.crypto.wegman_carter import forgery_probability, tag
from haris.wire.distillation import Fingerprint

HASH_KEY_OCTETS = 16


def fingerprint(bits: NDArray[np.uint8], hash_key: bytes) -> bytes:
    """128-bit polynomial hash of packed bits under a public key of 16 octets, drawn after reconciliation.

    Poly1305 with nothing added: the key need not be secret, only unknown while the bits could still change.
    """
    return tag(bits.tobytes(), hash_key + bytes(HASH_KEY_OCTETS))


def fingerprint_message(bits: NDArray[np.uint8], entropy: Callable[[int], bytes]) -> Fingerprint:
    """Alice's hash of her packed bits under a fresh key."""
    hash_key = entropy(HASH_KEY_OCTETS)
    return Fingerprint(hash_key=hash_key, digest=fingerprint(bits, hash_key))


def agrees(bits: NDArray[np.uint8], message: Fingerprint) -> bool:
    """Whether packed bits have the peer's hash."""
    return hmac.compare_digest(fingerprint(bits, message.hash_key), message.digest)


def collision_probability(n_bits: int) -> float:
    """Greatest probability that two different strings of n_bits have one hash: epsilon of correctness.

    8 ceil(L / 16) / 2^106 for L = ceil(n_bits / 8) octets (Bernstein 2005, Theorem 3.3).
    """
    return forgery_probability(-(-n_bits // 8))
