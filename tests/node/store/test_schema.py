"""Stores that earlier releases made are brought to the newest schema: nothing is lost, and a half step leaves no trace.

tests/vectors/stores holds stores of two sites as seven commits made them, at each of which they had: a key that was
delivered and waits for its slave, one that was announced and left open, one that was reserved and never announced,
keys in the pool, a block and a relay in doubt, and pad.
"""

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from postgres_server import postgres  # noqa: F401  (a fixture)
from test_store_leases import ALICE_BOB, fetch, lease, take

from haris.manage.audit import read_records
from haris.node.store import store as store_module
from haris.node.store.database import Transaction
from haris.node.store.postgres import _TYPES, connect
from haris.node.store.schema import Schema, Step
from haris.node.store.schema_steps import STEPS
from haris.node.store.store import SCHEMA, open_store
from haris.nouns.errors import ParameterError, StoreError

KEK = bytes(range(32))
SPAN = "bank-exchange"
VECTORS = Path(__file__).parents[2] / "vectors" / "stores"
SQLITE = ["1-before-lots", "2-lots", "2-processes", "2-witnesses", "2-last", "3-steps", "4-uses"]
POSTGRES = SQLITE[2:]
"""PostgreSQL came with the processes."""


@pytest.fixture(params=[(name, False) for name in SQLITE] + [(name, True) for name in POSTGRES], ids=str)
def earlier(request, tmp_path):
    """Where the stores of the two sites lie, as an earlier release made them; and their schema."""
    name, in_postgres = request.param
    places = {"schema": int(name[0])}
    for site in ("bank", "exchange"):
        text = (VECTORS / f"{name}-{site}.sql").read_text()
        if in_postgres:
            places[site] = request.getfixturevalue("postgres").fresh()
            load_into_postgres(places[site], text)
        else:
            places[site] = tmp_path / site
            load(places[site], text)
    return places


def load(path, text):
    with closing(sqlite3.connect(path)) as file:
        file.executescript(text)


def load_into_postgres(address, text):
    """As PostgresDatabase made the tables; its values are spelt otherwise."""
    version = re.search(r"user_version = (\d+)", text)[1]
    text = re.sub(r"^(--|PRAGMA|BEGIN|COMMIT|ANALYZE).*$", "", text, flags=re.M)
    text = re.sub(r"X'([0-9A-F]*)'", r"'\\x\1'", text)
    for ours, theirs in _TYPES.items():
        text = re.sub(ours, theirs, text)
    with closing(connect(address)) as connection:
        cursor = connection.cursor()
        for statement in filter(str.strip, re.split(r";\s*\n", text)):
            cursor.execute(statement)
        cursor.execute("INSERT INTO meta VALUES ('turn', '')")
        cursor.execute("CREATE TABLE schema_version (version BIGINT PRIMARY KEY)")
        cursor.execute(f"INSERT INTO schema_version VALUES (0), ({version})")
        connection.commit()


@pytest.fixture
def opened():
    stores = []

    def open_(place, writer="node"):
        stores.append(open_store(place, KEK, os.urandom, writer))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


def secret(number):
    return bytes([number]) * 32


def rows(store, sql, *values):
    with store._database.transaction() as tx:
        return tx.all(sql, *values)


def test_every_key_of_an_earlier_store_stays_what_it_was(earlier, opened):
    bank, exchange = (opened(earlier[site]) for site in ("bank", "exchange"))
    announced = rows(bank, "SELECT state, key_id FROM announced")
    named = {state: UUID(bytes=bytes(key_id)) for state, key_id in announced if state != "burnt"}
    delivered, doubtful = named["delivered"], named["announced"]
    # delivered to the master before: the slave gets it, once
    ((_, got),) = fetch(exchange, ALICE_BOB, [delivered]).items()
    assert len(set(got)) == 1
    # announced and left open: in doubt still, and settled as today
    assert bank.assignments_in_doubt() == (("exchange", doubtful),)
    bank.close_assignments([doubtful], delivered=False)
    voids = bank.voids_owed("exchange")
    assert {void.key_id for void in voids} >= {doubtful}
    assert len(voids) == 2  # and what was reserved alone
    exchange.void_assignments("bank", voids)
    bank.void_told("exchange", [void.key_id for void in voids])
    # the pool: its keys can be leased, drawn and fetched, the same at both sites
    n_ready = bank.count_ready("exchange", "bank")
    assert exchange.count_ready("bank", "bank") - n_ready == 2  # of the relay that is in doubt at its owner's
    assert n_ready + bank.count_leased(*ALICE_BOB) == 5
    if n_ready:
        lease(bank, exchange, ALICE_BOB, n_ready)
    drawn = take(bank, ALICE_BOB, 5)
    assert sorted(drawn.values()) == sorted(set(drawn.values()))
    assert set(drawn.values()) <= {secret(number) for number in range(1, 9)} - {got}
    assert fetch(exchange, ALICE_BOB, list(drawn)) == drawn


