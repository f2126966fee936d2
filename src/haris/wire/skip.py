"""The messages of SKIP, the Secure Key Integration Protocol (draft-cisco-skip-02): what an encryptor and its key
provider say to each other.

Messages only: a server reads requests (ParameterError: its caller is wrong, status 400) and writes answers; a client
writes requests and reads answers (PeerError). Keys and identifiers are hexadecimal, sizes are bits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
import numpy as np

from haris.nouns.errors import ParameterError, PeerError

DEFAULT_BITS = 256
ALGORITHM = "QKD"

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_KEY_ID = re.compile(r"[0-9a-fA-F]{32}")
_BITS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a key provider can do (4.1). local_system: its name for the caller. remote_systems: whom it shares with."""

    local_system: str
    remote_systems: tuple[str, ...]
    algorithm: str = ALGORITHM
    entropy: bool = True
    key: bool = True


@dataclass(frozen=True, slots=True)
class SkipKey:
    """A key and its identifier (4.2)."""

    key_id: UUID
    octets: bytes = field(repr=False)


# Requests as a server reads them. query: decoded pairs in their order


def read_key_query(query: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """(remote system, size in bits) of a fresh key."""
    items = _once(query, ("remoteSystemID", "size"))
    return _remote(items), _bits("size", items.get("size"))


def read_known_key_query(query: Sequence[tuple[str, str]]) -> str:
    """The remote system that shares a known key."""
    return _remote(_once(query, ("remoteSystemID",)))


def read_entropy_query(query: Sequence[tuple[str, str]]) -> int:
    """How many bits of entropy are wanted."""
    return _bits("minentropy", _once(query, ("minentropy",)).get("minentropy"))


def read_key_id(text: str) -> UUID:
    """A keyId: 128 bits in hexadecimal."""
    if not _KEY_ID.fullmatch(text):
        raise ParameterError("a keyId shall be 128 bits in hexadecimal")
    return UUID(hex=text)


# Requests as a client writes them


def key_path(remote_system: str, size_bits: int | None = None) -> str:
    """Path and query of a fresh key."""
    size = {} if size_bits is None else {"size": size_bits}
    return "/key?" + urlencode({"remoteSystemID": remote_system, **size}, quote_via=quote)


def known_key_path(key_id: UUID, remote_system: str) -> str:
    """Path and query of the key that remote_system took under key_id."""
    return f"/key/{key_id.hex}?" + urlencode({"remoteSystemID": remote_system}, quote_via=quote)


def entropy_path(min_entropy_bits: int | None = None) -> str:
    """Path and query of entropy."""
    return "/entropy" if min_entropy_bits is None else f"/entropy?minentropy={min_entropy_bits}"


# Answers


def write_capabilities(capabilities: Capabilities) -> bytes:
    """Figure 3 of the draft."""
    return msgspec.json.encode(
        {
            "entropy": capabilities.entropy,
            "key": capabilities.key,
            "algorithm": capabilities.algorithm,
            "localSystemID": capabilities.local_system,
            "remoteSystemID": capabilities.remote_systems,
        }
    )


def read_capabilities(body: bytes) -> Capabilities:
    """Figure 3 of the draft; PeerError for another form."""
    items = _object(body)
    remote = items.get("remoteSystemID")
    if not isinstance(remote, list) or not all(isinstance(each, str) for each in remote):
        raise PeerError("remoteSystemID shall be an array of texts")
    texts = [_item(items, name, str) for name in ("localSystemID", "algorithm")]
    flags = [_item(items, name, bool) for name in ("entropy", "key")]
    return Capabilities(texts[0], tuple(remote), texts[1], *flags)


def write_key(key_id: UUID, secret: bytes | bytearray) -> bytearray:
    """Figure 5 of the draft, in a buffer to be wiped."""
    return _with_hexadecimal(b'{"keyId":"%s","key":"' % key_id.hex.encode(), secret, b'"}')


def read_key(body: bytes) -> SkipKey:
    """Figure 5 of the draft; PeerError for another form."""
    items = _object(body)
    key_id, key = _item(items, "keyId", str), _item(items, "key", str)
    if not _KEY_ID.fullmatch(key_id) or not _HEX.fullmatch(key):
        raise PeerError("keyId shall be 128 bits and key some octets, both in hexadecimal")
    return SkipKey(UUID(hex=key_id), bytes.fromhex(key))


def write_entropy(octets: bytes) -> bytearray:
    """Figure 7 of the draft, in a buffer to be wiped."""
    return _with_hexadecimal(b'{"randomStr":"', octets, b'","minentropy":%d}' % (8 * len(octets)))


def read_entropy(body: bytes) -> bytes:
    """Figure 7 of the draft; PeerError for another form, or fewer octets than it says."""
    items = _object(body)
    text, bits = _item(items, "randomStr", str), _item(items, "minentropy", int)
    if not _HEX.fullmatch(text) or isinstance(bits, bool) or 4 * len(text) < bits:
        raise PeerError("randomStr shall be hexadecimal and hold minentropy bits")
    return bytes.fromhex(text)


def _with_hexadecimal(head: bytes, secret: bytes | bytearray, tail: bytes) -> bytearray:
    """The secret in hexadecimal between head and tail, without a copy that cannot be wiped."""
    body = bytearray(len(head) + 2 * len(secret) + len(tail))
    body[: len(head)], body[len(body) - len(tail) :] = head, tail
    digits = np.frombuffer(body, np.uint8, 2 * len(secret), len(head))
    octets = np.frombuffer(secret, np.uint8)
    np.right_shift(octets, 4, out=digits[0::2])
    np.bitwise_and(octets, 15, out=digits[1::2])
    np.add(digits, np.where(digits > 9, ord("a") - 10, ord("0")).astype(np.uint8), out=digits)
    return body


def _remote(items: dict[str, str]) -> str:
    if not items.get("remoteSystemID"):
        raise ParameterError("remoteSystemID is missing")
    return items["remoteSystemID"]


def _once(query: Sequence[tuple[str, str]], allowed: tuple[str, ...]) -> dict[str, str]:
    items = dict(query)
    if len(items) != len(query) or not items.keys() <= set(allowed):
        raise ParameterError(f"the query takes {' and '.join(allowed)}, once each")
    return items


def _bits(name: str, text: str | None) -> int:
    if text is None:
        return DEFAULT_BITS
    if not _BITS.fullmatch(text) or int(text) == 0:
        raise ParameterError(f"{name} shall be a number of bits above 0")
    return int(text)


def _object(body: bytes) -> dict[str, Any]:
    try:
        items = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PeerError("the key provider's answer is no JSON") from None
    if not isinstance(items, dict):
        raise PeerError("the key provider's answer is no JSON object")
    return items


def _item(items: dict[str, Any], name: str, kind: type) -> Any:
    if not isinstance(items.get(name), kind):
        raise PeerError(f"the key provider's answer lacks {name}, or it has another type")
    return items[name]
