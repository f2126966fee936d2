"""Key relay, span by span: a share of keys crosses each span of its path under one-time pad and one-time tag.

What a share is, and what its two ends make of it, stands in keys/shares.py. Each site between decrypts a share and
encrypts it anew, and keeps nothing that it could read: where the next site is out of reach it holds the message that is
sealed for it, whose pad is burnt here (carry).

An engine burns pad before it returns a message, so that a crash costs pad and never uses it twice. A share is sent
once. A forged, replayed or truncated message raises PeerError: nothing is stored and nothing is burnt that an honest
message could still need.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import msgspec

from haris.crypto.one_time_pad import xor
from haris.crypto.wegman_carter import PAD_OCTETS, forgery_probability, tag, verify
from haris.keys.pedigree import join_pedigrees
from haris.keys.store import Carried, HeldShare, KeyStore, PadSlice
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.nouns.keys import KEY_OCTETS, Pedigree
from haris.wire.relay import CHECK_PAD_OCTETS, RelayHeld, RelayKeys, RelayKeysInContacts, encode

BATCH_KEYS = 256
"""Keys that one relay carries at most: 8 KiB a span, so that a loss costs little pad."""

MOST_CARRIED = 256
"""Messages that a site holds for one neighbour: some MiB of its store."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Account: octets of one ledger's pad, from offset on, that a relay used at this site."""

    ledger: str
    offset: int
    octets: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A message for the next site of its path, and what it cost here."""

    message: RelayKeys
    spent: tuple[Spent, ...]


@dataclass(frozen=True, slots=True)
class Received:
    """The far end's receipt for a share, and what it cost here."""

    held: RelayHeld
    spent: tuple[Spent, ...]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A share on its way. octets: n_keys times 32, and 16 of the check's pad. until_ns: see RelayKeysInContacts."""

    relay: UUID
    share: int
    shares: int
    path: tuple[str, ...]
    octets: bytes = field(repr=False)
    pedigree: Pedigree | None = None
    until_ns: int | None = None


def share_octets(n_keys: int) -> int:
    """Octets of a share of n_keys."""
    return KEY_OCTETS * n_keys + CHECK_PAD_OCTETS


def pad_octets(n_keys: int) -> int:
    """Octets of relay pad that n_keys cost on each span: their share's length and one tag's pad."""
    return share_octets(n_keys) + PAD_OCTETS


