"""A store moved to another place: every row of every table, read back and compared; the old one is marked as left.

What is sealed is sealed to the row that it is kept in, not to the place: the rows move as they are, under the same
key-encryption key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from haris.manage.audit import Act
from haris.node.store.database import Transaction, mark_left
from haris.node.store.processes import SILENCE_S
from haris.node.store.schema import schema_of
from haris.node.store.store import SCHEMA, Store
from haris.nouns.errors import ParameterError, StoreError

STAY = frozenset({"processes", "leaders"})
"""Tables that are about who runs now."""

_TABLE = re.compile(r"CREATE TABLE (\w+) \((\w+) (INTEGER PRIMARY KEY)?")


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: rows of each table that has any, and the digest of all, the same at both places."""

    n_rows: dict[str, int]
    digest: str


def copy_store(source: Store, target: Store, name: str, *, numbered: bool) -> Copied:
    """Copy a store that nobody runs from into a fresh one, and mark it as left for `name`.

    numbered: whether the target's database gives the numbers of new rows by a counter that must be moved on. Raises
    ParameterError when a process runs from the source, or the target holds anything; StoreError, with the source as it
    was, when the copy differs, and when a newer haris has brought the source further.
    """
    with source._database.transaction() as old:
        _require_stopped(old, source.writer)
        _require_known(schema_of(source._database, old))
        with target._database.transaction() as new:
            for table, _ in tables():
                if new.one(f"SELECT 1 FROM {table} LIMIT 1"):
                    raise ParameterError(f"{name} holds rows of {table} already: a store is copied into a fresh place")
            n_rows = {table: _copy(old, new, table, column if numbered else None) for table, column in tables()}
        digest = digest_of(old)
        with target._database.transaction() as new:
            if digest_of(new) != digest:
                raise StoreError(f"{name} holds other rows than it was given: it must not be used")
        mark_left(old, name)
    text = f"{sum(n_rows.values())} rows were copied here; their SHA-256 is {digest}"
    target.audit(target.writer, _now(target), [Act("configuration", "haris", name, text)])
    return Copied({table: n for table, n in n_rows.items() if n}, digest)


def tables() -> list[tuple[str, str | None]]:
    """Every table that is copied, with its column of running numbers if it has one."""
    found = [match for part in SCHEMA.tables for match in _TABLE.finditer(part)]
    return [(match[1], match[2] if match[3] else None) for match in found if match[1] not in STAY]


def digest_of(tx: Transaction) -> str:
    """SHA-256 over every row of every table that is copied, whatever the order in which a database tells them."""
    digest = hashlib.sha256()
    for table, _ in tables():
        digest.update(table.encode())
        for row in sorted(_plain(tx.all(f"SELECT * FROM {table}"))):
            digest.update(row)
    return digest.hexdigest()


def _copy(old: Transaction, new: Transaction, table: str, column: str | None) -> int:
    rows = old.all(f"SELECT * FROM {table}")
    if rows:
        places = ", ".join("?" * len(rows[0]))
        new.change_each(f"INSERT INTO {table} VALUES ({places})", rows)
        if column is not None:
            (last,) = new.one(f"SELECT MAX({column}) FROM {table}") or (0,)
            new.change(f"ALTER TABLE {table} ALTER COLUMN {column} RESTART WITH {int(last) + 1}")
    return len(rows)


def _plain(rows: Iterable[tuple[Any, ...]]) -> Iterable[bytes]:
    for row in rows:
        yield repr([bytes(cell) if isinstance(cell, bytes | memoryview) else cell for cell in row]).encode()


def _require_stopped(tx: Transaction, writer: str) -> None:
    since_ns = tx.now_ns - int(SILENCE_S * 1e9)
    for (name,) in tx.all("SELECT writer FROM processes WHERE seen_ns > ? AND writer <> ?", since_ns, writer):
        raise ParameterError(f"process {name} runs from this store, or did {SILENCE_S:g} s ago: stop it first")


def _require_known(number: int) -> None:
    """A newer schema may have tables that this haris would leave behind."""
    if number > SCHEMA.number:
        raise StoreError(
            f"the store has schema version {number}, this haris knows versions up to {SCHEMA.number}: move it with the "
            "newest haris that has run from it"
        )


def _now(store: Store) -> int:
    with store._database.transaction() as tx:
        return tx.now_ns
