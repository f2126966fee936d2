import os
from dataclasses import replace

import pytest

from haris.manage import audit
from haris.manage.audit import Act
from haris.node.store import alarms as store_alarms
from haris.node.store.store import open_store
from haris.nouns.alarms import AlarmKind, Severity, Standing

ALARM = Standing(1, AlarmKind.STORE, "store", Severity.MAJOR, "full", 10, 10)


def later(number, cleared=None):
    return replace(ALARM, id=number, cleared_ns=cleared)


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "store", bytes(32), os.urandom)
    yield opened
    opened.close()


def test_what_stood_stands_again(store):
    assert store.standing_alarms("bank") == ((), 1)
    store.keep_alarms("bank", [ALARM, later(2), later(3)])
    store.keep_alarms("bank", [later(3, cleared=20)])
    store.keep_alarms("exchange", [later(9)])
    assert store.standing_alarms("bank") == ((ALARM, later(2)), 4)
    assert store.past_alarms("bank", 2) == (later(3, cleared=20), later(2))


def test_an_acknowledgement_is_audited_with_it(store):
    store.keep_alarms("bank", [ALARM], [Act("acknowledge", "ops", "alarm 1")])
    (entry,) = store.audit_entries("bank")
    assert audit.read_records(entry.body) == (Act("acknowledge", "ops", "alarm 1"),)


def test_old_ones_are_forgotten_unless_they_stand(store, monkeypatch):
    monkeypatch.setattr(store_alarms, "REMEMBERED", 5)
    store.keep_alarms("bank", [ALARM, *(later(number, cleared=20) for number in range(2, 11))])
    store.keep_alarms("bank", [later(11)])
    assert [alarm.id for alarm in store.past_alarms("bank", 100)] == [11, 10, 9, 8, 7, 1]
