"""A span as one of its sites knows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from haris.keys.allotment import Targets
from haris.nouns.keys import Origin
from haris.quantum.link import Link


@dataclass(frozen=True, slots=True)
class SpanPlan:
    """A span as one of its sites knows it.

    role: `alice` or `bob`, of this site. socket: where its light shines. targets: what its pools want to hold.
    origin: of the keys that the light makes.
    """

    name: str
    site: str
    peer: str
    role: str
    link: Link
    socket: Path
    targets: Targets
    origin: Origin = Origin.EMULATED

    def agreed_digest(self) -> bytes:
        """Sixteen octets that name what both ends must agree on: protocol, intensities, clock and security."""
        agreed = msgspec.json.encode([self.link.agreement(), self.link.security])
        return hashlib.sha256(b"haris link" + agreed).digest()[:16]
