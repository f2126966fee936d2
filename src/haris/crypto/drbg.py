"""A deterministic random bit generator for bursts: CTR_DRBG of NIST SP 800-90A, with AES-256.

Its bits are computationally secret only. Whoever hands them out says so.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from haris.nouns.errors import KeyUnavailable, ParameterError

SEED_OCTETS = 48
"""Key and block of AES-256: what one seeding takes of the entropy source."""
MOST_OCTETS = 2**16
"""Of one request (SP 800-90A, table 3: 2^19 bits)."""
MOST_REQUESTS = 2**48
"""Between two seedings (SP 800-90A, table 3)."""

_KEY_OCTETS, _BLOCK_OCTETS = 32, 16


class Drbg:
    """CTR_DRBG with AES-256, without derivation function: it wants entropy input of full entropy.

    entropy: called with a number of octets, gives so many of full entropy, as the output of an extractor is; or raises
    KeyUnavailable. personalization: up to 48 octets that tell one instance from another; no secret.
    reseed_interval: after so many requests it asks for entropy anew, 1 to 2^48.
    It fails closed: where entropy is due and there is none, KeyUnavailable and no bit. Not for several threads at once.
    Raises ParameterError on other arguments.
    Source: SP 800-90A Rev. 1, 10.2.1 (CTR_DRBG), 9.3 (prediction resistance), table 3 (limits).
    """

    def __init__(
        self, entropy: Callable[[int], bytes], personalization: bytes = b"", reseed_interval: int = 1024
    ) -> None:
        if not 1 <= reseed_interval <= MOST_REQUESTS:
            raise ParameterError(f"reseed_interval must lie in [1, 2^48], got {reseed_interval}")
        self._entropy, self._interval = entropy, reseed_interval
        self._key, self._block = bytes(_KEY_OCTETS), 0
        self.n_requests = 0
        """Since the last seeding."""
        self.n_seedings = 0
        self.reseed(personalization)

    def reseed(self, additional: bytes = b"") -> None:
        """Take entropy anew. additional: up to 48 octets that go in beside it. KeyUnavailable where there is none."""
        beside = _padded(additional)
        fresh = self._entropy(SEED_OCTETS)
        if len(fresh) != SEED_OCTETS or len(set(fresh)) == 1:  # 48 equal octets: once in 2^376 seeds
            raise KeyUnavailable("the entropy source gave no seed for the generator")
        self._update(_xor(fresh, beside))
        self.n_requests = 0
        self.n_seedings += 1

    def generate(self, n_octets: int, additional: bytes = b"", prediction_resistance: bool = False) -> bytes:
        """So many octets, 1 to 65536. prediction_resistance: take entropy anew before.

        Whatever is learnt of the state later, this answer stays secret.
        Raises KeyUnavailable when entropy is due and there is none; the state is then as before.
        """
        if not 1 <= n_octets <= MOST_OCTETS:
            raise ParameterError(f"n_octets must lie in [1, {MOST_OCTETS}] a request, got {n_octets}")
        beside = _padded(additional)
        if prediction_resistance or self.n_requests >= self._interval:
            self.reseed(additional)
            additional, beside = b"", bytes(SEED_OCTETS)
        if additional:
            self._update(beside)
        octets = self._next(n_octets)
        self._update(beside)
        self.n_requests += 1
        return octets

    def _next(self, n_octets: int) -> bytes:
        """Blocks of the counter, encrypted: V + 1, V + 2, ... modulo 2^128."""
        n_blocks = -(-n_octets // _BLOCK_OCTETS)
        first = (self._block + 1) % 2**128
        encryptor = Cipher(AES(self._key), CTR(first.to_bytes(_BLOCK_OCTETS, "big"))).encryptor()
        octets = encryptor.update(bytes(n_octets))
        self._block = (self._block + n_blocks) % 2**128
        return octets

    def _update(self, provided: bytes) -> None:
        """CTR_DRBG_Update (10.2.1.2)."""
        octets = _xor(self._next(SEED_OCTETS), provided)
        self._key, self._block = octets[:_KEY_OCTETS], int.from_bytes(octets[_KEY_OCTETS:], "big")


def _padded(additional: bytes) -> bytes:
    if len(additional) > SEED_OCTETS:
        raise ParameterError(f"additional must hold up to {SEED_OCTETS} octets, got {len(additional)}")
    return additional.ljust(SEED_OCTETS, b"\0")


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(SEED_OCTETS, "big")
