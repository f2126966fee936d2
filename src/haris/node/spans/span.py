"""The life of a span at one site: connect or listen, one session at a time, and again when it is lost.

A failed session is followed by a pause that doubles from half a second to a minute while failures go on, so that an
adversary who forces them spends the authentication pad slowly: at six tags a minute the default reserve of 2048 tags
outlives him by more than five hours, and one good block refills it. A peer whose key manager was away and has come back
is called at once, ten times an hour at most: that costs him who cuts lines no more than ten tags.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from haris.keys.store import KeyStore
from haris.node.events import AlarmEvent, BlockEvent, Observe, SiteEvent
from haris.node.life.witnessing import Confirmation, Unwitnessed
from haris.node.spans.block_maker import BlockMaker
from haris.node.spans.light_maker import LightMaker
from haris.node.spans.pass_maker import PassMaker
from haris.node.spans.plan import LightPlan, PassPlan, SpanPlan
from haris.node.spans.pointing import Pointing
from haris.node.spans.reach import Reach
from haris.node.spans.session import SpanSession
from haris.node.system.streams import close_stream, keep_alive
from haris.nouns.alarms import AlarmKind
from haris.nouns.blocks import AbortReason
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError, PeerError
from haris.wire.span import VERSIONS

FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 60.0
EARLY_CALLS, EARLY_CALLS_S, LOOK_S = 10, 3600.0, 0.1
WITNESSES_S = 5.0
"""Less than the patience of a site that calls."""

Address = tuple[str, int]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Span:
    """One span of this site. observe: told of blocks, alarms and lost connections.

    maker: of its blocks, unless light makes them. version: of the messages in which to greet the other end now.
    witnesses: asked before pad is used. pointing: of this site's telescope, which its spans through space share.
    reach: of the peer, which may be in contact at times only.
    """

    def __init__(
        self,
        plan: SpanPlan,
        store: KeyStore,
        entropy: Callable[[int], bytes],
        observe: Observe,
        maker: BlockMaker | None = None,
        version: Callable[[], Awaitable[int]] | None = None,
        witnesses: Confirmation | None = None,
        pointing: Pointing | None = None,
        reach: Reach | None = None,
    ) -> None:
        self._reach = reach or Reach()
        self._version = version or _highest
        self.plan, self._store, self._entropy, self._observe = plan, store, entropy, observe
        self._witnesses = witnesses or Unwitnessed()
        self._pause_s = FIRST_PAUSE_S
        dark = partial(self._alarm, kind=AlarmKind.LIGHT_DARK)
        if isinstance(plan.making, LightPlan):
            maker = LightMaker(plan, plan.making, entropy, dark)
        if isinstance(plan.making, PassPlan):
            maker = PassMaker(plan, plan.making, entropy, dark, pointing)
        if maker is None:
            raise ParameterError(f"span {plan.name}: nothing makes its blocks")
        self._maker = maker
        self._alarmed: str | None = None
        self._current: asyncio.Task[None] | None = None
        self._returns = 0
        self._early: deque[float] = deque(maxlen=EARLY_CALLS)

    async def connect(self, address: Address) -> None:
        """Keep a session with the site that listens at address, for ever."""
        while True:
            await self._witnesses.wait(self.plan.peer)  # pad of an older store must not serve again
            if not self._reach.is_open(self.plan.peer):
                await asyncio.sleep(LOOK_S)
                continue
            try:
                version = await self._version()
                streams = await asyncio.open_connection(*address)
            except OSError:
                await asyncio.sleep(FIRST_PAUSE_S)  # nobody there: no pad was spent, so no longer pause
                continue
            except HarisError as error:  # no version that both speak, for one
                self._observe(SiteEvent(self.plan.site, "no meeting on span", f"{self.plan.name}: {error}"))
                await asyncio.sleep(LAST_PAUSE_S)
                continue
            session = self._session(streams)
            await self._guard(session, streams, partial(session.call, version))
            await self._rest()

    async def _rest(self) -> None:
        """The pause after a session, cut short when the peer comes back. One back since the last look counts too."""
        ends_s = time.monotonic() + self._pause_s
        while (now_s := time.monotonic()) < ends_s:
            returns, before = self._witnesses.returns(self.plan.peer), self._returns
            self._returns = returns
            spent = len(self._early) == EARLY_CALLS and now_s - self._early[0] < EARLY_CALLS_S
            if returns > before and self._pause_s > FIRST_PAUSE_S and not spent:
                self._early.append(now_s)
                self._pause_s = FIRST_PAUSE_S
                return
            await asyncio.sleep(min(LOOK_S, ends_s - now_s))

    async def listen(self, address: Address) -> asyncio.Server:
        """Serve sessions at address. Raises ParameterError when the address cannot be had."""
        try:
            return await asyncio.start_server(self._accept, *address)
        except OSError as error:
            where = f"{address[0]}:{address[1]}"
            raise ParameterError(f"span {self.plan.name} cannot listen on {where}: {error.strerror}") from None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._reach.is_open(self.plan.peer):
            await close_stream(writer)
            return
        session = self._session((reader, writer))

        async def meet() -> None:
            try:
                async with asyncio.timeout(WITNESSES_S):
                    await self._witnesses.wait(self.plan.peer)
            except TimeoutError:
                raise PeerError(f"{self.plan.peer} has not yet confirmed that this store is the newest") from None
            hello = await session.hear()
            await self._end_current()  # a tag that fits proves that the peer has left the earlier session
            self._current = asyncio.current_task()
            await session.answer(hello)

        with contextlib.suppress(asyncio.CancelledError):
            await self._guard(session, (reader, writer), meet)

    def _session(self, streams: Streams) -> SpanSession:
        alarm = partial(self._alarm, kind=AlarmKind.PAD_LOW)
        return SpanSession(
            self.plan, self._store, self._entropy, streams, self._maker, self._block_ended, alarm, self._require
        )

    def _require(self) -> None:
        """PeerError while what is shared with the peer must not be used."""
        try:
            self._witnesses.require(self.plan.peer)
        except KeyUnavailable as error:
            raise PeerError(str(error)) from None

    async def _end_current(self) -> None:
        while self._current is not None and not self._current.done():  # another may begin while this one ends
            self._current.cancel()
            await asyncio.wait([self._current])

    async def _guard(self, session: SpanSession, streams: Streams, meet: Callable[[], Awaitable[None]]) -> None:
        """One session from meeting to end; whatever the peer does ends the session, never the process."""
        name = self.plan.name
        keep_alive(streams[1])
        began, met = time.monotonic(), False
        left_s = self._reach.left_s(self.plan.peer)
        end = None if left_s is None else asyncio.get_running_loop().call_later(left_s, streams[1].transport.abort)
        try:
            await meet()
            met = True
            self._observe(SiteEvent(self.plan.site, "span connected", name))
            await session.make_blocks()
        except KeyUnavailable as error:
            self._alarm(
                f"the authentication pad is used up; the link must be commissioned anew ({error})", AlarmKind.PAD_LOW
            )
            self._pause_s = LAST_PAUSE_S
        except (HarisError, OSError) as error:
            if not self._reach.is_sure(self.plan.peer):
                self._observe(SiteEvent(self.plan.site, "span out of contact", name))
                self._pause_s = FIRST_PAUSE_S
                return
            self._observe(SiteEvent(self.plan.site, "span lost" if met else "no meeting on span", f"{name}: {error}"))
            lived_s = time.monotonic() - began  # a session that lived long has waited for the next one's pad already
            self._pause_s = FIRST_PAUSE_S if lived_s > LAST_PAUSE_S else min(2 * self._pause_s, LAST_PAUSE_S)
        finally:
            if end is not None:
                end.cancel()
            await close_stream(streams[1])

    def _block_ended(self, event: BlockEvent) -> None:
        self._observe(event)
        alarmed, self._alarmed = self._alarmed, event.aborted
        if event.aborted is None:
            self._pause_s = FIRST_PAUSE_S
        elif event.aborted == AbortReason.QBER != alarmed:
            qber = "too high" if event.qber_test is None else f"{100 * event.qber_test:.1f} %"
            text = f"the error rate is {qber}: somebody measures the light, or it is out of alignment; no key"
            self._alarm(text, AlarmKind.QBER)
        elif event.aborted == AbortReason.AUTHENTICATION:
            text = f"the classical channel was tampered with, the block is discarded: {event.detail}"
            self._alarm(text, AlarmKind.TAMPERED)

    def _alarm(self, text: str, kind: AlarmKind) -> None:
        self._observe(AlarmEvent(self.plan.site, "major", self.plan.name, text, kind))


async def _highest() -> int:
    return max(VERSIONS)
