"""The audit log in the store: appended in the transaction that it tells of, or not at all."""

import os
from dataclasses import replace

import pytest

from haris.manage import audit
from haris.manage.audit import Act, Head
from haris.node.store.audit import append_audit
from haris.node.store.store import open_store
from haris.nouns.errors import ParameterError, StoreError

KEK = bytes(range(32))
STARTED = Act("start", "haris", "bank")


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "store", KEK, os.urandom)
    yield opened
    opened.close()


def test_each_writer_has_its_chain(store):
    for time_ns in range(3):
        store.audit("bank/1", time_ns, [STARTED] * (time_ns + 1))
    store.audit("bank/2", 9, [STARTED])
    assert store.audit("bank/2", 10, []) == store.audit_heads()[1]
    assert [(head.writer, head.number) for head in store.audit_heads()] == [("bank/1", 3), ("bank/2", 1)]
    for start, head in zip(store.audit_starts(), store.audit_heads(), strict=True):
        assert audit.verify(start, store.audit_entries(start.writer)) == head


def test_the_chain_goes_on_after_a_restart(tmp_path):
    for time_ns in (1, 2):
        store = open_store(tmp_path / "store", KEK, os.urandom)
        head = store.audit("bank", time_ns, [STARTED])
        store.close()
    assert head.number == 2


def test_a_transaction_that_fails_leaves_no_entry(store):
    store.audit("bank", 1, [STARTED])

    def fail():
        with store._database.transaction() as tx:
            append_audit(tx, "bank", 2, [STARTED])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.audit_heads()[0].number == 1


def test_two_processes_cannot_write_one_chain(store):
    """What a second process that read the same head would insert is refused by the table's key."""
    store.audit("bank", 1, [STARTED])
    twin = next(store.audit_entries("bank"))
    with pytest.raises(StoreError), store._database.transaction() as tx:
        tx.change("INSERT INTO audit VALUES (?, ?, ?, ?, ?)", "bank", twin.number, 2, twin.body, twin.hash)


def test_many_entries_are_read_in_order(store):
    with store._database.transaction() as tx:
        for time_ns in range(2500):
            append_audit(tx, "bank", time_ns, [STARTED])
    assert [entry.number for entry in store.audit_entries("bank", 10)] == list(range(11, 2501))


def test_a_trimmed_chain_still_holds(store):
    for time_ns in range(5):
        store.audit("bank", time_ns, [STARTED])
    third = list(store.audit_entries("bank"))[2].head
    assert store.trim_audit(third) == 3
    assert store.audit_starts() == (third,)
    assert audit.verify(third, store.audit_entries("bank")) == store.audit_heads()[0]
    store.audit("bank", 6, [STARTED])
    assert store.trim_audit(list(store.audit_entries("bank"))[1].head) == 2
    for wrong in (third, store.audit_heads()[0], replace(store.audit_heads()[0], hash=bytes(32)), Head("x", 1, b"")):
        with pytest.raises(ParameterError):
            store.trim_audit(wrong)
