"""Key relay: end-to-end pools for sites that are no neighbours, filled ahead over trusted nodes.

The owner draws keys from its entropy, keeps them PENDING, and sends them along a path that it is told. On each span
they travel under one-time pad and one-time tag; each trusted node between decrypts them and encrypts them anew, and
keeps nothing. The far end keeps them READY and tells the owner, whose copy then becomes READY too. If that word is
lost, the relay is in doubt, and the owner asks the far end directly: what is not there by then is never accepted.

An engine burns pad before it returns a message, so that a crash costs pad and never uses it twice. A relay is sent
once; keys that did not arrive are overwritten and others are drawn. A forged, replayed or truncated message raises
PeerError: nothing is stored and nothing is burnt that an honest message could still need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import msgspec

from haris.crypto.one_time_pad import xor
from haris.crypto.wegman_carter import PAD_OCTETS, forgery_probability, tag, verify
from haris.keys.pedigree import join_pedigrees
from haris.keys.store import KeyStore, PadSlice
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.ids import key_id
from haris.nouns.keys import KEY_OCTETS, Origin, Pedigree, Proof, StoredKey
from haris.wire.relay import MAX_KEYS, RelayDone, RelayKeys, require_path

BATCH_KEYS = 256
"""Keys that one relay carries at most: 8 KiB a span, so that a loss costs little pad."""

UNSENT = Pedigree(
    None, Origin.EMULATED, Proof("key relay", "unknown", False), epsilon_reason="the keys have not crossed their path"
)
"""What the owner may say of keys in doubt, the worst of all; they are never delivered with it."""


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
    """The far end's word for the owner, and what the keys cost here."""

    done: RelayDone
    spent: tuple[Spent, ...]


def pad_octets(n_keys: int) -> int:
    """Octets of relay pad that n_keys cost on each span: their own length and one tag's pad."""
    return KEY_OCTETS * n_keys + PAD_OCTETS


