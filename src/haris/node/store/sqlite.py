"""A store in one SQLite file: WAL mode, an fsync a transaction. The file belongs to one process at a time."""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from haris.crypto.sealing import Sealer
from haris.node.store.database import Transaction, check_key, make_tables
from haris.node.store.schema import Schema
from haris.node.tally import Durations
from haris.nouns.errors import StoreError

APPLICATION_ID = int.from_bytes(b"hars")
CACHE_KIBIBYTES = 1 << 15
"""Pages kept in memory, sealed as they are: the lots of some hundred thousand keys that are drawn from now."""


class SqliteConnection:
    """A Connection to an open file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = connection.execute
        self._execute_many = connection.executemany

    def query(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        return self.execute(sql, values).fetchall()

    def columns(self, table: str) -> tuple[str, ...]:
        """The names of a table's columns, in order; none when there is no such table."""
        return tuple(name for (name,) in self.query("SELECT name FROM pragma_table_info(?)", (table,)))

    def change(self, sql: str, values: Sequence[object]) -> int:
        """Run a statement; returns the number of rows that it changed."""
        return self.execute(sql, values).rowcount

    def change_each(self, sql: str, rows: Iterable[Sequence[object]]) -> int:
        """Run a statement for each row of values; returns how many rows it changed in all."""
        return self._execute_many(sql, rows).rowcount


class SqliteDatabase:
    """One open file."""

    alone = True

    def __init__(self, path: Path, key_encryption_key: bytes, entropy: Callable[[int], bytes], schema: Schema) -> None:
        """Open or make the file. schema: what this haris works with.

        StoreError when the file is newer, foreign, sealed under another key, or in use.
        """
        self._path, self._schema = path, schema
        self._lock = threading.RLock()
        self.commits = Durations()
        self._n_transactions = 0
        self._sealer = Sealer(key_encryption_key, entropy)
        with self._refusing():
            _examine_header(path, schema)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
        self._statements = SqliteConnection(self._connection)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run one verb: durable when the block ends, undone when it raises."""
        with self._lock, self._refusing():
            self._connection.execute("BEGIN IMMEDIATE")
            self._n_transactions += 1
            try:
                yield Transaction(self._statements, self._sealer, time.time_ns(), self._n_transactions)
                started = time.perf_counter()
                self._connection.execute("COMMIT")
                self.commits.add(time.perf_counter() - started)
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def door(self, tx: Transaction) -> int:
        """The file's header tells it."""
        (number,) = tx.one("PRAGMA user_version") or (0,)
        return int(number)

    def open_door(self, tx: Transaction, number: int) -> None:
        """Let programs of this schema or later in."""
        tx.change(f"PRAGMA user_version = {number}")

    def back_up(self, path: Path) -> None:
        """A copy as it is now in a new file, for its owner only; transactions wait while it is made."""
        with self._lock, self._refusing():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            copy = sqlite3.connect(path)
            try:
                self._connection.backup(copy)
            finally:
                copy.close()
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Close the file; a transaction that runs ends first."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            text = "another process has it open" if busy else str(error)
            raise StoreError(f"store {self._path}: {text}") from error

    def _prepare(self) -> None:
        with self._refusing():
            execute = self._connection.execute
            execute("PRAGMA page_size = 8192")  # of a new file: a lot fits into one page
            execute("PRAGMA locking_mode = EXCLUSIVE")
            (version,) = execute("PRAGMA user_version").fetchone()
            self._schema.require_door(str(self._path), version)
            execute("PRAGMA secure_delete = ON")
            execute("PRAGMA synchronous = FULL")
            execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
            if version == 0:
                self._make_schema()
            execute("PRAGMA journal_mode = WAL")
        with self.transaction() as tx:
            check_key(tx, str(self._path))

    def _make_schema(self) -> None:
        """One transaction with a rollback journal: the file's header tells the version from then on."""
        with self.transaction() as tx:
            if tx.one("SELECT name FROM sqlite_schema"):
                raise StoreError(f"{self._path} is no haris store")
            make_tables(tx, self._schema.tables, self._schema.number)
            tx.change(f"PRAGMA application_id = {APPLICATION_ID}")
            self.open_door(tx, self._schema.readable_from)


def _examine_header(path: Path, schema: Schema) -> None:
    """Refuse a newer or foreign file before SQLite touches it (file format: sqlite.org/fileformat2.html, 1.3)."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise StoreError(f"{path} is no haris store")
    (version,), (application_id,) = struct.unpack_from(">I", header, 60), struct.unpack_from(">I", header, 68)
    if application_id not in (0, APPLICATION_ID):
        raise StoreError(f"{path} is no haris store")
    schema.require_door(str(path), version)
