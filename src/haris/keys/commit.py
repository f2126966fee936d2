"""Commit of a block: two sites agree that both hold it, over a connection that may break at any moment.

Each end keeps its copy PENDING, durably, before it gives its word "I hold it". A copy becomes READY when the other's
word has arrived, and only then do its keys enter the pools and its pads the ledgers.

    UNKNOWN ──hold──▶ PENDING ──peer holds──▶ READY
       │                 └─────peer lacks───▶ DISCARDED
       └───────deny─────────────────────────────▲

The last word of such an exchange can always be lost, so a block may be in doubt: PENDING here, and the peer's copy
unknown. Doubt is never settled by a time-out. When the sites meet again, each lists its blocks in doubt, each answers
for the other's, and each acts on the answers to its own list, as that list was when it was sent:

- The peer holds it too (PENDING or READY): READY. The peer cannot have discarded it, nor will it: it discards only on
  our word that we lack it, and we hold it.
- The peer discarded it or never held it: DISCARDED. The peer cannot hold it later: a site that is asked for a block
  which it never held denies it, which is remembered as DISCARDED before the answer leaves. So even a verb of the broken
  session that is still on its way to the store finds the block refused.

A session of a span has ended, and its words are no longer listened to, before the next one greets. Blocks of a span
are made one after the other and a doubt is settled before the next block, so that both ends append to their ledgers in
the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from haris.keys.store import BlockShares, BlockStore
from haris.nouns.errors import PeerError, StoreError


class BlockState(StrEnum):
    """Where a block stands at one end; all but UNKNOWN are durable."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    READY = "ready"
    DISCARDED = "discarded"


class Event(StrEnum):
    """What happens to a block at one end."""

    HOLD = "hold"
    PEER_HOLDS = "peer holds"
    PEER_LACKS = "peer lacks"
    DENY = "deny"


TRANSITIONS: dict[tuple[BlockState, Event], BlockState] = {
    (BlockState.UNKNOWN, Event.HOLD): BlockState.PENDING,
    (BlockState.UNKNOWN, Event.DENY): BlockState.DISCARDED,
    (BlockState.PENDING, Event.PEER_HOLDS): BlockState.READY,
    (BlockState.PENDING, Event.PEER_LACKS): BlockState.DISCARDED,
    (BlockState.READY, Event.PEER_HOLDS): BlockState.READY,
    (BlockState.DISCARDED, Event.PEER_LACKS): BlockState.DISCARDED,
}
"""What has no entry breaks the protocol: a peer that lacks what it held, or holds what it discarded."""


def state(store: BlockStore, block: bytes) -> BlockState:
    """Where the block stands at this end."""
    return BlockState(store.block_state(block) or BlockState.UNKNOWN)


def hold(store: BlockStore, shares: BlockShares) -> None:
    """Keep this end's copy as PENDING; durable on return, so that our word may leave.

    Raises PeerError for a block named before, or out of its span's order, or while an older block is in doubt.
    """
    _reach(state(store, shares.block), Event.HOLD)
    if store.blocks_in_doubt(shares.span):
        raise PeerError(f"a block of {shares.span} is in doubt: it is settled before the next one is held")
    if shares.number <= store.last_block_number(shares.span):
        raise PeerError(f"block {shares.number} of {shares.span} comes after block {shares.number} or a later one")
    store.hold_block(shares)


def peer_holds(store: BlockStore, block: bytes) -> None:
    """The peer's word has arrived: READY. PeerError for a block that is not held here."""
    _advance(store, block, Event.PEER_HOLDS)


def deny(store: BlockStore, block: bytes) -> None:
    """Refuse a block that is not held here, for ever, before the peer is told. PeerError when it is held."""
    _advance(store, block, Event.DENY)


def doubts(store: BlockStore, span: str) -> tuple[bytes, ...]:
    """Our list for the peer: blocks whose fate there is unknown, oldest first."""
    return store.blocks_in_doubt(span)


def answers(store: BlockStore, asked: Sequence[bytes]) -> tuple[BlockState, ...]:
    """Our answers to the peer's list, in its order: pending, ready, or discarded. Durable before they leave."""
    for block in asked:
        if state(store, block) is BlockState.UNKNOWN:
            store.discard_block(block)
    return tuple(state(store, block) for block in asked)


def settle(store: BlockStore, asked: Sequence[bytes], answered: Sequence[str]) -> None:
    """Act on the peer's answers to our list, as it was sent. Raises PeerError, changing nothing, for other words."""
    words = {BlockState.PENDING: Event.PEER_HOLDS, BlockState.READY: Event.PEER_HOLDS}
    words[BlockState.DISCARDED] = Event.PEER_LACKS
    if len(answered) != len(asked) or not set(answered) <= set(words):
        raise PeerError(f"{len(asked)} blocks in doubt want as many answers of pending, ready or discarded")
    for block, answer in zip(asked, answered, strict=True):
        _advance(store, block, words[BlockState(answer)])


def _reach(before: BlockState, event: Event) -> BlockState:
    try:
        return TRANSITIONS[before, event]
    except KeyError:
        raise PeerError(f"a block that is {before} here cannot see the event: {event}") from None


def _advance(store: BlockStore, block: bytes, event: Event) -> None:
    before = state(store, block)
    after = _reach(before, event)
    if after is before:
        return
    moved = store.ready_block(block) if after is BlockState.READY else store.discard_block(block)
    if not moved:
        raise StoreError(f"a block was {before} and changed before it became {after}")
