"""A span as one of its sites knows it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from haris.crypto.signing import Credentials
from haris.keys.allotment import Targets
from haris.node.configuration.inventory import SourceEntry
from haris.nouns.keys import Origin
from haris.quantum.link import Link
from haris.quantum.space.contacts import Contacts
from haris.quantum.space.live import agreement


@dataclass(frozen=True, slots=True)
class LightPlan:
    """Light that makes a span's blocks. socket: where it shines. origin: of the keys that it makes."""

    link: Link
    socket: Path
    origin: Origin = Origin.EMULATED

    def agreed(self) -> bytes:
        """What both ends must agree on, as octets: protocol, intensities, clock and security."""
        return b"haris link" + msgspec.json.encode([self.link.agreement(), self.link.security])


@dataclass(frozen=True, slots=True)
class PassPlan:
    """Passes that make a span's blocks. socket: where their light shines. origin: of the keys that they make."""

    contacts: Contacts
    socket: Path
    origin: Origin = Origin.EMULATED

    def agreed(self) -> bytes:
        """What both ends must agree on, as octets: as of light, the two ends, the least elevation, and the clock.

        Not the elements: each end takes those that it has.
        """
        contacts = self.contacts
        ends = contacts.satellite.catalogue_number, contacts.station, contacts.least_elevation_deg, contacts.clock
        return b"haris pass" + msgspec.json.encode([agreement(contacts.link, 1), contacts.link.security, ends])


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """A maker's boxes that give a span's keys. entry: this end's, as in the inventory. release: a file in which an
    operator names who lets the source out of quarantine, and why."""

    entry: SourceEntry
    release: Path

    def agreed(self) -> bytes:
        """What both ends must agree on, as octets: how keys are handed over, their size, what is stated of them."""
        return b"haris source" + msgspec.json.encode([self.entry.kind, self.entry.key_bits, self.entry.stated_epsilon])


@dataclass(frozen=True, slots=True)
class SpanPlan:
    """A span as one of its sites knows it.

    role: `alice` or `bob`, of this site. targets: what its pools want to hold. making: what makes its blocks.
    signer: by what the two sites agree on the first pad by ML-KEM; None: they are given a secret.
    """

    name: str
    site: str
    peer: str
    role: str
    targets: Targets
    making: LightPlan | PassPlan | SourcePlan
    signer: Credentials | None = None

    def agreed_digest(self) -> bytes:
        """Sixteen octets that name what both ends must agree on."""
        return hashlib.sha256(self.making.agreed()).digest()[:16]
