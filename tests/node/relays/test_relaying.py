"""Relays that go astray: the sender alone sees its pad burnt, and a span further on may be short of pad."""

import os

import pytest

from haris.control.topology import Edge, Graph, View
from haris.keys.relay import pad_octets
from haris.keys.store import PadAppend
from haris.node.relays.filling import Filling, Pair
from haris.node.relays.handing import Neighbour, Relaying
from haris.node.relays.routes import Routes
from haris.node.store.store import open_store
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire import relay as wire

PEDIGREE = Pedigree(1e-9, Origin.EMULATED, Proof("test", "coherent", finite=True))
PATH = ("exchange", "midway", "bank")
GRAPH = Graph((Edge("span", ("midway", "exchange")), Edge("next", ("midway", "bank"))))
LEDGER = "span/relay/ba"  # the exchange is the span's Bob


class Line:
    """Carries messages from the exchange to midway; loses keys, as a connection that breaks does."""

    def __init__(self, midway: Relaying) -> None:
        self.midway = midway
        self.sizes: list[int] = []

    async def ask(self, site: str, verb: str, body: bytes, timeout_s: float = 1.0) -> bytes:
        message = wire.decode(body)
        if isinstance(message, wire.RelayKeys):
            self.sizes.append(message.n_keys)
            raise KeyUnavailable("the connection broke")
        if isinstance(message, wire.RelayAsk):
            return wire.encode(wire.RelayDone(message.relay, None))
        return await self.midway.handle(self, "exchange", body)


@pytest.fixture
def stores(tmp_path):
    opened = {site: open_store(tmp_path / site, b"K" * 32, os.urandom) for site in ("exchange", "midway")}
    pad = os.urandom(768)
    for store in opened.values():
        store.ledger_append([PadAppend(LEDGER, pad, PEDIGREE)])
    yield opened
    for store in opened.values():
        store.close()


def midway_of(stores) -> Relaying:
    return Relaying("midway", stores["midway"], {"exchange": Neighbour("span", True)}, lambda e: None)


def exchange_of(stores, fixed=None) -> Filling:
    relaying = Relaying("exchange", stores["exchange"], {"midway": Neighbour("span", False)}, lambda e: None)
    return Filling(relaying, Routes(View(GRAPH, "exchange"), {"bank": PATH} if fixed is None else fixed), os.urandom)


@pytest.mark.parametrize("fixed", [{"bank": PATH}, {}])
async def test_a_drained_sender_tells_its_neighbour_how_far_the_pad_is_burnt(stores, fixed) -> None:
    midway, exchange = midway_of(stores), exchange_of(stores, fixed)
    line = Line(midway)
    for _ in range(100):
        try:
            if not await exchange.fill_once(line, Pair("bank", 24)):
                break
        except KeyUnavailable:
            continue  # lost on its way; its pad is burnt here only
    head, end = stores["exchange"].ledger_bounds(LEDGER)
    assert end - head < pad_octets(1)
    assert stores["midway"].ledger_bounds(LEDGER) == (head, end)


async def test_a_relay_that_does_not_arrive_is_followed_by_smaller_ones(stores) -> None:
    """Or a span further on, short of pad and not yet due for a block, would refuse the same number for ever."""
    stores["exchange"].ledger_append([PadAppend(LEDGER, os.urandom(4096), PEDIGREE)])
    line = Line(midway_of(stores))
    exchange = exchange_of(stores)
    for _ in range(4):
        with pytest.raises(KeyUnavailable):
            await exchange.fill_once(line, Pair("bank", 24))
    assert line.sizes == [24, 12, 6, 3]


async def test_a_head_of_a_ledger_that_is_not_the_callers_is_refused(stores) -> None:
    midway = midway_of(stores)
    for caller, ledger in (("exchange", "span/relay/ab"), ("exchange", "span/auth/ba"), ("bank", LEDGER)):
        with pytest.raises(PeerError):
            await midway.handle(Line(midway), caller, wire.encode(wire.RelayHead(ledger, 64)))
    assert stores["midway"].ledger_bounds(LEDGER) == (0, 768)
