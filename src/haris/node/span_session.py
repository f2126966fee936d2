"""One session of a span: two neighbouring sites on one connection, from greeting to lost connection.

The sites greet each other with tags, settle what an earlier session left in doubt, burn their pads to the higher of
their heads, and then make block after block. Alice decides when a block begins; Bob follows.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from haris.crypto.ledger import higher_heads, span_ledgers
from haris.crypto.wegman_carter import forgery_probability
from haris.keys import commit
from haris.keys.allotment import Allotment, Levels, Targets, allot, cut, is_due, keeps_reserve
from haris.keys.store import KeyStore
from haris.node.authentication import Authenticator
from haris.node.events import BlockEvent
from haris.node.light import Attached
from haris.node.streams import receive_frame, send_frame
from haris.nouns.blocks import Aborted, Distilled
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.ids import block_name
from haris.nouns.keys import FinalKey, Origin, Pedigree
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.link import Link
from haris.wire import distillation, light, span

SILENCE_S = 120.0
MESSAGE_OCTETS = distillation.LIMITS.message_octets + 1024
GREETING_S = 10.0
GREETING_OCTETS = 1 << 16
"""A greeting is read before anything is known of who sends it."""
LIGHT_S = 600.0
"""How long a block of light may take. Beginning is not authenticated, so the sites may wait for different blocks."""
IDLE_S = 0.1
FIRST_RESPITE_S, LAST_RESPITE_S = 0.25, 4.0
"""Alice waits after an aborted block, longer after each: a link that is tapped is tried again, but does not spin."""

M = TypeVar("M", bound=span.Message)


@dataclass(frozen=True, slots=True)
class SpanPlan:
    """A span as one of its sites knows it.

    role: `alice` or `bob`, of this site. socket: where its light shines. targets: what its pools want to hold.
    origin: of the keys that the light makes.
    """

    name: str
    site: str
    peer: str
    role: str
    link: Link
    socket: Path
    targets: Targets
    origin: Origin = Origin.EMULATED


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
        self._reader, self._writer = streams
        self._alice = plan.role == "alice"
        self._tags = Authenticator(store, plan.name, alice=self._alice)
        self._session = b""
        self._doubts: tuple[bytes, ...] = ()
        self._next_block = 0

    async def call(self) -> None:
        """Greet the site that listens, which answers, and settle.

        Raises PeerError when the peer is another site, version or span, or its tag does not fit.
        """
        nonce = self._entropy(16)
        await self._send(await asyncio.to_thread(self._greeting, nonce, b""))
        hello = await self._receive(span.Hello, GREETING_S, GREETING_OCTETS)
        await asyncio.to_thread(self._check_greeting, hello, nonce)
        await self._settle(nonce + hello.nonce, hello)

    async def hear(self) -> span.Hello:
        """The greeting of a site that called. A stranger gets no answer, so that he costs this site no pad.

        Raises PeerError as call does.
        """
        hello = await self._receive(span.Hello, GREETING_S, GREETING_OCTETS)
        await asyncio.to_thread(self._check_greeting, hello, b"")
        return hello

    async def answer(self, hello: span.Hello) -> None:
        """Greet the site that called, and settle. Any earlier session of the span has ended by now."""
        nonce = self._entropy(16)
        await self._send(await asyncio.to_thread(self._greeting, nonce, hello.nonce))
        await self._settle(hello.nonce + nonce, hello)

    def _greeting(self, nonce: bytes, answering: bytes) -> span.Hello:
        self._doubts = commit.doubts(self._store, self.plan.name)
        hello = span.Hello(
            version=span.VERSION,
            site=self.plan.site,
            span=self.plan.name,
            nonce=nonce,
            heads={name: self._store.ledger_bounds(name)[0] for name in span_ledgers(self.plan.name)},
            doubts=list(self._doubts),
            next_block=self._store.last_block_number(self.plan.name) + 1,
        )
        return msgspec.structs.replace(hello, tag=self._tags.sign(answering + span.encode(hello)))

    def _check_greeting(self, hello: span.Hello, answering: bytes) -> None:
        if (hello.version, hello.site, hello.span) != (span.VERSION, self.plan.peer, self.plan.name):
            raise PeerError(
                f"expected {self.plan.peer} on span {self.plan.name}, version {span.VERSION}; "
                f"got {hello.site} on {hello.span}, version {hello.version}"
            )
        self._tags.check(answering + span.encode(msgspec.structs.replace(hello, tag=None)), hello.tag)

    async def _settle(self, nonces: bytes, hello: span.Hello) -> None:
        """Name the session, settle what is in doubt at either end, and bring the ledgers level."""
        self._session = hashlib.sha256(b"haris session" + nonces + self.plan.name.encode()).digest()[:16]
        doubts = self._doubts
        await self._send(await asyncio.to_thread(self._settlement, hello))
        theirs = await self._receive(span.Settlement, GREETING_S)
        await asyncio.to_thread(self._conclude, doubts, hello, theirs)
        self._next_block = max(hello.next_block, self._store.last_block_number(self.plan.name) + 1)

    def _settlement(self, hello: span.Hello) -> span.Settlement:
        states = commit.answers(self._store, hello.doubts)
        settlement = span.Settlement(self._session, list(states))
        return msgspec.structs.replace(settlement, tag=self._tags.sign(span.encode(settlement)))

    def _conclude(self, doubts: tuple[bytes, ...], hello: span.Hello, theirs: span.Settlement) -> None:
        self._tags.check(span.encode(msgspec.structs.replace(theirs, tag=None)), theirs.tag)
        if theirs.session != self._session:
            raise PeerError("a settlement of another session")
        commit.settle(self._store, doubts, theirs.states)
        ours = {name: self._store.ledger_bounds(name)[0] for name in span_ledgers(self.plan.name)}
        for name, head in higher_heads(ours, hello.heads).items():
            self._store.ledger_burn_to(name, head)

    async def make_blocks(self) -> None:
        """Make blocks until the connection ends or the peer breaks the protocol (PeerError)."""
        attached = await Attached.attach(self.plan.socket, self.plan.role)
        n_aborted = 0
        try:
            while True:
                if self._alice:
                    while (number := self._due()) is None:
                        self._require_peer()
                        await asyncio.sleep(IDLE_S)
                    await self._send(span.Begin(number))
                else:
                    number = (await self._receive(span.Begin, silence_s=None)).number
                    if number < self._next_block:
                        raise PeerError(f"block {number} begins again; {self._next_block} is next")
                self._next_block = number + 1
                aborted = await self._make_block(number, attached)
                n_aborted = n_aborted + 1 if aborted else 0
                if self._alice and n_aborted:
                    await asyncio.sleep(min(FIRST_RESPITE_S * 2 ** (n_aborted - 1), LAST_RESPITE_S))
        finally:
            await attached.close()

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
        """One block from light to commit. True when it was aborted."""
        started = time.perf_counter()
        block = block_name(self._session, number)
        half = await self._light(block, attached)
        transcript = Transcript(block)
        outcome = await self._distil(number, self._engine(number, block, half, transcript), transcript)
        if isinstance(outcome, Distilled):
            await self._commit(number, block, outcome, transcript)
        self._observe(self._report(number, outcome, time.perf_counter() - started))
        return isinstance(outcome, Aborted)

    async def _light(self, block: bytes, attached: Attached) -> light.Message:
        """This site's half of a block, which shines once both ask. PeerError when the peer is gone, or never asks."""
        asking = asyncio.create_task(attached.ask(light.WantBlock(block)))
        try:
            async with asyncio.timeout(LIGHT_S):
                while not asking.done():
                    await asyncio.wait([asking], timeout=IDLE_S)
                    self._require_peer()
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
                await self._send(span.Distil(number, body))
            message = None
            if said is None or not said.ends_block:
                heard = await self._receive(span.Distil)
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
            await self._send(span.Confirm(number, await asyncio.to_thread(self._tags.sign, b"b" + covered)))
            theirs = await self._receive(span.Confirm)
            self._same(number, theirs.number)
            await asyncio.to_thread(self._tags.check, b"a" + covered, theirs.tag)
            await asyncio.to_thread(self._hold, number, block, outcome, transcript)
            await asyncio.to_thread(commit.peer_holds, self._store, block)
            await self._send(span.Held(number, await asyncio.to_thread(self._tags.sign, word)))
            return
        confirm = await self._receive(span.Confirm)
        self._same(number, confirm.number)
        await asyncio.to_thread(self._tags.check, b"b" + covered, confirm.tag)
        await asyncio.to_thread(self._hold, number, block, outcome, transcript)
        await self._send(span.Confirm(number, await asyncio.to_thread(self._tags.sign, b"a" + covered)))
        held = await self._receive(span.Held)
        self._same(number, held.number)
        await asyncio.to_thread(self._tags.check, word, held.tag)
        await asyncio.to_thread(commit.peer_holds, self._store, block)

    def _hold(self, number: int, block: bytes, outcome: Distilled, transcript: Transcript) -> None:
        forgeries = 3 * forgery_probability(len(transcript.octets) + 64)
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

    async def _send(self, message: span.Message) -> None:
        await send_frame(self._writer, span.encode(message))

    async def _receive(self, kind: type[M], silence_s: float | None = SILENCE_S, at_most: int = MESSAGE_OCTETS) -> M:
        message = span.decode(await receive_frame(self._reader, at_most, silence_s))
        if not isinstance(message, kind):
            raise PeerError(f"expected {kind.__name__}, got {type(message).__name__}")
        return message

    def _require_peer(self) -> None:
        """Raise PeerError when the connection has ended while this end waited for something else."""
        if self._reader.at_eof() or self._reader.exception() is not None:
            raise PeerError("the connection ended between two messages")

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
