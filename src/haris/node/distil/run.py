"""A run: both ends started as processes, their blocks decided over, the time accounted for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from time import perf_counter
from typing import Any

from haris.crypto.wegman_carter import PAD_OCTETS
from haris.node.distil.block import Clock
from haris.node.distil.desk import (
    Began,
    Desk,
    Exhausted,
    Failed,
    Finish,
    Order,
    Outcome,
    Ready,
    Times,
)
from haris.node.distil.folder import Recorder
from haris.node.distil.party import BUFFER_OCTETS, Plan
from haris.nouns.bell_counts import BellCounts
from haris.nouns.errors import HarisError, ParameterError
from haris.nouns.keys import Origin
from haris.quantum.distill.transcript import Sender
from haris.quantum.link import Link
from haris.quantum.security.entropy import binary_entropy

KEY_FILES = ("alice.key", "bob.key")
_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "MALLOC_TOP_PAD_": str(1 << 26),
}
"""For the C library of the two processes: what a block has freed serves the next one. Fresh pages of the system, which
clears them first, would cost as much as sifting."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the light of a run comes from: files of a recording or raw keys, or blocks that shine while it runs."""

    link: Link
    origin: Origin
    paths: dict[str, Path] | None = None
    raw: bool = False
    light: Iterator[tuple[Any, Any]] | None = None


@dataclass(slots=True)
class Result:
    """Sums over the blocks of a run.

    secret_bits: of the keys that both ends have; pad_bits: what the tags of these blocks used up. kept,
    aborted: outcomes of the blocks that gave a key and of those that gave none, in order. reconciled_errors: of the
    key basis, among n_reconciled. bell: of all blocks with a Bell test. elapsed_s: from both processes being ready to
    the last key being on the disk.
    """

    n_blocks: int = 0
    secret_bits: int = 0
    pad_bits: int = 0
    clicks: list[int] = field(default_factory=lambda: [0, 0])
    errors: list[int] = field(default_factory=lambda: [0, 0])
    n_reconciled: int = 0
    reconciled_errors: int = 0
    leaked_bits: int = 0
    leaked_bits_one_way: int = 0
    kept: list[Outcome] = field(default_factory=list)
    aborted: list[Outcome] = field(default_factory=list)
    elapsed_s: float = 0.0
    times: dict[Sender, Times] = field(default_factory=dict)
    light: Clock = field(default_factory=Clock)
    bell: BellCounts | None = None

    def add(self, outcome: Outcome, keep: bool) -> None:
        """Add a block that is over."""
        self.n_blocks += 1
        for basis in (0, 1):
            self.clicks[basis] += outcome.clicks[basis]
            self.errors[basis] += outcome.errors[basis]
        if outcome.bell is not None:
            self.bell = outcome.bell if self.bell is None else self.bell + outcome.bell
        if not keep:
            self.aborted.append(outcome)
            return
        self.kept.append(outcome)
        self.secret_bits += outcome.secret_bits
        self.pad_bits += 2 * 8 * PAD_OCTETS
        self.n_reconciled += outcome.n_reconciled
        self.reconciled_errors += outcome.errors[0]
        self.leaked_bits += outcome.leaked_bits
        self.leaked_bits_one_way += outcome.leaked_bits_one_way

    @property
    def qber_key(self) -> float | None:
        """Error rate of the key bits of blocks that gave key."""
        return self.reconciled_errors / self.n_reconciled if self.n_reconciled else None

    @property
    def sifted_bit_s(self) -> float:
        """Clicks of the key basis that both ends kept, per second."""
        return self.clicks[0] / self.elapsed_s

    @property
    def secret_bit_s(self) -> float:
        """Secret bits per second, less the pads of the tags."""
        return max(0, self.secret_bits - self.pad_bits) / self.elapsed_s

    def efficiency(self, leaked_bits: int) -> float | None:
        """f: disclosed bits over the Shannon limit of what was reconciled; None without an error."""
        limit_bits = self.n_reconciled * float(binary_entropy(self.qber_key or 0.0))
        return leaked_bits / limit_bits if limit_bits else None


def run(source: Source, out: Path | None = None, told: Callable[[Result], None] = lambda _: None) -> Result:
    """Distil everything that a source gives. told: of the sums after each block.

    out: folder for alice.key and bob.key, which appear when all went well, or not at all, as a new folder does.
    Raises ParameterError on wrong input, HarisError when a process ended early; no key is kept then.
    """
    made = out if out is not None and not out.exists() else None
    parts = _parts(out)
    try:
        with ExitStack() as stack:
            result = _Run(source, parts, stack).finish(told)
        for part in parts if result.kept else ():
            part.rename(part.with_suffix(""))
        return result
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
        if made is not None and not any(made.iterdir()):
            made.rmdir()


