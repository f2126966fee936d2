"""Stored keys in the store: what the pools hold, and the relays that fill them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from haris.keys.lifecycle import Event, KeyState
from haris.keys.store import ANY_GRADE, Grade
from haris.node.database import Database, Transaction
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError, StoreError
from haris.nouns.keys import Origin, Pedigree, StoredKey

STOCK_COLUMNS = "key_id, secret, peer, owner, pedigree"
_OF_GRADE = "peer = ? AND owner = ? AND state = 'ready' AND (? OR NOT emulated) AND (? IS NULL OR epsilon <= ?)"


class Stock:
    """The StockStore of keys/store.py."""

    _database: Database

    def put_keys(self, keys: Sequence[StoredKey], relay: UUID) -> bool:
        """Keep the keys of one incoming relay as READY, unless it is known or voided."""
        with self._database.transaction() as tx:
            pedigree = msgspec.json.encode(keys[0].pedigree) if keys else None
            peer = keys[0].peer if keys else ""
            if not _add_relay(tx, relay, peer, "kept", pedigree):
                return False
            if _any_known(tx, keys):
                raise PeerError(f"relay {relay} brings a key_ID that is known here")
            insert_stock(tx, keys, KeyState.READY, relay.bytes)
            return True

    def hold_keys(self, keys: Sequence[StoredKey], relay: UUID) -> None:
        """Keep the keys of one outgoing relay as PENDING."""
        if not keys:
            raise ParameterError("a relay carries at least one key")
        with self._database.transaction() as tx:
            if not _add_relay(tx, relay, keys[0].peer, "pending", None):
                raise StoreError(f"relay {relay} was named before")
            insert_stock(tx, keys, KeyState.PENDING, relay.bytes)

    def settle_keys(self, relay: UUID, arrived: Pedigree | None) -> None:
        """The owner learns the fate of a relay."""
        with self._database.transaction() as tx:
            state = "lost" if arrived is None else "arrived"
            if not tx.change("UPDATE relays SET state = ? WHERE relay = ? AND state = 'pending'", state, relay.bytes):
                return
            if arrived is None:
                tx.happen("stock", Event.VOID, "source = ?", relay.bytes)
                return
            tx.change(
                "UPDATE stock SET epsilon = ?, emulated = ?, pedigree = ? WHERE source = ? AND state = 'pending'",
                *_pedigree_columns(arrived),
                relay.bytes,
            )
            tx.happen("stock", Event.CONFIRM, "source = ?", relay.bytes)

    def void_relay(self, relay: UUID) -> Pedigree | None:
        """At the far end: the pedigree of keys ever kept, else a memory never to keep them."""
        with self._database.transaction() as tx:
            _add_relay(tx, relay, "", "voided", None)
            row = tx.one("SELECT pedigree FROM relays WHERE relay = ? AND state = 'kept'", relay.bytes)
            return None if row is None or row[0] is None else msgspec.json.decode(row[0], type=Pedigree)

    def relays_in_doubt(self, peer: str) -> tuple[UUID, ...]:
        """Outgoing relays towards peer whose fate is unknown, oldest first."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT relay FROM relays WHERE peer = ? AND state = 'pending' ORDER BY place", peer)
            return tuple(UUID(bytes=relay) for (relay,) in rows)

    def count_ready(self, peer: str, owner: str, grade: Grade = ANY_GRADE) -> int:
        """Keys of that grade READY for assignment by owner."""
        with self._database.transaction() as tx:
            row = tx.one(f"SELECT count(*) FROM stock WHERE {_OF_GRADE}", *_grade_values(peer, owner, grade))
            return 0 if row is None else int(row[0])

    def reserve(
        self, peer: str, owner: str, n_keys: int, purpose: str, grade: Grade = ANY_GRADE
    ) -> tuple[StoredKey, ...]:
        """READY → RESERVED, oldest first, all or none."""
        with self._database.transaction() as tx:
            rows = tx.all(
                f"SELECT {STOCK_COLUMNS} FROM stock WHERE {_OF_GRADE} ORDER BY place LIMIT ?",
                *_grade_values(peer, owner, grade),
                n_keys,
            )
            if len(rows) < n_keys:
                raise KeyUnavailable(f"the pool shared with {peer} holds {len(rows)} such keys, {n_keys} are needed")
            for row in rows:
                tx.happen("stock", Event.RESERVE, "key_id = ?", row[0])
            tx.change_each("UPDATE stock SET purpose = ? WHERE key_id = ?", [(purpose, row[0]) for row in rows])
            return tuple(read_stock(tx, row) for row in rows)

    def release(self, key_ids: Sequence[UUID]) -> None:
        """RESERVED → READY."""
        with self._database.transaction() as tx:
            for key_id in key_ids:
                tx.happen("stock", Event.RELEASE, "key_id = ?", key_id.bytes)


def insert_stock(tx: Transaction, keys: Sequence[StoredKey], state: KeyState, source: bytes) -> None:
    """Keep keys in a state. source: the block or relay that brought them."""
    if _any_known(tx, keys):
        raise StoreError("a key_ID is known here already")
    tx.change_each(
        "INSERT INTO stock (key_id, peer, owner, state, epsilon, emulated, pedigree, source, secret)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                key.key_id.bytes,
                key.peer,
                key.owner,
                state,
                *_pedigree_columns(key.pedigree),
                source,
                tx.seal(key.secret, "stock", key.key_id),
            )
            for key in keys
        ],
    )


def read_stock(tx: Transaction, row: tuple[Any, ...]) -> StoredKey:
    """A stored key from its STOCK_COLUMNS."""
    key_id, sealed, peer, owner, pedigree = row
    name = UUID(bytes=key_id)
    return StoredKey(name, tx.unseal(sealed, "stock", name), peer, owner, msgspec.json.decode(pedigree, type=Pedigree))


def _any_known(tx: Transaction, keys: Sequence[StoredKey]) -> bool:
    return any(tx.one("SELECT 1 FROM stock WHERE key_id = ?", key.key_id.bytes) for key in keys)


def _add_relay(tx: Transaction, relay: UUID, peer: str, state: str, pedigree: bytes | None) -> bool:
    return bool(
        tx.change(
            "INSERT OR IGNORE INTO relays (relay, peer, state, pedigree) VALUES (?, ?, ?, ?)",
            relay.bytes,
            peer,
            state,
            pedigree,
        )
    )


def _pedigree_columns(pedigree: Pedigree) -> tuple[float | None, bool, bytes]:
    return pedigree.epsilon, pedigree.origin is Origin.EMULATED, msgspec.json.encode(pedigree)


def _grade_values(peer: str, owner: str, grade: Grade) -> tuple[object, ...]:
    return peer, owner, grade.emulated, grade.max_epsilon, grade.max_epsilon
