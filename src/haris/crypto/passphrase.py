"""A key from a passphrase, by scrypt: C. Percival, S. Josefsson, RFC 7914 (2016)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from haris.nouns.errors import ParameterError

KEY_OCTETS = 32
SALT_OCTETS = 16
_MOST_MEMORY_OCTETS = 1 << 30


@dataclass(frozen=True, slots=True)
class Hardness:
    """What a guess costs: 128 * n * r octets of memory, p times over. The default: 128 MiB, about half a second."""

    n: int = 1 << 17
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        if self.n < 2 or self.n & (self.n - 1) or self.r < 1 or not 1 <= self.p <= 16:
            raise ParameterError(f"scrypt needs n, a power of 2 above 1, r of at least 1, p of 1 to 16, got {self}")
        if 128 * self.n * self.r > _MOST_MEMORY_OCTETS:
            raise ParameterError(f"scrypt with n = {self.n} and r = {self.r} needs more than 1 GiB of memory")


def key_of_passphrase(passphrase: bytes, salt: bytes, hardness: Hardness) -> bytes:
    """Thirty-two octets. Raises ParameterError for a blank passphrase, and for a salt below 16 octets."""
    if not passphrase.strip():
        raise ParameterError("the passphrase is blank")
    if len(salt) < SALT_OCTETS:
        raise ParameterError(f"a salt has at least {SALT_OCTETS} octets, got {len(salt)}")
    return Scrypt(salt, KEY_OCTETS, hardness.n, hardness.r, hardness.p).derive(passphrase)