def test_blocks_relays_and_pads_of_an_earlier_store_are_settled_as_ever(earlier, opened):
    bank, exchange = (opened(earlier[site]) for site in ("bank", "exchange"))
    (block,) = bank.blocks_in_doubt(SPAN)
    assert exchange.blocks_in_doubt(SPAN) == (block,)
    assert bank.last_block_number(SPAN) == 1
    (relay,) = bank.relays_in_doubt("exchange")
    n_ready = bank.count_ready("exchange", "bank")
    bank.settle_keys(relay, exchange.void_relay(relay))
    assert bank.ready_block(block)
    assert exchange.ready_block(block)
    assert bank.count_ready("exchange", "bank") == n_ready + 4
    assert exchange.count_ready("bank", "bank") == n_ready + 4 + 1  # it has yet to hear of what was reserved alone
    assert bank.ledger_bounds(f"{SPAN}/pad") == exchange.ledger_bounds(f"{SPAN}/pad") == (64, 500)
    for store in (bank, exchange):
        assert store.ledger_take(f"{SPAN}/pad", 436).octets == bytes([199]) * 36 + bytes([200]) * 400


def test_an_earlier_store_has_the_tables_of_a_new_one_afterwards(earlier, opened, tmp_path, request):
    store = opened(earlier["bank"])
    alone = store._database.alone
    new = opened(tmp_path / "new" if alone else request.getfixturevalue("postgres").fresh())
    assert tables(store, alone) == tables(new, alone)
    steps = [text for text in changes(store) if text[0].isdigit()]
    numbers = [int(text.split(":")[0]) for text in steps]
    assert numbers in [list(range(first, SCHEMA.number + 1)) for first in (2, 3, 4, 5)]
    assert number_of(store) == SCHEMA.number
    assert [text for text in changes(new) if text[0].isdigit()] == []


