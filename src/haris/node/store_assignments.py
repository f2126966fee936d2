"""Assignments in the store: announced by this site as owner, and held by it for the slaves that it serves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

import msgspec

from haris.keys.assignment import assemble_key
from haris.keys.lifecycle import Event, KeyState
from haris.node.database import Database, Transaction
from haris.node.store_stock import STOCK_COLUMNS, read_stock
from haris.nouns.assignments import Assignment, Void
from haris.nouns.errors import KeyNotFound, PeerError, StoreError, Unauthorised
from haris.nouns.keys import DeliveredKey, Pedigree, StoredKey


class Assignments:
    """The AssignmentStore of keys/store.py."""

    _database: Database

    def record_assignments(self, peer: str, assignments: Sequence[Assignment]) -> None:
        """The owner's durable note, before it announces them."""
        with self._database.transaction() as tx:
            rows = [(each.key_id.bytes, peer, _packed(each.stock)) for each in assignments]
            tx.change_each("INSERT INTO announced VALUES (?, ?, 'announced', ?)", rows)

    def keep_assignments(self, owner: str, assignments: Sequence[Assignment]) -> None:
        """Slaves at the owner's own site: the key of RESERVED stock is ASSIGNED here too."""
        with self._database.transaction() as tx:
            for assignment in assignments:
                stock = [_stock_in(tx, key_id, KeyState.RESERVED) for key_id in assignment.stock]
                if any(piece is None or piece.owner != owner for piece in stock):
                    raise StoreError(f"key {assignment.key_id}: its stock is not reserved here")
                _insert_assigned(tx, owner, assignment, [piece for piece in stock if piece is not None])

    def close_assignments(self, key_ids: Sequence[UUID], *, delivered: bool) -> None:
        """The owner's reserved stock → SPENT; undelivered, the peers are owed a void."""
        event, state = (Event.DELIVER, "delivered") if delivered else (Event.VOID, "burnt")
        with self._database.transaction() as tx:
            for key_id in key_ids:
                rows = tx.all("SELECT stock FROM announced WHERE key_id = ? AND state = 'announced'", key_id.bytes)
                for piece in (piece for (stock,) in rows for piece in _unpacked(stock)):
                    tx.happen("stock", event, "key_id = ?", piece.bytes)
                tx.change(
                    "UPDATE announced SET state = ? WHERE key_id = ? AND state = 'announced'", state, key_id.bytes
                )
                if rows and not delivered:
                    tx.happen("assigned", Event.VOID, "key_id = ?", key_id.bytes)

    def assignments_in_doubt(self) -> tuple[tuple[str, UUID], ...]:
        """(peer, key_id) announced but neither delivered nor closed."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT peer, key_id FROM announced WHERE state = 'announced'")
            return tuple((peer, UUID(bytes=key_id)) for peer, key_id in rows)

    def voids_owed(self, peer: str) -> tuple[Void, ...]:
        """What peer is still to be told to void."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT key_id, stock FROM announced WHERE peer = ? AND state = 'burnt'", peer)
            return tuple(Void(UUID(bytes=key_id), _unpacked(stock)) for key_id, stock in rows)

    def void_told(self, peer: str, key_ids: Sequence[UUID]) -> None:
        """Peer has voided them."""
        with self._database.transaction() as tx:
            tx.change_each(
                "UPDATE announced SET state = 'voided' WHERE key_id = ? AND peer = ? AND state = 'burnt'",
                [(key_id.bytes, peer) for key_id in key_ids],
            )

    def accept_assignments(self, owner: str, assignments: Sequence[Assignment]) -> None:
        """At the other site: stock READY → SPENT, the keys made of it ASSIGNED, all or none."""
        with self._database.transaction() as tx:
            for assignment in assignments:
                if not _is_repeated(tx, owner, assignment):
                    _accept(tx, owner, assignment)

    def void_assignments(self, owner: str, voids: Sequence[Void]) -> None:
        """At the other site: stock and keys not yet fetched → SPENT; unknown keys are remembered as void."""
        with self._database.transaction() as tx:
            for void in voids:
                tx.change(
                    "INSERT OR IGNORE INTO assigned VALUES (?, ?, '', 'spent', x'', x'', NULL)",
                    void.key_id.bytes,
                    owner,
                )
                tx.happen("assigned", Event.VOID, "key_id = ? AND owner = ?", void.key_id.bytes, owner)
                for piece in void.stock:
                    tx.happen("stock", Event.VOID, "key_id = ? AND peer = ? AND owner = ?", piece.bytes, owner, owner)

    def fetch_assigned(self, master: str, slave: str, key_ids: Sequence[UUID]) -> tuple[DeliveredKey, ...]:
        """Deliver to one slave, once, all or none."""
        with self._database.transaction() as tx:
            for key_id in key_ids:
                _require_named(tx, master, slave, key_id)
            return tuple(_fetch(tx, slave, key_id) for key_id in key_ids)


