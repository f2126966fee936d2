"""The audit log in the store: one chain a writer, appended to within the transaction that it tells of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from haris.manage.audit import AuditRecord, Entry, Head, follow, origin
from haris.node.store.database import Database, Transaction
from haris.nouns.errors import ParameterError

SCHEMA = """
CREATE TABLE audit (writer TEXT NOT NULL, number INTEGER NOT NULL, time_ns INTEGER NOT NULL, body BLOB NOT NULL,
    hash BLOB NOT NULL, PRIMARY KEY (writer, number)) STRICT;
CREATE TABLE audit_starts (writer TEXT PRIMARY KEY, number INTEGER NOT NULL, hash BLOB NOT NULL) STRICT
"""

COLUMNS = "writer, number, time_ns, body, hash"
_PAGE = 1000


def append_audit(tx: Transaction, writer: str, time_ns: int, records: Sequence[AuditRecord]) -> Head:
    """Append one entry with these records to writer's chain, durable with the transaction; none for no record.

    writer: one process at a time writes a chain; a second one's transaction fails. Returns the chain's head.
    """
    head = _head(tx, writer)
    if not records:
        return head
    entry = follow(head, time_ns, records)
    tx.change(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?)", entry.writer, entry.number, entry.time_ns, entry.body, entry.hash
    )
    return entry.head


class Audit:
    """The audit log of one site."""

    _database: Database

    def audit(self, writer: str, time_ns: int, records: Sequence[AuditRecord]) -> Head:
        """Append records of what let no key go: a transaction of its own."""
        with self._database.transaction() as tx:
            return append_audit(tx, writer, time_ns, records)

    def audit_starts(self) -> tuple[Head, ...]:
        """What the oldest entry kept of each chain follows, by writer."""
        with self._database.transaction() as tx:
            return tuple(_start(tx, writer) for writer in _writers(tx))

    def audit_heads(self) -> tuple[Head, ...]:
        """The newest entry of each chain, by writer."""
        with self._database.transaction() as tx:
            return tuple(_head(tx, writer) for writer in _writers(tx))

    def audit_head_at(self, writer: str, number: int) -> Head | None:
        """The chain's head when this entry was its newest, or the start of what is kept; None: no such entry."""
        with self._database.transaction() as tx:
            start = _start(tx, writer)
            if number == start.number:
                return start
            row = tx.one("SELECT hash FROM audit WHERE writer = ? AND number = ?", writer, number)
            return None if row is None else Head(writer, number, row[0])

    def audit_entries(self, writer: str, after: int = 0) -> Iterator[Entry]:
        """The entries of a chain with numbers above `after`, in order; those appended meanwhile included."""
        while True:
            with self._database.transaction() as tx:
                rows = tx.all(
                    f"SELECT {COLUMNS} FROM audit WHERE writer = ? AND number > ? ORDER BY number LIMIT ?",
                    writer,
                    after,
                    _PAGE,
                )
            if not rows:
                return
            for row in rows:
                yield Entry(*row)
            after = rows[-1][1]

    def trim_audit(self, keep_from: Head) -> int:
        """Forget the entries up to keep_from, which were exported; its hash stays as the chain's start.

        ParameterError when that is no entry of the chain here, or its newest. Returns how many were forgotten.
        """
        with self._database.transaction() as tx:
            row = tx.one("SELECT hash FROM audit WHERE writer = ? AND number = ?", keep_from.writer, keep_from.number)
            if row is None or row[0] != keep_from.hash or keep_from == _head(tx, keep_from.writer):
                raise ParameterError(f"entry {keep_from.number} of {keep_from.writer} is no old entry of this log")
            tx.change(
                "INSERT INTO audit_starts VALUES (?, ?, ?) ON CONFLICT (writer) DO UPDATE"
                " SET number = excluded.number, hash = excluded.hash",
                keep_from.writer,
                keep_from.number,
                keep_from.hash,
            )
            return tx.change("DELETE FROM audit WHERE writer = ? AND number <= ?", keep_from.writer, keep_from.number)


def _writers(tx: Transaction) -> Iterator[str]:
    """Who has a chain here, in order: a step in the index each, however long the chains are."""
    (writer,) = tx.one("SELECT min(writer) FROM audit") or (None,)
    while writer is not None:
        yield writer
        (writer,) = tx.one("SELECT min(writer) FROM audit WHERE writer > ?", writer) or (None,)


def _head(tx: Transaction, writer: str) -> Head:
    row = tx.one("SELECT number, hash FROM audit WHERE writer = ? ORDER BY number DESC LIMIT 1", writer)
    return _start(tx, writer) if row is None else Head(writer, *row)


def _start(tx: Transaction, writer: str) -> Head:
    row = tx.one("SELECT number, hash FROM audit_starts WHERE writer = ?", writer)
    return origin(writer) if row is None else Head(writer, *row)
