"""One session of a span: two neighbouring sites on one connection, from greeting to lost connection.

The sites greet each other with tags, settle what an earlier session left in doubt, burn their pads to the higher of
their heads, and then make block after block. Alice decides when a block begins; Bob follows.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from haris.crypto.ledger import span_ledgers
from haris.crypto.wegman_carter import forgery_probability
from haris.keys import commit
from haris.keys.allotment import Allotment, Levels, Targets, allot, cut
from haris.keys.store import KeyStore
from haris.node.authentication import Authenticator
from haris.node.events import BlockEvent
from haris.node.light import Attached
from haris.node.streams import receive_frame, send_frame
from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.ids import block_name
from haris.nouns.keys import FinalKey, Origin, Pedigree
from haris.quantum.distill.engine import alice, bob
from haris.quantum.distill.transcript import Transcript
from haris.quantum.link import Link
from haris.wire import distillation, light, span

SILENCE_S = 120.0
IDLE_S = 0.1

Engine = Generator[distillation.Message, distillation.Message, Distilled | Aborted]


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
    """One connection's worth of a span. observe: told of every block that ends."""

    def __init__(
        self,
        plan: SpanPlan,
        store: KeyStore,
        entropy: Callable[[int], bytes],
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        observe: Callable[[BlockEvent], None],
    ) -> None:
        self.plan, self._store, self._entropy, self._observe = plan, store, entropy, observe
        self._reader, self._writer = streams
        self._alice = plan.role == "alice"
        self._tags = Authenticator(store, plan.name, alice=self._alice)
        self._session = b""
        self._next_block = 0

    # -- meeting -------------------------------------------------------------------------------------------------

    async def meet(self, *, first: bool) -> None:
        """Greet, settle, and bring the ledgers level. first: this site speaks first (it made the connection).

        The site that was called answers only a greeting whose tag fits, so that a stranger costs it no pad.
        Raises PeerError when the peer is another site, version or span, or its tag does not fit.
        """
        nonce = self._entropy(16)
        if first:
            await self._send(await asyncio.to_thread(self._greeting, nonce, b""))
            hello = await self._receive(span.Hello)
            await asyncio.to_thread(self._check_greeting, hello, nonce)
            nonces = nonce + hello.nonce
        else:
            hello = await self._receive(span.Hello)
            await asyncio.to_thread(self._check_greeting, hello, b"")
            await self._send(await asyncio.to_thread(self._greeting, nonce, hello.nonce))
            nonces = hello.nonce + nonce
        self._session = hashlib.sha256(b"haris session" + nonces + self.plan.name.encode()).digest()[:16]
        await self._settle(hello)
        self._next_block = max(hello.next_block, self._store.last_block_number(self.plan.name) + 1)

    def _greeting(self, nonce: bytes, answering: bytes) -> span.Hello:
        hello = span.Hello(
            version=span.VERSION,
            site=self.plan.site,
            span=self.plan.name,
            nonce=nonce,
            heads={name: self._store.ledger_bounds(name)[0] for name in span_ledgers(self.plan.name)},
            doubts=list(self._store.blocks_in_doubt(self.plan.name)),
            next_block=self._store.last_block_number(self.plan.name) + 1,
        )
        return msgspec.structs.replace(hello, tag=self._tags.sign(answering + span.encode(hello)))

    def _check_greeting(self, hello: span.Hello, answering: bytes) -> None:
        if (hello.version, hello.site, hello.span) != (span.VERSION, self.plan.peer, self.plan.name):
            raise PeerError(
                f"expected {self.plan.peer} on span {self.plan.name}, version {span.VERSION}; "
                f"got {hello.site} on {hello.span}, version {hello.version}"
            )
        if set(hello.heads) != set(span_ledgers(self.plan.name)):
            raise PeerError("the greeting names other ledgers than this span has")
        self._tags.check(answering + span.encode(msgspec.structs.replace(hello, tag=None)), hello.tag)

    async def _settle(self, hello: span.Hello) -> None:
        doubts = await asyncio.to_thread(self._store.blocks_in_doubt, self.plan.name)
        await self._send(await asyncio.to_thread(self._settlement, hello))
        theirs = await self._receive(span.Settlement)
        await asyncio.to_thread(self._conclude, doubts, hello, theirs)

    def _settlement(self, hello: span.Hello) -> span.Settlement:
        states = commit.answers(self._store, hello.doubts)
        settlement = span.Settlement(self._session, list(states))
        return msgspec.structs.replace(settlement, tag=self._tags.sign(span.encode(settlement)))

    def _conclude(self, doubts: tuple[bytes, ...], hello: span.Hello, theirs: span.Settlement) -> None:
        self._tags.check(span.encode(msgspec.structs.replace(theirs, tag=None)), theirs.tag)
        if theirs.session != self._session:
            raise PeerError("a settlement of another session")
        commit.settle(self._store, doubts, theirs.states, hello.doubts)
        for name, head in hello.heads.items():
            self._store.ledger_burn_to(name, head)

    # -- blocks --------------------------------------------------------------------------------------------------

    async def make_blocks(self) -> None:
        """Make blocks until the connection ends or the peer breaks the protocol (PeerError)."""
        attached = await Attached.attach(self.plan.socket, self.plan.role)
        try:
            while True:
                if self._alice:
                    while not self._wanted():
                        await asyncio.sleep(IDLE_S)
                    number = self._next_block
                    await self._send(span.Begin(number))
                else:
                    number = (await self._receive(span.Begin, silence_s=None)).number
                    if number < self._next_block:
                        raise PeerError(f"block {number} begins again; {self._next_block} is next")
                self._next_block = number + 1
                await self._make_block(number, attached)
        finally:
            await attached.close()

    def _wanted(self) -> bool:
        levels, targets = self._levels(), self.plan.targets
        return allot(1 << 40, levels, targets) != Allotment(0, 0, 0, 0, 0) if targets else bool(levels)

    def _levels(self) -> Levels:
        def left(name: str) -> int:
            head, end = self._store.ledger_bounds(name)
            return end - head

        auth_ab, auth_ba, relay_ab, relay_ba = (left(name) for name in span_ledgers(self.plan.name))
        mine = self._store.count_ready(self.plan.peer, self.plan.site)
        theirs = self._store.count_ready(self.plan.peer, self.plan.peer)
        return Levels(auth_ab, auth_ba, relay_ab, relay_ba, min(mine, theirs))

    async def _make_block(self, number: int, attached: Attached) -> None:
        started = time.perf_counter()
        block = block_name(self._session, number)
        half = await attached.ask(light.WantBlock(block))
        transcript = Transcript()
        outcome = await self._distil(number, self._engine(block, half, transcript), transcript)
        if isinstance(outcome, Distilled):
            await self._confirm(number, block, outcome, transcript)
        self._observe(self._report(number, outcome, time.perf_counter() - started))

    def _engine(self, block: bytes, half: light.Message, transcript: Transcript) -> Engine:
        agreement, length = self.plan.link.agreement(), self.plan.link.key_length
        if self._alice and isinstance(half, light.Prepared):
            levels = self._levels()

            def share(length_bits: int) -> bytes:
                return allot(length_bits, levels, self.plan.targets).encode()

            return alice(block, light.pulses(half), agreement, length, share, self._entropy, transcript)
        if not self._alice and isinstance(half, light.Detected):
            return bob(block, light.detections(half), agreement, length, self._entropy, transcript)
        raise PeerError(f"the light handed {self.plan.role} a {type(half).__name__}")

    async def _distil(self, number: int, engine: Engine, transcript: Transcript) -> Distilled | Aborted:
        """Drive one engine: Bob speaks first, then the two take turns. The transcript sees every message."""
        step: Callable[[], Any] = lambda: next(engine)  # noqa: E731
        if self._alice:
            step = await self._hear(number, engine, transcript, prime=True)
        while True:
            try:
                message = await asyncio.to_thread(_advance, step)
            except ParameterError as error:
                raise PeerError(f"the peer's messages lead nowhere: {error}") from None
            if isinstance(message, Distilled | Aborted):
                return message
            body = distillation.encode(message)
            transcript.sent(message, body)
            await self._send(span.Distil(number, body))
            step = await self._hear(number, engine, transcript)
