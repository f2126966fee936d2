"""What a site tells of its own spans: levels as they stand, rates as they were, up or down."""

from __future__ import annotations

import os

import pytest

from haris.control.topology import Edge, Graph, View
from haris.keys.store import PadAppend
from haris.node.events import PoolEvent, SiteEvent
from haris.node.relays.topology import RATE_MEMORY_S, Topology
from haris.node.store.store import open_store
from haris.nouns.errors import KeyUnavailable, StoreError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire import topology as wire

LEDGER = "span/relay/ab"
WORD = Pedigree(1e-10, Origin.MEASURED, Proof("theorem", "coherent", True))


class Neighbour:
    """Hears, and answers with what it knows newer; or is away."""

    def __init__(self) -> None:
        self.heard: list[wire.Gossip] = []
        self.away = False

    async def ask(self, site: str, verb: str, body: bytes, timeout_s: float = 1.0) -> bytes:
        if self.away:
            raise KeyUnavailable("away")
        self.heard.append(wire.decode(body))
        return wire.encode(wire.Gossip((wire.Announcement("b", 1, (wire.SpanLevel("a", 7, 0.0, True),)),)))

    def level(self) -> wire.SpanLevel:
        (announcement,) = (each for each in self.heard[-1].announcements if each.site == "a")
        return announcement.spans[0]


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "store", bytes(32), os.urandom)
    yield opened
    opened.close()


def site(store) -> Topology:
    clock = iter(range(10**18, 2 * 10**18, 10**9))  # each look a second later, more or less
    view = View(Graph((Edge("span", ("a", "b")),)), "a")
    return Topology(view, store, {"b": LEDGER}, {"span": "b"}, lambda: next(clock))


async def test_a_level_is_told_as_it_stands_and_the_neighbours_word_is_heard(store) -> None:
    topology, neighbour = site(store), Neighbour()
    store.ledger_append([PadAppend(LEDGER, bytes(500), WORD)])
    store.ledger_take(LEDGER, 100)
    await topology.tell(neighbour)
    assert neighbour.level() == wire.SpanLevel("b", 400, 0.0, False)
    assert topology.view.levels(10**18)["b", "a"].pad_octets == 7


async def test_a_span_is_up_between_its_two_events(store) -> None:
    topology, neighbour = site(store), Neighbour()
    for event, up in (
        (SiteEvent("a", "span connected", "span"), True),
        (SiteEvent("a", "span connected", "another"), True),
        (PoolEvent("a", "b", 1, 2), True),
        (SiteEvent("a", "span lost", "span: the connection ended"), False),
    ):
        topology.observe(event)
        await topology.tell(neighbour)
        assert neighbour.level().up is up


async def test_the_rate_is_a_mean_over_a_minute(store) -> None:
    topology, neighbour = site(store), Neighbour()
    await topology.tell(neighbour)
    for _ in range(int(3 * RATE_MEMORY_S)):
        store.ledger_append([PadAppend(LEDGER, bytes(100), WORD)])
        await topology.tell(neighbour)
    steady = neighbour.level().rate_bits_s
    seconds_a_tell = 3  # the clock is read for the rate, the announcement and the answer
    assert steady == pytest.approx(800 / seconds_a_tell, rel=0.05)
    for _ in range(10):
        await topology.tell(neighbour)
    assert 0 < neighbour.level().rate_bits_s < steady


async def test_a_neighbour_that_is_away_and_a_store_that_fails_end_nothing(store, monkeypatch) -> None:
    topology, neighbour = site(store), Neighbour()
    neighbour.away = True
    await topology.tell(neighbour)
    rounds = []

    async def sleep(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 3:
            raise KeyboardInterrupt

    def broken(ledger: str) -> tuple[int, int]:
        raise StoreError("no space left")

    monkeypatch.setattr(store, "ledger_bounds", broken)
    monkeypatch.setattr("haris.node.relays.topology.asyncio.sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        await topology.run(neighbour)
    assert len(rounds) == 3
