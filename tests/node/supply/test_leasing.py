"""Leases over the network: what of a message the other site refuses, and what becomes of the rest."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from test_store_leases import MEASURED, fetch, left, seed, stores, take  # noqa: F401

from haris.keys.directory import Directory
from haris.keys.store import ANY_GRADE, BlockShares, Take
from haris.keys.supply import Supply
from haris.node.supply.leasing import Leasing
from haris.nouns.assignments import KeyRun
from haris.nouns.errors import KeyUnavailable
from haris.nouns.ids import key_id, split_key_id
from haris.nouns.keys import StoredKey
from haris.wire import kme

KMES = {site: f"kme-{site}" for site in ("bank", "exchange")}
SAES = {"alice": "bank", "bob": "exchange"}


class Line:
    """The way to the exchange. asked: how often it was."""

    def __init__(self, exchange):
        self.exchange, self.asked, self.alarms = exchange, 0, []
        self.file_alarm, self.sites = self.alarms.append, ("exchange",)

    async def ask(self, site, verb, body):
        assert (site, verb) == ("exchange", kme.LEASE)
        self.asked += 1
        self.exchange.admit_leases("bank", kme.read_leases(body), ANY_GRADE)
        return b"{}"


def burn_at(exchange, name):
    """The exchange lacks a key that the bank has: no word between them does this."""
    exchange.burn_runs("bank", [KeyRun(*split_key_id(name), 1)])


async def at_once(work):
    return work()


@pytest.fixture
def site(stores):  # noqa: F811
    bank, exchange = stores
    line = Line(exchange)
    return Leasing(Supply(bank, Directory("bank", KMES, SAES), laboratory=True), line, at_once), line


async def test_of_a_message_only_the_refused_lot_is_lost_and_its_reason_told(stores, site):  # noqa: F811
    bank, exchange = stores
    leasing, line = site
    keys = list(seed(bank, exchange, 1024))  # eight lots
    burn_at(exchange, keys[300])
    await leasing.ensure(Take("alice", "bob", 512))
    assert bank.count_leased("alice", "bob") >= 384
    taken = take(bank, ("alice", "bob"), 384)
    assert fetch(exchange, ("alice", "bob"), list(taken)) == taken
    assert len(bank.voids_owed("exchange")) == 128
    exchange.void_assignments("bank", bank.voids_owed("exchange"))
    assert left(bank, "exchange") == left(exchange, "bank")
    (alarm,) = line.alarms
    assert "exchange refuses to lease 128 keys to alice and bob" in alarm.text
    assert "used here" in alarm.text
    assert line.asked <= 1 + 2 * 3


async def test_who_is_leased_nothing_learns_why(stores, site):  # noqa: F811
    bank, exchange = stores
    leasing, _ = site
    first, _ = seed(bank, exchange, 2)
    burn_at(exchange, first)
    with pytest.raises(KeyUnavailable, match="used here"):
        await leasing.ensure(Take("alice", "bob", 2))


async def test_keys_whose_block_is_in_doubt_at_the_other_site_wait_for_it_and_are_not_burnt(stores, site):  # noqa: F811
    bank, exchange = stores
    leasing, line = site
    block = b"b" * 16
    keys = [StoredKey(key_id(block, n), bytes(32), "exchange", "bank", MEASURED) for n in range(100)]
    bank.hold_block(BlockShares(block, "span", 0, tuple(keys), ()))
    exchange.hold_block(BlockShares(block, "span", 0, tuple(replace(key, peer="bank") for key in keys), ()))
    bank.ready_block(block)  # the exchange's word has come, and the bank's has been lost with the connection
    with pytest.raises(KeyUnavailable):
        await leasing.ensure(Take("alice", "bob", 50))
    assert (bank.voids_owed("exchange"), line.alarms) == ((), [])
    assert exchange.ready_block(block)
    await leasing.settle()
    taken = take(bank, ("alice", "bob"), 50)
    assert fetch(exchange, ("alice", "bob"), list(taken)) == taken


async def test_many_keys_are_leased_in_steps_and_half_of_the_pool_stays_for_others(stores, site, monkeypatch):  # noqa: F811
    bank, exchange = stores
    leasing, line = site
    seed(bank, exchange, 1024)
    monkeypatch.setattr("haris.node.supply.leasing.MOST_AT_ONCE", 100)
    for _ in range(20):
        leasing._of(Take("alice", "bob", 128)).drawn(128, time.time_ns())  # some 1280 a second
    await leasing.ensure(Take("alice", "bob", 24))
    assert bank.count_leased("alice", "bob") == 24 + 500
    assert line.asked == 6


async def test_what_earlier_steps_brought_stays_when_a_later_one_is_refused(stores, site, monkeypatch):  # noqa: F811
    bank, exchange = stores
    leasing, line = site
    keys = list(seed(bank, exchange, 1024))
    burn_at(exchange, keys[150])
    monkeypatch.setattr("haris.node.supply.leasing.MOST_AT_ONCE", 128)  # a lot a step
    for _ in range(20):
        leasing._of(Take("alice", "bob", 128)).drawn(128, time.time_ns())
    await leasing.ensure(Take("alice", "bob", 24))  # no error: who waits has keys of the first step
    assert bank.count_leased("alice", "bob") == 128
    assert line.asked == 2
    taken = take(bank, ("alice", "bob"), 128)
    assert fetch(exchange, ("alice", "bob"), list(taken)) == taken
    assert len(bank.voids_owed("exchange")) == 128
