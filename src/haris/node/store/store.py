"""The durable store of one site: the verbs of keys/store.py over SQLite or PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from haris.node.store import accounts as store_accounts
from haris.node.store import alarms as store_alarms
from haris.node.store import assignments as store_assignments
from haris.node.store import audit as store_audit
from haris.node.store import blocks as store_blocks
from haris.node.store import burns as store_burns
from haris.node.store import carried as store_carried
from haris.node.store import commissions as store_commissions
from haris.node.store import interworking as store_interworking
from haris.node.store import ledgers as store_ledgers
from haris.node.store import lots as store_lots
from haris.node.store import owed as store_owed
from haris.node.store import processes as store_processes
from haris.node.store import quotas as store_quotas
from haris.node.store import revocation as store_revocation
from haris.node.store import shares as store_shares
from haris.node.store import sources as store_sources
from haris.node.store import stock as store_stock
from haris.node.store import streams as store_streams
from haris.node.store import witness as store_witness
from haris.node.store.accounts import Accounts
from haris.node.store.alarms import Alarms
from haris.node.store.assignments import Assignments
from haris.node.store.audit import Audit
from haris.node.store.blocks import Blocks
from haris.node.store.burns import Burns
from haris.node.store.carried import CarriedMessages
from haris.node.store.commissions import Commissions
from haris.node.store.database import Database
from haris.node.store.hot_lots import HotLots
from haris.node.store.interworking import ForeignKeys
from haris.node.store.leases import Leases
from haris.node.store.ledgers import Ledgers
from haris.node.store.levels import Levels
from haris.node.store.owed import Owed
from haris.node.store.postgres_address import PostgresAddress
from haris.node.store.processes import Processes
from haris.node.store.quotas import Quotas
from haris.node.store.revocation import Revocations
from haris.node.store.schema import Schema, bring_up
from haris.node.store.schema_steps import STEPS
from haris.node.store.shares import Shares
from haris.node.store.sources import Sources
from haris.node.store.sqlite import SqliteDatabase
from haris.node.store.stock import Stock
from haris.node.store.streams import Streams
from haris.node.store.witness import Witnesses
from haris.node.tally import Durations
from haris.nouns.errors import StoreError

CONCEPTS = (
    store_blocks,
    store_commissions,
    store_ledgers,
    store_lots,
    store_stock,
    store_shares,
    store_carried,
    store_assignments,
    store_audit,
    store_alarms,
    store_accounts,
    store_quotas,
    store_sources,
    store_streams,
    store_interworking,
    store_processes,
    store_owed,
    store_burns,
    store_witness,
    store_revocation,
)
SCHEMA = Schema(tuple(concept.SCHEMA for concept in CONCEPTS), STEPS)
"""Each concept's own tables, and the steps to them from stores that earlier releases made."""


class Store(
    Blocks,
    Ledgers,
    Stock,
    Shares,
    CarriedMessages,
    Assignments,
    Leases,
    Audit,
    Alarms,
    Accounts,
    Levels,
    Quotas,
    Commissions,
    Sources,
    Streams,
    ForeignKeys,
    Processes,
    Owed,
    Burns,
    Witnesses,
    Revocations,
):
    """A KeyStore in SQLite or PostgreSQL. Its verbs may be called from any thread. writer: of its audit records."""

    def __init__(self, database: Database, writer: str = "node") -> None:
        self._database = database
        self._hot = HotLots()
        self.writer = writer

    @property
    def commits(self) -> Durations:
        """How long commits took, fsync included."""
        return self._database.commits

    def back_up(self, path: Path) -> None:
        """A copy of all of it in a new file. StoreError for a store that is no file."""
        self._database.back_up(path)

    def close(self) -> None:
        """Leave the store to the other processes, and close it."""
        with contextlib.suppress(StoreError):  # it is closed already, or cannot be reached
            self.leave()
        self._hot.forget()
        self._database.close()


def open_store(
    place: Path | PostgresAddress, key_encryption_key: bytes, entropy: Callable[[int], bytes], writer: str = "node"
) -> Store:
    """The store in a place, made when it is not there: a SQLite file, or a PostgreSQL database.

    One that an earlier release made is brought to the schema of this one. key_encryption_key: 32 octets; every secret
    in the store is sealed under it. writer: the name of this process, different for each that shares the store. Raises
    StoreError, with the store untouched, when a newer release has made it unreadable for this one, and when it is
    sealed under another key, in use, foreign or not writable.
    """
    database: Database
    if isinstance(place, PostgresAddress):
        from haris.node.store.postgres import PostgresDatabase  # its driver is slow to load

        database = PostgresDatabase(place, key_encryption_key, entropy, SCHEMA)
    else:
        database = SqliteDatabase(place, key_encryption_key, entropy, SCHEMA)
    store = Store(database, writer)
    try:
        bring_up(database, SCHEMA, writer)
        store.begin(alone=isinstance(database, SqliteDatabase))
    except BaseException:
        database.close()
        raise
    return store
