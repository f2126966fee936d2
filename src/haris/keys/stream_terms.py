"""What two ends of a key stream must agree on without asking each other: names, owner, and what a QoS may be.

Source: ETSI GS QKD 004 V2.1.1; what it leaves open is decided in docs/decisions/0005-etsi004-open-points.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from haris.keys.directory import Directory
from haris.keys.policy import Rule
from haris.keys.supply import Limits
from haris.nouns.errors import ParameterError
from haris.nouns.ids import key_id
from haris.nouns.keys import KEY_OCTETS
from haris.wire.etsi004 import QoS

JSON = "application/json"
_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:?)?//([^/?#]*)")


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What one stream may ask for.

    max_bps: the highest rate that is promised. max_timeout_ms: the longest that a call may wait. window: how many
    chunks one end may be ahead of the other.
    """

    max_bps: int = 1_000_000
    max_timeout_ms: int = 300_000
    window: int = 1024

    def __post_init__(self) -> None:
        if self.max_bps < 1 or self.max_timeout_ms < 0 or self.window < 1:
            raise ParameterError("max_bps and window are at least 1, max_timeout_ms at least 0")


def sae_of_uri(uri: str, directory: Directory) -> str:
    """The SAE ID in the URI of an application: `SAE`, `scheme://SAE@host…` or `scheme://SAE…`.

    Raises ParameterError for an SAE that the network does not know.
    """
    if uri in directory.saes:
        return uri
    match = _AUTHORITY.match(uri)
    authority = match[1] if match else uri
    sae = authority if authority in directory.saes or "@" not in authority else authority.rpartition("@")[0]
    directory.require_site(sae)
    return sae


def owner_site(key_stream_id: UUID, one: str, other: str) -> str:
    """The site that gives a stream's chunks: of both in their order, the one that the identifier's last bit names."""
    return sorted((one, other))[key_stream_id.int & 1]


def draw_stream_id(owner: str, other: str, entropy: Callable[[int], bytes]) -> UUID:
    """A fresh Key_stream_ID (UUID version 4) of a stream that owner gives."""
    drawn = UUID(bytes=entropy(16), version=4).int & ~1
    return UUID(int=drawn | (owner > other))


def counter_proposal(qos: QoS, limits: StreamLimits, keys: Limits, rule: Rule) -> QoS:
    """The nearest QoS that can be met: qos itself when it can. keys: the limits of the pair. rule: what governs it."""
    low, high = keys.min_key_size // 8, keys.max_key_per_request * (keys.max_key_size // 8)
    if rule.most_at_once is not None:
        high = max(low, min(high, rule.most_at_once * KEY_OCTETS))
    rate_bps = limits.max_bps if rule.keys_per_s is None else min(limits.max_bps, int(rule.keys_per_s * 8 * KEY_OCTETS))
    known = not qos.mimetype or qos.mimetype.partition(";")[0].strip().lower() == JSON
    max_bps = min(qos.max_bps, rate_bps)
    return replace(
        qos,
        key_chunk_octets=min(max(qos.key_chunk_octets, low), high),
        max_bps=max_bps,
        min_bps=min(qos.min_bps, max_bps or rate_bps),
        timeout_ms=min(qos.timeout_ms, limits.max_timeout_ms),
        mimetype=qos.mimetype if known else JSON,
    )


def key_octets_of_chunk(chunk_octets: int, keys: Limits) -> int:
    """Size of the keys, all alike and as few as possible, that make a chunk."""
    n_keys = -(-chunk_octets // (keys.max_key_size // 8))
    return -(-chunk_octets // n_keys)


def chunk_key_ids(key_stream_id: UUID, index: int, attempt: int, n_keys: int) -> tuple[UUID, ...]:
    """The key_IDs of a chunk's keys, derived from public numbers only."""
    place = key_stream_id.bytes + index.to_bytes(4, "big") + attempt.to_bytes(4, "big")
    name = hashlib.sha256(b"haris stream chunk" + place).digest()[:16]
    return tuple(key_id(name, part) for part in range(n_keys))
