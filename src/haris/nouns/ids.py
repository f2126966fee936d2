"""Names: of sites, of application entities, of blocks and keys."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

import numpy as np

from haris.nouns.errors import ParameterError

KEY_ID_OCTETS = 16
PREFIX_OCTETS = 12
"""Octets of a key_ID before the index."""

_NAME = re.compile(r"[A-Za-z0-9._~:@-]{1,64}")


def require_name(what: str, name: str) -> str:
    """Return name if it may stand in a URI path: 1 to 64 unreserved characters (ETSI GS QKD 020).

    Raises ParameterError otherwise.
    """
    if not _NAME.fullmatch(name):
        raise ParameterError(f"{what} must be 1 to 64 characters of A-Z a-z 0-9 . _ ~ : @ -, got {name!r}")
    return name


def block_name(session: bytes, number: int) -> bytes:
    """The 16-octet name of block `number` of a session (16 octets that both ends chose together)."""
    return hashlib.sha256(b"haris block" + session + number.to_bytes(8, "big")).digest()[:16]


def key_id(name: bytes, index: int) -> UUID:
    """The key_ID of key `index` of the block or relay `name`: a UUID version 8 (RFC 9562) of public names only.

    Its first 12 octets say which block or relay it is, the last 4 which key: see split_key_id.
    """
    prefix = bytearray(hashlib.sha256(b"haris key" + name).digest()[:PREFIX_OCTETS])
    prefix[6] = (prefix[6] & 0x0F) | 0x80
    prefix[8] = (prefix[8] & 0x3F) | 0x80
    return join_key_id(bytes(prefix), index)


def join_key_id(prefix: bytes, index: int) -> UUID:
    """The key_ID of a prefix of 12 octets and an index below 2^32."""
    return UUID(bytes=prefix + index.to_bytes(4, "big"))


def split_key_id(key_id: UUID) -> tuple[bytes, int]:
    """Prefix and index of a key_ID: keys of one prefix and neighbouring indices lie in one lot of the store."""
    octets = key_id.bytes
    return octets[:PREFIX_OCTETS], int.from_bytes(octets[PREFIX_OCTETS:], "big")


def neighbours(first: bytes, n_keys: int) -> bytes:
    """The key_IDs of n_keys neighbours from first on, 16 octets each, joined. first: 16 octets.

    The last index must lie below 2^32.
    """
    if n_keys == 1:
        return first
    index = int.from_bytes(first[PREFIX_OCTETS:], "big")
    words = np.frombuffer(bytearray(first * n_keys), ">u4")
    words[3::4] = np.arange(index, index + n_keys, dtype=np.int64)
    return words.tobytes()


def key_runs(key_ids: bytes) -> tuple[tuple[bytes, int], ...]:
    """Key_IDs (16 octets each, joined) as runs of neighbours, in their order: the first key_ID and the number of each.

    Raises ParameterError for a part of a key_ID.
    """
    n_keys, rest = divmod(len(key_ids), KEY_ID_OCTETS)
    if rest:
        raise ParameterError(f"{len(key_ids)} octets are no key_IDs")
    first = key_ids[:KEY_ID_OCTETS]
    if n_keys == 1:
        return ((first, 1),)
    words = np.frombuffer(key_ids, ">u4").reshape(-1, 4)
    if n_keys and int(words[0, 3]) + n_keys <= 1 << 32 and key_ids == neighbours(first, n_keys):
        return ((first, n_keys),)
    jumps = (words[1:, :3] != words[:-1, :3]).any(axis=1) | (words[1:, 3] != words[:-1, 3].astype(np.int64) + 1)
    starts = [0, *(np.flatnonzero(jumps) + 1).tolist()] if n_keys else []
    stops = [*starts[1:], n_keys]
    return tuple(
        (key_ids[KEY_ID_OCTETS * start : KEY_ID_OCTETS * (start + 1)], stop - start)
        for start, stop in zip(starts, stops, strict=False)
    )
