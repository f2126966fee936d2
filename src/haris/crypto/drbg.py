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


def require_known_answer() -> None:
    """Instantiate, seed and generate as in a vector of NIST (CAVP), before the generator is used; SP 800-90A, 11.3.

    Raises KeyUnavailable when another answer comes.
    """
    seeds = iter(_SEEDS[first : first + SEED_OCTETS] for first in range(0, len(_SEEDS), SEED_OCTETS))
    drbg = Drbg(lambda n_octets: next(seeds), _PERSONALIZATION)
    for additional in (_ADDITIONAL[:SEED_OCTETS], _ADDITIONAL[SEED_OCTETS:]):
        octets = drbg.generate(len(_ANSWER), additional, prediction_resistance=True)
    if octets != _ANSWER:
        raise KeyUnavailable("the generator does not give its known answer")


def _padded(additional: bytes) -> bytes:
    if len(additional) > SEED_OCTETS:
        raise ParameterError(f"additional must hold up to {SEED_OCTETS} octets, got {len(additional)}")
    return additional.ljust(SEED_OCTETS, b"\0")


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(SEED_OCTETS, "big")


_SEEDS = bytes.fromhex(
    "c54805274bde00aa5289e0513579019707666d2fa7a1c8908865891c87c0c652335a4d3cc415bc30742b164647f8820f"
    "b2ad31d1f20dcf30dd526ec9156c07f270216bdb59197325bab180675929888ab699c54fb21819b7d921d6346bff2f7f"
    "eca449048d26fd38f8ca435237dce66eadec7069ee5dd0b70084b819a711c0820a7556bbd0ae20f06e5169278b593b71"
)
_PERSONALIZATION = bytes.fromhex(
    "d63fb5afa2101fa4b8a6c3b89d9c250ac728fc1ddad0e7585b5d54728ed20c2f940e89155596e3b963635b6d6088164b"
)
_ADDITIONAL = bytes.fromhex(
    "744bfae3c23a5cc9a3b373b6c50795068d35eb8a339746ac810d16f864e880061082edf9d2687c211960aa83400f85f9"
    "ad55c682962aa4fe9ebc227c9402e79b0aa7874844d33eaee7e2d15baf81d9d33936e4d93f28ad109657b512aee115a5"
)
_ANSWER = bytes.fromhex(
    "f08fdfc1775b6feb5a4177110bf29d7c3ab715dfdc4b27200359288c0624bd5c1028acc9914d88a82b09f5eaafdc3bca"
    "8547b98481df39b86504314221cbdc3c"
)
