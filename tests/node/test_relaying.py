"""Relays that go astray: the sender alone sees its pad burnt, and a span further on may be short of pad."""

import os

import pytest

from haris.keys.store import PadAppend
from haris.node.relaying import Neighbour, Relaying
from haris.node.store import open_store
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.nouns.keys import Origin, Pedigree, Proof
from haris.wire import relay as wire

PEDIGREE = Pedigree(1e-9, Origin.EMULATED, Proof("test", "coherent", finite=True))
PATH = ("exchange", "midway", "bank")
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


async def test_a_drained_sender_tells_its_neighbour_how_far_the_pad_is_burnt(stores) -> None:
    midway = Relaying("midway", stores["midway"], {"exchange": Neighbour("span", True)}, os.urandom, lambda e: None)
    exchange = Relaying(
        "exchange", stores["exchange"], {"midway": Neighbour("span", False)}, os.urandom, lambda e: None
    )
    line = Line(midway)
    while True:
        try:
            if not await exchange._fill_once(line, PATH, 24):
                break
        except KeyUnavailable:
            continue  # lost on its way; its pad is burnt here only
    head, end = stores["exchange"].ledger_bounds(LEDGER)
    assert end - head < 64
    assert stores["midway"].ledger_bounds(LEDGER) == (head, end)


async def test_a_relay_that_does_not_arrive_is_followed_by_smaller_ones(stores) -> None:
    """Or a span further on, short of pad and not yet due for a block, would refuse the same number for ever."""
    stores["exchange"].ledger_append([PadAppend(LEDGER, os.urandom(4096), PEDIGREE)])
    neighbours = {"midway": Neighbour("span", False)}
    exchange = Relaying("exchange", stores["exchange"], neighbours, os.urandom, lambda e: None)
    line = Line(exchange)
    for _ in range(4):
        with pytest.raises(KeyUnavailable):
            await exchange._fill_once(line, PATH, 24)
    assert line.sizes == [24, 12, 6, 3]


async def test_a_head_of_a_ledger_that_is_not_the_callers_is_refused(stores) -> None:
    midway = Relaying("midway", stores["midway"], {"exchange": Neighbour("span", True)}, os.urandom, lambda e: None)
    for caller, ledger in (("exchange", "span/relay/ab"), ("exchange", "span/auth/ba"), ("bank", LEDGER)):
        with pytest.raises(PeerError):
            await midway.handle(Line(midway), caller, wire.encode(wire.RelayHead(ledger, 64)))
    assert stores["midway"].ledger_bounds(LEDGER) == (0, 768)