def burn_orphans(tx: Transaction) -> None:
    """Stock that a crash left reserved and unannounced → SPENT; its peer is owed a void."""
    open_rows = tx.all("SELECT stock FROM announced WHERE state = 'announced'")
    announced = {piece.bytes for (stock,) in open_rows for piece in _unpacked(stock)}
    for key_id, peer in tx.all("SELECT key_id, peer FROM stock WHERE state = 'reserved'"):
        if key_id not in announced:
            tx.happen("stock", Event.VOID, "key_id = ?", key_id)
            tx.change("INSERT OR IGNORE INTO announced VALUES (?, ?, 'burnt', ?)", key_id, peer, key_id)


def _packed(stock: Sequence[UUID]) -> bytes:
    return b"".join(key_id.bytes for key_id in stock)


def _unpacked(stock: bytes) -> tuple[UUID, ...]:
    return tuple(UUID(bytes=stock[at : at + 16]) for at in range(0, len(stock), 16))


def _digest(assignment: Assignment) -> bytes:
    return hashlib.sha256(msgspec.json.encode(assignment)).digest()


def _is_repeated(tx: Transaction, owner: str, assignment: Assignment) -> bool:
    """Whether the very same assignment is held; PeerError when another, or a voided one, bears its key_ID."""
    row = tx.one("SELECT owner, digest FROM assigned WHERE key_id = ?", assignment.key_id.bytes)
    if row is None:
        return False
    if row != (owner, _digest(assignment)):
        raise PeerError(f"key {assignment.key_id} is voided, or assigned otherwise")
    return True


def _accept(tx: Transaction, owner: str, assignment: Assignment) -> None:
    stock: list[StoredKey] = []
    for key_id in assignment.stock:
        piece = _stock_in(tx, key_id, KeyState.READY)
        if piece is None or (piece.peer, piece.owner) != (owner, owner):
            raise PeerError(f"key {assignment.key_id}: stock {key_id} is not here for {owner} to assign")
        stock.append(piece)
        tx.happen("stock", Event.CONSUME, "key_id = ?", key_id.bytes)
    _insert_assigned(tx, owner, assignment, stock)


def _stock_in(tx: Transaction, key_id: UUID, state: KeyState) -> StoredKey | None:
    row = tx.one(f"SELECT {STOCK_COLUMNS} FROM stock WHERE key_id = ? AND state = ?", key_id.bytes, state)
    return None if row is None else read_stock(tx, row)


def _insert_assigned(tx: Transaction, owner: str, assignment: Assignment, stock: Sequence[StoredKey]) -> None:
    if not assignment.slaves or len(set(assignment.slaves)) != len(assignment.slaves):
        raise PeerError(f"key {assignment.key_id} is assigned to nobody, or to one slave twice")
    key = assemble_key(assignment, stock)
    name = key.key_id
    tx.change(
        "INSERT INTO assigned VALUES (?, ?, ?, ?, ?, ?, ?)",
        name.bytes,
        owner,
        assignment.master,
        KeyState.ASSIGNED,
        _digest(assignment),
        msgspec.json.encode(key.pedigree),
        tx.seal(key.secret, "assigned", name),
    )
    tx.change_each(
        "INSERT INTO assigned_slaves (key_id, slave) VALUES (?, ?)",
        [(name.bytes, slave) for slave in assignment.slaves],
    )


def _require_named(tx: Transaction, master: str, slave: str, key_id: UUID) -> None:
    """KeyNotFound for a key never assigned here or void, Unauthorised for a caller that it was not assigned to."""
    row = tx.one("SELECT master FROM assigned WHERE key_id = ?", key_id.bytes)
    if row is None or not row[0]:
        raise KeyNotFound(f"key {key_id} is not held here")
    named = tx.one("SELECT 1 FROM assigned_slaves WHERE key_id = ? AND slave = ?", key_id.bytes, slave)
    if row[0] != master or not named:
        raise Unauthorised(f"key {key_id} was not made by {master} for {slave}")


def _fetch(tx: Transaction, slave: str, key_id: UUID) -> DeliveredKey:
    row = tx.one("SELECT pedigree, secret FROM assigned WHERE key_id = ? AND state = 'assigned'", key_id.bytes)
    fetched = tx.change(
        "UPDATE assigned_slaves SET fetched = 1 WHERE key_id = ? AND slave = ? AND NOT fetched", key_id.bytes, slave
    )
    if row is None or not fetched:
        raise KeyNotFound(f"key {key_id} is spent")
    if not tx.one("SELECT 1 FROM assigned_slaves WHERE key_id = ? AND NOT fetched", key_id.bytes):
        tx.happen("assigned", Event.FETCH, "key_id = ?", key_id.bytes)
    pedigree, sealed = row
    return DeliveredKey(key_id, tx.unseal(sealed, "assigned", key_id), msgspec.json.decode(pedigree, type=Pedigree))