def fill(n_ready: int, n_in_doubt: int, target: int, pad_left: int) -> int:
    """How many keys to relay now towards one peer; 0: none.

    n_ready, n_in_doubt: keys that this site owns there. target: how many it wants. pad_left: octets in the poorest
    relay ledger of the paths. At most BATCH_KEYS; and no fewer than a quarter of a batch or of the target, so that a
    tag's pad is spread over many keys, unless the target is nearer or the pool is empty.
    """
    lack = target - n_ready - n_in_doubt
    affordable = min(lack, BATCH_KEYS, (pad_left - pad_octets(0)) // KEY_OCTETS)
    worthwhile = min(lack, BATCH_KEYS // 4, target // 4) if n_ready + n_in_doubt else 1
    return affordable if affordable >= max(1, worthwhile) else 0


def previous_site(path: tuple[str, ...], site: str) -> str:
    """The neighbour that a relay reaches site from. PeerError when site is not on the path, or begins it."""
    if site not in path[1:]:
        raise PeerError(f"a relay over {'-'.join(path)} does not come to {site}")
    return path[path.index(site) - 1]


def next_site(path: tuple[str, ...], site: str) -> str:
    """The neighbour that a relay goes to from site. PeerError when site is not on the path, or ends it."""
    if site not in path[:-1]:
        raise PeerError(f"a relay over {'-'.join(path)} does not go on from {site}")
    return path[path.index(site) + 1]


def send(parcel: Parcel, pad: PadSlice) -> Sent:
    """The message that carries a share over one span, and its account. pad: taken for it, pad_octets long."""
    fields: dict[str, Any] = {
        "relay": parcel.relay,
        "share": parcel.share,
        "shares": parcel.shares,
        "path": parcel.path,
        "ledger": pad.ledger,
        "offset": pad.offset,
        "ciphertext": xor(parcel.octets, pad.octets[:-PAD_OCTETS]),
        "pedigree": parcel.pedigree,
    }
    message = (
        RelayKeys(**fields) if parcel.until_ns is None else RelayKeysInContacts(**fields, until_ns=parcel.until_ns)
    )
    sealed = msgspec.structs.replace(message, seal=tag(message.sealed_octets(), pad.octets[-PAD_OCTETS:]))
    return Sent(sealed, (Spent(pad.ledger, pad.offset, len(pad.octets)),))


def forward(store: KeyStore, message: RelayKeys, site: str, incoming: str, outgoing: str) -> Sent:
    """At a site between: open the share of one span and seal it for the next. Nothing but burnt pad remains here.

    incoming: the relay ledger in which previous_site sends to us. outgoing: the one in which we send to next_site.
    Raises PeerError for a message that is not for us or was changed, KeyUnavailable when the next span's ledger is dry:
    then the share goes no further, and its owner learns so from the far end.
    """
    previous_site(message.path, site)
    next_site(message.path, site)
    _check(store, message, incoming)
    pad = store.ledger_take(outgoing, pad_octets(message.n_keys))
    parcel, spent = _open(store, message, incoming)
    onward = send(parcel, pad)
    return Sent(onward.message, (spent, *onward.spent))


def carry(store: KeyStore, message: RelayKeysInContacts, site: str, incoming: str, outgoing: str) -> Sent:
    """As forward, and the message for the next site is held durably until that is in reach.

    What is held is ciphertext: its pad is burnt here, so that nobody who reads this store learns the share. Raises
    KeyUnavailable too when MOST_CARRIED messages are held.
    """
    if store.count_carried(outgoing) >= MOST_CARRIED:
        raise KeyUnavailable(f"{MOST_CARRIED} messages are held for {next_site(message.path, site)}: there is no room")
    sent = forward(store, message, site, incoming, outgoing)
    onward = sent.message
    store.carry(Carried(outgoing, onward.offset, onward.relay, onward.share, message.until_ns, encode(onward)))
    return sent


def receive(store: KeyStore, message: RelayKeys, site: str, incoming: str) -> Received:
    """At the far end: open the share and keep it until its owner asks (keys/shares.py).

    Raises PeerError for a message that is not for us or was changed.
    """
    previous_site(message.path, site)
    if message.path[-1] != site:
        raise PeerError(f"a relay over {'-'.join(message.path)} does not end at {site}")
    _check(store, message, incoming)
    parcel, spent = _open(store, message, incoming)
    assert parcel.pedigree is not None
    store.keep_share(HeldShare(parcel.relay, parcel.share, parcel.shares, parcel.path, parcel.octets, parcel.pedigree))
    return Received(RelayHeld(message.relay, message.share), (spent,))


def _check(store: KeyStore, message: RelayKeys, incoming: str) -> None:
    """Raise PeerError unless the message is sealed under pad of the incoming ledger that is not burnt yet."""
    if message.ledger != incoming:
        raise PeerError(f"a relay came under {message.ledger}, where {incoming} was due")
    store.ledger_peek(incoming, message.offset, len(message.ciphertext))
    pad = store.ledger_peek(incoming, message.offset + len(message.ciphertext), PAD_OCTETS)
    if message.seal is None or not verify(message.sealed_octets(), message.seal, pad):
        raise PeerError("the tag of a relay does not fit: it was changed on its way")


def _open(store: KeyStore, message: RelayKeys, incoming: str) -> tuple[Parcel, Spent]:
    """The share in a checked message, with this span's part in its pedigree; its pad is burnt."""
    pad = store.ledger_take_at(incoming, message.offset, pad_octets(message.n_keys))
    octets = xor(message.ciphertext, pad.octets[:-PAD_OCTETS])
    pedigree = _lengthened(message.pedigree, pad.pedigree, forgery_probability(len(message.sealed_octets())))
    until_ns = message.until_ns if isinstance(message, RelayKeysInContacts) else None
    parcel = Parcel(message.relay, message.share, message.shares, message.path, octets, pedigree, until_ns)
    return parcel, Spent(incoming, pad.offset, len(pad.octets))


def _lengthened(so_far: Pedigree | None, span: Pedigree, forgery: float) -> Pedigree:
    """The pedigree of a share that crossed one more span: epsilons add, and the tag's."""
    parts = (span,) if so_far is None else (so_far, span)
    joined = join_pedigrees(parts)
    return replace(
        joined,
        epsilon=None if joined.epsilon is None else joined.epsilon + forgery,
        hops=sum(part.hops for part in parts),
    )
