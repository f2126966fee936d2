"""A ring of sites with chords, as processes: spans fed from folders, every line spliced, clocks and disks in our hand.

Two disjoint paths lie between any two sites. What a site needs of this machine beyond loopback (a disk of its own, a
clock of its own, a wire that loses packets) it gets where the machine allows it; `lacking` says what it does not.
"""

from __future__ import annotations

import asyncio
import errno
import os
import random
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from lossy_wire import HERE, THERE, LossyWire
from repeating_face import RepeatingFace
from spliced_line import SplicedLine

from haris.demo.processes import Process
from haris.node.events import Event, SiteEvent
from haris.node.pki.authority import add_to_laboratory, make_laboratory
from haris.node.pki.credentials import client_context
from haris.node.pki.mutual_tls import TlsFiles, peer_context, server_context
from haris.node.spans.commissioning import SECRET_OCTETS
from haris.node.store.postgres import PostgresAddress
from haris.node.store.store import Store, open_store
from haris.node.system.free_ports import free_ports

KEY_OCTETS = 2048
"""Of each file that is dropped for a span."""
DISK_OCTETS = 12 << 20
_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@dataclass(frozen=True, slots=True)
class Shape:
    """Which sites, spans and relayed pairs there are. doubled: a site of two processes on one PostgreSQL.

    pairs: sites that share keys by relay, and over how many paths at once. meddled: sites before whose peer face a
    RepeatingFace stands. wired: sites that others reach over the wire that loses packets.
    """

    sites: tuple[str, ...]
    spans: dict[str, tuple[str, str]]
    pairs: dict[tuple[str, str], int]
    meddled: tuple[str, ...]
    wired: tuple[str, ...]
    doubled: str | None = None
    streaming: tuple[str, str] | None = None


def ring(n_sites: int, chords: tuple[tuple[int, int], ...], pairs: dict[tuple[int, int], int], doubled: bool) -> Shape:
    """Sites a00, a01, … in a ring. The last is of two processes when doubled; 004 is spoken between the first two."""
    sites = tuple(f"a{number:02}" for number in range(n_sites))
    ends = [*pairwise(sites), (sites[-1], sites[0]), *((sites[one], sites[other]) for one, other in chords)]
    return Shape(
        sites,
        {f"{one}-{other}": (one, other) for one, other in ends},
        {(sites[one], sites[other]): paths for (one, other), paths in pairs.items()},
        meddled=sites[1::3],
        wired=sites[2::3],
        doubled=sites[-1] if doubled else None,
        streaming=(sites[0], sites[1]),
    )


GREAT = ring(12, ((0, 6), (3, 9), (1, 8), (4, 11)), {(0, 5): 2, (2, 8): 1, (4, 10): 1, (1, 7): 1, (11, 6): 2}, True)
SMALL = ring(4, ((0, 2),), {(1, 3): 1}, False)


