"""What a site knows of the others: their own word, asked for again and again; and since when one does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import HarisError, KeyUnavailable, OutOfContact, PeerError
from haris.wire.status import NetworkStatus, SiteReport, SiteStatus, read_site_status

LOOK_S = 10.0
FRESH_S = 1.0
ASK_TIMEOUT_S = 2.0

Ask = Callable[[str], Awaitable[bytes]]
"""The body of a site's answer to `status`. Raises HarisError."""


class NetworkWatch:
    """The network as one site sees it. own: this site's word. file: told when a site is away, and when it is back."""

    def __init__(
        self,
        site: str,
        others: Sequence[str],
        own: Callable[[], SiteStatus],
        file: Callable[[Alarm], None],
        now_ns: Callable[[], int],
    ) -> None:
        self._site, self._own, self._file, self._now_ns = site, own, file, now_ns
        self._reports = {other: _unasked(other) for other in others}
        self._looked_s = -FRESH_S
        self._looking = asyncio.Lock()

    def know(self, others: Sequence[str]) -> None:
        """These are the other sites from now on."""
        for gone in self._reports.keys() - set(others):
            self._file(Alarm(Severity.INFO, f"site {gone}", "", AlarmKind.SITE_UNREACHABLE, active=False))
        self._reports = {site: self._reports.get(site, _unasked(site)) for site in others}

    async def run(self, ask: Ask) -> None:
        """Look at the others for ever."""
        while True:
            await self.look(ask)
            await asyncio.sleep(LOOK_S)

    async def look(self, ask: Ask) -> NetworkStatus:
        """The whole network now, or as it was a second ago."""
        async with self._looking:
            if time.monotonic() - self._looked_s >= FRESH_S:
                reports = self._reports
                await asyncio.gather(*(self._look_at(reports, other, ask) for other in reports))
                self._looked_s = time.monotonic()
        return self.network()

    def network(self) -> NetworkStatus:
        """The whole network as it was seen last."""
        own = SiteReport(self._site, self._own())
        return NetworkStatus(self._site, self._now_ns(), (own, *self._reports.values()))

    async def _look_at(self, reports: dict[str, SiteReport], other: str, ask: Ask) -> None:
        before = reports[other]
        try:
            status = read_site_status(await ask(other))
            if status.site != other:
                raise PeerError(f"it says that it is {status.site}")
        except OutOfContact as error:
            reports[other] = SiteReport(other, before.status, problem=str(error))
        except KeyUnavailable as error:
            since_ns = before.unreachable_since_ns or self._now_ns()
            reports[other] = SiteReport(other, before.status, since_ns, str(error))
            self._file(Alarm(Severity.MAJOR, f"site {other}", str(error), AlarmKind.SITE_UNREACHABLE))
            return
        except HarisError as error:  # it answers, but not this question: an older release
            reports[other] = SiteReport(other, problem=str(error))
        else:
            reports[other] = SiteReport(other, status)
        self._file(Alarm(Severity.INFO, f"site {other}", "", AlarmKind.SITE_UNREACHABLE, active=False))


def _unasked(site: str) -> SiteReport:
    return SiteReport(site, problem="not asked yet")
