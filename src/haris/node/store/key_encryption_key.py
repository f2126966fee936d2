"""The key-encryption key of a store: a file of 32 octets, or a file in which they are sealed.

A sealed file holds one JSON object that says under what: a passphrase, or an AES key that lives in a PKCS#11 token. The
store's own rows are sealed under the 32 octets in either case, for a token takes milliseconds a time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from haris.crypto.passphrase import SALT_OCTETS, Hardness, key_of_passphrase
from haris.crypto.sealing import KEY_OCTETS, Sealer
from haris.node.pki.token import open_token
from haris.node.system.secret_file import read_secret_file
from haris.node.system.unlocking import read_unlocking
from haris.nouns.errors import ParameterError, StoreError

WHAT = "the key-encryption key"


class _Sealed(msgspec.Struct, frozen=True, tag_field="sealed_under", forbid_unknown_fields=True):
    """One key, sealed."""


class UnderPassphrase(_Sealed, frozen=True, tag="passphrase"):
    """Sealed under scrypt of a passphrase (XAES-256-GCM, crypto/sealing.py)."""

    n: int
    r: int
    p: int
    salt: bytes
    sealed: bytes


class UnderToken(_Sealed, frozen=True, tag="token"):
    """Sealed under an AES-256 key of a token. module: path of the PKCS#11 library. token, key: their labels."""

    module: str
    token: str
    key: str
    sealed: bytes


_decoder: msgspec.json.Decoder[UnderPassphrase | UnderToken] = msgspec.json.Decoder(UnderPassphrase | UnderToken)


def read_key_encryption_key(path: Path, unlock: str) -> bytes:
    """The 32 octets. unlock: where the passphrase or the PIN comes from, see read_unlocking.

    Raises ParameterError for a file that is missing, open to others or of neither kind, for a wrong passphrase or PIN.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ParameterError(f"{WHAT} {path}: {error.strerror}") from None
    octets = read_secret_file(WHAT, path, KEY_OCTETS if size <= KEY_OCTETS else min(size, 1 << 16))
    if len(octets) == KEY_OCTETS:
        return octets
    try:
        box = _decoder.decode(octets)
    except msgspec.MsgspecError as error:
        raise ParameterError(f"{WHAT} {path} holds neither 32 octets nor a sealed key: {error}") from None
    try:
        return _unseal(box, unlock)
    except StoreError:
        raise ParameterError(f"{WHAT} {path} does not open: another passphrase or token, or a changed file") from None


def seal_under_passphrase(
    key: bytes, passphrase: bytes, entropy: Callable[[int], bytes], hardness: Hardness | None = None
) -> bytes:
    """What a file under a passphrase holds."""
    hardness, salt = hardness or Hardness(), entropy(SALT_OCTETS)
    box = UnderPassphrase(hardness.n, hardness.r, hardness.p, salt, b"")
    sealer = Sealer(key_of_passphrase(passphrase, salt, hardness), entropy)
    return _encoded(msgspec.structs.replace(box, sealed=sealer.seal(key, _row(box))))


def seal_under_token(
    key: bytes, module: Path, token: str, label: str, pin: bytes, entropy: Callable[[int], bytes]
) -> bytes:
    """What a file under a token holds; the token gets a fresh AES key of that label."""
    box = UnderToken(str(module), token, label, b"")
    with open_token(module, token, pin) as opened:
        opened.make_sealing_key(label)
        return _encoded(msgspec.structs.replace(box, sealed=opened.seal(label, key, _row(box), entropy)))


def _unseal(box: UnderPassphrase | UnderToken, unlock: str) -> bytes:
    if isinstance(box, UnderToken):
        pin = read_unlocking(f"PIN of token {box.token}", unlock)
        with open_token(Path(box.module), box.token, pin) as token:
            return token.unseal(box.key, box.sealed, _row(box))
    passphrase = read_unlocking(f"passphrase of {WHAT}", unlock)
    derived = key_of_passphrase(passphrase, box.salt, Hardness(box.n, box.r, box.p))
    return Sealer(derived, os.urandom).unseal(box.sealed, _row(box))


def _row(box: UnderPassphrase | UnderToken) -> bytes:
    """What is sealed beside the key: all that the file says."""
    return msgspec.json.encode(msgspec.structs.replace(box, sealed=b""))


def _encoded(box: UnderPassphrase | UnderToken) -> bytes:
    return msgspec.json.format(msgspec.json.encode(box)) + b"\n"