def fill(n_ready: int, n_in_doubt: int, target: int, pad_left: int) -> int:
    """How many keys to relay now towards one peer; 0: none.

    n_ready, n_in_doubt: keys that this site owns there. target: how many it wants. pad_left: octets in the first span's
    relay ledger. At most BATCH_KEYS; and no fewer than a quarter of a batch or of the target, so that a tag's pad is
    spread over many keys, unless the target is nearer or the pool is empty.
    """
    lack = target - n_ready - n_in_doubt
    affordable = min(lack, BATCH_KEYS, (pad_left - PAD_OCTETS) // KEY_OCTETS)
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


def originate(
    store: KeyStore, path: tuple[str, ...], ledger: str, n_keys: int, entropy: Callable[[int], bytes]
) -> Sent:
    """Draw n_keys, keep them PENDING, and seal them for the first span of path.

    path: sites from here to the far end. ledger: the relay ledger of the first span, in our direction of sending.
    Raises KeyUnavailable, having kept nothing, when the ledger is dry.
    """
    if not 0 < n_keys <= MAX_KEYS:
        raise ParameterError(f"a relay carries 1 to {MAX_KEYS} keys, got {n_keys}")
    require_path(path)
    pad = store.ledger_take(ledger, pad_octets(n_keys))
    relay = UUID(bytes=entropy(16), version=4)
    secrets = entropy(KEY_OCTETS * n_keys)
    store.hold_keys(_stored(relay, secrets, peer=path[-1], owner=path[0], pedigree=UNSENT), relay)
    return Sent(_seal(relay, path, pad, secrets, None), (Spent(ledger, pad.offset, len(pad.octets)),))


def forward(store: KeyStore, message: RelayKeys, site: str, incoming: str, outgoing: str) -> Sent:
    """At a trusted node: open the keys of one span and seal them for the next. Nothing but burnt pad remains here.

    incoming: the relay ledger in which previous_site sends to us. outgoing: the one in which we send to next_site.
    Raises PeerError for a message that is not for us or was changed, KeyUnavailable when the next span's ledger is dry:
    then the keys go no further, and their owner learns so from the far end.
    """
    previous_site(message.path, site)
    next_site(message.path, site)
    _check(store, message, incoming)
    pad = store.ledger_take(outgoing, pad_octets(message.n_keys))
    secrets, pedigree, spent = _open(store, message, incoming)
    onward = _seal(message.relay, message.path, pad, secrets, pedigree)
    return Sent(onward, (spent, Spent(outgoing, pad.offset, len(pad.octets))))


def receive(store: KeyStore, message: RelayKeys, site: str, incoming: str) -> Received:
    """At the far end: open the keys and keep them READY, for the owner alone to assign.

    A relay that was voided, because its owner gave it up, is not kept, and one that is known is not kept again.
    Raises PeerError for a message that is not for us or was changed.
    """
    previous_site(message.path, site)
    if message.path[-1] != site:
        raise PeerError(f"a relay over {'-'.join(message.path)} does not end at {site}")
    _check(store, message, incoming)
    secrets, pedigree, spent = _open(store, message, incoming)
    owner = message.path[0]
    if store.put_keys(_stored(message.relay, secrets, peer=owner, owner=owner, pedigree=pedigree), message.relay):
        return Received(RelayDone(message.relay, pedigree), (spent,))
    return Received(fate(store, message.relay), (spent,))


def fate(store: KeyStore, relay: UUID) -> RelayDone:
    """At the far end, asked by the owner: whether the relay arrived. If not, it will be refused for ever."""
    return RelayDone(relay, store.void_relay(relay))


def settle(store: KeyStore, done: RelayDone) -> None:
    """At the owner: its copy becomes READY with the pedigree of the whole path, or is overwritten."""
    store.settle_keys(done.relay, done.arrived)


def _stored(relay: UUID, secrets: bytes, *, peer: str, owner: str, pedigree: Pedigree) -> tuple[StoredKey, ...]:
    return tuple(
        StoredKey(key_id(relay.bytes, index), secrets[at : at + KEY_OCTETS], peer, owner, pedigree)
        for index, at in enumerate(range(0, len(secrets), KEY_OCTETS))
    )


def _seal(relay: UUID, path: tuple[str, ...], pad: PadSlice, secrets: bytes, pedigree: Pedigree | None) -> RelayKeys:
    message = RelayKeys(
        relay=relay,
        path=path,
        ledger=pad.ledger,
        offset=pad.offset,
        ciphertext=xor(secrets, pad.octets[:-PAD_OCTETS]),
        pedigree=pedigree,
    )
    return msgspec.structs.replace(message, seal=tag(message.sealed_octets(), pad.octets[-PAD_OCTETS:]))


def _check(store: KeyStore, message: RelayKeys, incoming: str) -> None:
    """Raise PeerError unless the message is sealed under pad of the incoming ledger that is not burnt yet."""
    if message.ledger != incoming:
        raise PeerError(f"a relay came under {message.ledger}, where {incoming} was due")
    store.ledger_peek(incoming, message.offset, len(message.ciphertext))
    pad = store.ledger_peek(incoming, message.offset + len(message.ciphertext), PAD_OCTETS)
    if message.seal is None or not verify(message.sealed_octets(), message.seal, pad):
        raise PeerError("the tag of a relay does not fit: it was changed on its way")


def _open(store: KeyStore, message: RelayKeys, incoming: str) -> tuple[bytes, Pedigree, Spent]:
    """The keys in a checked message, and their pedigree with this span's part; their pad is burnt."""
    pad = store.ledger_take_at(incoming, message.offset, pad_octets(message.n_keys))
    pedigree = _lengthened(message, pad.pedigree, forgery_probability(len(message.sealed_octets())))
    return xor(message.ciphertext, pad.octets[:-PAD_OCTETS]), pedigree, Spent(incoming, pad.offset, len(pad.octets))


def _lengthened(message: RelayKeys, span: Pedigree, forgery: float) -> Pedigree:
    """The pedigree of keys that crossed one more span: epsilons add, and the tag's; every node between is trusted."""
    parts = (span,) if message.pedigree is None else (message.pedigree, span)
    joined = join_pedigrees(parts)
    assumptions = joined.proof.assumptions
    trusted = f"trusted relays: {', '.join(message.path[1:-1])}"
    if len(message.path) > 2 and trusted not in assumptions:
        assumptions += (trusted,)
    return replace(
        joined,
        epsilon=None if joined.epsilon is None else joined.epsilon + forgery,
        hops=sum(part.hops for part in parts),
        proof=replace(joined.proof, assumptions=assumptions),
    )
