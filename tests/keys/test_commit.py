"""Commit against every interleaving: a model check that runs the real engine over a store that crashes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import pytest
from memory_store import Crash, MemoryStore

from haris.keys import commit
from haris.keys.commit import TRANSITIONS, BlockState, Event
from haris.keys.store import BlockShares
from haris.nouns.errors import PeerError, StoreError

SPAN = "north"


def shares(block: bytes, number: int) -> BlockShares:
    return BlockShares(block, SPAN, number, (), ())


# -- the engine, verb by verb


def test_a_block_becomes_ready_when_the_peer_holds_it_and_only_then() -> None:
    store = MemoryStore()
    commit.hold(store, shares(b"one", 0))
    assert commit.doubts(store, SPAN) == (b"one",)
    commit.peer_holds(store, b"one")
    assert commit.state(store, b"one") is BlockState.READY
    assert commit.doubts(store, SPAN) == ()


def test_what_the_table_lacks_breaks_the_protocol() -> None:
    reached = {
        BlockState.UNKNOWN: (),
        BlockState.PENDING: (Event.HOLD,),
        BlockState.READY: (Event.HOLD, Event.PEER_HOLDS),
        BlockState.DISCARDED: (Event.HOLD, Event.PEER_LACKS),
    }
    acts = {
        Event.HOLD: lambda store: commit.hold(store, shares(b"one", 0)),
        Event.PEER_HOLDS: lambda store: commit.peer_holds(store, b"one"),
        Event.PEER_LACKS: lambda store: commit.settle(store, [b"one"], ["discarded"]),
        Event.DENY: lambda store: commit.deny(store, b"one"),
    }
    for before, way in reached.items():
        for event, act in acts.items():
            store = MemoryStore()
            for step in way:
                acts[step](store)
            assert commit.state(store, b"one") is before
            after = TRANSITIONS.get((before, event))
            if after is None:
                with pytest.raises(PeerError):
                    act(store)
            else:
                act(store)
            assert commit.state(store, b"one") is (after or before)


def test_a_block_waits_for_the_doubt_before_it_and_keeps_its_order() -> None:
    store = MemoryStore()
    commit.hold(store, shares(b"one", 4))
    with pytest.raises(PeerError, match="in doubt"):
        commit.hold(store, shares(b"two", 5))
    commit.peer_holds(store, b"one")
    with pytest.raises(PeerError, match="comes after"):
        commit.hold(store, shares(b"two", 4))


@pytest.mark.parametrize(
    ("here", "there", "settled"),
    [
        ("pending", "pending", "ready"),
        ("pending", "ready", "ready"),
        ("pending", "unknown", "discarded"),
        ("pending", "discarded", "discarded"),
    ],
)
def test_what_both_hold_becomes_ready_and_what_one_lacks_is_discarded(here: str, there: str, settled: str) -> None:
    ours, theirs = MemoryStore(), MemoryStore()
    for store, status in ((ours, here), (theirs, there)):
        if status != "unknown":
            store.blocks[b"one"] = (status, shares(b"one", 0))
    lists = commit.doubts(ours, SPAN), commit.doubts(theirs, SPAN)
    our_answers, their_answers = commit.answers(ours, lists[1]), commit.answers(theirs, lists[0])
    commit.settle(ours, lists[0], their_answers)
    commit.settle(theirs, lists[1], our_answers)
    assert (commit.state(ours, b"one"), commit.state(theirs, b"one")) == (settled, settled)


def test_a_denied_block_is_never_held() -> None:
    store = MemoryStore()
    assert commit.answers(store, [b"one"]) == (BlockState.DISCARDED,)
    with pytest.raises(PeerError):
        commit.hold(store, shares(b"one", 0))
    with pytest.raises(StoreError):
        store.hold_block(shares(b"one", 0))


@pytest.mark.parametrize("answered", [[], ["pending", "ready"], ["unknown"], ["nonsense"]])
def test_nonsense_settles_nothing(answered: list[str]) -> None:
    store = MemoryStore()
    commit.hold(store, shares(b"one", 0))
    with pytest.raises(PeerError):
        commit.settle(store, [b"one"], answered)
    assert commit.state(store, b"one") is BlockState.PENDING


# -- the model: two ends, two queues, any crash, any loss


@dataclass(frozen=True)
class End:
    """One site. late: a verb that the broken session had begun and that may still reach the store."""

    blocks: tuple[tuple[bytes, str], ...] = ()
    appended: tuple[bytes, ...] = ()
    at: str = "meet"
    asked: tuple[bytes, ...] = ()
    reply: tuple[str, ...] = ()
    number: int = 0
    late: tuple[str, bytes, int] | None = None


@dataclass(frozen=True)
class World:
    ends: tuple[End, End] = (End(), End())
    queues: tuple[tuple, tuple] = ((), ())  # queues[i] flows towards end i
    session: int = 0
    alive: bool = True


class Model:
    """All that two sites may do with two blocks in `sessions` connections.

    late: verbs of a broken session may land later. store: the kind of store, so that a worse one can be shown to fail.
    """

    N_BLOCKS = 2

    def __init__(self, sessions: int, *, late: bool, store: type[MemoryStore] = MemoryStore) -> None:
        self.sessions, self.late, self.store_type = sessions, late, store

    def open(self, end: End) -> MemoryStore:
        store = self.store_type()
        for block, status in end.blocks:
            store.blocks[block] = (status, None if status == "discarded" else shares(block, block[1]))
        store.appended = list(end.appended)
        return store

    @staticmethod
    def close(end: End, store: MemoryStore) -> End:
        blocks = tuple((block, status) for block, (status, _) in store.blocks.items())
        return replace(end, blocks=blocks, appended=tuple(store.appended))

    def block(self, world: World, number: int) -> bytes:
        return bytes([world.session, number])

    # -- what one end does next: (end after, message sent or None, message consumed?)

    def act(self, world: World, i: int, store: MemoryStore) -> tuple[End, tuple | None, bool] | None:
        end = world.ends[i]
        heard = world.queues[i][0] if world.queues[i] else None
        match end.at:
            case "meet":
                asked = commit.doubts(store, SPAN)
                number = store.last_block_number(SPAN) + 1
                return replace(end, at="doubts", asked=asked, number=number), ("doubts", asked, number), False
            case "doubts" if heard:
                reply = commit.answers(store, heard[1])
                number = max(end.number, heard[2])
                return replace(end, at="answer", reply=reply, number=number), None, True
            case "answer":
                return replace(end, at="answers"), ("answers", end.reply), False
            case "answers" if heard:
                commit.settle(store, end.asked, heard[1])
                return replace(end, at="block", asked=(), reply=()), None, True
            case "block" if end.number < self.N_BLOCKS:
                commit.hold(store, shares(self.block(world, end.number), end.number))
                return replace(end, at="word"), None, False
            case "word":
                return replace(end, at="hear"), ("word", self.block(world, end.number)), False
            case "hear" if heard:
                commit.peer_holds(store, heard[1])
                return replace(end, at="block", number=end.number + 1), None, True
        return None

    def begun(self, world: World, i: int) -> tuple[str, bytes, int] | None:
        """The verb that the end has begun if it is broken off now."""
        end = world.ends[i]
        heard = world.queues[i][0] if world.queues[i] else None
        if end.at == "block" and end.number < self.N_BLOCKS and not self.open(end).blocks_in_doubt(SPAN):
            return ("hold", self.block(world, end.number), end.number)
        if end.at == "hear" and heard:
            return ("ready", heard[1], 0)
        if end.at == "answers" and heard and end.asked:
            return ("discard" if heard[1][0] == "discarded" else "ready", end.asked[0], 0)
        return None

    @staticmethod
    def with_end(world: World, i: int, end: End) -> World:
        return replace(world, ends=(end, world.ends[1]) if i == 0 else (world.ends[0], end))

    def step(self, world: World, i: int, crash_at: int | None = None) -> World | None:
        store = self.open(world.ends[i])
        store.crash_at, store.crash_after = crash_at, True
        try:
            acted = self.act(world, i, store)
        except (Crash, PeerError):
            broken = self.close(world.ends[i], store)
            return replace(self.with_end(world, i, replace(broken, at="down", asked=(), reply=())), alive=False)
        if acted is None or (crash_at is not None and store.crash_at is not None):
            return None
        end, sent, consumed = acted
        queues = list(world.queues)
        if consumed:
            queues[i] = queues[i][1:]
        if sent and world.alive:
            queues[1 - i] += (sent,)
        return replace(self.with_end(world, i, self.close(end, store)), queues=tuple(queues))

    def land(self, world: World, i: int) -> World | None:
        end = world.ends[i]
        if end.late is None:
            return None
        verb, block, number = end.late
        store = self.open(end)
        try:
            if verb == "hold":
                store.hold_block(shares(block, number))
            elif verb == "ready":
                store.ready_block(block)
            else:
                store.discard_block(block)
        except StoreError:
            pass
        return self.with_end(world, i, replace(self.close(end, store), late=None))

    def successors(self, world: World):
        if all(end.at == "down" for end in world.ends):
            if world.session + 1 < self.sessions:
                yield self.join(world)
            return
        for i in (0, 1):
            end = world.ends[i]
            yield self.land(world, i)
            if end.at == "down":
                continue
            yield self.step(world, i)
            for crash_at in range(2):
                yield self.step(world, i, crash_at)
            down = replace(end, at="down", asked=(), reply=())
            yield replace(self.with_end(world, i, down), alive=False)
            if self.late and end.late is None and (verb := self.begun(world, i)):
                yield replace(self.with_end(world, i, replace(down, late=verb)), alive=False)
            if not world.alive and world.queues[i]:
                queues = list(world.queues)
                queues[i] = queues[i][:-1]
                yield replace(world, queues=tuple(queues))

    @staticmethod
    def join(world: World) -> World:
        ends = tuple(replace(end, at="meet", asked=(), reply=(), number=0) for end in world.ends)
        return World(ends, ((), ()), world.session + 1, True)

    # -- what must hold

    def check(self, world: World) -> None:
        a, b = (dict(end.blocks) for end in world.ends)
        for block in a.keys() | b.keys():
            pair = {a.get(block), b.get(block)}
            assert pair != {"ready", "discarded"}, "ready at one end, discarded at the other"
            assert not ("ready" in pair and None in pair), "ready at one end, never held at the other"
        one, two = sorted((end.appended for end in world.ends), key=len)
        assert two[: len(one)] == one, "the ends append in another order"
        if not self.late:
            assert [block[1] for block in two] == sorted({block[1] for block in two}), "a number served twice"

    def settled(self, world: World) -> None:
        """From here, once the connection stays and nobody crashes, no doubt remains and both ends agree."""
        for i in (0, 1):
            world = self.land(world, i) or world
        world = self.join(world)
        for _ in range(8):
            for i in (0, 1):
                if world.ends[i].at != "block":
                    world = self.step(world, i) or world
        assert all(end.at == "block" for end in world.ends), "the ends cannot meet again"
        a, b = (end.blocks for end in world.ends)
        assert "pending" not in {status for _, status in a + b}, "a doubt remains"
        assert world.ends[0].appended == world.ends[1].appended
        self.check(world)

    def explore(self) -> int:
        seen, settled, todo = {World()}, set(), deque([World()])
        while todo:
            world = todo.popleft()
            self.check(world)
            durable = tuple((end.blocks, end.appended, end.late) for end in world.ends)
            if durable not in settled:
                settled.add(durable)
                self.settled(world)
            for after in self.successors(world):
                if after is not None and after not in seen:
                    seen.add(after)
                    todo.append(after)
        return len(seen)


class Forgetful(MemoryStore):
    """Says that it lacks a block and does not remember that it said so."""

    def discard_block(self, block: bytes) -> bool:
        return block in self.blocks and super().discard_block(block)


class Hasty(Model):
    """Gives its word before its copy is durable."""

    def act(self, world: World, i: int, store: MemoryStore) -> tuple[End, tuple | None, bool] | None:
        end = world.ends[i]
        if end.at == "block" and end.number < self.N_BLOCKS:
            return replace(end, at="hold"), ("word", self.block(world, end.number)), False
        if end.at == "hold":
            commit.hold(store, shares(self.block(world, end.number), end.number))
            return replace(end, at="hear"), None, False
        return super().act(world, i, store)


def test_no_interleaving_of_crashes_and_losses_parts_the_ends() -> None:
    assert Model(sessions=4, late=False).explore() > 5_000


@pytest.mark.parametrize(("sessions", "worlds"), [(2, 10_000), pytest.param(3, 100_000, marks=pytest.mark.trial)])
def test_verbs_of_a_broken_session_may_land_at_any_time(sessions: int, worlds: int) -> None:
    assert Model(sessions=sessions, late=True).explore() > worlds


def test_a_site_that_forgets_what_it_denied_is_caught() -> None:
    with pytest.raises(AssertionError, match=r"ready at one end|cannot meet again"):
        Model(sessions=2, late=True, store=Forgetful).explore()


def test_a_word_given_too_early_is_caught() -> None:
    with pytest.raises(AssertionError, match="ready at one end"):
        Hasty(sessions=2, late=False).explore()
