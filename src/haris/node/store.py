"""The durable store of one site: the verbs of keys/store.py over one SQLite file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from haris.node.database import Database
from haris.node.store_assignments import Assignments, burn_orphans
from haris.node.store_blocks import Blocks
from haris.node.store_ledgers import Ledgers
from haris.node.store_stock import Stock


class SqliteStore(Blocks, Ledgers, Stock, Assignments):
    """A KeyStore in a file. Its verbs may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def open_store(path: Path, key_encryption_key: bytes, entropy: Callable[[int], bytes]) -> SqliteStore:
    """The store in path, made when it is not there.

    key_encryption_key: 32 octets; every secret in the file is sealed under it. Raises StoreError, with the file
    untouched, when it has a newer schema, and when it is sealed under another key, in use, foreign or not writable.
    """
    database = Database(path, key_encryption_key, entropy)
    try:
        with database.transaction() as tx:
            burn_orphans(tx)
    except BaseException:
        database.close()
        raise
    return SqliteStore(database)