def tables(store, alone):
    """Every table's columns in order, and every index."""
    if alone:
        names = [name for (name,) in rows(store, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        columns = {
            name: rows(store, 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', name)
            for name in names
            if name != "sqlite_sequence"
        }
        columns["meta"] = [column[:2] for column in columns["meta"]]
        made = [sql for (sql,) in rows(store, "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql <> ''")]
    else:
        names = "table_name, column_name, data_type, is_nullable, column_default"
        place = "table_schema = 'public' ORDER BY table_name, ordinal_position"
        columns = rows(store, f"SELECT {names} FROM information_schema.columns WHERE {place}")
        made = [sql for (sql,) in rows(store, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")]
        made = [re.sub(r"INDEX \S+_(pkey|key)1? ", "INDEX ", sql) for sql in made]
    return columns, sorted(" ".join(sql.split()) for sql in made)


def number_of(store):
    ((number,),) = rows(store, "SELECT value FROM meta WHERE name = 'schema'")
    return int(bytes(number))


def changes(store):
    """What the audit log tells of the schema."""
    return [
        record.detail
        for head in store.audit_heads()
        for entry in store.audit_entries(head.writer)
        for record in read_records(entry.body)
        if getattr(record, "subject", "") == "schema"
    ]


def schema_with(*steps):
    return Schema(SCHEMA.tables, (*STEPS, *steps))


def add_a_table(tx: Transaction) -> None:
    tx.change("CREATE TABLE IF NOT EXISTS later (name TEXT PRIMARY KEY)")


NOW = SCHEMA.number
ADDITIVE = Step(NOW + 1, SCHEMA.readable_from, "a table more", add_a_table)
BREAKING = Step(NOW + 1, NOW + 1, "a table that all must write", add_a_table)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    return tmp_path / "store" if request.param == "sqlite" else request.getfixturevalue("postgres").fresh()


def test_a_release_is_rolled_back_to_where_a_step_was_additive(place, opened, monkeypatch):
    opened(place).close()
    with monkeypatch.context() as later:
        later.setattr(store_module, "SCHEMA", schema_with(ADDITIVE))
        store = opened(place)
        assert changes(store) == [f"{NOW + 1}: a table more"]
        store.close()
    store = opened(place)
    assert changes(store)[-1] == f"of version {NOW + 1} is used by a haris of version {NOW}"
    store.close()
    with monkeypatch.context() as later:
        later.setattr(store_module, "SCHEMA", schema_with(ADDITIVE))
        store = opened(place)
        assert (
            changes(store)[-1] == f"of version {NOW + 1} is used by a haris of version {NOW}"
        )  # no step is taken twice
        store.close()


def test_a_store_that_wants_a_newer_release_is_refused(place, opened, monkeypatch):
    opened(place).close()
    with monkeypatch.context() as later:
        later.setattr(store_module, "SCHEMA", schema_with(BREAKING))
        opened(place).close()
    with pytest.raises(StoreError, match=f"schema version {NOW + 1} or later, this haris knows versions up to {NOW}"):
        opened(place)


def test_a_step_that_others_must_know_waits_until_they_have_ended(opened, postgres, monkeypatch):  # noqa: F811
    place = postgres.fresh()
    other = opened(place, "bank/1")
    with monkeypatch.context() as later:
        later.setattr(store_module, "SCHEMA", schema_with(BREAKING))
        with pytest.raises(StoreError, match="process bank/1 runs from this store"):
            opened(place, "bank/2")
        other.close()
        opened(place, "bank/2")


def test_processes_of_two_releases_share_a_store(opened, postgres, monkeypatch):  # noqa: F811
    place = postgres.fresh()
    other = opened(place, "bank/1")
    monkeypatch.setattr(store_module, "SCHEMA", schema_with(ADDITIVE))
    new = opened(place, "bank/2")
    assert other.beat() == new.beat() == ()


def test_a_step_that_fails_leaves_the_store_as_it_was(earlier, opened, monkeypatch):
    lacks = STEPS[earlier["schema"] - 1]

    def fail(tx):
        lacks.run(tx)
        raise StoreError("no space")

    before = whole(earlier["bank"])
    steps = [replace(step, run=fail) if step is lacks else step for step in STEPS]
    with monkeypatch.context() as faulty:
        faulty.setattr(store_module, "SCHEMA", Schema(SCHEMA.tables, tuple(steps)))
        for _ in range(2):
            with pytest.raises(StoreError, match="no space"):
                opened(earlier["bank"])
    assert whole(earlier["bank"]) == before
    opened(earlier["bank"])


KILLED = """
import os, signal, sys
from haris.node.store import schema_steps
from haris.node.store import store
from haris.node.store.postgres_address import PostgresAddress
from haris.node.store.schema import Schema, Step
from pathlib import Path

def die(tx):
    found[number - 2].run(tx)
    os.kill(os.getpid(), signal.SIGKILL)

kind, where, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
found = schema_steps.STEPS
steps = tuple(Step(s.number, s.readable_from, s.what, die if s.number == number else s.run) for s in found)
store.SCHEMA = Schema(store.SCHEMA.tables, steps)
store.open_store(Path(where) if kind == "file" else PostgresAddress(where), bytes(range(32)), os.urandom)
"""


def test_a_kill_within_a_step_leaves_the_store_as_it_was(earlier, opened):
    place = earlier["bank"]
    before, door = whole(place), door_of(place)
    where = ("file", str(place)) if isinstance(place, Path) else ("url", place.url)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *where, str(earlier["schema"] + 1)], capture_output=True, check=False
    )
    assert ended.returncode == -9, ended.stderr.decode()
    assert (whole(place), door_of(place)) == (before, door)
    store = opened(place)
    assert number_of(store) == SCHEMA.number
    assert store.assignments_in_doubt()


def whole(place):
    """All that a store holds."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as file:
            return list(file.iterdump())
    with closing(connect(place)) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " ORDER BY table_name, ordinal_position"
        )
        found = list(cursor.fetchall())
        for table in sorted({name for name, _ in found}):
            cursor.execute(f"SELECT * FROM {table}")
            found += [(table, *row) for row in sorted(cursor.fetchall(), key=repr)]
        return found


def door_of(place):
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as file:
            return file.execute("PRAGMA user_version").fetchone()[0]
    with closing(connect(place)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT MAX(version) FROM schema_version")
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    "steps",
    [(Step(3, 2, "", add_a_table),), (Step(2, 3, "", add_a_table),), (*STEPS[:1], Step(3, 1, "", add_a_table))],
)
def test_steps_out_of_order_are_refused(steps):
    with pytest.raises(ParameterError):
        Schema(SCHEMA.tables, steps)
