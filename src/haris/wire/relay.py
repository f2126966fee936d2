"""Messages of key relay: keys of two sites, carried hop by hop as shares over one path or several.

One RelayKeys crosses each span of a share's path, under one-time pad and one-time tag from that span's relay ledger.
Key IDs do not travel: key i of a relay is nouns.ids.key_id(relay.bytes, i) at both ends.
RelayAsk and RelayDone, RelayWhether and RelayWhole go between the two ends of the paths directly, RelayHead between
neighbours: they carry no secret, and the channel that they use authenticates them.
"""

from __future__ import annotations

import math
from typing import Annotated
from uuid import UUID

import msgspec

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.ids import require_name
from haris.nouns.keys import KEY_OCTETS, Pedigree
from haris.wire.message_pack import MessagePack, Tagged

MAX_KEYS = 1024
MAX_SITES = 16
MAX_SHARES = 8
MAX_ON_THEIR_WAY = 64
"""Relays of one owner whose shares a far end keeps before it is asked for their fate."""
CHECK_PAD_OCTETS = 16
"""Octets behind the keys that cover the tag by which the ends compare them."""

Octets16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
Octets32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Ciphertext = Annotated[
    bytes,
    msgspec.Meta(min_length=KEY_OCTETS + CHECK_PAD_OCTETS, max_length=KEY_OCTETS * MAX_KEYS + CHECK_PAD_OCTETS),
]
Path = Annotated[tuple[str, ...], msgspec.Meta(min_length=2, max_length=MAX_SITES)]
ShareNumber = Annotated[int, msgspec.Meta(ge=0, lt=MAX_SHARES)]
ShareCount = Annotated[int, msgspec.Meta(ge=1, le=MAX_SHARES)]


class RelayKeys(Tagged, frozen=True, kw_only=True):
    """One share of a relay on one span.

    share, shares: its number from 0, and how many the relay has. path: sites from the owner of the keys to the far
    end, both included. ledger, offset: the pad of this span; the share's pad stands there, the tag's 32 octets behind
    it. ciphertext: the share under that pad: 32 octets a key, and 16 of the check's pad. pedigree: of the share up to
    the sender of this message; None on the first span. seal: the tag over this message without it.
    """

    relay: UUID
    share: ShareNumber
    shares: ShareCount
    path: Path
    ledger: str
    offset: Count
    ciphertext: Ciphertext
    pedigree: Pedigree | None = None
    seal: Octets16 | None = None

    def __post_init__(self) -> None:
        require_path(self.path)
        if self.share >= self.shares:
            raise ParameterError(f"a relay of {self.shares} shares has none of number {self.share}")
        if (len(self.ciphertext) - CHECK_PAD_OCTETS) % KEY_OCTETS:
            raise ParameterError(f"keys have {KEY_OCTETS} octets each, and {CHECK_PAD_OCTETS} stand behind them")
        _require_sound(self.pedigree)

    @property
    def n_keys(self) -> int:
        """Keys in the message."""
        return len(self.ciphertext) // KEY_OCTETS

    def sealed_octets(self) -> bytes:
        """What the tag covers: everything but itself."""
        return encode(msgspec.structs.replace(self, seal=None))


class RelayKeysInContacts(RelayKeys, frozen=True, kw_only=True):
    """RelayKeys over a path with sites that reach one another in contacts only.

    until_ns: nanoseconds since 1970 until which a site may hold it for a neighbour that is out of reach. Its owner
    gives the relay up then; no clock but the owner's decides that.
    """

    until_ns: Count


class RelayHeld(Tagged, frozen=True):
    """A share has come to the far end. No word on the keys: that is RelayDone's."""

    relay: UUID
    share: ShareNumber


class RelayCarried(Tagged, frozen=True):
    """A site between holds a share for the next site of its path, durably, until that is in reach.

    next_ns: when it expects that, nanoseconds since 1970; now, when it is; None: it does not know.
    """

    relay: UUID
    share: ShareNumber
    next_ns: Count | None = None


class RelayRefused(Tagged, frozen=True):
    """A site between does not take a share: it has no pad or no room for it. It will never arrive."""

    relay: UUID
    share: ShareNumber


class RelayWhether(Tagged, frozen=True):
    """The owner asks the far end which of its relays have come. Nothing changes there: what is missing may yet come.

    It bears no check, for shares are taken after it; RelayAsk bears it, once they are all there or given up.
    """

    relays: Annotated[tuple[UUID, ...], msgspec.Meta(min_length=1, max_length=MAX_ON_THEIR_WAY)]


class RelayWhole(Tagged, frozen=True):
    """Those that are there with all their shares, and those whose fate was settled before."""

    relays: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=MAX_ON_THEIR_WAY)]


class RelayAsk(Tagged, frozen=True):
    """The owner asks the far end for the fate of a relay; what is not there whole must never be accepted later.

    check: the key of a universal hash, drawn for this relay alone, and the hash of the keys under the check's pad; with
    it the far end compares what came. None: the owner gave the relay up before it sent it.
    session: of the end-to-end layer (wire/end_to_end.py) whose mask lies over the keys, None without one.
    """

    relay: UUID
    check: Octets32 | None = None
    session: Octets16 | None = None


class RelayDone(Tagged, frozen=True):
    """The far end's word on a relay.

    arrived: the pedigree of the keys, which it holds durably; None: it does not hold them and never will.
    missing: then, the shares that did not come, as far as it knows. altered: they came, but are not what was sent.
    unmasked: they came without the mask of the end-to-end layer, which the far end demands.
    """

    relay: UUID
    arrived: Pedigree | None
    missing: Annotated[tuple[ShareNumber, ...], msgspec.Meta(max_length=MAX_SHARES)] = ()
    altered: bool = False
    unmasked: bool = False

    def __post_init__(self) -> None:
        _require_sound(self.arrived)


class RelayHead(Tagged, frozen=True):
    """A sender tells its neighbour how far it has burnt a relay ledger, when relays that went astray have drained it.

    Without it the neighbour would see pad where there is none, and make no block to fill it. Answered by itself.
    """

    ledger: str
    head: Count


Message = (
    RelayKeys
    | RelayKeysInContacts
    | RelayHeld
    | RelayCarried
    | RelayRefused
    | RelayWhether
    | RelayWhole
    | RelayAsk
    | RelayDone
    | RelayHead
)

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
