"""Names: of sites, of application entities, of blocks and keys."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

from haris.nouns.errors import ParameterError

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


def key_id(block: bytes, index: int) -> UUID:
    """The key_ID of slice `index` of a block: a UUID version 8 (RFC 9562) derived from public names only."""
    digest = bytearray(hashlib.sha256(b"haris key" + block + index.to_bytes(8, "big")).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    return UUID(bytes=bytes(digest))
