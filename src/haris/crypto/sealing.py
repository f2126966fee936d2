"""Keys at rest: AES-256-GCM under a key-encryption key, with a nonce long enough to be drawn at random.

A store seals more rows in its life than plain AES-GCM allows one key with random 96-bit nonces (2^32, NIST SP 800-38D,
8.3). XAES-256-GCM (C2SP, 2024) draws 192 bits: 96 of them derive a key for this row by CMAC in counter mode (NIST SP
800-108), 96 are the nonce of AES-256-GCM under it.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from haris.nouns.errors import ParameterError, StoreError

KEY_OCTETS = 32
NONCE_OCTETS = 24

Entropy = Callable[[int], bytes]


class Sealer:
    """Seals secrets, each to the row that it belongs to, so that rows cannot be swapped."""

    def __init__(self, key_encryption_key: bytes, entropy: Entropy) -> None:
        """key_encryption_key: 32 octets. entropy: gives octets that nobody can predict."""
        if len(key_encryption_key) != KEY_OCTETS:
            raise ParameterError(f"a key-encryption key has {KEY_OCTETS} octets, got {len(key_encryption_key)}")
        self._cipher = Cipher(AES256(key_encryption_key), ECB())
        self._mask = _doubled(_encrypt(self._cipher.encryptor(), bytes(16)))
        self._entropy = entropy

    def seal(self, secret: bytes, row: bytes) -> bytes:
        """Nonce, ciphertext and tag of secret; row names where it is kept."""
        nonce = self._entropy(NONCE_OCTETS)
        return nonce + self._row_key(nonce).encrypt(nonce[12:], secret, row)

    def unseal(self, sealed: bytes, row: bytes) -> bytes:
        """The secret. StoreError when it was sealed under another key, for another row, or changed since."""
        nonce, box = sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:]
        try:
            return self._row_key(nonce).decrypt(nonce[12:], box, row)
        except (InvalidTag, ValueError):
            raise StoreError("a sealed row does not open: another key-encryption key, or a changed row") from None

    def _row_key(self, nonce: bytes) -> AESGCM:
        encryptor = self._cipher.encryptor()
        prefixes = (b"\x00\x01X\x00", b"\x00\x02X\x00")
        return AESGCM(b"".join(_encrypt(encryptor, _xor(prefix + nonce[:12], self._mask)) for prefix in prefixes))


def _encrypt(encryptor: CipherContext, block: bytes) -> bytes:
    return encryptor.update(block)


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a) ^ int.from_bytes(b)).to_bytes(16)


def _doubled(block: bytes) -> bytes:
    """Twice the block in GF(2^128), as CMAC's subkey K1 (NIST SP 800-38B, 6.1)."""
    value = int.from_bytes(block) << 1
    return ((value & ((1 << 128) - 1)) ^ (0x87 if value >> 128 else 0)).to_bytes(16)
