"""How two sites of a span meet: they greet each other with tags, settle what an earlier session left in doubt, and burn
their pads to the higher of their heads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from haris.crypto.ledger import higher_heads, span_ledgers
from haris.keys import commit
from haris.keys.commissioning import replace_first_pad
from haris.keys.store import KeyStore
from haris.node.spans.authentication import Authenticator
from haris.node.spans.bootstrap import Bootstrap
from haris.node.spans.channel import SpanChannel
from haris.node.spans.plan import SpanPlan
from haris.node.system.threads import finish_in_thread
from haris.nouns.errors import PeerError
from haris.wire import span
from haris.wire.bootstrap import BootstrapOffer

GREETING_S = 10.0
GREETING_OCTETS = 1 << 16
"""A greeting is read before anything is known of who sends it."""


class Met(NamedTuple):
    """What a meeting settles: the session's name of 16 octets, and the number of the next block."""

    session: bytes
    next_block: int


class Meeting:
    """One meeting of this site with its peer, over one connection."""

    def __init__(
        self,
        plan: SpanPlan,
        store: KeyStore,
        entropy: Callable[[int], bytes],
        channel: SpanChannel,
        tags: Authenticator,
    ) -> None:
        self._plan, self._store, self._entropy, self._channel, self._tags = plan, store, entropy, channel, tags
        self._bootstrap = Bootstrap(plan, store, entropy, channel)
        self._session = b""
        self._doubts: tuple[bytes, ...] = ()

    async def call(self, version: int) -> Met:
        """Greet the site that listens, which answers, and settle.

        Raises PeerError when the peer is another site, version or span, or its tag does not fit.
        """
        await self._bootstrap.call()
        nonce = self._entropy(16)
        await self._channel.send(await finish_in_thread(self._greeting, version, nonce, b""))
        hello = await self._channel.receive(span.Hello, GREETING_S, GREETING_OCTETS)
        await finish_in_thread(self._check_greeting, hello, (version,), nonce)
        return await self._settle(nonce + hello.nonce, hello)

    async def hear(self) -> span.Hello:
        """The greeting of a site that called. A stranger gets no answer, so that he costs this site no pad.

        Raises PeerError as call does.
        """
        hello = await self._channel.receive_any(GREETING_S, GREETING_OCTETS)
        if isinstance(hello, BootstrapOffer):
            await self._bootstrap.answer(hello)
            hello = await self._channel.receive(span.Hello, GREETING_S, GREETING_OCTETS)
        if not isinstance(hello, span.Hello):
            raise PeerError(f"expected Hello, got {type(hello).__name__}")
        await finish_in_thread(self._check_greeting, hello, span.VERSIONS, b"")
        return hello

    async def answer(self, hello: span.Hello) -> Met:
        """Greet the site that called, in its version, and settle. Any earlier session of the span has ended by now."""
        nonce = self._entropy(16)
        await self._channel.send(await finish_in_thread(self._greeting, hello.version, nonce, hello.nonce))
        return await self._settle(hello.nonce + nonce, hello)

    def _greeting(self, version: int, nonce: bytes, answering: bytes) -> span.Hello:
        self._doubts = commit.doubts(self._store, self._plan.name)
        hello = span.Hello(
            version=version,
            site=self._plan.site,
            span=self._plan.name,
            nonce=nonce,
            link=self._plan.agreed_digest(),
            heads={name: self._store.head_to_tell(name) for name in span_ledgers(self._plan.name)},
            doubts=list(self._doubts),
            next_block=self._store.last_block_number(self._plan.name) + 1,
        )
        return msgspec.structs.replace(hello, tag=self._tags.sign(answering + span.encode(hello)))

    def _check_greeting(self, hello: span.Hello, spoken: tuple[int, ...], answering: bytes) -> None:
        if hello.version not in spoken or (hello.site, hello.span) != (self._plan.peer, self._plan.name):
            raise PeerError(
                f"expected {self._plan.peer} on span {self._plan.name}, version {' or '.join(map(str, spoken))}; "
                f"got {hello.site} on {hello.span}, version {hello.version}"
            )
        self._tags.check(answering + span.encode(msgspec.structs.replace(hello, tag=None)), hello.tag)
        if hello.link != self._plan.agreed_digest():
            raise PeerError(
                f"{hello.site} knows span {hello.span} by another LINK.toml or source: what makes its keys would differ"
            )

    async def _settle(self, nonces: bytes, hello: span.Hello) -> Met:
        """Name the session, settle what is in doubt at either end, and bring the ledgers level."""
        self._session = hashlib.sha256(b"haris session" + nonces + self._plan.name.encode()).digest()[:16]
        doubts = self._doubts
        await self._channel.send(await finish_in_thread(self._settlement, hello))
        theirs = await self._channel.receive(span.Settlement, GREETING_S)
        await finish_in_thread(self._conclude, doubts, hello, theirs)
        next_block = max(hello.next_block, self._store.last_block_number(self._plan.name) + 1)
        return Met(self._session, next_block)

    def _settlement(self, hello: span.Hello) -> span.Settlement:
        states = commit.answers(self._store, hello.doubts)
        settlement = span.Settlement(self._session, list(states))
        return msgspec.structs.replace(settlement, tag=self._tags.sign(span.encode(settlement)))

    def _conclude(self, doubts: tuple[bytes, ...], hello: span.Hello, theirs: span.Settlement) -> None:
        self._tags.check(span.encode(msgspec.structs.replace(theirs, tag=None)), theirs.tag)
        if theirs.session != self._session:
            raise PeerError("a settlement of another session")
        commit.settle(self._store, doubts, theirs.states)
        ours = {name: self._store.ledger_bounds(name)[0] for name in span_ledgers(self._plan.name)}
        for name, head in higher_heads(ours, hello.heads).items():
            self._store.ledger_burn_to(name, head)
        replace_first_pad(self._store, self._plan.name)  # both ends hold the same blocks here, and neither sends yet
