"""The processes of a demonstration: started, watched through their JSON lines, killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from haris.nouns.errors import HarisError

Line = dict[str, Any]

_FEW_THREADS = {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_PR_SET_PDEATHSIG = 1
_prctl = getattr(ctypes.CDLL(None), "prctl", None)


def _die_with_parent() -> None:
    """In the child: have Linux end it when the demonstration ends, however it ends."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class ProcessEnded(HarisError):  # noqa: N818  (an outcome, not a mistake)
    """A process of the demonstration ended by itself. The text carries the end of what it said."""


class Process:
    """One program. hear: called with every JSON object that it prints. environment: of it, beside our own."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        log: Path,
        hear: Callable[[Line], None],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.environment = name, dict(environment or {})
        self._arguments, self._log, self._hear = arguments, log, hear
        self._running: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it, or start it again."""
        with self._log.open("ab") as log:
            self._running = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._arguments,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                preexec_fn=_die_with_parent,
                env=os.environ | _FEW_THREADS | self.environment,
            )
        assert self._running.stdout is not None
        self._reading = asyncio.create_task(self._read(self._running.stdout))

    async def _read(self, said: asyncio.StreamReader) -> None:
        while line := await said.readline():
            try:
                heard = msgspec.json.decode(line)
            except msgspec.DecodeError:
                continue  # a line for people
            if isinstance(heard, dict):
                self._hear(heard)

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self._running
        return self._running.pid

    def check(self) -> None:
        """Raise ProcessEnded if it is no longer there."""
        if self._running is not None and self._running.returncode is not None:
            said = self._log.read_text(errors="replace").strip().splitlines()[-3:]
            raise ProcessEnded(f"{self.name} ended with {self._running.returncode}: {' / '.join(said)}")

    def peak_memory_mb(self) -> float:
        """The most memory it ever held, MB (0 where the system does not tell)."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return 0.0
        return next((int(x.split()[1]) / 1024 for x in status.splitlines() if x.startswith("VmHWM")), 0.0)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._running is not None and self._running.returncode is None:
            self._running.send_signal(number)

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end, and make it end."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        if running.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it may end by itself meanwhile
                running.send_signal(how)
                try:
                    await asyncio.wait_for(running.wait(), timeout=5)
                except TimeoutError:
                    running.kill()
            await running.wait()
        if self._reading:
            await self._reading
