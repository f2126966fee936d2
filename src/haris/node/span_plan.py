"""A span as one of its sites knows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
