"""The file under a store: SQLite in WAL mode, one writer, each verb one durable transaction, secrets sealed.

Nothing of a failed transaction stays. The file belongs to one process at a time.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from haris.crypto.sealing import Sealer
from haris.keys.lifecycle import Event, KeyState, after, before
from haris.nouns.errors import StoreError

APPLICATION_ID = int.from_bytes(b"hars")
SCHEMA_VERSION = 1
_KEK_CHECK = b"this store opens under this key-encryption key"

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE blocks (place INTEGER PRIMARY KEY, block BLOB NOT NULL UNIQUE, span TEXT, number INTEGER,
    state TEXT NOT NULL) STRICT;
CREATE INDEX blocks_of_span ON blocks (span, number);
CREATE TABLE pending_pads (block BLOB NOT NULL, place INTEGER NOT NULL, ledger TEXT NOT NULL, pedigree BLOB NOT NULL,
    secret BLOB NOT NULL, PRIMARY KEY (block, place)) STRICT;
CREATE TABLE ledgers (ledger TEXT PRIMARY KEY, head INTEGER NOT NULL, tail INTEGER NOT NULL) STRICT;
CREATE TABLE segments (ledger TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, batch INTEGER NOT NULL,
    pedigree BLOB NOT NULL, secret BLOB NOT NULL, PRIMARY KEY (ledger, start)) STRICT;
CREATE TABLE relays (place INTEGER PRIMARY KEY, relay BLOB NOT NULL UNIQUE, peer TEXT NOT NULL, state TEXT NOT NULL,
    pedigree BLOB) STRICT;
CREATE TABLE stock (place INTEGER PRIMARY KEY AUTOINCREMENT, key_id BLOB NOT NULL UNIQUE, peer TEXT NOT NULL,
    owner TEXT NOT NULL, state TEXT NOT NULL, epsilon REAL, emulated INTEGER NOT NULL, pedigree BLOB NOT NULL,
    source BLOB NOT NULL, purpose TEXT, secret BLOB) STRICT;
CREATE INDEX stock_of_pool ON stock (peer, owner, state, place);
CREATE INDEX stock_of_source ON stock (source) WHERE state = 'pending';
CREATE TABLE announced (key_id BLOB NOT NULL, peer TEXT NOT NULL, state TEXT NOT NULL, stock BLOB NOT NULL,
    PRIMARY KEY (key_id, peer)) STRICT;
CREATE INDEX announced_open ON announced (peer) WHERE state IN ('announced', 'burnt');
CREATE TABLE assigned (key_id BLOB PRIMARY KEY, owner TEXT NOT NULL, master TEXT NOT NULL, state TEXT NOT NULL,
    digest BLOB NOT NULL, pedigree BLOB NOT NULL, secret BLOB) STRICT;
CREATE TABLE assigned_slaves (key_id BLOB NOT NULL, slave TEXT NOT NULL, fetched INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (key_id, slave)) STRICT;
"""


class Transaction:
    """What a verb does within one transaction."""

    def __init__(self, connection: sqlite3.Connection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer

    def all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        """The first row of a query."""
        row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
        return row

    def change(self, sql: str, *values: object) -> int:
        """Run a statement; returns the number of rows that it changed."""
        return self._connection.execute(sql, values).rowcount

    def change_each(self, sql: str, rows: Iterable[tuple[object, ...]]) -> int:
        """Run a statement for each row of values; returns how many rows it changed in all."""
        return self._connection.executemany(sql, rows).rowcount

    def happen(self, table: str, event: Event, where: str, *values: object) -> int:
        """Let event happen to the rows of table that are in a state for it: a compare-and-swap.

        What becomes spent loses its secret in the same statement. Returns the number of rows that changed.
        """
        states = ", ".join(f"'{state}'" for state in before(event))
        spend = ", secret = NULL" if after(event) is KeyState.SPENT else ""
        return self.change(
            f"UPDATE {table} SET state = '{after(event)}'{spend} WHERE state IN ({states}) AND {where}", *values
        )

    def seal(self, secret: bytes, *row: object) -> bytes:
        """The secret sealed to the row that it is kept in."""
        return self._sealer.seal(secret, repr(row).encode())

    def unseal(self, sealed: bytes, *row: object) -> bytes:
        """The secret of a row; StoreError when it belongs to another one."""
        return self._sealer.unseal(sealed, repr(row).encode())


class Database:
    """One open file."""

    def __init__(self, path: Path, key_encryption_key: bytes, entropy: Callable[[int], bytes]) -> None:
        """Open or make the file. StoreError when it is newer, foreign, sealed under another key, or in use."""
        self._path = path
        self._lock = threading.RLock()
        self._sealer = Sealer(key_encryption_key, entropy)
        with self._refusing():
            _examine_header(path)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
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
            try:
                yield Transaction(self._connection, self._sealer)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

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
            execute("PRAGMA locking_mode = EXCLUSIVE")
            (version,) = execute("PRAGMA user_version").fetchone()
            _require_version(self._path, version)
            execute("PRAGMA secure_delete = ON")
            execute("PRAGMA synchronous = FULL")
            if version == 0:
                self._make_schema()
            execute("PRAGMA journal_mode = WAL")
        with self.transaction() as tx:
            (sealed,) = tx.one("SELECT value FROM meta WHERE name = 'kek_check'") or (b"",)
            try:
                tx.unseal(sealed, "meta", "kek_check")
            except StoreError:
                raise StoreError(f"store {self._path} was sealed under another key-encryption key") from None

    def _make_schema(self) -> None:
        """One transaction with a rollback journal: the file's header tells the version from then on."""
        with self.transaction() as tx:
            if tx.one("SELECT name FROM sqlite_schema"):
                raise StoreError(f"{self._path} is no haris store")
            for statement in _SCHEMA.split(";"):
                tx.change(statement)
            tx.change("INSERT INTO meta VALUES ('kek_check', ?)", tx.seal(_KEK_CHECK, "meta", "kek_check"))
            tx.change(f"PRAGMA application_id = {APPLICATION_ID}")
            tx.change(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _examine_header(path: Path) -> None:
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
    _require_version(path, version)


def _require_version(path: Path, version: int) -> None:
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"store {path} has schema version {version}, this haris knows versions up to {SCHEMA_VERSION}: "
            "run the newer haris that made it"
        )
