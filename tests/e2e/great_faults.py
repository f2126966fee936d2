"""What befalls a great network: each kind of fault at random moments, from a seed, each written down."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from great_network import GreatNetwork

from haris.demo.processes import ProcessEnded

CLOCK_JUMPS_S = (-3600, -90, -5, 5, 120, 3600, 86_400)
"""Hours stay within the life of certificates; a day is beyond every time-out."""


@dataclass(slots=True)
class Log:
    """When which fault began, in seconds since the log was made."""

    began_s: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    n: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, what: str) -> None:
        self.n[kind] += 1
        self.lines.append(f"{time.monotonic() - self.began_s:7.2f} s  {kind}: {what}")


class Faults:
    """They go on until they are stopped; whatever is broken then is mended. pace_s: between two of a kind."""

    def __init__(self, network: GreatNetwork, chance: random.Random, pace_s: float) -> None:
        self.log = Log()
        self._network, self._chance, self._pace_s = network, chance, pace_s
        self._stop = asyncio.Event()
        self._away: set[str] = set()
        """Processes that one of us has killed or is starting."""

    async def run(self, for_s: float) -> None:
        kinds: list[tuple[Callable[[random.Random], Awaitable[None]], float]] = [
            (self._kill, 1.0),
            (self._kill, 1.0),
            (self._cut, 0.7),
            (self._meddle, 2.0),
        ]
        network = self._network
        if network.disks:
            kinds.append((self._fill, 3.0))
        if "clock" not in network.lacking:
            kinds.append((self._jump, 2.0))
        if network.wire is not None:
            kinds.append((self._lose_packets, 2.0))
        works = [asyncio.create_task(self._again(kind, rarity)) for kind, rarity in kinds]
        watch = asyncio.create_task(self.watch())
        await asyncio.sleep(for_s)
        self._stop.set()
        await asyncio.gather(*works)
        watch.cancel()
        for name, happened in self.totals().items():
            self.log.n[name] = happened

    def totals(self) -> Counter[str]:
        """What the wire and the faces did to single packets and requests."""
        total = Counter[str]()
        if self._network.wire is not None:
            total.update({f"packets {what}": n for what, n in self._network.wire.happened.items()})
        for face in self._network.faces.values():
            total.update({f"requests {what}": n for what, n in face.happened.items()})
        return total

    async def _again(self, fault: Callable[[random.Random], Awaitable[None]], rarity: float) -> None:
        chance = random.Random(self._chance.random())
        while not self._stop.is_set():
            try:
                async with asyncio.timeout(chance.uniform(0.5, 1.5) * rarity * self._pace_s):
                    await self._stop.wait()
            except TimeoutError:
                await fault(chance)

    async def watch(self) -> None:
        """A process that ends by itself is written down as a surprise, and started again."""
        while True:
            for name, process in self._network.processes.items():
                if name not in self._away:
                    try:
                        process.check()
                    except ProcessEnded as ended:
                        self._away.add(name)
                        self._network.surprises.append(str(ended))
                        self.log.add("surprise", str(ended))
                        await self._network.start_process(name)
                        self._away.discard(name)
            await asyncio.sleep(0.2)

    # kinds

    async def _kill(self, chance: random.Random) -> None:
        """kill -9 at rest, at work or while it starts."""
        victims = sorted(set(self._network.processes) - self._away)
        if len(victims) < 2:
            return
        name = chance.choice(victims)
        process = self._network.processes[name]
        self._away.add(name)
        self.log.add("kill -9", name)
        await process.kill()
        if chance.random() < 0.15:
            await process.start()
            await asyncio.sleep(chance.uniform(0.3, 2))
            self.log.add("kill -9", f"{name} while it starts")
            await process.kill()
        await asyncio.sleep(chance.choice((0.0, chance.uniform(0, 6))))
        await self._start_somehow(name)
        self._away.discard(name)

    async def _start_somehow(self, name: str) -> None:
        """Its disk may be full and its clock wrong: it is started until it stays, as a supervisor does."""
        for _ in range(20):
            try:
                await self._network.start_process(name)
                return
            except (ProcessEnded, AssertionError) as error:
                self.log.add("did not start", f"{name}: {error}")
                await self._network.processes[name].kill()
                await asyncio.sleep(2)
        self._network.surprises.append(f"{name} cannot be started again")

    async def _cut(self, chance: random.Random) -> None:
        """Of a span, or before the peer face of a site: cut, stalled or down."""
        network = self._network
        name = chance.choice(sorted({**network.lines, **network.fronts}))
        line = {**network.lines, **network.fronts}[name]
        match chance.randrange(3):
            case 0:
                self.log.add("cut", name)
                line.cut()
            case 1:
                self.log.add("stalled", name)
                await line.stall(chance.uniform(0.5, 8))
            case _:
                self.log.add("down", name)
                await line.fall(chance.uniform(0.5, 6))

    async def _meddle(self, chance: random.Random) -> None:
        """Requests of key managers are lost, late, repeated and out of order for a while."""
        if not self._network.faces:
            return
        name = chance.choice(sorted(self._network.faces))
        self.log.add("meddled requests", name)
        face = self._network.faces[name]
        face.trouble = 0.15
        await asyncio.sleep(chance.uniform(3, 10))
        face.trouble = 0.0
        if chance.random() < 0.3:
            face.cut()

    async def _fill(self, chance: random.Random) -> None:
        """The disk of a site is full for a while."""
        site = chance.choice(sorted(s for s in self._network.disks if s != self._network.shape.doubled))
        self.log.add("disk full", site)
        self._network.fill_disk(site)
        await asyncio.sleep(chance.uniform(2, 6))
        self._network.free_disk(site)

    async def _jump(self, chance: random.Random) -> None:
        """The clock of a process is off for a while, and then right again."""
        name = chance.choice(sorted(self._network.processes))
        jump_s = chance.choice(CLOCK_JUMPS_S)
        self.log.add("clock", f"{name} {jump_s:+d} s")
        self._network.clock(name).write_text(f"{jump_s:+d}\n")
        await asyncio.sleep(chance.uniform(2, 8))
        self._network.clock(name).write_text("+0\n")

    async def _lose_packets(self, chance: random.Random) -> None:
        """To the sites on the wire: 2 to 15 % of packets lost, as many repeated, more out of order."""
        wire = self._network.wire
        assert wire is not None
        p = chance.uniform(0.02, 0.15)
        self.log.add("packets", f"{100 * p:.0f} % lost, {100 * p:.0f} % repeated, {200 * p:.0f} % late")
        wire.trouble(p, p, 2 * p)
        await asyncio.sleep(chance.uniform(3, 10))
        wire.trouble(0.0, 0.0, 0.0)
