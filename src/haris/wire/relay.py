"""Messages of key relay: keys of a pair that are no neighbours, carried hop by hop over trusted nodes.

One RelayKeys crosses each span of the path, under one-time pad and one-time tag from that span's relay ledger. Key IDs
do not travel: key i of a relay is nouns.ids.key_id(relay.bytes, i) at both ends.
RelayAsk and RelayDone go between the two ends of the path directly, RelayHead between neighbours: they carry no secret,
and the channel that they use authenticates them.
"""

from __future__ import annotations

import math
from typing import Annotated
from uuid import UUID

import msgspec

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.ids import require_name
from haris.nouns.keys import KEY_OCTETS, Pedigree
from haris.wire.message_pack import MessagePack

MAX_KEYS = 1024
MAX_SITES = 16

Octets16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
Ciphertext = Annotated[bytes, msgspec.Meta(min_length=KEY_OCTETS, max_length=KEY_OCTETS * MAX_KEYS)]
Path = Annotated[tuple[str, ...], msgspec.Meta(min_length=2, max_length=MAX_SITES)]


class RelayKeys(msgspec.Struct, tag=True, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of one relay on one span.

    path: sites from the owner of the keys to the far end, both included. ledger, offset: the pad of this span; the
    keys' pad stands there, the tag's 32 octets behind it. ciphertext: the keys, 32 octets each, under that pad.
    pedigree: of the keys up to the sender of this message; None on the first span. seal: the tag over this message
    without it.
    """

    relay: UUID
    path: Path
    ledger: str
    offset: Count
    ciphertext: Ciphertext
    pedigree: Pedigree | None = None
    seal: Octets16 | None = None

    def __post_init__(self) -> None:
        require_path(self.path)
        if len(self.ciphertext) % KEY_OCTETS:
            raise ParameterError(f"keys have {KEY_OCTETS} octets each")
        _require_sound(self.pedigree)

    @property
    def n_keys(self) -> int:
        """Keys in the message."""
        return len(self.ciphertext) // KEY_OCTETS

    def sealed_octets(self) -> bytes:
        """What the tag covers: everything but itself."""
        return encode(msgspec.structs.replace(self, seal=None))


class RelayAsk(msgspec.Struct, tag=True, frozen=True, forbid_unknown_fields=True):
    """The owner asks the far end for the fate of a relay; if it is not there, it must never be accepted later."""

    relay: UUID


class RelayDone(msgspec.Struct, tag=True, frozen=True, forbid_unknown_fields=True):
    """The far end's word on a relay.

    arrived: the pedigree of the keys, which it holds durably; None: it does not hold them and never will.
    """

    relay: UUID
    arrived: Pedigree | None

    def __post_init__(self) -> None:
        _require_sound(self.arrived)


class RelayHead(msgspec.Struct, tag=True, frozen=True, forbid_unknown_fields=True):
    """A sender tells its neighbour how far it has burnt a relay ledger, when relays that went astray have drained it.

    Without it the neighbour would see pad where there is none, and make no block to fill it. Answered by itself.
    """

    ledger: str
    head: Count


Message = RelayKeys | RelayAsk | RelayDone | RelayHead

_codec: MessagePack[Message] = MessagePack(Message, "key relay")
encode = _codec.encode


def decode(octets: bytes) -> Message:
    """The message in octets. Raises PeerError for anything else, and for another spelling of the same message."""
    message = _codec.decode(octets)
    if encode(message) != octets:
        raise PeerError("a message of key relay is spelt in another way than ours")
    return message


def require_path(path: tuple[str, ...]) -> None:
    """Raise ParameterError unless path names 2 to 16 sites, none twice."""
    for site in path:
        require_name("a site of the path", site)
    if not 2 <= len(path) <= MAX_SITES or len(set(path)) != len(path):
        raise ParameterError(f"a path runs over 2 to {MAX_SITES} sites, none twice, got {'-'.join(path)}")


def _require_sound(pedigree: Pedigree | None) -> None:
    if pedigree is None:
        return
    if pedigree.hops < 1:
        raise ParameterError("keys that travel have crossed a span")
    if pedigree.epsilon is not None and not (math.isfinite(pedigree.epsilon) and pedigree.epsilon >= 0):
        raise ParameterError("an epsilon is finite and at least 0")
