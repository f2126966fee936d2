"""Both ends of a relay: keys cut into shares that travel over node-disjoint paths, put together and compared.

The owner draws k shares from its entropy, each as long as the keys, and sends each over its own path. The keys are the
XOR of all shares (k of k): whoever lacks one share, because one path carries no site that betrays it, knows nothing of
the keys (Shannon's one-time pad, with that share as the pad). With k = 1 the one share is the keys.

The owner keeps its keys PENDING. The far end keeps each share until the owner asks. The question brings a tag: a
universal hash of the keys with a key r drawn for it, covered by a one-time pad s that travelled behind the keys. The
far end puts the shares together, compares, and only then keeps the keys READY; the owner's copy becomes READY on its
word. A share that is missing by then, or keys that differ, void the relay at both ends for ever.

Where sites reach one another in contacts only, a share may come much later. The owner notes until when it waits before
a share leaves, and asks which relays are whole (arrived), which changes nothing and tells no r. Only of one that is, or
whose time is over, it asks for the fate. So one word of one site, the far end, at one time decides for both whether a
relay has arrived or is given up, whatever the clocks say and whoever is started anew.

Why comparing is safe. Sites on the paths may have changed keys and pad by what they like, but before they could know r:
the owner tells it in its question, and the far end takes no share after it. Poly1305 without its pad is a hash of small
difference probability (Bernstein 2005, Theorem 3.3): for other keys the tag fits with probability at most
forgery_probability, even for a site that knows keys and pad. And s, uniform and independent of the keys, hides the hash
from whoever reads the tag. The question is told once and again with the same r. Needed: the direct channel between the
ends (mutual TLS) is authentic while the relay runs; nothing that happens to it later matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Protocol
from uuid import UUID

import msgspec

from haris.crypto.one_time_pad import xor
from haris.crypto.wegman_carter import TAG_OCTETS, forgery_probability, tag, verify
from haris.keys.pedigree import join_pedigrees
from haris.keys.relay import Parcel, Sent, pad_octets, send, share_octets
from haris.keys.share_paths import require_disjoint, trust
from haris.keys.store import HeldShare, KeyStore
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.ids import key_id
from haris.nouns.keys import KEY_OCTETS, Origin, Pedigree, Proof, StoredKey
from haris.wire.relay import CHECK_PAD_OCTETS, MAX_KEYS, RelayAsk, RelayDone, decode, encode

UNSENT = Pedigree(
    None, Origin.EMULATED, Proof("key relay", "unknown", False), epsilon_reason="the keys have not crossed their path"
)
"""What the owner may say of keys in doubt, the worst of all; they are never delivered with it."""

_HASH_KEY_OCTETS = 16


class Mask(Protocol):
    """A session of the end-to-end layer (keys/end_to_end.py)."""

    @property
    def name(self) -> bytes:
        """16 octets that both ends call it by."""

    @property
    def assumption(self) -> str:
        """What it adds to a key, in words."""

    def mask(self, relay: UUID, n_octets: int) -> bytes:
        """Octets to XOR to a relay, known to the two ends alone."""


@dataclass(frozen=True, slots=True)
class Job:
    """A relay that its owner has kept durably: one message for each path, and the question to ask afterwards."""

    sent: tuple[Sent, ...]
    ask: RelayAsk

    @property
    def relay(self) -> UUID:
        """Its name."""
        return self.ask.relay


def originate(
    store: KeyStore,
    paths: Sequence[tuple[str, ...]],
    ledgers: Sequence[str],
    n_keys: int,
    entropy: Callable[[int], bytes],
    session: Mask | None = None,
    until_ns: int | None = None,
) -> Job:
    """Draw n_keys as shares, keep the keys PENDING, and seal each share for the first span of its path.

    paths: from here to the far end, disjoint. ledgers: the relay ledger of each first span, in our direction of
    sending. session: its mask lies over the keys. until_ns: how long the relay may be on its way, where sites of a path
    reach one another in contacts only. Raises KeyUnavailable, having kept nothing, when a ledger is dry.
    """
    if not 0 < n_keys <= MAX_KEYS:
        raise ParameterError(f"a relay carries 1 to {MAX_KEYS} keys, got {n_keys}")
    require_disjoint(paths)
    for ledger in ledgers:  # before any of them is burnt
        head, end = store.ledger_bounds(ledger)
        if end - head < pad_octets(n_keys):
            raise KeyUnavailable(f"ledger {ledger} holds {end - head} octets, {pad_octets(n_keys)} are needed")
    pads = [store.ledger_take(ledger, pad_octets(n_keys)) for ledger in ledgers]
    relay = UUID(bytes=entropy(16), version=4)
    shares = [entropy(share_octets(n_keys)) for _ in paths]
    secret = _masked(relay, combine(shares), session)
    hash_key = entropy(_HASH_KEY_OCTETS)
    check = hash_key + _tag(relay, paths, secret, hash_key, session)
    ask = RelayAsk(relay, check, None if session is None else session.name)
    store.hold_keys(_stored(relay, secret, peer=paths[0][-1], owner=paths[0][0], pedigree=UNSENT), relay)
    store.note_ask(relay, encode(ask), until_ns)
    parcels = [Parcel(relay, n, len(paths), path, shares[n], until_ns=until_ns) for n, path in enumerate(paths)]
    return Job(tuple(send(parcel, pad) for parcel, pad in zip(parcels, pads, strict=True)), ask)


def questions(store: KeyStore, peer: str) -> tuple[RelayAsk, ...]:
    """What the owner is to ask peer: of every relay whose fate is unknown, oldest first, as it was first asked."""
    asks = []
    for relay in store.relays_in_doubt(peer):
        noted = store.asked(relay)
        ask = RelayAsk(relay) if noted is None else decode(noted)
        assert isinstance(ask, RelayAsk)
        asks.append(ask)
    return tuple(asks)


def arrived(store: KeyStore, relays: Sequence[UUID], owner: str) -> tuple[UUID, ...]:
    """At the far end: those of an owner's relays that are here whole, or settled. Nothing changes."""
    settled = store.settled_here(relays)
    return tuple(relay for relay in relays if relay in settled or _is_whole(store, relay, owner))


