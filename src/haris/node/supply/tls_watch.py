"""Certificates, keys and revocation lists that change while a key manager runs: read anew without a restart.

New connections see the new files; connections whose certificate has been revoked since are dropped. Files that are
no good change nothing, but raise an alarm, until they are mended.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from haris.node.pki.credentials import read_certificates
from haris.node.pki.expiry import expiry_alarms
from haris.node.pki.mutual_tls import TlsFiles, server_context
from haris.node.pki.revocation import read_crls
from haris.node.supply.server import KmeConfig, RunningKme
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import ParameterError

LOOK_S = 2.0
VET_S = 60.0
EXPIRY_S = 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How often files are looked at, open connections vetted again, and dates checked, in seconds."""

    look_s: float = LOOK_S
    vet_s: float = VET_S
    expiry_s: float = EXPIRY_S


class Face(Protocol):
    """A port whose TLS may be replaced for connections to come."""

    context: ssl.SSLContext

    async def vet_again(self) -> int:
        """Drop every connection whose certificate has been revoked; returns how many."""


class Renewable(Protocol):
    """What has files of TLS of its own."""

    @property
    def files(self) -> TlsFiles:
        """Which."""

    def renew(self) -> None:
        """Read them anew, for connections to come. ParameterError, with all as before, for a bad one."""

    async def vet_again(self) -> int:
        """Drop every connection whose certificate has been revoked; returns how many."""


class TlsWatch:
    """Watches the files of one key manager's TLS. file_alarm: told when they are no good, or near their end.

    faces: ports beside those of the key manager itself, with the same files. others: what has files of its own.
    """

    def __init__(
        self,
        kme: RunningKme,
        config: KmeConfig,
        file_alarm: Callable[[Alarm], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Pace = Pace(),
        faces: Sequence[Face] = (),
        others: Sequence[Renewable] = (),
    ) -> None:
        self._faces, self._others = faces, others
        self._kme, self._config, self._file_alarm, self._now, self._pace = kme, config, file_alarm, now, pace
        self._files = (config.tls, config.peer_tls, *(other.files for other in others))
        self._paths = tuple(dict.fromkeys(path for files in self._files for path in files.all))
        self._seen = self._look()
        self._told: dict[str, Alarm] = {}
        self.hurry = asyncio.Event()
        """Set it to have the files read now (SIGHUP)."""

    async def run(self) -> None:
        """Watch for ever."""
        loop = asyncio.get_running_loop()
        vet_at, expiry_at = loop.time() + self._pace.vet_s, loop.time()
        while True:
            if loop.time() >= expiry_at:
                self._check_dates()
                expiry_at = loop.time() + self._pace.expiry_s
            hurried = await self._pause()
            seen = await asyncio.to_thread(self._look)
            if hurried or seen != self._seen:
                self._seen = seen
                await self._renew()
                expiry_at = loop.time()
            if loop.time() >= vet_at:
                await self._vet_again()
                vet_at = loop.time() + self._pace.vet_s

    async def _pause(self) -> bool:
        try:
            async with asyncio.timeout(self._pace.look_s):
                await self.hurry.wait()
        except TimeoutError:
            return False
        self.hurry.clear()
        return True

    async def _renew(self) -> None:
        errors = [
            error for renew in (self._renew_own, *(other.renew for other in self._others)) if (error := _tried(renew))
        ]
        if errors:
            text = f"new files of TLS are no good, the old ones stay in use: {'; '.join(errors)}"
            self._tell(Alarm(Severity.MAJOR, "tls files", text, AlarmKind.CERTIFICATE))
        else:
            text = "the new files are in use"
            self._tell(Alarm(Severity.INFO, "tls files", text, AlarmKind.CERTIFICATE, active=False))
        await self._vet_again()

    def _renew_own(self) -> None:
        contexts = [server_context(self._config.tls) for _ in self._faces]
        self._kme.renew_tls(self._config)
        for face, context in zip(self._faces, contexts, strict=True):
            face.context = context

    async def _vet_again(self) -> None:
        await self._kme.vet_again()
        for face in self._faces:
            await face.vet_again()
        for other in self._others:
            await other.vet_again()

    def _check_dates(self) -> None:
        ends: dict[str, datetime] = {}
        for files in self._files:
            for path in (files.certificate, files.authority):
                ends |= _ends(path, lambda p: [each.not_valid_after_utc for each in read_certificates(p)])
            for path in files.crls:
                ends |= _ends(path, lambda p: [each.next_update_utc for each in read_crls([p])])
        for alarm in expiry_alarms(ends, self._now()):
            self._tell(alarm)

    def _tell(self, alarm: Alarm) -> None:
        """Once for each change, and no good news of what was never bad."""
        before = self._told.get(alarm.source)
        if before is None and not alarm.active:
            return
        if before is None or (before.active, before.severity, before.text) != (
            alarm.active,
            alarm.severity,
            alarm.text,
        ):
            self._told[alarm.source] = alarm
            self._file_alarm(alarm)

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp(path) for path in self._paths)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _ends(path: Path, read: Callable[[Path], Sequence[datetime | None]]) -> dict[str, datetime]:
    """The earliest end of what a file holds, by its name; nothing of one that cannot be read, which _renew tells."""
    try:
        ends = [end for end in read(path) if end is not None]
    except ParameterError:
        return {}
    return {str(path): min(ends)} if ends else {}


def _tried(renew: Callable[[], None]) -> str:
    """What was wrong with the files, "" when nothing was."""
    try:
        renew()
    except ParameterError as error:
        return str(error)
    return ""
