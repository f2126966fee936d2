"""An audit log in a file: the store of a node that is stopped, a backup of it, or an export. Nothing is changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from haris.manage.audit import Entry, Head, origin
from haris.manage.audit_export import Seal, read_export
from haris.node.store.audit import COLUMNS
from haris.nouns.errors import ParameterError, StoreError

_SQLITE = b"SQLite format 3\0"


def read_audit(path: Path) -> Iterator[Head | Entry | Seal]:
    """Each chain's start and its entries, chain after chain; an export also has its seal.

    No key-encryption key is needed: the log holds no secrets. ParameterError for a file that holds no such log,
    StoreError for a store that a node has open or that cannot be read.
    """
    with path.open("rb") as file:
        kind = file.read(len(_SQLITE))
    if kind == _SQLITE:
        yield from _of_store(path)
    else:
        with path.open(encoding="utf-8") as lines:
            try:
                yield from read_export(lines)
            except (ParameterError, UnicodeDecodeError) as error:
                raise ParameterError(f"{path}: {error}") from None


def _of_store(path: Path) -> Iterator[Head | Entry]:
    # A store that was closed has no -wal file: read it as it lies there, for its folder may not be ours to write to.
    whole = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{whole}", uri=True, timeout=1.0)) as file:
            starts = dict(_starts(file))
            for (writer,) in file.execute("SELECT DISTINCT writer FROM audit ORDER BY writer").fetchall():
                yield starts.get(writer, origin(writer))
                rows = file.execute(f"SELECT {COLUMNS} FROM audit WHERE writer = ? ORDER BY number", (writer,))
                yield from (Entry(*row) for row in rows)
    except sqlite3.Error as error:
        busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
        text = "a node has it open: stop the node, or read a backup" if busy else str(error)
        raise StoreError(f"{path}: {text}") from None


def _starts(file: sqlite3.Connection) -> Iterator[tuple[str, Head]]:
    for writer, number, octets in file.execute("SELECT writer, number, hash FROM audit_starts"):
        yield writer, Head(writer, number, octets)
