"""One session of a span: two neighbouring sites on one connection, from greeting to lost connection.

The sites meet (span_meeting), and then make block after block. Alice decides when a block begins; Bob follows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, replace

from haris.crypto.ledger import span_ledgers
from haris.crypto.wegman_carter import forgery_probability
from haris.keys import commissioning, commit
from haris.keys.allotment import Allotment, Levels, cut, is_due, keeps_reserve, wanted
from haris.keys.store import KeyStore
from haris.node.events import BlockEvent
from haris.node.spans.authentication import Authenticator
from haris.node.spans.block_maker import BlockMaker, BlockOrder, Made, NotBegun, Unmade
from haris.node.spans.channel import SpanChannel
from haris.node.spans.meeting import Meeting
from haris.node.spans.plan import SpanPlan
from haris.node.system.threads import finish_in_thread
from haris.nouns.blocks import Aborted, AbortReason
from haris.nouns.errors import ForgedMessage, PeerError
from haris.nouns.ids import block_name
from haris.wire import span

IDLE_S = 0.1
TAGS_A_BLOCK = 7
"""Two over the transcript and one for Bob's word; and four of a meeting, were there one before every block."""

FIRST_RESPITE_S, LAST_RESPITE_S = 0.25, 4.0
"""Alice waits after an aborted block, longer after each: a link that is tapped is tried again, but does not spin."""


