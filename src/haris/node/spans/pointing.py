"""Where a satellite points: to one station at a time, and where passes overlap, to the one whose pools lack most."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

FRESH_S = 1.0
"""A claim that was not repeated for so long is none."""


class Pointing:
    """The one telescope of a site."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._claims: dict[str, tuple[int, float]] = {}

    def is_free_for(self, span: str, wanted_octets: int, now_s: float) -> bool:
        """Whether this span may have it now, whose pools lack wanted_octets. It asks as long as it wants it.

        Of spans that lack alike one may, by name: each would begin a block, and all but one wait in vain.
        """
        self._claims[span] = wanted_octets, now_s
        rivals = ((lack, name) for name, (lack, at_s) in self._claims.items() if now_s - at_s < FRESH_S)
        return not self._lock.locked() and (wanted_octets, span) == max(rivals)

    @asynccontextmanager
    async def held(self, span: str, within_s: float) -> AsyncIterator[None]:
        """Point at this span's other end. TimeoutError when it points elsewhere for so long."""
        async with asyncio.timeout(within_s):
            await self._lock.acquire()
        try:
            self._claims.pop(span, None)
            yield
        finally:
            self._lock.release()
