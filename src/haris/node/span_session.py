"""One session of a span: two neighbouring sites on one connection, from greeting to lost connection.

The sites meet (span_meeting), and then make block after block. Alice decides when a block begins; Bob follows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from haris.crypto.ledger import span_ledgers
from haris.crypto.wegman_carter import forgery_probability
from haris.keys import commit
from haris.keys.allotment import Allotment, Levels, allot, cut, is_due, keeps_reserve
from haris.keys.store import KeyStore
from haris.node.authentication import Authenticator
from haris.node.events import BlockEvent
from haris.node.light import Attached
from haris.node.span_channel import SpanChannel
from haris.node.span_meeting import Meeting
from haris.node.span_plan import SpanPlan
from haris.node.threads import finish_in_thread
from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.errors import ForgedMessage, ParameterError, PeerError
from haris.nouns.ids import block_name
from haris.nouns.keys import FinalKey, Pedigree
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.transcript import Sender, Transcript
from haris.wire import distillation, light, span

LIGHT_S = 600.0
"""How long a block of light may take. Beginning is not authenticated, so the sites may wait for different blocks."""
IDLE_S = 0.1
TAGS_A_BLOCK = 7
"""Two over the transcript and one for Bob's word; and four of a meeting, were there one before every block."""

FIRST_RESPITE_S, LAST_RESPITE_S = 0.25, 4.0
"""Alice waits after an aborted block, longer after each: a link that is tapped is tried again, but does not spin."""


