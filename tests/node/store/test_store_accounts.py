"""Every audit entry is accounted for once: by a second run, by two at once, after an interruption."""

import os

import pytest

from haris.manage.audit import Delivery, KeyRange
from haris.node.store import accounts as store_accounts
from haris.node.store.store import open_store
from haris.nouns.times import DAY_NS
from haris.nouns.usage import Account, Usage

GIVEN = Delivery("enc_keys", "014", "alice", "alice", ("bob",), 256, (KeyRange(bytes(16), 2),))


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "store", bytes(32), os.urandom)
    yield opened
    opened.close()


def account(day="1970-01-01"):
    return Account(day, "north", "alice", "bob", "014", "enc_keys")


def roll_up(store):
    while store.roll_up("bank", {"alice": "north"}):
        pass


def test_entries_are_accounted_for_once(store, monkeypatch):
    monkeypatch.setattr(store_accounts, "_BATCH", 3)
    for number in range(8):
        store.audit("bank", number, [GIVEN])
    roll_up(store)
    roll_up(store)
    assert store.usages() == {account(): Usage(8, 16, 16 * 256)}
    store.audit("bank", 9, [GIVEN, GIVEN])
    roll_up(store)
    assert store.usages() == {account(): Usage(10, 20, 20 * 256)}


def test_two_at_once_account_once(store, monkeypatch):
    """A second roll-up runs between the first one's reading and its writing."""
    store.audit("bank", 1, [GIVEN])
    true, calls = store_accounts.roll_up, []

    def interrupted(entries, customers):
        if not calls:
            calls.append(1)
            store.roll_up("bank", {"alice": "north"})
        return true(entries, customers)

    monkeypatch.setattr(store_accounts, "roll_up", interrupted)
    store.roll_up("bank", {"alice": "north"})
    assert store.usages() == {account(): Usage(1, 2, 512)}


def test_writers_are_accounted_for_together(store):
    for writer in ("bank/1", "bank/2"):
        store.audit(writer, 1, [GIVEN])
        store.roll_up(writer, {"alice": "north"})
    assert store.usages() == {account(): Usage(2, 4, 1024)}


def test_days_are_chosen(store):
    for day in range(4):
        store.audit("bank", day * DAY_NS, [GIVEN])
    roll_up(store)
    assert set(store.usages("1970-01-02", "1970-01-04")) == {account("1970-01-02"), account("1970-01-03")}
