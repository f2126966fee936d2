"""Stored keys in the store: what the pools hold, and the relays that fill them.

Keys rest in lots. A key that is reserved alone leaves its lot and is loose: it has a row of its own from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec

from haris.keys.lifecycle import Event, KeyState
from haris.keys.store import ANY_GRADE, Grade
from haris.node.store.database import Database, Transaction
from haris.node.store.lots import (
    COLUMNS,
    OLDEST_FIRST,
    insert_lots,
    open_lot,
    pedigree_columns,
    read_pedigree,
    save,
    stored_keys,
)
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError, StoreError
from haris.nouns.keys import Pedigree, StoredKey

SCHEMA = """
CREATE TABLE relays (place INTEGER PRIMARY KEY, relay BLOB NOT NULL UNIQUE, peer TEXT NOT NULL, state TEXT NOT NULL,
    pedigree BLOB) STRICT;
CREATE TABLE loose (key_id BLOB PRIMARY KEY, place INTEGER NOT NULL, peer TEXT NOT NULL, owner TEXT NOT NULL,
    state TEXT NOT NULL, epsilon REAL, emulated INTEGER NOT NULL, pedigree BLOB NOT NULL, purpose TEXT NOT NULL,
    holder TEXT NOT NULL, secret BLOB);
CREATE INDEX loose_of_pool ON loose (peer, owner, state, place);
CREATE INDEX loose_spent ON loose (state) WHERE state = 'spent'
"""

LOOSE_COLUMNS = "key_id, secret, peer, owner, pedigree"


class Stock:
    """The StockStore of keys/store.py."""

    _database: Database
    writer: str

    def put_keys(self, keys: Sequence[StoredKey], relay: UUID) -> bool:
        """Keep the keys of one incoming relay as READY, unless it is known or voided."""
        with self._database.transaction() as tx:
            pedigree = msgspec.json.encode(keys[0].pedigree) if keys else None
            peer = keys[0].peer if keys else ""
            if not _add_relay(tx, relay, peer, "kept", pedigree):
                return False
            try:
                insert_lots(tx, keys, KeyState.READY, relay.bytes)
            except StoreError:
                raise PeerError(f"relay {relay} brings a key_ID that is known here") from None
            return True

    def hold_keys(self, keys: Sequence[StoredKey], relay: UUID) -> None:
        """Keep the keys of one outgoing relay as PENDING."""
        if not keys:
            raise ParameterError("a relay carries at least one key")
        with self._database.transaction() as tx:
            if not _add_relay(tx, relay, keys[0].peer, "pending", None):
                raise StoreError(f"relay {relay} was named before")
            insert_lots(tx, keys, KeyState.PENDING, relay.bytes)

    def settle_keys(self, relay: UUID, arrived: Pedigree | None) -> None:
        """The owner learns the fate of a relay."""
        with self._database.transaction() as tx:
            state = "lost" if arrived is None else "arrived"
            if not tx.change("UPDATE relays SET state = ? WHERE relay = ? AND state = 'pending'", state, relay.bytes):
                return
            if arrived is None:
                tx.happen("lots", Event.VOID, "source = ?", relay.bytes)
                return
            tx.change(
                "UPDATE lots SET epsilon = ?, emulated = ?, pedigree = ? WHERE source = ? AND state = 'pending'",
                *pedigree_columns(arrived),
                relay.bytes,
            )
            tx.happen("lots", Event.CONFIRM, "source = ?", relay.bytes)

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
        where, values = of_grade(peer, owner, grade, counted=True)
        with self._database.transaction() as tx:
            (in_lots,) = tx.one(f"SELECT COALESCE(SUM(n_left), 0) FROM lots WHERE {where}", *values) or (0,)
            (loose,) = tx.one(f"SELECT COUNT(*) FROM loose WHERE {where}", *values) or (0,)
            return int(in_lots) + int(loose)

    def count_pending(self, peer: str) -> int:
        """Keys of outgoing relays towards peer whose fate is unknown."""
        with self._database.transaction() as tx:
            row = tx.one(
                "SELECT COALESCE(SUM(n_left), 0) FROM lots JOIN relays ON source = relay"
                " WHERE relays.peer = ? AND relays.state = 'pending'",
                peer,
            )
            return 0 if row is None else int(row[0])

    def reserve(
        self, peer: str, owner: str, n_keys: int, purpose: str, grade: Grade = ANY_GRADE
    ) -> tuple[StoredKey, ...]:
        """READY → RESERVED, oldest first, all or none: each becomes a loose key with a row of its own."""
        where, values = of_grade(peer, owner, grade)
        with self._database.transaction() as tx:
            rows = tx.all(
                f"SELECT {LOOSE_COLUMNS} FROM loose WHERE {where} ORDER BY place, key_id LIMIT ?", *values, n_keys
            )
            for row in rows:
                tx.happen("loose", Event.RESERVE, "key_id = ?", row[0])
                tx.change("UPDATE loose SET holder = ?, purpose = ? WHERE key_id = ?", self.writer, purpose, row[0])
            found = [read_loose(tx, row) for row in rows]
            found += _break_lots(tx, where, values, n_keys - len(found), purpose, self.writer)
            if len(found) < n_keys:
                raise KeyUnavailable(f"the pool shared with {peer} holds {len(found)} such keys, {n_keys} are needed")
            return tuple(found)

    def release(self, key_ids: Sequence[UUID]) -> None:
        """RESERVED → READY."""
        with self._database.transaction() as tx:
            for key_id in key_ids:
                tx.happen("loose", Event.RELEASE, "key_id = ?", key_id.bytes)


def read_loose(tx: Transaction, row: tuple[Any, ...]) -> StoredKey:
    """A key from its LOOSE_COLUMNS."""
    key_id, sealed, peer, owner, pedigree = row
    name = UUID(bytes=key_id)
    return StoredKey(name, tx.unseal(sealed, "loose", name), peer, owner, read_pedigree(pedigree))


def of_grade(peer: str, owner: str, grade: Grade, *, counted: bool = False) -> tuple[str, tuple[object, ...]]:
    """The condition on rows of lots or loose keys that are READY and of a grade, and its values.

    counted: for a sum over them all, by the index `lots_ready`; else they are wanted by age, and the plus sign keeps
    SQLite, which would have to sort, from that index.
    """
    emulated = "emulated" if counted else "+emulated"
    where = f"peer = ? AND owner = ? AND state = 'ready' AND {emulated} <= ?"
    values = peer, owner, int(grade.emulated)
    if grade.max_epsilon is None:
        return where, values
    return f"{where} AND epsilon <= ?", (*values, grade.max_epsilon)


def _break_lots(
    tx: Transaction, where: str, values: tuple[object, ...], n_keys: int, purpose: str, holder: str
) -> Iterator[StoredKey]:
    """Take up to n_keys out of READY lots, oldest first, as RESERVED loose keys."""
    while n_keys > 0:
        row = tx.one(f"SELECT {COLUMNS} FROM lots WHERE {where} {OLDEST_FIRST} LIMIT 1", *values)
        if row is None:
            return
        lot = open_lot(tx, row)
        places = lot.left[:n_keys]
        for key in stored_keys(lot, places):
            _insert_loose(tx, key, lot.born_ns, purpose, holder)
            yield key
        lot.burn(places)
        save(tx, lot)
        n_keys -= len(places)


def _insert_loose(tx: Transaction, key: StoredKey, place: int, purpose: str, holder: str) -> None:
    tx.change(
        "INSERT INTO loose VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        key.key_id.bytes,
        place,
        key.peer,
        key.owner,
        KeyState.RESERVED,
        *pedigree_columns(key.pedigree),
        purpose,
        holder,
        tx.seal(key.secret, "loose", key.key_id),
    )


def _add_relay(tx: Transaction, relay: UUID, peer: str, state: str, pedigree: bytes | None) -> bool:
    return bool(
        tx.change(
            "INSERT INTO relays (relay, peer, state, pedigree) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            relay.bytes,
            peer,
            state,
            pedigree,
        )
    )
