"""A store in memory with a switch that crashes it at a chosen verb: what was durable stays, what was not is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from haris.keys.pedigree import join_pedigrees
from haris.keys.store import BlockShares, Carried, HeldShare, PadAppend, PadSlice
from haris.nouns.errors import KeyUnavailable, PeerError, StoreError
from haris.nouns.keys import Pedigree, StoredKey
from haris.wire.relay import MAX_ON_THEIR_WAY


class Crash(BaseException):
    """The process has died. Not an Exception: no engine may catch it."""


@dataclass
class Pad:
    octets: bytearray = field(default_factory=bytearray)
    head: int = 0
    births: list[tuple[int, Pedigree]] = field(default_factory=list)  # (end of the append, pedigree)


class MemoryStore:
    """Blocks, ledgers and relayed keys of one site.

    crash_at: counts durable verbs down to the one that crashes. crash_after: it crashes once it has become durable.
    """

    def __init__(self) -> None:
        self.blocks: dict[bytes, tuple[str, BlockShares | None]] = {}
        self.pads: dict[str, Pad] = {}
        self.keys: dict[UUID, tuple[str, StoredKey, UUID | None]] = {}
        self.relays: dict[UUID, Pedigree | None] = {}
        self.shares: dict[UUID, dict[int, HeldShare]] = {}
        self.asks: dict[UUID, bytes] = {}
        self.waits: dict[UUID, int] = {}
        self.carrying: dict[tuple[str, int], Carried] = {}
        self.appended: list[bytes] = []
        self.burnt: list[tuple[str, int, int]] = []
        self.crash_at: int | None = None
        self.crash_after = False

    def durable(self) -> object:
        """All that a restart would find, to compare."""
        pads = {name: (pad.head, bytes(pad.octets)) for name, pad in self.pads.items()}
        shares = {relay: dict(held) for relay, held in self.shares.items()}
        return (
            dict(self.blocks),
            pads,
            dict(self.keys),
            dict(self.relays),
            shares,
            dict(self.asks),
            dict(self.carrying),
        )

    def _durable(self, change) -> None:
        """Run change as one transaction, or crash before or after it."""
        crashes = self.crash_at == 0
        if self.crash_at is not None:
            self.crash_at -= 1
        if crashes and not self.crash_after:
            self.crash_at = None
            raise Crash
        change()
        if crashes:
            self.crash_at = None
            raise Crash

    # -- blocks

    def hold_block(self, shares: BlockShares) -> None:
        def change() -> None:
            if shares.block in self.blocks:
                raise StoreError("a block named before")
            self.blocks[shares.block] = ("pending", shares)

        self._durable(change)

    def ready_block(self, block: bytes) -> bool:
        status, shares = self.blocks.get(block, (None, None))
        if status != "pending" or shares is None:
            return False

        def change() -> None:
            self.blocks[block] = ("ready", shares)
            self.appended.append(block)
            self._append(shares.pads)
            for key in shares.keys:
                self.keys[key.key_id] = ("ready", key, None)

        self._durable(change)
        return True

    def discard_block(self, block: bytes) -> bool:
        status, shares = self.blocks.get(block, (None, None))
        if status == "ready":
            return False

        def change() -> None:
            blank = None if shares is None else replace(shares, keys=(), pads=())
            self.blocks[block] = ("discarded", blank)

        self._durable(change)
        return True

    def block_state(self, block: bytes) -> str | None:
        return self.blocks.get(block, (None, None))[0]

    def blocks_in_doubt(self, span: str) -> tuple[bytes, ...]:
        return tuple(b for b, (status, s) in self.blocks.items() if status == "pending" and s and s.span == span)

    def last_block_number(self, span: str) -> int:
        return max((s.number for _, s in self.blocks.values() if s and s.span == span), default=-1)

    # -- ledgers

    def _append(self, pads: Sequence[PadAppend]) -> None:
        for append in pads:
            pad = self.pads.setdefault(append.ledger, Pad())
            pad.octets += append.octets
            pad.births.append((len(pad.octets), append.pedigree))

    def ledger_append(self, pads: Sequence[PadAppend]) -> None:
        self._durable(lambda: self._append(pads))

    def _burn(self, ledger: str, pad: Pad, until: int) -> None:
        self.burnt.append((ledger, pad.head, until))
        pad.octets[pad.head : until] = bytes(until - pad.head)
        pad.head = until

    def _slice(self, ledger: str, offset: int, n_octets: int) -> PadSlice:
        pad = self.pads[ledger]
        starts = [0, *(end for end, _ in pad.births)]
        born = [
            pedigree
            for start, (end, pedigree) in zip(starts, pad.births, strict=False)
            if start < offset + n_octets and end > offset
        ]
        return PadSlice(ledger, offset, bytes(pad.octets[offset : offset + n_octets]), join_pedigrees(born))

    def ledger_take(self, ledger: str, n_octets: int) -> PadSlice:
        head, end = self.ledger_bounds(ledger)
        if head + n_octets > end:
            raise KeyUnavailable(f"{ledger} is dry")
        taken = self._slice(ledger, head, n_octets)
        self._durable(lambda: self._burn(ledger, self.pads[ledger], head + n_octets))
        return taken

    def ledger_take_at(self, ledger: str, offset: int, n_octets: int) -> PadSlice:
        self.ledger_peek(ledger, offset, n_octets)
        taken = self._slice(ledger, offset, n_octets)
        self._durable(lambda: self._burn(ledger, self.pads[ledger], offset + n_octets))
        return taken

    def ledger_peek(self, ledger: str, offset: int, n_octets: int) -> bytes:
        head, end = self.ledger_bounds(ledger)
        if offset < head or offset + n_octets > end:
            raise PeerError("outside the pad")
        return bytes(self.pads[ledger].octets[offset : offset + n_octets])

    def ledger_burn_to(self, ledger: str, offset: int) -> None:
        head, end = self.ledger_bounds(ledger)
        if offset > end:
            raise PeerError("beyond the pad")
        if offset > head:
            self._durable(lambda: self._burn(ledger, self.pads[ledger], offset))

    def ledger_bounds(self, ledger: str) -> tuple[int, int]:
        pad = self.pads.get(ledger, Pad())
        return pad.head, len(pad.octets)

    # -- relayed stock

    def put_keys(self, keys: Sequence[StoredKey], relay: UUID) -> bool:
        if relay in self.relays:
            return False

        def change() -> None:
            self.relays[relay] = keys[0].pedigree
            self.keys.update({key.key_id: ("ready", key, relay) for key in keys})

        self._durable(change)
        return True

    def hold_keys(self, keys: Sequence[StoredKey], relay: UUID) -> None:
        self._durable(lambda: self.keys.update({key.key_id: ("pending", key, relay) for key in keys}))

    def settle_keys(self, relay: UUID, arrived: Pedigree | None) -> None:
        def change() -> None:
            for name, (status, key, of) in list(self.keys.items()):
                if of == relay and status == "pending" and arrived:
                    self.keys[name] = ("ready", replace(key, pedigree=arrived), relay)
                elif of == relay and status == "pending":
                    self.keys[name] = ("spent", replace(key, secret=b""), relay)

        self._durable(change)

    def void_relay(self, relay: UUID) -> Pedigree | None:
        if relay not in self.relays:
            self._durable(lambda: self.relays.update({relay: None}))
        return self.relays[relay]

    def relays_in_doubt(self, peer: str) -> tuple[UUID, ...]:
        pending = (of for status, key, of in self.keys.values() if status == "pending" and key.peer == peer)
        return tuple(dict.fromkeys(of for of in pending if of is not None))

    # -- shares and questions

    def keep_share(self, share: HeldShare) -> bool:
        if share.share in self.shares.get(share.relay, {}) or share.relay in self.relays:
            return False

        def change() -> None:
            held = self.shares.pop(share.relay, {})
            self.shares[share.relay] = held | {share.share: share}
            of_owner = [relay for relay, held in self.shares.items() if _owner(held) == share.path[0]]
            for relay in of_owner[:-MAX_ON_THEIR_WAY]:
                del self.shares[relay]

        self._durable(change)
        return True

    def shares_of(self, relay: UUID) -> tuple[HeldShare, ...]:
        return tuple(share for _, share in sorted(self.shares.get(relay, {}).items()))

    def settled_here(self, relays: Sequence[UUID]) -> tuple[UUID, ...]:
        return tuple(relay for relay in relays if relay in self.relays)

    def note_ask(self, relay: UUID, ask: bytes, until_ns: int | None = None) -> None:
        def change() -> None:
            self.asks[relay] = ask
            if until_ns is not None:
                self.waits[relay] = until_ns

        self._durable(change)

    def may_arrive(self, peer: str, now_ns: int) -> tuple[UUID, ...]:
        return tuple(relay for relay in self.relays_in_doubt(peer) if self.waits.get(relay, now_ns) > now_ns)

    def asked(self, relay: UUID) -> bytes | None:
        return self.asks.get(relay)

    def forget_relay(self, relay: UUID) -> None:
        if relay in self.shares or relay in self.asks:
            self._durable(lambda: [kept.pop(relay, None) for kept in (self.shares, self.asks, self.waits)])

    # -- what waits for its next site

    def carry(self, message: Carried) -> None:
        self._durable(lambda: self.carrying.update({(message.ledger, message.offset): message}))

    def carried(self, ledger: str) -> Carried | None:
        waiting = [message for (name, _), message in sorted(self.carrying.items()) if name == ledger]
        return waiting[0] if waiting else None

    def count_carried(self, ledger: str) -> int:
        return sum(name == ledger for name, _ in self.carrying)

    def carry_no_more(self, ledger: str, offset: int) -> None:
        self._durable(lambda: self.carrying.pop((ledger, offset), None))

    def drop_carried(self, until_before_ns: int) -> int:
        over = [place for place, message in self.carrying.items() if message.until_ns < until_before_ns]
        for place in over:
            del self.carrying[place]
        return len(over)

    def head_to_tell(self, ledger: str) -> int:
        waiting = self.carried(ledger)
        head = self.ledger_bounds(ledger)[0]
        return head if waiting is None else min(head, waiting.offset)

    # -- pools

    def count_pending(self, peer: str) -> int:
        return sum(status == "pending" and key.peer == peer for status, key, _ in self.keys.values())

    def count_ready(self, peer: str, owner: str) -> int:
        ready = (key for status, key, _ in self.keys.values() if status == "ready")
        return sum((key.peer, key.owner) == (peer, owner) for key in ready)

    def reserve(self, peer: str, owner: str, n_keys: int, purpose: str) -> tuple[StoredKey, ...]:
        ready = [key for status, key, _ in self.keys.values() if status == "ready"]
        chosen = [key for key in ready if (key.peer, key.owner) == (peer, owner)][:n_keys]
        if len(chosen) < n_keys:
            raise KeyUnavailable("fewer")
        self._durable(lambda: [self.keys.update({k.key_id: ("reserved", k, self.keys[k.key_id][2])}) for k in chosen])
        return tuple(chosen)

    def secrets(self, status: str) -> dict[UUID, bytes]:
        return {name: key.secret for name, (at, key, _) in self.keys.items() if at == status}


def _owner(held: dict[int, HeldShare]) -> str:
    return next(iter(held.values())).path[0]