def fate(
    store: KeyStore, ask: RelayAsk, owner: str, session: Mask | None = None, *, masked_only: bool = False
) -> RelayDone:
    """At the far end, asked by the owner: whether the keys are here, whole and as they were sent. If not, never.

    session: the one that the question names, None when it is not there. masked_only: no keys without one.
    Raises PeerError, changing nothing, when all that is here is another owner's.
    """
    held = store.shares_of(ask.relay)
    shares = [share for share in held if share.path[0] == owner]
    if held and not shares:
        raise PeerError(f"{owner} asks for a relay of {held[0].path[0]}")
    missing = _missing(shares)
    whole = bool(shares) and not missing and ask.check is not None
    named = None if session is None else session.name
    unmasked = masked_only and ask.session is None
    agreed = ask.session == named and not unmasked
    keys = _assembled(ask, owner, shares, session) if whole and agreed else None
    if keys is not None:
        store.put_keys(keys, ask.relay)
    kept = store.void_relay(ask.relay)
    store.forget_relay(ask.relay)
    if kept is not None:
        return RelayDone(ask.relay, kept)
    return RelayDone(ask.relay, None, missing, altered=whole and agreed and keys is None, unmasked=unmasked)


def settle(store: KeyStore, done: RelayDone) -> None:
    """At the owner: its copy becomes READY with the pedigree of all paths, or is overwritten."""
    store.settle_keys(done.relay, done.arrived)
    store.forget_relay(done.relay)


def combine(shares: Sequence[bytes]) -> bytes:
    """What k shares of equal length hold together: their XOR."""
    return reduce(xor, shares)


def joined_pedigree(shares: Sequence[HeldShare], forgery: float, session: Mask | None) -> Pedigree:
    """The pedigree of keys put together: epsilons of all spans of all paths add, and that of comparing.

    The epsilons of all paths are more than is needed, since one path that keeps its secret is enough; so a site that
    lies about those of its own path changes nothing of what the claim leans on.
    """
    joined = join_pedigrees([share.pedigree for share in shares])
    assumptions = (*joined.proof.assumptions, *trust([share.path for share in shares]))
    if session is not None:
        assumptions = (*assumptions, session.assumption)
    return replace(
        joined,
        epsilon=None if joined.epsilon is None else joined.epsilon + forgery,
        proof=replace(joined.proof, assumptions=assumptions),
    )


def _assembled(
    ask: RelayAsk, owner: str, shares: Sequence[HeldShare], session: Mask | None
) -> tuple[StoredKey, ...] | None:
    """The keys that shares make, None when they are not what the owner sent."""
    paths = [share.path for share in shares]
    try:
        require_disjoint(paths)
    except ParameterError:
        return None
    if len({(len(share.octets), share.shares) for share in shares}) != 1:
        return None
    secret = _masked(ask.relay, combine([share.octets for share in shares]), session)
    assert ask.check is not None
    hash_key, sent = ask.check[:_HASH_KEY_OCTETS], ask.check[_HASH_KEY_OCTETS:]
    octets = _compared(ask.relay, paths, secret, session)
    if not verify(octets, sent, hash_key + secret[-CHECK_PAD_OCTETS:]):
        return None
    pedigree = joined_pedigree(shares, forgery_probability(len(octets)), session)
    return _stored(ask.relay, secret, peer=owner, owner=owner, pedigree=pedigree)


def _missing(shares: Sequence[HeldShare]) -> tuple[int, ...]:
    """The numbers of shares that are not here; of a relay of which nothing came nobody knows how many."""
    if not shares:
        return ()
    here = {share.share for share in shares}
    return tuple(number for number in range(max(share.shares for share in shares)) if number not in here)


def _is_whole(store: KeyStore, relay: UUID, owner: str) -> bool:
    shares = [share for share in store.shares_of(relay) if share.path[0] == owner]
    return bool(shares) and not _missing(shares)


def _masked(relay: UUID, secret: bytes, session: Mask | None) -> bytes:
    return secret if session is None else xor(secret, session.mask(relay, len(secret)))


def _compared(relay: UUID, paths: Sequence[tuple[str, ...]], secret: bytes, session: Mask | None) -> bytes:
    """What the ends compare: the keys, and the circumstances on which they must agree."""
    name = b"" if session is None else session.name
    return msgspec.msgpack.encode(("haris relay", relay.bytes, tuple(paths), name, secret[:-CHECK_PAD_OCTETS]))


def _tag(relay: UUID, paths: Sequence[tuple[str, ...]], secret: bytes, hash_key: bytes, session: Mask | None) -> bytes:
    sent = tag(_compared(relay, paths, secret, session), hash_key + secret[-CHECK_PAD_OCTETS:])
    assert len(sent) == TAG_OCTETS
    return sent


def _stored(relay: UUID, secret: bytes, *, peer: str, owner: str, pedigree: Pedigree) -> tuple[StoredKey, ...]:
    return tuple(
        StoredKey(key_id(relay.bytes, index), secret[at : at + KEY_OCTETS], peer, owner, pedigree)
        for index, at in enumerate(range(0, len(secret) - CHECK_PAD_OCTETS, KEY_OCTETS))
    )