def _parts(out: Path | None) -> list[Path]:
    """The files in the making. Raises ParameterError when keys of an earlier run are there."""
    if out is None:
        return []
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in KEY_FILES:
        if (out / name).exists():
            raise ParameterError(f"{out / name}: exists already")
    return [out / f"{name}.part" for name in KEY_FILES]


class _Run:
    """Two processes, the desk between them, and the light if it shines now."""

    def __init__(self, source: Source, parts: list[Path], stack: ExitStack) -> None:
        self._desk = Desk(os.urandom)
        self._result = Result()
        self._source = source
        self._ends: dict[Connection, Sender] = {}
        channels = socket.socketpair()
        pipes = [socket.socketpair() for _ in Sender] if source.light is not None else None
        name = os.urandom(16)
        for role in Sender:
            ours, theirs = Pipe()
            pipe = pipes[role][1].fileno() if pipes else None
            descriptors = [channels[role].fileno(), theirs.fileno(), *([] if pipe is None else [pipe])]
            process = subprocess.Popen(
                [sys.executable, "-m", "haris.node.distil", *map(str, descriptors), "-1"],
                pass_fds=descriptors,
                env={**_MEMORY, **os.environ},
            )
            stack.push(lambda kind, *_, process=process: _end(process, kind))
            stack.enter_context(ours)
            theirs.close()
            part = parts[role] if parts else None
            ours.send(Plan(role, source.link, name, source.paths, source.raw, part, max(1, (os.cpu_count() or 2) // 2)))
            self._ends[ours] = role
        for taken in (*channels, *(pair[1] for pair in pipes or ())):
            taken.close()  # the processes have theirs
        self._dark: HarisError | None = None
        self._light: threading.Thread | None = None
        if pipes:
            self._light = threading.Thread(target=self._shine, args=([pair[0] for pair in pipes],), daemon=True)

    def finish(self, told: Callable[[Result], None]) -> Result:
        """Run to the end."""
        self._await(Ready)
        began = perf_counter()
        if self._light is not None:
            self._light.start()
        for pads in self._desk.opening():
            self._order(pads)
        while not self._desk.done:
            for end, word in self._words():
                if isinstance(word, Began | Exhausted | Outcome):
                    for verdict, pads, outcome in self._desk.take(self._ends[end], word):
                        self._result.add(outcome, verdict.keep)
                        self._order(verdict)
                        self._order(pads)
                        self._result.elapsed_s = perf_counter() - began
                        told(self._result)
        self._order(Finish())
        self._await(Times)
        self._result.elapsed_s = perf_counter() - began
        return self._result

    def _await(self, kind: type[Ready] | type[Times]) -> None:
        missing = set(self._ends)
        while missing:
            for end, word in self._words(missing):
                if isinstance(word, kind):
                    missing.discard(end)
                if isinstance(word, Times):
                    self._result.times[self._ends[end]] = word

    def _words(self, ends: set[Connection] | None = None) -> list[tuple[Connection, object]]:
        """What the ends say next. Raises what they failed with."""
        words = []
        for end in wait(list(ends or self._ends)):
            assert isinstance(end, Connection)
            try:
                word = end.recv()
            except (EOFError, OSError):
                raise HarisError(f"the process of {self._ends[end].name.lower()} has ended") from None
            if isinstance(word, Failed):
                if self._dark is not None:
                    raise self._dark
                raise (ParameterError if word.of_input else HarisError)(word.text)
            words.append((end, word))
        return words

    def _order(self, order: Order) -> None:
        for end in self._ends:
            with suppress(OSError):  # what it says last tells why it has gone
                end.send(order)

    def _shine(self, pipes: list[socket.socket]) -> None:
        """Write the light to both ends as it comes; their pipes hold it back when they are behind."""
        assert self._source.light is not None
        with suppress(OSError), ExitStack() as stack:
            files = []
            for pipe in pipes:
                files.append(stack.enter_context(os.fdopen(pipe.detach(), "wb", BUFFER_OCTETS)))
            recorder = Recorder(files[0], files[1], self._source.origin, os.urandom(16))
            try:
                while True:
                    with self._result.light.stage("light"):
                        block = next(self._source.light, None)
                    if block is None:
                        break
                    recorder.write(*block)
            except HarisError as error:
                self._dark = error  # the ends see their pipes torn
            else:
                recorder.close()


def _end(process: subprocess.Popen[bytes], kind: type[BaseException] | None) -> bool:
    """End a process that we started; after a run that went well it ends by itself."""
    if kind is not None:
        process.terminate()
    process.wait()
    return False
