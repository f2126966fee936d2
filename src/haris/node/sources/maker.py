"""Blocks made of a maker's keys: both ends draw the same keys from their boxes, and compare them under fresh pad.

Alice draws ahead of the block, when keys are wanted and the box may be asked; a block begins once she holds keys that
are worth its tags. Bob draws what she offers. What was drawn is spent at either end, whatever becomes of its block.
While Bob's box gives nothing, Alice offers a single key now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from haris.crypto.wegman_carter import PAD_OCTETS
from haris.keys import vendor
from haris.keys.allotment import allot, wanted
from haris.keys.quarantine import Lie, SourceLied
from haris.keys.store import LedgerStore, SourceStore
from haris.keys.vendor import Allowance, SourceKey, Statement
from haris.node.events import Observe
from haris.node.sources.box import Box
from haris.node.sources.watch import SourceWatch
from haris.node.spans.authentication import Authenticator
from haris.node.spans.block_maker import BlockOrder, Made, Unmade
from haris.node.spans.plan import SourcePlan, SpanPlan
from haris.node.system.threads import finish_in_thread
from haris.nouns.blocks import Aborted, AbortReason
from haris.nouns.errors import ForgedMessage, HarisError, KeyUnavailable, PeerError
from haris.wire import span
from haris.wire import vendor as wire

PAIRING_S = 20.0
"""How long Bob asks for keys that Alice has when none comes: his box may get them later."""
PAIRED_WITHIN_S = 60.0
"""How long he asks in all, before Alice takes his silence for his end."""
PAIRING_PAUSE_S = 0.1
LEAST_OCTETS = 32 * PAD_OCTETS
"""Octets of keys for which a block is begun, unless fewer are wanted: it burns four tags."""


class VendorStore(LedgerStore, SourceStore, Protocol):
    """What a source needs of the store."""


class SourceMaker:
    """A BlockMaker at one end of a pair of boxes."""

    def __init__(self, plan: SpanPlan, source: SourcePlan, box: Box, store: VendorStore, observe: Observe) -> None:
        entry = source.entry
        self._plan, self._entry, self._box, self._store = plan, entry, box, store
        self._alice = plan.role == "alice"
        self._tags = Authenticator(store, plan.name, alice=self._alice)
        self._watch = SourceWatch(plan.site, entry, source.release, store, observe, judged=self._alice)
        self._statement = Statement(entry.who, entry.stated_epsilon)
        self._allowance = None if entry.max_keys_per_s is None else Allowance(entry.max_keys_per_s)
        self._drawn: list[SourceKey] = []
        self._unnoted: tuple[SourceKey, ...] = ()
        self._open: tuple[str, ...] = ()
        self._session, self._reached, self._swept = b"", False, False

    async def attach(self, session: bytes, require_peer: Callable[[], None]) -> None:
        """Begin to use the box. While it cannot be used the session lives on: each new meeting burns pad."""
        self._session, self._reached = session, False
        with contextlib.suppress(HarisError):  # tried again, and told, when keys are wanted
            await self._reach()

    async def ready(self, wanted_octets: int) -> bool:
        """Whether Alice holds keys enough; draws more of them when the box may be asked."""
        if not await self._watch.usable():
            self._drawn.clear()
            return False
        enough = self._key_octets if self._watch.lacks("pair") else min(wanted_octets, wire.MAX_KEYS * self._key_octets)
        if self._held_octets < enough and not self._watch.resting("draw"):
            await self._draw(-(-(enough - self._held_octets) // self._key_octets))
        if self._watch.lacks("pair"):
            return bool(self._drawn) and not self._watch.resting("pair")
        return self._held_octets >= min(enough, LEAST_OCTETS) and bool(self._drawn)

    async def make(self, order: BlockOrder) -> Made | Unmade:
        """One block: Alice offers, Bob answers."""
        return await (self._offer(order) if self._alice else self._answer(order))

    async def ended(self, made: Made | Unmade) -> None:
        """Burn what the box has left of the block's keys; conclude what the block says of the source."""
        names, self._open = self._open, ()
        await self._box.burn(names)
        if isinstance(made, Made):
            await self._watch.gave("pair" if self._alice else "draw")
        elif made.covered is not None:
            await self._lied(SourceLied(Lie.ENDS_DIFFER, made.aborted.detail))
        elif self._alice:
            await self._watch.dry(made.aborted.detail, "pair")

    async def detach(self) -> None:
        """Let go of the box."""
        await self._box.close()

    async def _reach(self) -> None:
        """Begin to use the box, and burn what an earlier session or process has used up and left."""
        if self._reached:
            return
        there, used = await self._box.open(self._session), self._open
        if not self._swept:
            used += await finish_in_thread(self._store.known_names, self._entry.name, there)
        self._reached, self._swept, self._open = True, True, ()
        await self._box.burn(used)

    # Alice

    async def _draw(self, n_keys: int) -> None:
        if self._allowance is not None:
            n_keys = min(n_keys, self._allowance.left(time.monotonic()))
            if n_keys < 1:
                return
        try:
            await self._reach()
            if self._unnoted:
                n_keys = len(self._unnoted)
            else:
                self._unnoted = await self._box.fresh(n_keys)
                if self._allowance is not None:
                    self._allowance.draw(len(self._unnoted))
            await self._take(self._unnoted, n_keys)
        except SourceLied as lie:
            self._unnoted = ()
            await self._lied(lie)
        except HarisError as error:  # a full store notes nothing: what the box has given is kept for the next time
            await self._watch.dry(str(error), "draw")
        else:
            self._drawn, self._unnoted = [*self._drawn, *self._unnoted], ()
            await self._watch.gave("draw")

    async def _offer(self, order: BlockOrder) -> Made | Unmade:
        levels = await finish_in_thread(order.levels)
        lack = wanted(levels, self._plan.targets).octets
        n_keys = 1 if self._watch.lacks("pair") else min(max(1, -(-lack // self._key_octets)), wire.MAX_KEYS)
        keys, self._drawn = tuple(self._drawn[:n_keys]), self._drawn[n_keys:]
        self._open = tuple(key.name for key in keys)
        allotment = allot(len(keys) * self._entry.key_bits, levels, self._plan.targets).encode()
        tag = await finish_in_thread(self._tags.sign, vendor.compared(order.block, keys))
        offer = wire.encode(wire.Offer(list(self._open), allotment, tag))
        await order.channel.send(span.Distil(order.number, offer))
        heard = (await order.channel.receive_of(span.Distil, order.number)).body
        answer = wire.decode(heard)
        if not isinstance(answer, wire.Answer):
            raise PeerError(f"an offer wants an answer, got {type(answer).__name__}")
        return self._outcome(order, keys, allotment, offer, heard, answer)

    # Bob

    async def _answer(self, order: BlockOrder) -> Made | Unmade:
        body = (await order.channel.receive_of(span.Distil, order.number)).body
        offer = wire.decode(body)
        if not isinstance(offer, wire.Offer):
            raise PeerError(f"a block of a vendor's keys begins with an offer, not with {type(offer).__name__}")
        keys, answer = await self._judge(order.block, offer)
        said = wire.encode(answer)
        await order.channel.send(span.Distil(order.number, said))
        return self._outcome(order, keys, offer.allotment, body, said, answer)

    async def _judge(self, block: bytes, offer: wire.Offer) -> tuple[tuple[SourceKey, ...], wire.Answer]:
        """The same keys from Bob's box, and what he says of them. Bob's box is asked for no name twice."""
        try:
            if not await self._watch.usable():
                return (), wire.Answer("absent", "the source is in quarantine at the other end")
            known = await finish_in_thread(self._store.known_names, self._entry.name, offer.names)
            vendor.require_new(offer.names, known)
            await self._reach()
            keys = await self._pair(offer.names)
        except SourceLied as lie:
            await self._lied(lie)
            return (), wire.Answer("absent", f"the box at the other end: {lie.lie}")
        except HarisError as error:
            await self._watch.dry(str(error), "draw")
            return (), wire.Answer("absent", str(error)[:512])
        try:
            await finish_in_thread(self._tags.check, vendor.compared(block, keys), offer.tag)
        except ForgedMessage:
            return keys, wire.Answer("differ")
        return keys, wire.Answer("same")

    async def _pair(self, names: Sequence[str]) -> tuple[SourceKey, ...]:
        """The keys of these names from Bob's box, as they can be had. KeyUnavailable when they do not all come."""
        began_s = came_s = time.monotonic()
        had: dict[str, SourceKey] = {}
        self._open = tuple(names)
        while missing := [name for name in names if name not in had]:
            try:
                keys = await self._box.named(missing)
            except KeyUnavailable:
                if time.monotonic() - came_s > PAIRING_S:
                    raise
                await asyncio.sleep(PAIRING_PAUSE_S)
            else:
                came_s = time.monotonic()
                had |= vendor.among(missing, keys)
            if time.monotonic() - began_s > PAIRED_WITHIN_S:
                raise KeyUnavailable(f"{len(missing)} of {len(names)} keys did not come in time")
        paired = tuple(had[name] for name in names)
        await self._take(paired, len(names))
        return paired

    # Both

    async def _take(self, keys: Sequence[SourceKey], at_most: int) -> None:
        """Examine what the box gave, and note it as drawn. Raises SourceLied."""
        vendor.examine(keys, self._entry.key_bits, at_most)
        known = await finish_in_thread(self._store.note_names, self._entry.name, [key.name for key in keys])
        if known:
            raise SourceLied(Lie.REPEATED_NAME, f"{len(known)} of {len(keys)} keys were given before, first {known[0]}")

    def _outcome(
        self,
        order: BlockOrder,
        keys: Sequence[SourceKey],
        allotment: bytes,
        offer: bytes,
        answered: bytes,
        answer: wire.Answer,
    ) -> Made | Unmade:
        covered = vendor.covered(order.block, offer, answered)
        if answer.verdict == "same":
            return Made(vendor.final_key(order.block, keys, self._statement), allotment, covered)
        if answer.verdict == "differ":
            detail = f"{self._entry.who} gave the two ends different keys under the same names"
            return Unmade(Aborted(order.block, AbortReason.SOURCE, detail), covered)
        return Unmade(Aborted(order.block, AbortReason.SOURCE, answer.detail))

    async def _lied(self, lie: SourceLied) -> None:
        self._drawn.clear()
        await self._watch.lied(lie)

    @property
    def _key_octets(self) -> int:
        return self._entry.key_bits // 8

    @property
    def _held_octets(self) -> int:
        return len(self._drawn) * self._key_octets
