"""Key streams: a row of chunks that two applications take in step."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream between two SAEs. owner: the site that gives its chunks. chunk_octets: size of each.

    key_octets: size of each key that a chunk is made of; what they hold more is burnt.
    drawn: whether its Key_stream_ID was drawn here, not chosen by an application. over: both ends have closed.
    """

    key_stream_id: UUID
    source: str
    destination: str
    owner: str
    chunk_octets: int
    key_octets: int
    drawn: bool = False
    over: bool = False

    def pair(self) -> frozenset[str]:
        """The two applications, whoever called itself the source."""
        return frozenset((self.source, self.destination))

    @property
    def n_keys(self) -> int:
        """How many keys make a chunk."""
        return -(-self.chunk_octets // self.key_octets)

    def other(self, sae: str) -> str:
        """The application at the other end from sae."""
        return self.destination if sae == self.source else self.source


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """One end of a stream. reached: the index behind the highest that it has asked for. terms: its QoS, as kept."""

    sae: str
    terms: bytes
    reached: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class StreamChunk:
    """A chunk of a stream. attempt: which order of keys makes it. born_ns: when they were assigned, None before."""

    index: int
    attempt: int
    born_ns: int | None
