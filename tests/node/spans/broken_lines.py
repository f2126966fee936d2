"""Two ends of a span through space that are killed, on a line that is cut and tampered with, at random.

Everything between a lamp and a committed block is as in a session, without sockets, stores and tags: what both ends
must have seen alike is compared in place of a tag.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from lit_in_memory import AGREED, ROLES, STRETCH_PULSES, STRETCH_S, Attachment, World, allowed
from msgspec import Struct, structs

from haris.keys import commit
from haris.keys.allotment import Levels, Targets
from haris.keys.store import BlockShares
from haris.node.spans import pass_maker
from haris.node.spans.block_maker import BlockOrder, Made, NotBegun, Unmade
from haris.node.spans.pass_maker import PassMaker
from haris.node.spans.plan import SpanPlan
from haris.node.spans.pointing import Pointing
from haris.nouns.errors import ForgedMessage, HarisError, PeerError
from haris.nouns.ids import block_name
from haris.nouns.keys import Origin, Proof
from haris.quantum.security.key_length import Security
from haris.wire import distillation, span
from haris.wire.stretches import Bases, Close, Noted, Positions, Shine

CLOSING_S, SILENCE_S = 4.0, 2.0


class Begin(Struct, frozen=True):
    """A block begins; none when below 0."""

    number: int


class Sealed(Struct, frozen=True):
    """In place of Confirm: none but its sender can make it."""

    number: int
    digest: bytes


class Held(Struct, frozen=True):
    """As span.Held."""

    number: int


class Cut(PeerError):
    """The line has been cut."""


Mangle = Callable[[str, Any], list[Any]]
"""What who stands between makes of a message, and of whose."""


def honest(role: str, message: Any) -> list[Any]:
    """It is carried on."""
    return [message]


class Wire:
    """One connection. carries: messages, then it is cut."""

    def __init__(self, carries: float = np.inf, mangle: Mangle = honest) -> None:
        self.carries, self.mangle = carries, mangle
        self.queues = {role: asyncio.Queue[span.Message]() for role in ROLES}
        self.said: list[tuple[str, span.Message]] = []
        self.cut = asyncio.Event()

    async def send(self, role: str, message: span.Message) -> None:
        self.require_peer()
        await asyncio.sleep(0)
        self.said.append((role, message))
        if len(self.said) > self.carries:
            self.cut.set()
            return  # into the void: who sends does not know
        for each in self.mangle(role, message):
            self.queues[ROLES[role == "alice"]].put_nowait(each)

    async def receive(self, role: str) -> span.Message:
        coming, cut = (asyncio.ensure_future(what) for what in (self.queues[role].get(), self.cut.wait()))
        try:
            await asyncio.wait([coming, cut], return_when=asyncio.FIRST_COMPLETED, timeout=SILENCE_S)
            self.require_peer()
            if not coming.done():
                raise PeerError("the peer was silent")
            return coming.result()
        finally:
            coming.cancel()
            cut.cancel()

    def require_peer(self) -> None:
        if self.cut.is_set():
            raise Cut("the line is cut")


class WireEnd:
    def __init__(self, line: Wire, role: str) -> None:
        self.line, self.role, self.require_peer = line, role, line.require_peer

    async def send(self, message: span.Message) -> None:
        await self.line.send(self.role, message)

    async def receive_of(self, kind: type, number: int) -> Any:
        message = await self.line.receive(self.role)
        if not isinstance(message, kind) or message.number != number:  # type: ignore[attr-defined]
            raise PeerError(f"expected {kind.__name__} of block {number}, got {message}")
        return message


class Blocks:
    """A BlockStore in memory. numbers: by block."""

    def __init__(self) -> None:
        self.states: dict[bytes, str] = {}
        self.numbers: dict[bytes, int] = {}

    def hold_block(self, shares: BlockShares) -> None:
        assert shares.block not in self.states
        self.states[shares.block], self.numbers[shares.block] = "pending", shares.number

    def ready_block(self, block: bytes) -> bool:
        self.states[block] = "ready"
        return True

    def discard_block(self, block: bytes) -> bool:
        assert self.states.get(block) != "ready"
        self.states[block] = "discarded"
        return True

    def block_state(self, block: bytes) -> str | None:
        return self.states.get(block)

    def blocks_in_doubt(self, span: str) -> tuple[bytes, ...]:
        return tuple(block for block, state in self.states.items() if state == "pending")

    def last_block_number(self, span: str) -> int:
        return max(self.numbers.values(), default=-1)


def renumbered(role: str, message: Any) -> list[Any]:
    """Each end takes another block for the one that is made."""
    number = message.number + (1 if role == "alice" else -1)
    return [message if message.number < 0 else structs.replace(message, number=number)]


class Site:
    """One end: its store, which lasts, and its maker, which dies with its process."""

    def __init__(self, role: str, world: World) -> None:
        self.role, self.world, self.store = role, world, Blocks()
        self.keys: dict[bytes, Made] = {}
        self.pointing = Pointing()
        self.restart()

    def restart(self) -> PassMaker:
        contacts = SimpleNamespace(
            link=SimpleNamespace(security=Security(epsilon_secrecy=1e-6), source=SimpleNamespace(clock_hz=1e9)),
            classical=SimpleNamespace(live=True),
            clock=SimpleNamespace(factor=1.0),
            closing_s=lambda flown, n_clicks: CLOSING_S,
        )
        passes: Any = SimpleNamespace(contacts=contacts, socket=Path("none"), origin=Origin.EMULATED)
        plan = SpanPlan("ab", *ROLES, self.role, Targets(8192, 1024, 40), passes)
        self.pointing = Pointing()
        self.maker = PassMaker(plan, passes, np.random.default_rng(7).bytes, lambda text: None, self.pointing)
        self.maker.sky = SimpleNamespace(lasting=self.world.lasting, now_s=lambda: self.world.sky_s)  # type: ignore[assignment]
        return self.maker

    async def kill(self) -> None:
        old = self.maker
        self.restart()
        await old._forget()

    async def block(self, line: Wire, session: bytes, number: int) -> Made | Unmade:
        """As SpanSession._make_block."""
        end: Any = WireEnd(line, self.role)
        levels = Levels(8192, 8192, 1024, 0, 40)
        made = await self.maker.make(BlockOrder(number, block_name(session, number), end, lambda: levels))
        if isinstance(made, Made):
            await self._commit(end, number, made)
        await self.maker.ended(made)
        return made

    async def _commit(self, end: Any, number: int, made: Made) -> None:
        digest = hashlib.sha256(made.covered).digest()
        if self.role == "bob":
            await end.send(Sealed(number, digest))
        if (await end.receive_of(Sealed, number)).digest != digest:
            raise ForgedMessage("a tag does not fit its message")
        commit.hold(self.store, BlockShares(made.key.block, "ab", number, (), ()))
        self.keys[made.key.block] = made
        if self.role == "alice":
            await end.send(Sealed(number, digest))
            await end.receive_of(Held, number)
            commit.peer_holds(self.store, made.key.block)
        else:
            commit.peer_holds(self.store, made.key.block)
            await end.send(Held(number))


class Case:
    """One random history of a pass' light."""

    def __init__(
        self, seed: int, monkeypatch: pytest.MonkeyPatch, *, tampered: bool = False, world: World | None = None
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.tampered = tampered
        fails = (str(self.rng.choice(ROLES)), int(self.rng.integers(0, 6))) if self.rng.random() < 0.25 else None
        self.world = world or World(int(self.rng.integers(2, 6)), fails)
        self.sites = {role: Site(role, self.world) for role in ROLES}
        self.said: list[tuple[str, span.Message]] = []
        self.n_sessions, self.next_block, self.is_killed = 0, 0, False
        self.kinds: list[str] = []
        monkeypatch.setattr(pass_maker, "Attached", SimpleNamespace(attach=self._attach))
        monkeypatch.setattr(pass_maker, "agreement", lambda link, n: AGREED)
        monkeypatch.setattr(pass_maker, "live_length", lambda link, counts, leaked: allowed(counts, leaked))
        monkeypatch.setattr(pass_maker, "live_proof", lambda link: Proof("none", "none", finite=True))

    async def _attach(self, socket: Path, role: str) -> Attachment:
        await asyncio.sleep(0)
        return Attachment(self.world, role)

    async def run(self) -> None:
        """Sessions that end badly, and then good ones, until nothing is left of the light."""
        for _ in range(int(self.rng.integers(1, 8))):
            await self.disturbed_session()
            if self.rng.random() < 0.25:
                await self.sites[str(self.rng.choice(ROLES))].kill()
                self.is_killed = True
            if self.rng.random() < 0.2:
                self.world.sky_s += STRETCH_S * float(self.rng.integers(0, 3))
        for _ in range(4):
            await self.session()
        alice, bob = (self.sites[role] for role in ROLES)
        assert not await alice.maker.ready(1), "a light is left"
        assert not alice.pointing._lock.locked()
        assert alice.store.states == bob.store.states or set(alice.store.states.values()) <= {"ready", "discarded"}
        ready = [{block for block, state in site.store.states.items() if state == "ready"} for site in (alice, bob)]
        assert ready[0] == ready[1]
        for block in ready[0]:
            self.check(alice.keys[block], bob.keys[block])
            assert alice.store.numbers[block] == bob.store.numbers[block]

    @property
    def bodies(self) -> set[bytes]:
        """All that was said of light and blocks, once."""
        return {message.body for _, message in self.said if isinstance(message, span.Distil)}

    async def light_is_over(self) -> None:
        """Wait until both ends have all of it."""
        for site in self.sites.values():
            while site.maker._lit is not None and not site.maker._lit.over:
                await asyncio.sleep(0.001)

    async def disturbed_session(self) -> None:
        """A session that something befalls."""
        kinds = ["cut", "cut", "cut late", "cancel", "cancel"]
        if self.tampered:
            kinds += ["tamper", "tamper", "renumber"]
        match str(self.rng.choice(kinds)):
            case "cancel":
                await self.session(Wire(), cancel_s=float(self.rng.exponential(0.03)))
            case "tamper":
                await self.session(Wire(mangle=self.mangle(int(self.rng.integers(0, 14)))))
            case "renumber":
                await self.session(Wire(mangle=renumbered))
            case cut:
                await self.session(Wire(int(self.rng.integers(0, 60 if cut == "cut late" else 14))))

    def check(self, alice: Made, bob: Made) -> None:
        assert np.array_equal(alice.key.bits, bob.key.bits)
        assert alice.covered == bob.covered
        words = [distillation.decode(body) for body in self.bodies]
        told = [each.pulses for each in words if isinstance(each, Positions) and each.light == alice.key.block]
        assert sum(pulses in alice.covered for pulses in told) >= alice.figures.light_s * 1e9 / STRETCH_PULSES
        assert alice.figures.leaked_bits == bob.figures.leaked_bits
        said = {body: distillation.decode(body) for body in self.bodies}
        assert alice.figures.leaked_bits == sum(
            each.disclosed_bits for body, each in said.items() if body in alice.covered
        )
        if (
            not self.tampered and sum(isinstance(each, Bases) for each in said.values()) == 1
        ):  # of this light, all of it
            assert alice.figures.leaked_bits == sum(each.disclosed_bits for each in said.values())

    async def session(self, line: Wire | None = None, cancel_s: float | None = None) -> None:
        """One session. line: a good one, unless it is given. cancel_s: after so long somebody ends both ends."""
        good, line = line is None and not self.tampered, line or Wire()  # what was changed shows in a later one, too
        self.n_sessions += 1
        self.settle()
        begin, session = self.next_block, self.n_sessions.to_bytes(16, "big")
        works = [asyncio.create_task(self._blocks(role, line, session, begin)) for role in ROLES]
        if cancel_s is not None:
            await asyncio.sleep(cancel_s)
            line.cut.set()
            for work in works:
                for _ in range(int(self.rng.integers(0, 3))):
                    work.cancel()
                    await asyncio.sleep(0)
        try:
            async with asyncio.timeout(10.0):
                done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
                if any(work.cancelled() or work.exception() is not None for work in done):
                    line.cut.set()  # whose session ends closes the connection
                await asyncio.wait(works)
        except TimeoutError:
            raise AssertionError(f"session {self.n_sessions} hangs after {line.said[-4:]}") from None
        self.said += line.said
        for site in self.sites.values():
            await site.maker.detach()
        for error in (work.exception() for work in works if not work.cancelled()):
            if error is not None:
                self.kinds.append(type(error).__name__)
                if not isinstance(error, HarisError) or (good and not isinstance(error, NotBegun)):
                    raise error

    async def _blocks(self, role: str, line: Wire, session: bytes, first: int) -> None:
        """Blocks until nothing is left to make: Alice decides."""
        site = self.sites[role]
        for number in range(first, first + 4):
            if role == "alice":
                if not await site.maker.ready(1):
                    number = -1
                await line.send(role, Begin(number))
            else:
                said = await line.receive(role)
                if not isinstance(said, Begin):
                    raise PeerError("expected Begin")
                number = said.number
            if number < 0:
                return
            self.next_block = max(self.next_block, number + 1)
            made = await site.block(line, session, number)
            self.kinds.append(type(made).__name__)

    def settle(self) -> None:
        """As a meeting."""
        stores = [self.sites[role].store for role in ROLES]
        doubts = [commit.doubts(store, "ab") for store in stores]
        answers = [commit.answers(stores[1 - i], doubts[i]) for i in range(2)]
        for i in range(2):
            commit.settle(stores[i], doubts[i], answers[i])

    def mangle(self, at: int) -> Mangle:
        """Somebody between who changes one message."""
        count = iter(range(10_000))
        how = int(self.rng.integers(0, 5))

        def changed(role: str, message: Any) -> list[Any]:
            if next(count) != at or not isinstance(message, span.Distil):
                return [message]
            said = distillation.decode(message.body)
            old = [each for who, each in self.said if isinstance(each, span.Distil) and who == role]
            if how == 0 and old:
                return [span.Distil(message.number, old[int(self.rng.integers(len(old)))].body)]
            if how == 1:
                return [message, message]
            forged: Any = {
                Shine: lambda: Shine(said.light, said.noted + 1, said.heard),
                Positions: lambda: Positions(said.light, said.number, said.n_pulses, 0, b""),
                Noted: lambda: Noted(said.number + int(self.rng.integers(-1, 2)) if said.number else 1),
                Close: lambda: Close(said.heard + 1),
            }.get(type(said), lambda: Noted(3))()
            return [span.Distil(message.number, distillation.encode(forged))]

        return changed
