"""Keys at rest: AES-256-GCM under a key-encryption key, with a nonce long enough to be drawn at random.

A store seals more rows in its life than plain AES-GCM allows one key with random 96-bit nonces (2^32, NIST SP 800-38D,
8.3). XAES-256-GCM (C2SP, 2024) draws 192 bits: 96 of them derive a key for this row by CMAC in counter mode (NIST SP
800-108), 96 are the nonce of AES-256-GCM under it. The first half is drawn anew for every ROWS_A_PREFIX rows: two of
them share the second half with a probability below 2^-56.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from haris.nouns.errors import ParameterError, StoreError

KEY_OCTETS = 32
NONCE_OCTETS = 24
TAG_OCTETS = 16
ROWS_A_PREFIX = 1 << 20
_HALF = NONCE_OCTETS // 2
_UNOPENED = "a sealed row does not open: another key-encryption key, or a changed row"

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
        self._row_key = lru_cache(maxsize=16)(self._derive)
        self._prefix, self._rows_left = b"", 0

    def seal(self, secret: bytes | bytearray | memoryview, row: bytes) -> bytes:
        """Nonce, ciphertext and tag of secret; row names where it is kept."""
        if not self._rows_left:
            self._prefix, self._rows_left = self._entropy(_HALF), ROWS_A_PREFIX
        self._rows_left -= 1
        nonce = self._entropy(_HALF)
        return self._prefix + nonce + self._row_key(self._prefix).encrypt(nonce, secret, row)

    def unseal(self, sealed: bytes, row: bytes) -> bytes:
        """The secret. StoreError when it was sealed under another key, for another row, or changed since."""
        nonce, box = sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:]
        try:
            return self._row_key(nonce[:_HALF]).decrypt(nonce[_HALF:], box, row)
        except (InvalidTag, ValueError):
            raise StoreError(_UNOPENED) from None

    def unseal_into(self, sealed: bytes, row: bytes) -> bytearray:
        """As unseal, into a buffer that the caller wipes."""
        nonce, box = sealed[:NONCE_OCTETS], memoryview(sealed)[NONCE_OCTETS:]
        secret = bytearray(max(0, len(box) - TAG_OCTETS))
        try:
            self._row_key(nonce[:_HALF]).decrypt_into(nonce[_HALF:], box, row, secret)
        except (InvalidTag, ValueError):
            raise StoreError(_UNOPENED) from None
        return secret

    def _derive(self, prefix: bytes) -> AESGCM:
        """The key of the rows whose nonce begins with prefix, 12 octets. ValueError for fewer."""
        encryptor = self._cipher.encryptor()
        counters = (b"\x00\x01X\x00", b"\x00\x02X\x00")
        return AESGCM(b"".join(_encrypt(encryptor, _xor(counter + prefix, self._mask)) for counter in counters))


def _encrypt(encryptor: CipherContext, block: bytes) -> bytes:
    return encryptor.update(block)


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a) ^ int.from_bytes(b)).to_bytes(16)


def _doubled(block: bytes) -> bytes:
    """Twice the block in GF(2^128), as CMAC's subkey K1 (NIST SP 800-38B, 6.1)."""
    value = int.from_bytes(block) << 1
    return ((value & ((1 << 128) - 1)) ^ (0x87 if value >> 128 else 0)).to_bytes(16)