class GreatNetwork:
    """Its processes, lines, disks and clocks, and all that they have told. postgres: of the doubled site."""

    def __init__(
        self,
        directory: Path,
        shape: Shape,
        chance: random.Random,
        postgres: PostgresAddress | None = None,
        python_path: dict[str, Path] | None = None,
    ) -> None:
        """python_path: where the code of a site is that does not run ours."""
        self.directory, self.shape, self.chance = directory, shape, chance
        self._postgres, self._python_path = postgres, python_path or {}
        self._moved: dict[str, PostgresAddress] = {}
        self.events: list[tuple[float, Event]] = []
        self.surprises: list[str] = []
        self.lacking = dict(_lacking())
        self._dropped = 0
        self.disks = {} if "disk" in self.lacking else {site: directory / site for site in shape.sites}
        self.wire = None if "wire" in self.lacking else LossyWire(random.Random(chance.random()))
        names = [*(f"{p} {what}" for p in self._all_processes() for what in ("kme", "peers", "front", "004"))]
        names += [f"{span} {what}" for span in shape.spans for what in ("front", "end")]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        kmes = [f"kme-{site}" for site in shape.sites]
        make_laboratory(self.pki(""), kmes, [sae_of(site) for site in shape.sites], kmes, datetime.now(UTC))
        secrets = {span: os.urandom(SECRET_OCTETS) for span in shape.spans}
        for site in shape.sites:
            self._lay_out(site, secrets, shape.spans)
        for process in self._all_processes():
            self.write(process)
        self.lines = {span: self._line(f"{span} front", f"{span} end", ends[1]) for span, ends in shape.spans.items()}
        self.faces = {p: self._face(p) for p in self._all_processes() if site_of(p) in shape.meddled}
        self.fronts = {
            p: self._line(f"{p} front", f"{p} peers", site_of(p)) for p in self._all_processes() if p not in self.faces
        }
        self.processes = {process: self._process(process) for process in self._all_processes()}
        self._started = {process: asyncio.Event() for process in self.processes}
        self._feeding: asyncio.Task[None] | None = None

    # what there is

    def add_site(self, site: str, spans: dict[str, tuple[str, str]]) -> None:
        """One more site, and what its neighbours and the others are told of it. Its process is not started."""
        shape = self.shape
        self.shape = replace(shape, sites=(*shape.sites, site), spans=shape.spans | spans)
        names = [f"{site} {what}" for what in ("kme", "peers", "front", "004")]
        names += [f"{span} {what}" for span in spans for what in ("front", "end")]
        self.ports |= dict(zip(names, free_ports(len(names)), strict=True))
        kme = f"kme-{site}"
        add_to_laboratory(self.pki(""), [kme], [sae_of(site)], [kme], datetime.now(UTC))
        self._lay_out(site, {span: os.urandom(SECRET_OCTETS) for span in spans}, spans)
        for process in self._all_processes():
            self.write(process)
        fresh = {span: self._line(f"{span} front", f"{span} end", ends[1]) for span, ends in spans.items()}
        front = self._line(f"{site} front", f"{site} peers", site)
        self.lines |= fresh
        self.fronts[site] = front
        self._opening = [asyncio.create_task(each.start()) for each in (*fresh.values(), front)]
        self.processes[site] = self._process(site)
        self._started[site] = asyncio.Event()

    def _lay_out(self, site: str, secrets: dict[str, bytes], spans: dict[str, tuple[str, str]]) -> None:
        """A directory of a site's own, and what commissions its spans at both ends."""
        (self.directory / site).mkdir()
        self.keep(f"{site}.kek", os.urandom(32))
        for span in (span for span in self.spans_of(site) if span in spans):
            for end in spans[span]:
                if not (self.directory / f"{span}.{end}").exists():
                    self.keep(f"{span}.{end}.secret", secrets[span])
                    (self.directory / f"{span}.{end}").mkdir(mode=0o700)

    def _all_processes(self) -> list[str]:
        """A site's name; or two names with 1 and 2 behind it, of a site of two processes."""
        return [process for site in self.shape.sites for process in self.processes_of(site)]

    def processes_of(self, site: str) -> list[str]:
        return [f"{site}.1", f"{site}.2"] if site == self.shape.doubled else [site]

    def spans_of(self, site: str) -> list[str]:
        return [span for span, ends in self.shape.spans.items() if site in ends]

    def pki(self, name: str) -> Path:
        return self.directory / "pki" / name

    def keep(self, name: str, octets: bytes) -> None:
        (self.directory / name).touch(mode=0o600)
        (self.directory / name).write_bytes(octets)

    def configuration(self, process: str) -> Path:
        return self.directory / f"{process}.toml"

    def write(self, process: str) -> None:
        """NODE.toml as the shape says now."""
        self.configuration(process).write_text("\n".join(self._lines(process)))

    def move(self, site: str, postgres: PostgresAddress) -> Path:
        """A site's store belongs into a database from now on. Returns the NODE.toml as it was."""
        before = self.configuration(site).with_suffix(".before.toml")
        self.configuration(site).rename(before)
        self._moved[site] = postgres
        self.write(site)
        return before

    def address(self, site: str, port: str) -> str:
        """Where others reach a port of a site."""
        wired = self.wire is not None and site in self.shape.wired
        return f"{THERE if wired else '127.0.0.1'}:{self.ports[port]}"

    def _host(self, site: str) -> str:
        return HERE if self.wire is not None and site in self.shape.wired else "127.0.0.1"

    def _line(self, front: str, end: str, site: str) -> SplicedLine:
        return SplicedLine(self.ports[front], self.ports[end], host=self._host(site))

    def _face(self, process: str) -> RepeatingFace:
        def files(kme: str) -> TlsFiles:
            return TlsFiles(self.pki(f"{kme}.crt"), self.pki(f"{kme}.key"), self.pki("ca.crt"))

        def client(kme: str) -> ssl.SSLContext:
            return peer_context(files(kme), lambda connection: None)

        server = server_context(files(f"kme-{site_of(process)}"))
        listen = self._host(site_of(process)), self.ports[f"{process} front"]
        chance = random.Random(self.chance.random())
        return RepeatingFace(listen, self.ports[f"{process} peers"], server, client, chance)

    def _process(self, process: str) -> Process:
        environment = {}
        if "clock" not in self.lacking:
            self.clock(process).write_text("+0\n")
            environment = {"LD_PRELOAD": str(_FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.clock(process))}
            environment |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
            environment |= {"FAKETIME_CACHE_DURATION": "1"}
        if process in self._python_path:
            environment["PYTHONPATH"] = str(self._python_path[process])
        arguments = ["haris.cli.main", "node", str(self.configuration(process)), "--json"]
        return Process(process, arguments, self.directory / f"{process}.log", partial(self._hear, process), environment)

    def clock(self, process: str) -> Path:
        """The file that says how far the clock of a process is off."""
        return self.directory / f"{process}.clock"

    def _lines(self, process: str) -> list[str]:
        site, ports, shape = site_of(process), self.ports, self.shape
        lines = ["[site]", f'name = "{site}"', "[kme]", f'id = "kme-{site}"']
        lines += [f'listen = "127.0.0.1:{ports[f"{process} kme"]}"']
        lines += [f'listen_peers = "127.0.0.1:{ports[f"{process} peers"]}"']
        lines += [f'certificate = "pki/kme-{site}.crt"', f'private_key = "pki/kme-{site}.key"']
        lines += ['authority = "pki/ca.crt"', "[store]", f'key_encryption_key = "{site}.kek"']
        if site == shape.doubled:
            assert self._postgres is not None
            lines += [f'postgresql = "{self._postgres.url}"', f'process = "{process.replace(".", "-")}"']
        elif site in self._moved:
            lines += [f'postgresql = "{self._moved[site].url}"', 'process = "one"']
        else:
            lines += [f'path = "{site}/store.db"']
        lines += ["[pools]", "keys = 32", "relay_keys = 64", "auth_octets = 12288"]
        if site in (shape.streaming or ()):
            lines += ["[etsi004]", f'listen = "127.0.0.1:{ports[f"{process} 004"]}"']
        for other in shape.sites:
            lines += ["[[sae]]", f'id = "{sae_of(other)}"', f'site = "{other}"']
            if other != site:
                first, *also = (self.address(other, f"{p} front") for p in self.processes_of(other))
                lines += ["[[peer]]", f'site = "{other}"', f'kme = "kme-{other}"', f'address = "{first}"']
                lines += [f"also = {also}".replace("'", '"')] if also else []
        for span, (alice, bob) in shape.spans.items():
            lines += ["[[edge]]", f'span = "{span}"', f'sites = ["{alice}", "{bob}"]']
            if site in (alice, bob):
                lines += self._span_lines(site, span, alice, bob)
        for (one, other), paths in shape.pairs.items():
            if site in (one, other):
                lines += ["[[pair]]", f'peer = "{other if site == one else one}"', f"paths = {paths}"]
                lines += ["end_to_end = true"] if paths > 1 else []
        lines += ["[end_to_end]", f'certificate = "pki/kme-{site}.mldsa.crt"']
        return [*lines, f'private_key = "pki/kme-{site}.mldsa.key"', 'authority = "pki/mldsa-ca.crt"', ""]

    def _span_lines(self, site: str, span: str, alice: str, bob: str) -> list[str]:
        own, peer = ("alice", bob) if site == alice else ("bob", alice)
        lines = ["[[span]]", f'name = "{span}"', f'peer = "{peer}"', f'source = "{span}"', f'role = "{own}"']
        lines += [f'secret = "{span}.{site}.secret"']
        if site == alice:
            lines += [f'connect = "{self.address(bob, f"{span} front")}"']
        else:
            lines += [f'listen = "127.0.0.1:{self.ports[f"{span} end"]}"']
        lines += ["[[source]]", f'name = "{span}"', 'kind = "folder"', f'folder = "{span}.{site}"']
        return [*lines, f"key_bits = {8 * KEY_OCTETS}", "poll_s = 0.3", 'maker = "Acme"', "stated_epsilon = 1e-12"]

    # what it does

    def _hear(self, process: str, line: dict[str, Any]) -> None:
        event = msgspec.convert(line, Event)
        self.events.append((asyncio.get_running_loop().time(), event))
        if isinstance(event, SiteEvent) and event.what == "started":
            self._started[process].set()

    async def feed(self) -> None:
        """The same fresh keys at both ends of every span, whenever few are left."""
        while True:
            for span, (alice, bob) in self.shape.spans.items():
                if len(os.listdir(self.directory / f"{span}.{alice}")) < 3:
                    for _ in range(3):
                        self._drop(span, alice, bob)
            await asyncio.sleep(0.3)

    def _drop(self, span: str, *ends: str) -> None:
        self._dropped += 1
        octets = os.urandom(KEY_OCTETS)
        for site in reversed(ends):
            part = self.directory / f"{span}.{site}" / f"{self._dropped:08}.part"
            part.write_bytes(octets)
            part.rename(part.with_suffix(".key"))

    async def start_process(self, process: str) -> None:
        """Returns when it serves applications."""
        self._started[process].clear()
        await self.processes[process].start()
        deadline = asyncio.get_running_loop().time() + 180
        while not self._started[process].is_set():
            self.processes[process].check()
            assert asyncio.get_running_loop().time() < deadline, f"{process} does not serve within 180 s"
            await asyncio.sleep(0.05)

    async def start(self) -> None:
        for disk in self.disks.values():
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={DISK_OCTETS},mode=700", "haris-trial", str(disk)], check=True
            )
        if self.wire is not None:
            self.wire.start()
        await asyncio.gather(*(each.start() for each in self._between()))
        waiting = list(self.processes)
        while waiting:  # few at a time: this machine is small
            now, waiting = waiting[:4], waiting[4:]
            await asyncio.gather(*map(self.start_process, now))
        self._feeding = asyncio.create_task(self.feed())

    def _between(self) -> list[SplicedLine | RepeatingFace]:
        return [*self.lines.values(), *self.faces.values(), *self.fronts.values()]

    async def stop_processes(self) -> None:
        await asyncio.gather(*(process.stop() for process in self.processes.values()))

    async def stop(self) -> None:
        if self._feeding is not None:
            self._feeding.cancel()
        await self.stop_processes()
        await asyncio.gather(*(each.stop() for each in self._between()))
        if self.wire is not None:
            self.wire.stop()
        for disk in self.disks.values():
            subprocess.run(["umount", "-l", str(disk)], check=False)

    def fill_disk(self, site: str) -> None:
        """Leave no octet free on a site's disk."""
        with (self.disks[site] / "ballast").open("ab", buffering=0) as ballast:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free_disk(self, site: str) -> None:
        (self.disks[site] / "ballast").unlink()

    def told(self, kind: type[Event], **having: object) -> list[Any]:
        """Events of a kind with the given fields."""
        events = [event for _, event in self.events if isinstance(event, kind)]
        return [event for event in events if all(getattr(event, name) == value for name, value in having.items())]

    async def until(self, condition: Callable[[], bool], patience_s: float, what: str | Callable[[], str]) -> None:
        deadline = asyncio.get_running_loop().time() + patience_s
        while not condition():
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{what if isinstance(what, str) else what()}: not within {patience_s:g} s")
            await asyncio.sleep(0.1)

    def context(self, site: str) -> ssl.SSLContext:
        """TLS of the application of a site."""
        name = sae_of(site)
        return client_context(self.pki(f"{name}.crt"), self.pki(f"{name}.key"), self.pki("ca.crt"), datetime.now(UTC))

    def url(self, process: str) -> str:
        return f"https://127.0.0.1:{self.ports[f'{process} kme']}"

    def store(self, site: str) -> Store:
        """The store of a site whose processes have been stopped."""
        kek = (self.directory / f"{site}.kek").read_bytes()
        if site in self._moved:
            return open_store(self._moved[site], kek, os.urandom, "trial")
        if site == self.shape.doubled:
            assert self._postgres is not None
            return open_store(self._postgres, kek, os.urandom, "trial")
        return open_store(self.directory / site / "store.db", kek, os.urandom)


@asynccontextmanager
async def running(network: GreatNetwork) -> AsyncIterator[GreatNetwork]:
    try:
        await network.start()
        yield network
    finally:
        await network.stop()


def sae_of(site: str) -> str:
    return f"sae-{site}"


def site_of(process: str) -> str:
    return process.partition(".")[0]


def _lacking() -> Iterator[tuple[str, str]]:
    """What this machine does not allow, and why."""
    if os.geteuid() != 0:
        yield "disk", "a file system of a site's own wants root"
    if not _FAKETIME.exists():
        yield "clock", "the package libfaketime is not installed"
    if (reason := LossyWire.why_not()) is not None:
        yield "wire", reason
