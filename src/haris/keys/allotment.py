"""What a block's secret bits become: pads for tags and relays, and keys.

Alice decides from her own ledgers and pools and tells Bob inside the authenticated transcript. The order of the cut is
fixed (authentication ab, ba; relay ab, ba; keys), so that five numbers say all of it. Authentication comes first:
without it no later block can be trusted, and a block too short for all of it goes into it whole. What the pools cannot
hold is burnt, and so is a remainder below 32 octets.
"""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass

import numpy as np

from haris.crypto.ledger import span_ledgers
from haris.crypto.wegman_carter import PAD_OCTETS
from haris.keys.store import BlockShares, PadAppend
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.ids import key_id
from haris.nouns.keys import KEY_OCTETS, FinalKey, StoredKey

RESERVE_OCTETS = 16 * PAD_OCTETS
"""Authentication pad in either direction below which no block is begun: sixteen tags. A block burns two, and if it is
lost while one end holds it as READY and the other as PENDING, each meeting to settle it burns two more."""

_WIRE = struct.Struct(">5I")


@dataclass(frozen=True, slots=True)
class Levels:
    """What is there before a block: octets left in the span's ledgers, and keys READY for the block's owner."""

    auth_ab: int
    auth_ba: int
    relay_ab: int
    relay_ba: int
    n_keys: int


@dataclass(frozen=True, slots=True)
class Targets:
    """What the pools want to hold: octets of either purpose in each direction, and keys of each owner."""

    auth_octets: int
    relay_octets: int
    n_keys: int

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0:
            raise ParameterError(f"targets must be at least 0, got {self}")


@dataclass(frozen=True, slots=True)
class Allotment:
    """The shares of one block: octets for each ledger (multiples of 32), and keys of 32 octets."""

    auth_ab: int
    auth_ba: int
    relay_ab: int
    relay_ba: int
    n_keys: int

    def __post_init__(self) -> None:
        if min(astuple(self)) < 0 or any(pad % KEY_OCTETS for pad in self.pads):
            raise ParameterError(f"shares must be multiples of {KEY_OCTETS} octets and at least 0, got {self}")

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """Octets for the four ledgers in the order of span_ledgers."""
        return (self.auth_ab, self.auth_ba, self.relay_ab, self.relay_ba)

    @property
    def octets(self) -> int:
        """Octets of the block that are kept."""
        return sum(self.pads) + KEY_OCTETS * self.n_keys

    def encode(self) -> bytes:
        """Twenty octets: five counts of 32 octets each, big-endian."""
        return _WIRE.pack(*(pad // KEY_OCTETS for pad in self.pads), self.n_keys)

    @staticmethod
    def decode(octets: bytes) -> Allotment:
        """The allotment in exactly twenty octets. Raises PeerError for another length."""
        if len(octets) != _WIRE.size:
            raise PeerError(f"an allotment has {_WIRE.size} octets, got {len(octets)}")
        *pads, n_keys = _WIRE.unpack(octets)
        auth_ab, auth_ba, relay_ab, relay_ba = (KEY_OCTETS * pad for pad in pads)
        return Allotment(auth_ab, auth_ba, relay_ab, relay_ba, n_keys)


def wanted(levels: Levels, targets: Targets) -> Allotment:
    """What the pools lack of their targets, each rounded up to whole units."""
    return Allotment(
        _lack(levels.auth_ab, targets.auth_octets),
        _lack(levels.auth_ba, targets.auth_octets),
        _lack(levels.relay_ab, targets.relay_octets),
        _lack(levels.relay_ba, targets.relay_octets),
        max(0, targets.n_keys - levels.n_keys),
    )


def is_due(levels: Levels, targets: Targets) -> bool:
    """Whether a block should be made: a ledger or the pool has fallen to half of what it wants to hold."""
    lack = wanted(levels, targets)
    return (
        2 * max(lack.auth_ab, lack.auth_ba) >= targets.auth_octets
        or 2 * max(lack.relay_ab, lack.relay_ba) >= targets.relay_octets
        or 2 * lack.n_keys >= targets.n_keys
    )


def keeps_reserve(levels: Levels) -> bool:
    """Whether there is authentication pad enough to begin a block, and to settle it if it is lost."""
    return min(levels.auth_ab, levels.auth_ba) >= RESERVE_OCTETS


def allot(length_bits: int, levels: Levels, targets: Targets) -> Allotment:
    """The shares of a block of length_bits secret bits: authentication first, then relay pads, then keys.

    The two directions of a purpose share what there is so that what they lack afterwards is as equal as can be.
    """
    if length_bits < 0:
        raise ParameterError(f"length_bits must be at least 0, got {length_bits}")
    lack = wanted(levels, targets)
    units = length_bits // (8 * KEY_OCTETS)
    auth_ab, auth_ba = _share(units, lack.auth_ab // KEY_OCTETS, lack.auth_ba // KEY_OCTETS)
    units -= auth_ab + auth_ba
    relay_ab, relay_ba = _share(units, lack.relay_ab // KEY_OCTETS, lack.relay_ba // KEY_OCTETS)
    units -= relay_ab + relay_ba
    return Allotment(
        KEY_OCTETS * auth_ab,
        KEY_OCTETS * auth_ba,
        KEY_OCTETS * relay_ab,
        KEY_OCTETS * relay_ba,
        min(units, lack.n_keys),
    )


def cut(final: FinalKey, allotment: Allotment, span: str, number: int, site: str, peer: str, owner: str) -> BlockShares:
    """The shares of a block as `site` stores them; its peer gets the same names, octets and owner.

    span: name of the link's span. number: place of the block within it. owner: the site that may assign the keys.
    Raises PeerError when the allotment is longer than the key: Alice decided it, and Bob must not follow her there.
    """
    if owner not in (site, peer):
        raise ParameterError(f"the owner of a block is one of its two sites, got {owner!r}")
    if 8 * allotment.octets > final.bits.size:
        raise PeerError(f"an allotment of {8 * allotment.octets} bits for a key of {final.bits.size}")
    secret = np.packbits(final.bits[: 8 * allotment.octets]).tobytes()
    pads: list[PadAppend] = []
    start = 0
    for ledger, size in zip(span_ledgers(span), allotment.pads, strict=True):
        if size:
            pads.append(PadAppend(ledger, secret[start : start + size], final.pedigree))
        start += size
    keys = tuple(
        StoredKey(key_id(final.block, index), secret[at : at + KEY_OCTETS], peer, owner, final.pedigree)
        for index, at in enumerate(range(start, len(secret), KEY_OCTETS))
    )
    return BlockShares(final.block, span, number, keys, tuple(pads))


def _lack(level: int, target: int) -> int:
    return -(-max(0, target - level) // KEY_OCTETS) * KEY_OCTETS


def _share(units: int, lack_ab: int, lack_ba: int) -> tuple[int, int]:
    """Of units, what either direction gets: the rest that they lack is split evenly, an odd unit goes to ab."""
    rest = max(0, lack_ab + lack_ba - units)
    rest_ab = min(lack_ab, max(rest - lack_ba, rest // 2))
    return lack_ab - rest_ab, lack_ba - (rest - rest_ab)
