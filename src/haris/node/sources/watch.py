"""A source's standing at one site, kept durably and told: what keys/quarantine.py decides becomes events here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal, NamedTuple

from haris.keys import quarantine
from haris.keys.quarantine import Change, SourceLied, SourceState, Standing
from haris.keys.store import SourceStore
from haris.node.configuration.inventory import SourceEntry
from haris.node.events import Observe, SourceEvent, alarm_event
from haris.node.system.threads import finish_in_thread

Kind = Literal["draw", "pair"]


class _Drought(NamedTuple):
    since_s: float
    n_dry: int


class SourceWatch:
    """One source at one site. release: the file by which an operator lets it out of quarantine.

    It counts two kinds of drought apart: `draw`, the box of this end gives nothing; `pair`, that of the other end.
    judged: as in quarantine.dry. An earlier quarantine is told again when the site starts.
    """

    def __init__(
        self,
        site: str,
        entry: SourceEntry,
        release: Path,
        store: SourceStore,
        observe: Observe,
        *,
        judged: bool = True,
    ) -> None:
        self._site, self._entry, self._release, self._store, self._observe = site, entry, release, store, observe
        self._judged = judged
        self._standing = store.source_standing(entry.name)
        self._droughts: dict[Kind, _Drought] = {}
        self._next_s: dict[Kind, float] = {}
        if self._standing.state is not SourceState.SOUND:
            self._tell(self._standing)

    @property
    def standing(self) -> Standing:
        """How the source stands."""
        return self._standing

    def resting(self, kind: Kind) -> bool:
        """Whether the source is to be left alone for the moment: it has just been asked, or had nothing."""
        return time.monotonic() < self._next_s.get(kind, 0.0)

    def lacks(self, kind: Kind) -> bool:
        """Whether it had nothing when it was last asked."""
        return kind in self._droughts

    async def usable(self) -> bool:
        """Whether the source may be asked at all; takes an operator's word into account."""
        if self._standing.state is not SourceState.QUARANTINED:
            return True
        by = await finish_in_thread(_read_release, self._release)
        if by is None:
            return False
        await self._become(quarantine.released(self._standing, self._entry.name, by, time.time_ns()))
        await finish_in_thread(self._release.unlink, True)
        return True

    async def gave(self, kind: Kind) -> None:
        """The source gave keys as it should."""
        self._droughts.pop(kind, None)
        self._next_s[kind] = time.monotonic() + quarantine.pause_s(self._entry.poll_s, 0)
        if self._droughts:
            return
        await self._become(quarantine.gave(self._standing, self._entry.name, time.time_ns()))

    async def dry(self, why: str, kind: Kind) -> None:
        """The source gave nothing though keys are wanted."""
        now_s, entry = time.monotonic(), self._entry
        began = self._droughts.get(kind, _Drought(now_s, 0))
        drought = self._droughts[kind] = _Drought(began.since_s, began.n_dry + 1)
        self._next_s[kind] = now_s + quarantine.pause_s(entry.poll_s, drought.n_dry)
        waited_s, now_ns, judged = now_s - drought.since_s, time.time_ns(), self._judged
        await self._become(
            quarantine.dry(self._standing, entry.name, why, waited_s, entry.stall_s, now_ns, judged=judged)
        )

    async def lied(self, lie: SourceLied) -> None:
        """The source gave what it cannot have been asked for."""
        await self._become(quarantine.lied(self._standing, self._entry.name, lie.lie, lie.detail, time.time_ns()))

    async def _become(self, change: Change) -> None:
        standing, alarm = change
        if standing is not self._standing:
            moved, self._standing = standing.state is not self._standing.state, standing
            await finish_in_thread(self._store.keep_standing, self._entry.name, standing)
            if moved:
                self._tell(standing)
        if alarm is not None:
            self._observe(alarm_event(self._site, alarm))

    def _tell(self, standing: Standing) -> None:
        self._observe(SourceEvent(self._site, self._entry.name, str(standing.state), standing.reason))


def release_path(store: Path, source: str) -> Path:
    """Where a site whose store is at this path looks for the release of a source."""
    return store.with_name(f"{store.name}.release-{source}")


def leave_release(store: Path, source: str, by: str) -> None:
    """Leave an operator's word where the site finds it, whole or not at all. by: who, and why."""
    path = release_path(store, source)
    draft = path.with_name(path.name + ".part")
    draft.write_text(by + "\n", encoding="utf-8")
    draft.replace(path)


def _read_release(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()[:200] or "an operator"
    except OSError:
        return None
