"""What lies under a store: one writer at a time, each verb one durable transaction, secrets sealed.

Nothing of a failed transaction stays. The verbs' SQL is what SQLite and PostgreSQL share; `?` marks a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from haris.crypto.sealing import Sealer
from haris.keys.lifecycle import Event, KeyState, after, before
from haris.node.tally import Durations
from haris.nouns.errors import StoreError

SCHEMA = "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL)"
_KEK_CHECK = b"this store opens under this key-encryption key"


class Connection(Protocol):
    """A connection to a database, inside a transaction."""

    def query(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Every row of a query."""

    def columns(self, table: str) -> tuple[str, ...]:
        """The names of a table's columns, in order; none when there is no such table."""

    def change(self, sql: str, values: Sequence[object]) -> int:
        """Run a statement; returns the number of rows that it changed."""

    def change_each(self, sql: str, rows: Iterable[Sequence[object]]) -> int:
        """Run a statement for each row of values; returns how many rows it changed in all."""


class Database(Protocol):
    """Where the tables are.

    commits: how long commits took, fsync included. alone: whether nobody but this process can change them.
    """

    commits: Durations
    alone: bool

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Run one verb: durable when the block ends, undone when it raises. StoreError for what the database says."""

    def door(self, tx: Transaction) -> int:
        """The oldest schema whose programs may work with the store: they look before anything else."""

    def open_door(self, tx: Transaction, number: int) -> None:
        """Let programs of this schema or later in from now on, and no older one."""

    def back_up(self, path: Path) -> None:
        """A copy as it is now in a new file. StoreError where a database has its own tools for that."""

    def close(self) -> None:
        """Let go of it; a transaction that runs ends first."""


class Transaction:
    """What a verb does within one transaction.

    now_ns: when it began, nanoseconds since 1970. number: its place among those of this process.
    """

    def __init__(self, connection: Connection, sealer: Sealer, now_ns: int, number: int = 0) -> None:
        self._connection = connection
        self._sealer = sealer
        self.now_ns, self.number = now_ns, number

    def all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        return self._connection.query(sql, values)

    def one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """The first row of a query."""
        rows = self._connection.query(sql, values)
        return rows[0] if rows else None

    def columns(self, table: str) -> tuple[str, ...]:
        """The names of a table's columns, in order; none when there is no such table."""
        return self._connection.columns(table)

    def change(self, sql: str, *values: object) -> int:
        """Run a statement; returns the number of rows that it changed."""
        return self._connection.change(sql, values)

    def change_each(self, sql: str, rows: Iterable[tuple[object, ...]]) -> int:
        """Run a statement for each row of values; returns how many rows it changed in all."""
        return self._connection.change_each(sql, rows)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction that is undone alone when it raises."""
        self.change("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.change("ROLLBACK TO SAVEPOINT part")
            raise
        finally:
            self.change("RELEASE SAVEPOINT part")

    def happen(self, table: str, event: Event, where: str, *values: object) -> int:
        """Let event happen to the rows of table that are in a state for it: a compare-and-swap.

        What becomes spent loses its secret in the same statement. Returns the number of rows that changed.
        """
        return self.change(_transition(table, event, where), *values)

    def happen_each(self, table: str, event: Event, where: str, rows: Iterable[tuple[object, ...]]) -> int:
        """As happen for each row of values; returns how many rows changed in all."""
        return self.change_each(_transition(table, event, where), rows)

    def seal(self, secret: bytes | bytearray | memoryview, *row: object) -> bytes:
        """The secret sealed to the row that it is kept in."""
        return self._sealer.seal(secret, repr(row).encode())

    def unseal(self, sealed: bytes, *row: object) -> bytes:
        """The secret of a row; StoreError when it belongs to another one."""
        return self._sealer.unseal(sealed, repr(row).encode())

    def unseal_into(self, sealed: bytes, *row: object) -> bytearray:
        """As unseal, into a buffer that the caller wipes."""
        return self._sealer.unseal_into(sealed, repr(row).encode())


def _transition(table: str, event: Event, where: str) -> str:
    states = ", ".join(f"'{state}'" for state in before(event))
    spend = ", secret = NULL" if after(event) is KeyState.SPENT else ""
    return f"UPDATE {table} SET state = '{after(event)}'{spend} WHERE state IN ({states}) AND {where}"


def make_tables(tx: Transaction, tables: Iterable[str], number: int) -> None:
    """The tables of every concept, the schema's number, and the mark of the key-encryption key.

    tables: statements with semicolons between them.
    """
    for part in (SCHEMA, *tables):
        for statement in part.split(";"):
            tx.change(statement)
    tx.change("INSERT INTO meta VALUES ('schema', ?)", str(number).encode())
    tx.change("INSERT INTO meta VALUES ('kek_check', ?)", tx.seal(_KEK_CHECK, "meta", "kek_check"))


def mark_left(tx: Transaction, place: str) -> None:
    """The store was copied to another place: it must not be opened any more."""
    tx.change("INSERT INTO meta VALUES ('left', ?)", place.encode())


def check_key(tx: Transaction, name: str) -> None:
    """StoreError, with the store's name, when it was sealed under another key-encryption key, or is left."""
    left = tx.one("SELECT value FROM meta WHERE name = 'left'")
    if left is not None:
        raise StoreError(f"store {name} was moved to {bytes(left[0]).decode()}: its keys must not be used here again")
    (sealed,) = tx.one("SELECT value FROM meta WHERE name = 'kek_check'") or (b"",)
    try:
        tx.unseal(sealed, "meta", "kek_check")
    except StoreError:
        raise StoreError(f"store {name} was sealed under another key-encryption key") from None