class SpanSession:
    """One connection's worth of a span.

    observe: told of every block that ends. alarm: told of what an operator must know.
    """

    def __init__(
        self,
        plan: SpanPlan,
        store: KeyStore,
        entropy: Callable[[int], bytes],
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        observe: Callable[[BlockEvent], None],
        alarm: Callable[[str], None],
    ) -> None:
        self.plan, self._store, self._entropy, self._observe = plan, store, entropy, observe
        self._alarm, self._alarmed = alarm, False
        self._alice = plan.role == "alice"
        self._channel = SpanChannel(*streams)
        self._tags = Authenticator(store, plan.name, alice=self._alice)
        self._meeting = Meeting(plan, store, entropy, self._channel, self._tags)
        self._session, self._next_block = b"", 0

    async def call(self) -> None:
        """Greet the site that listens, and settle. Raises as Meeting.call does."""
        self._session, self._next_block = await self._meeting.call()

    async def hear(self) -> span.Hello:
        """The greeting of a site that called. Raises as Meeting.hear does."""
        return await self._meeting.hear()

    async def answer(self, hello: span.Hello) -> None:
        """Greet the site that called, and settle. Any earlier session of the span has ended by now."""
        self._session, self._next_block = await self._meeting.answer(hello)

    async def make_blocks(self) -> None:
        """Make blocks until the connection ends or the peer breaks the protocol (PeerError)."""
        attached = await self._attach()
        n_aborted = 0
        try:
            while True:
                if self._alice:
                    while (number := await asyncio.to_thread(self._due)) is None:
                        self._channel.require_peer()
                        await asyncio.sleep(IDLE_S)
                    await self._channel.send(span.Begin(number))
                else:
                    number = (await self._channel.receive(span.Begin, silence_s=None)).number
                    if number < self._next_block:
                        raise PeerError(f"block {number} begins again; {self._next_block} is next")
                self._next_block = number + 1
                aborted = await self._make_block(number, attached)
                n_aborted = n_aborted + 1 if aborted else 0
                if self._alice and n_aborted:
                    await asyncio.sleep(min(FIRST_RESPITE_S * 2 ** (n_aborted - 1), LAST_RESPITE_S))
        finally:
            await attached.close()

    async def _attach(self) -> Attached:
        """This site's end of the fibre. While the fibre is dark the session lives on: each new meeting burns pad."""
        alarmed = False
        while True:
            try:
                return await Attached.attach(self.plan.socket, self.plan.role)
            except PeerError as error:
                if not alarmed:
                    self._alarm(str(error))
                alarmed = True
            self._channel.require_peer()
            await asyncio.sleep(IDLE_S)

    def _due(self) -> int | None:
        """The block to make now, if one is due and could be authenticated.

        The owners take turns; a block whose owner's pool is full is passed over for the next.
        """
        if not keeps_reserve(self._levels(self._next_block)):
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

    def _levels(self, number: int) -> Levels:
        """What this end has before block `number`: Alice allots by her view, Bob's differs by what is on its way."""

        def left(name: str) -> int:
            head, end = self._store.ledger_bounds(name)
            return end - head

        auth_ab, auth_ba, relay_ab, relay_ba = (left(name) for name in span_ledgers(self.plan.name))
        n_keys = self._store.count_ready(self.plan.peer, self._owner(number))
        return Levels(auth_ab, auth_ba, relay_ab, relay_ba, n_keys)

    def _owner(self, number: int) -> str:
        """Even blocks belong to Alice's site, odd ones to Bob's."""
        return self.plan.site if (number % 2 == 0) == self._alice else self.plan.peer

    async def _make_block(self, number: int, attached: Attached) -> bool:
        """One block from light to commit. True when it was aborted.

        Raises PeerError when the peer, or who stands between, breaks it: it is discarded and counted, unless this end
        holds it already; then it is in doubt.
        """
        started = time.perf_counter()
        block = block_name(self._session, number)
        half = await self._light(block, attached)
        transcript = Transcript(block)
        try:
            outcome = await self._distil(number, self._engine(number, block, half, transcript), transcript)
            if isinstance(outcome, Distilled):
                await self._commit(number, block, outcome, transcript)
        except PeerError as error:
            if self._store.block_state(block) is None:
                reason = AbortReason.AUTHENTICATION if isinstance(error, ForgedMessage) else AbortReason.PEER
                lost = Aborted(block, reason, str(error))
                self._observe(self._report(number, lost, time.perf_counter() - started))
            raise
        self._observe(self._report(number, outcome, time.perf_counter() - started))
        return isinstance(outcome, Aborted)

    async def _light(self, block: bytes, attached: Attached) -> light.Message:
        """This site's half of a block, which shines once both ask. PeerError when the peer is gone, or never asks."""
        asking = asyncio.create_task(attached.ask(light.WantBlock(block)))
        try:
            async with asyncio.timeout(LIGHT_S):
                while not asking.done():
                    await asyncio.wait([asking], timeout=IDLE_S)
                    self._channel.require_peer()
            return await asking
        except TimeoutError:
            raise PeerError(f"the light of a block did not come within {LIGHT_S:g} s") from None
        finally:
            asking.cancel()

    def _engine(self, number: int, block: bytes, half: light.Message, transcript: Transcript) -> Engine:
        agreement, length = self.plan.link.agreement(), self.plan.link.block_length
        if self._alice and isinstance(half, light.Prepared):
            levels = self._levels(number)

            def share(length_bits: int) -> bytes:
                return allot(length_bits, levels, self.plan.targets).encode()

            return alice(block, light.pulses(half), agreement, length, share, self._entropy, transcript)
        if not self._alice and isinstance(half, light.Detected):
            return bob(block, light.detections(half), agreement, length, self._entropy, transcript)
        raise PeerError(f"the light handed {self.plan.role} a {type(half).__name__}")

    async def _distil(self, number: int, engine: Engine, transcript: Transcript) -> Distilled | Aborted:
        """Drive one engine: Bob speaks first, then the two take turns. The transcript sees every message."""
        mine, theirs = (Sender.ALICE, Sender.BOB) if self._alice else (Sender.BOB, Sender.ALICE)
        said = await asyncio.to_thread(_advance, engine, None)
        while not isinstance(said, Distilled | Aborted):
            if said is not None:
                body = distillation.encode(said)
                transcript.append(mine, body, said)
                await self._channel.send(span.Distil(number, body))
            message = None
            if said is None or not said.ends_block:
                heard = await self._channel.receive(span.Distil)
                self._same(number, heard.number)
                message = distillation.decode(heard.body)
                transcript.append(theirs, heard.body, message)
            said = await asyncio.to_thread(_advance, engine, message)
        return said

    async def _commit(self, number: int, block: bytes, outcome: Distilled, transcript: Transcript) -> None:
        """Authenticate the transcript in both directions and keep the block at both ends.

        Bob's tag, then Alice's copy and tag, then Bob's copy and his word. So whoever holds a copy has checked the
        other's tag over the same transcript, and what both hold is the same.
        """
        covered = transcript.octets
        word = b"haris held" + block
        if not self._alice:
            await self._channel.send(span.Confirm(number, await finish_in_thread(self._tags.sign, b"b" + covered)))
            theirs = await self._channel.receive(span.Confirm)
            self._same(number, theirs.number)
            await finish_in_thread(self._tags.check, b"a" + covered, theirs.tag)
            await finish_in_thread(self._hold, number, block, outcome, transcript)
            await finish_in_thread(commit.peer_holds, self._store, block)
            await self._channel.send(span.Held(number, await finish_in_thread(self._tags.sign, word)))
            return
        confirm = await self._channel.receive(span.Confirm)
        self._same(number, confirm.number)
        await finish_in_thread(self._tags.check, b"b" + covered, confirm.tag)
        await finish_in_thread(self._hold, number, block, outcome, transcript)
        await self._channel.send(span.Confirm(number, await finish_in_thread(self._tags.sign, b"a" + covered)))
        held = await self._channel.receive(span.Held)
        self._same(number, held.number)
        await finish_in_thread(self._tags.check, word, held.tag)
        await finish_in_thread(commit.peer_holds, self._store, block)

    def _hold(self, number: int, block: bytes, outcome: Distilled, transcript: Transcript) -> None:
        forgeries = TAGS_A_BLOCK * forgery_probability(len(transcript.octets) + 64)
        pedigree = Pedigree(
            epsilon=self.plan.link.security.epsilon + forgeries,
            origin=self.plan.origin,
            proof=self.plan.link.block_length(outcome.counts, outcome.leaked_bits).proof,
        )
        final = FinalKey(block, outcome.bits, pedigree)
        allotment = Allotment.decode(outcome.allotment)
        plan = self.plan
        commit.hold(self._store, cut(final, allotment, plan.name, number, plan.site, plan.peer, self._owner(number)))

    def _report(self, number: int, outcome: Distilled | Aborted, wall_s: float) -> BlockEvent:
        protocol, source = self.plan.link.protocol, self.plan.link.source
        qber = None if outcome.counts is None else outcome.counts.qber
        aborted = outcome if isinstance(outcome, Aborted) else None
        distilled = outcome if isinstance(outcome, Distilled) else None
        return BlockEvent(
            site=self.plan.site,
            span=self.plan.name,
            number=number,
            aborted=str(aborted.reason) if aborted else None,
            detail=aborted.detail if aborted else "",
            qber_key=float(qber[KEY_BASIS]) if distilled and qber is not None else None,
            qber_test=None if qber is None else float(qber[TEST_BASIS]),
            sifted_bits=0 if outcome.counts is None else int(outcome.counts.clicks[KEY_BASIS].sum()),
            secret_bits=distilled.bits.size if distilled else 0,
            leaked_bits=distilled.leaked_bits if distilled else 0,
            light_s=protocol.block_pulses / source.clock_hz,
            wall_s=wall_s,
        )

    @staticmethod
    def _same(number: int, theirs: int) -> None:
        if number != theirs:
            raise PeerError(f"a message of block {theirs} in block {number}")


def _advance(engine: Engine, message: distillation.Message | None) -> distillation.Message | Distilled | Aborted | None:
    """One turn of an engine, with the result as a value. What the peer's messages make impossible is the peer's."""
    try:
        return engine.send(message)
    except StopIteration as end:
        outcome: Distilled | Aborted = end.value
        return outcome
    except ParameterError as error:
        raise PeerError(f"the peer's messages lead nowhere: {error}") from None