class SpanSession:
    """One connection's worth of a span.

    maker: makes the bits of its blocks. observe: told of every block that ends. alarm: told of what an operator must
    know. require: PeerError when no block may be held now.
    """

    def __init__(
        self,
        plan: SpanPlan,
        store: KeyStore,
        entropy: Callable[[int], bytes],
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        maker: BlockMaker,
        observe: Callable[[BlockEvent], None],
        alarm: Callable[[str], None],
        require: Callable[[], None] = lambda: None,
    ) -> None:
        self.plan, self._store, self._entropy, self._observe = plan, store, entropy, observe
        self._maker, self._alarm, self._alarmed = maker, alarm, False
        self._require = require
        self._alice = plan.role == "alice"
        self._channel = SpanChannel(*streams)
        self._tags = Authenticator(store, plan.name, alice=self._alice)
        self._meeting = Meeting(plan, store, entropy, self._channel, self._tags)
        self._session, self._next_block = b"", 0

    async def call(self, version: int) -> None:
        """Greet the site that listens, and settle. Raises as Meeting.call does."""
        self._session, self._next_block = await self._meeting.call(version)

    async def hear(self) -> span.Hello:
        """The greeting of a site that called. Raises as Meeting.hear does."""
        return await self._meeting.hear()

    async def answer(self, hello: span.Hello) -> None:
        """Greet the site that called, and settle. Any earlier session of the span has ended by now."""
        self._session, self._next_block = await self._meeting.answer(hello)

    async def make_blocks(self) -> None:
        """Make blocks until the connection ends or the peer breaks the protocol (PeerError).

        Returns at both ends when a block has brought pad that replaces a first one of ML-KEM: meet again.
        """
        await self._maker.attach(self._session, self._channel.require_peer)
        n_aborted = 0
        try:
            while True:
                if self._alice:
                    while (number := await self._begin()) is None:
                        self._channel.require_peer()
                        await asyncio.sleep(IDLE_S)
                    await self._channel.send(span.Begin(number))
                else:
                    number = (await self._channel.receive(span.Begin, silence_s=None)).number
                    if number < self._next_block:
                        raise PeerError(f"block {number} begins again; {self._next_block} is next")
                self._next_block = number + 1
                aborted = await self._make_block(number)
                n_aborted = n_aborted + 1 if aborted else 0
                if not aborted and await asyncio.to_thread(self._replaceable):
                    return  # the first pad is replaced where both ends stand alike: at the next meeting
                if self._alice and n_aborted:
                    await asyncio.sleep(min(FIRST_RESPITE_S * 2 ** (n_aborted - 1), LAST_RESPITE_S))
        finally:
            await self._maker.detach()

    async def _begin(self) -> int | None:
        """The block to begin now, if one is due, could be authenticated, and its maker is ready."""
        number = await asyncio.to_thread(self._due)
        if number is None:
            return None
        lack = wanted(await asyncio.to_thread(self._levels, number), self.plan.targets)
        return number if await self._maker.ready(lack.octets) else None

    def _due(self) -> int | None:
        """The block to make now, if one is due and could be authenticated.

        The owners take turns; a block whose owner's pool is full is passed over for the next.
        """
        if not keeps_reserve(self._levels(self._next_block, with_first_pad=True)):
            if not self._alarmed:
                self._alarm(
                    "too little authentication pad is left to begin a block; the link must be commissioned anew"
                )
            self._alarmed = True
            return None
        for number in (self._next_block, self._next_block + 1):
            if is_due(self._levels(number), self.plan.targets):
                return number
        return None

    def _levels(self, number: int, *, with_first_pad: bool = False) -> Levels:
        """What this end has before block `number`: Alice allots by her view, Bob's differs by what is on its way.

        A first pad that is to be replaced counts for what is left to authenticate with, not for what a block brings.
        """
        found = None if with_first_pad else commissioning.standing(self._store, self.plan.name)
        beyond = found.commission.ends if found is not None and found.is_temporary else {}

        def left(name: str) -> int:
            head, end = self._store.ledger_bounds(name)
            return end - max(head, beyond.get(name, 0))

        auth_ab, auth_ba, relay_ab, relay_ba = (left(name) for name in span_ledgers(self.plan.name))
        n_keys = self._store.count_ready(self.plan.peer, self._owner(number))
        return Levels(auth_ab, auth_ba, relay_ab, relay_ba, n_keys)

    def _replaceable(self) -> bool:
        found = commissioning.standing(self._store, self.plan.name)
        return found is not None and found.is_replaceable

    def _owner(self, number: int) -> str:
        """Even blocks belong to Alice's site, odd ones to Bob's."""
        return self.plan.site if (number % 2 == 0) == self._alice else self.plan.peer

    async def _make_block(self, number: int) -> bool:
        """One block from its making to its commit. True when it was aborted.

        Raises PeerError when the peer, or who stands between, breaks it: it is discarded and counted, unless this end
        holds it already; then it is in doubt.
        """
        started = time.perf_counter()
        block = block_name(self._session, number)
        try:
            made = await self._maker.make(BlockOrder(number, block, self._channel, lambda: self._levels(number)))
            if isinstance(made, Made):
                block = made.key.block  # of light of an earlier session, perhaps
                await self._commit(number, made)
            elif made.covered is not None:
                await self._agree(number, made.covered, lambda: None)
        except NotBegun:
            raise
        except PeerError as error:
            self._lost(number, block, error, started)
            raise
        await self._maker.ended(made)
        self._report(number, made, started)
        return isinstance(made, Unmade)

    async def _commit(self, number: int, made: Made) -> None:
        """Authenticate what was made in both directions and keep the block at both ends.

        Bob's tag, then Alice's copy and tag, then Bob's copy and his word. So whoever holds a copy has checked the
        other's tag over the same transcript, and what both hold is the same.
        """
        block = made.key.block
        word = b"haris held" + block
        await self._agree(number, made.covered, lambda: self._hold(number, made))
        if self._alice:
            held = await self._channel.receive_of(span.Held, number)
            await finish_in_thread(self._tags.check, word, held.tag)
            await finish_in_thread(commit.peer_holds, self._store, block)
            return
        await finish_in_thread(commit.peer_holds, self._store, block)
        await self._channel.send(span.Held(number, await finish_in_thread(self._tags.sign, word)))

    async def _agree(self, number: int, covered: bytes, hold: Callable[[], None]) -> None:
        """Bob's tag over what both saw, then Alice's; each does hold once the other's tag has proved to fit."""
        if not self._alice:
            await self._channel.send(span.Confirm(number, await finish_in_thread(self._tags.sign, b"b" + covered)))
        confirm = await self._channel.receive_of(span.Confirm, number)
        sender = b"b" if self._alice else b"a"
        await finish_in_thread(self._tags.check, sender + covered, confirm.tag)
        await finish_in_thread(hold)
        if self._alice:
            await self._channel.send(span.Confirm(number, await finish_in_thread(self._tags.sign, b"a" + covered)))

    def _hold(self, number: int, made: Made) -> None:
        self._require()
        key, plan, pedigree = made.key, self.plan, made.key.pedigree
        proof = pedigree.proof
        known = commissioning.assumptions_of(self._store, plan.name)
        pedigree = replace(pedigree, proof=replace(proof, assumptions=(*proof.assumptions, *known)))
        if pedigree.epsilon is not None:
            forgeries = TAGS_A_BLOCK * forgery_probability(len(made.covered) + 64)
            pedigree = replace(pedigree, epsilon=pedigree.epsilon + forgeries)
        key = replace(key, pedigree=pedigree)
        allotment = Allotment.decode(made.allotment)
        commit.hold(self._store, cut(key, allotment, plan.name, number, plan.site, plan.peer, self._owner(number)))

    def _lost(self, number: int, block: bytes, error: PeerError, started: float) -> None:
        """Tell of a block that the peer broke, unless this end holds it already: then it is in doubt."""
        if self._store.block_state(block) is None:
            reason = AbortReason.AUTHENTICATION if isinstance(error, ForgedMessage) else AbortReason.PEER
            self._report(number, Unmade(Aborted(block, reason, str(error))), started)

    def _report(self, number: int, made: Made | Unmade, started: float) -> None:
        aborted = made.aborted if isinstance(made, Unmade) else None
        event = BlockEvent(
            site=self.plan.site,
            span=self.plan.name,
            number=number,
            aborted=str(aborted.reason) if aborted else None,
            detail=aborted.detail if aborted else "",
            secret_bits=made.key.bits.size if isinstance(made, Made) else 0,
            wall_s=time.perf_counter() - started,
            **asdict(made.figures),
        )
        self._observe(event)
