"""The joint of a span: its session meets, authenticates and commits; who makes the bits stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from haris.keys.allotment import Levels
from haris.node.spans.channel import SpanChannel
from haris.nouns.blocks import Aborted
from haris.nouns.errors import PeerError
from haris.nouns.keys import FinalKey


@dataclass(frozen=True, slots=True)
class Figures:
    """What a block tells of its making, as in BlockEvent; nothing where a maker has no such figure."""

    qber_key: float | None = None
    qber_test: float | None = None
    sifted_bits: int = 0
    leaked_bits: int = 0
    light_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Made:
    """One end's copy of a block that both ends made, before anything of it is authenticated.

    key: with the pedigree of its making, to which the session adds the errors of its tags. allotment: how both ends cut
    it; Alice chose it. covered: what both ends must have seen alike, for the tags to cover, with the name of the block
    that was ordered: nothing else tells its number, by which both ends know whose the keys are, to one who listens.
    """

    key: FinalKey
    allotment: bytes
    covered: bytes
    figures: Figures = Figures()


@dataclass(frozen=True, slots=True)
class Unmade:
    """A block that gave no key.

    covered: as in Made, when the sites must know for sure why it failed: tags are then exchanged over it. None: not
    worth the pad.
    """

    aborted: Aborted
    covered: bytes | None = None
    figures: Figures = Figures()


class NotBegun(PeerError):  # noqa: N818  (what it is)
    """The session has ended before this end had anything of the block that another one could not go on with."""


class BlockOrder(NamedTuple):
    """What a maker is asked for: block `number` of the span under its 16-octet name, agreed upon over channel.

    levels: what this end has now, by which Alice allots.
    """

    number: int
    block: bytes
    channel: SpanChannel
    levels: Callable[[], Levels]


class BlockMaker(Protocol):
    """One end of what makes a span's bits. It outlives the sessions of its span."""

    async def attach(self, session: bytes, require_peer: Callable[[], None]) -> None:
        """Get hold of the box at the beginning of a session.

        session: its name, which both ends know. require_peer: raises when the session has ended.
        """

    async def ready(self, wanted_octets: int) -> bool:
        """At Alice: whether a block of up to wanted_octets may begin now."""

    async def make(self, order: BlockOrder) -> Made | Unmade:
        """This end's half of one block. PeerError when the peer, or who stands between, breaks it."""

    async def ended(self, made: Made | Unmade) -> None:
        """What make returned has been kept, or was unmade and its tags, if it wants any, have proved to fit."""

    async def detach(self) -> None:
        """Let go of the box at the end of a session."""
