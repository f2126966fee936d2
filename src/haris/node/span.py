"""The life of a span at one site: connect or listen, one session at a time, and again when it is lost.

A failed session is followed by a pause that doubles from half a second to a minute while failures go on, so that an
adversary who forces them spends the authentication pad slowly: at six tags a minute the default reserve of 2048 tags
outlives him by more than five hours, and one good block refills it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from haris.keys.store import KeyStore
from haris.node.events import AlarmEvent, BlockEvent, Observe, SiteEvent
from haris.node.span_plan import SpanPlan
from haris.node.span_session import SpanSession
from haris.node.streams import close_stream, keep_alive
from haris.nouns.blocks import AbortReason
from haris.nouns.errors import HarisError, KeyUnavailable, ParameterError

FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 60.0

Address = tuple[str, int]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Span:
    """One span of this site. observe: told of blocks, alarms and lost connections."""

    def __init__(self, plan: SpanPlan, store: KeyStore, entropy: Callable[[int], bytes], observe: Observe) -> None:
        self.plan, self._store, self._entropy, self._observe = plan, store, entropy, observe
        self._pause_s = FIRST_PAUSE_S
        self._alarmed: str | None = None
        self._current: asyncio.Task[None] | None = None

    async def connect(self, address: Address) -> None:
        """Keep a session with the site that listens at address, for ever."""
        while True:
            try:
                streams = await asyncio.open_connection(*address)
            except OSError:
                await asyncio.sleep(FIRST_PAUSE_S)  # nobody there: no pad was spent, so no longer pause
                continue
            session = self._session(streams)
            await self._guard(session, streams, session.call)
            await asyncio.sleep(self._pause_s)

    async def listen(self, address: Address) -> asyncio.Server:
        """Serve sessions at address. Raises ParameterError when the address cannot be had."""
        try:
            return await asyncio.start_server(self._accept, *address)
        except OSError as error:
            where = f"{address[0]}:{address[1]}"
            raise ParameterError(f"span {self.plan.name} cannot listen on {where}: {error.strerror}") from None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = self._session((reader, writer))

        async def meet() -> None:
            hello = await session.hear()
            await self._end_current()  # a tag that fits proves that the peer has left the earlier session
            self._current = asyncio.current_task()
            await session.answer(hello)

        with contextlib.suppress(asyncio.CancelledError):
            await self._guard(session, (reader, writer), meet)

    def _session(self, streams: Streams) -> SpanSession:
        return SpanSession(self.plan, self._store, self._entropy, streams, self._block_ended, self._alarm)

    async def _end_current(self) -> None:
        while self._current is not None and not self._current.done():  # another may begin while this one ends
            self._current.cancel()
            await asyncio.wait([self._current])

    async def _guard(self, session: SpanSession, streams: Streams, meet: Callable[[], Awaitable[None]]) -> None:
        """One session from meeting to end; whatever the peer does ends the session, never the process."""
        name = self.plan.name
        keep_alive(streams[1])
        began, met = time.monotonic(), False
        try:
            await meet()
            met = True
            self._observe(SiteEvent(self.plan.site, "span connected", name))
            await session.make_blocks()
        except KeyUnavailable as error:
            self._alarm(f"the authentication pad is used up; the link must be commissioned anew ({error})")
            self._pause_s = LAST_PAUSE_S
        except (HarisError, OSError) as error:
            self._observe(SiteEvent(self.plan.site, "span lost" if met else "no meeting on span", f"{name}: {error}"))
            lived_s = time.monotonic() - began  # a session that lived long has waited for the next one's pad already
            self._pause_s = FIRST_PAUSE_S if lived_s > LAST_PAUSE_S else min(2 * self._pause_s, LAST_PAUSE_S)
        finally:
            await close_stream(streams[1])

    def _block_ended(self, event: BlockEvent) -> None:
        self._observe(event)
        alarmed, self._alarmed = self._alarmed, event.aborted
        if event.aborted is None:
            self._pause_s = FIRST_PAUSE_S
        elif event.aborted == AbortReason.QBER != alarmed:
            qber = "too high" if event.qber_test is None else f"{100 * event.qber_test:.1f} %"
            self._alarm(f"the error rate is {qber}: somebody measures the light, or it is out of alignment; no key")
        elif event.aborted == AbortReason.AUTHENTICATION:
            self._alarm(f"the classical channel was tampered with, the block is discarded: {event.detail}")

    def _alarm(self, text: str) -> None:
        self._observe(AlarmEvent(self.plan.site, "major", self.plan.name, text))
