"""Assignments in the store: announced by this site as owner, and held by it for the slaves that it serves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

import msgspec
import numpy as np

from haris.keys.assignment import assemble_key
from haris.keys.lifecycle import Event, KeyState
from haris.manage.audit import AuditRecord, Delivery, key_ranges
from haris.node.store.audit import append_audit
from haris.node.store.database import Database, Transaction
from haris.node.store.lots import find, read_pedigree, save, stored_keys
from haris.node.store.owed import require_purged
from haris.node.store.stock import LOOSE_COLUMNS, read_loose
from haris.nouns.assignments import Assignment, Handover, Void
from haris.nouns.errors import KeyNotFound, PeerError, StoreError, Unauthorised
from haris.nouns.ids import split_key_id
from haris.nouns.key_batch import KeyBatch
from haris.nouns.keys import DeliveredKey, StoredKey

SCHEMA = """
CREATE TABLE announced (key_id BLOB NOT NULL, peer TEXT NOT NULL, state TEXT NOT NULL, stock BLOB NOT NULL,
    holder TEXT NOT NULL, since_ns INTEGER NOT NULL, PRIMARY KEY (key_id, peer)) STRICT;
CREATE INDEX announced_by_age ON announced (since_ns);
CREATE INDEX announced_open ON announced (peer) WHERE state IN ('announced', 'burnt');
CREATE TABLE assigned (key_id BLOB PRIMARY KEY, owner TEXT NOT NULL, master TEXT NOT NULL, state TEXT NOT NULL,
    digest BLOB NOT NULL, pedigree BLOB NOT NULL, since_ns INTEGER NOT NULL, secret BLOB) STRICT;
CREATE INDEX assigned_by_age ON assigned (since_ns);
CREATE TABLE assigned_slaves (key_id BLOB NOT NULL, slave TEXT NOT NULL, fetched INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (key_id, slave)) STRICT
"""


class Assignments:
    """The AssignmentStore of keys/store.py."""

    _database: Database
    writer: str

    def record_assignments(self, peer: str, assignments: Sequence[Assignment]) -> None:
        """The owner's durable note, before it announces them."""
        with self._database.transaction() as tx:
            for master, slave in {(each.master, slave) for each in assignments for slave in each.slaves}:
                require_purged(tx, peer, master, slave)
            rows = [(each.key_id.bytes, peer, _packed(each.stock), self.writer, tx.now_ns) for each in assignments]
            tx.change_each("INSERT INTO announced VALUES (?, ?, 'announced', ?, ?, ?)", rows)

    def keep_assignments(self, owner: str, assignments: Sequence[Assignment]) -> None:
        """Slaves at the owner's own site: the key of RESERVED stock is ASSIGNED here too."""
        with self._database.transaction() as tx:
            for assignment in assignments:
                stock = [_reserved(tx, key_id) for key_id in assignment.stock]
                if any(piece is None or piece.owner != owner for piece in stock):
                    raise StoreError(f"key {assignment.key_id}: its stock is not reserved here")
                held = [piece for piece in stock if piece is not None]
                insert_assigned(tx, owner, assignment, assemble_key(assignment, held))

    def close_assignments(self, key_ids: Sequence[UUID], *, delivered: bool, handover: Handover | None = None) -> None:
        """The owner's reserved stock → SPENT; undelivered, the peers are owed a void."""
        with self._database.transaction() as tx:
            for key_id in key_ids:
                if delivered:
                    _deliver(tx, key_id, self.writer)
                else:
                    _burn(tx, key_id, self.writer)
            if delivered and handover is not None:
                append_audit(tx, self.writer, tx.now_ns, [_record(handover, key_ids)])

    def assignments_in_doubt(self) -> tuple[tuple[str, UUID], ...]:
        """(peer, key_id) announced by this process, or one that it took over from, but neither delivered nor closed."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT peer, key_id FROM announced WHERE state = 'announced' AND holder = ?", self.writer)
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

    def void_assignments(self, owner: str, voids: Sequence[Void]) -> tuple[UUID, ...]:
        """At the other site: stock and keys not yet fetched → SPENT; unknown keys are remembered as void."""
        with self._database.transaction() as tx:
            names = [void.key_id for void in voids]
            fetched = "SELECT 1 FROM assigned_slaves WHERE key_id = ? AND fetched = 1"
            for void in voids:
                if not _is_anothers(tx, owner, void.key_id):
                    tx.change(
                        "INSERT INTO assigned VALUES (?, ?, '', 'spent', ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
                        void.key_id.bytes,
                        owner,
                        b"",
                        b"",
                        tx.now_ns,
                    )
                tx.happen("assigned", Event.VOID, "key_id = ? AND owner = ?", void.key_id.bytes, owner)
                for piece in void.stock:
                    _take_stock(tx, owner, piece, KeyState.READY, KeyState.LEASED, KeyState.PENDING)
            return tuple(key_id for key_id in names if tx.one(fetched, key_id.bytes))


def burn_reserved(tx: Transaction, holder: str) -> None:
    """Stock that a process has reserved and not announced → SPENT; its peer is owed a void."""
    open_rows = tx.all("SELECT stock FROM announced WHERE state = 'announced' AND holder = ?", holder)
    announced = {piece.bytes for (stock,) in open_rows for piece in _unpacked(stock)}
    for key_id, peer in tx.all("SELECT key_id, peer FROM loose WHERE state = 'reserved' AND holder = ?", holder):
        if key_id not in announced:
            tx.happen("loose", Event.VOID, "key_id = ?", key_id)
            owe_void(tx, key_id, peer)


def owe_void(tx: Transaction, key_id: bytes, peer: str) -> None:
    """Note that peer is to be told that a stored key will never be assigned."""
    tx.change(
        "INSERT INTO announced VALUES (?, ?, 'burnt', ?, '', ?) ON CONFLICT DO NOTHING", key_id, peer, key_id, tx.now_ns
    )


def _deliver(tx: Transaction, key_id: UUID, holder: str) -> None:
    """StoreError when this process no longer holds the key: another took over and has voided it."""
    rows = _announced(tx, key_id, holder)
    pieces = {piece for (stock,) in rows for piece in _unpacked(stock)}
    moved = sum(tx.happen("loose", Event.DELIVER, "key_id = ?", piece.bytes) for piece in pieces)
    if not rows or moved != len(pieces):
        raise StoreError(f"key {key_id} was voided while it was on its way")
    _close(tx, key_id, holder, "delivered")


def _burn(tx: Transaction, key_id: UUID, holder: str) -> None:
    rows = _announced(tx, key_id, holder)
    for piece in (piece for (stock,) in rows for piece in _unpacked(stock)):
        tx.happen("loose", Event.VOID, "key_id = ?", piece.bytes)
    _close(tx, key_id, holder, "burnt")
    if rows:
        tx.happen("assigned", Event.VOID, "key_id = ?", key_id.bytes)


def _announced(tx: Transaction, key_id: UUID, holder: str) -> list[tuple[bytes]]:
    return tx.all(
        "SELECT stock FROM announced WHERE key_id = ? AND state = 'announced' AND holder = ?", key_id.bytes, holder
    )


def _close(tx: Transaction, key_id: UUID, holder: str, state: str) -> None:
    tx.change(
        "UPDATE announced SET state = ? WHERE key_id = ? AND state = 'announced' AND holder = ?",
        state,
        key_id.bytes,
        holder,
    )


def _record(handover: Handover, key_ids: Sequence[UUID]) -> AuditRecord:
    ranges = key_ranges(b"".join(key_id.bytes for key_id in key_ids))
    return Delivery(
        handover.method,
        handover.interface,
        handover.sae,
        handover.master,
        handover.slaves,
        handover.size_bits,
        ranges,
    )


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


def _is_anothers(tx: Transaction, owner: str, key_id: UUID) -> bool:
    """Whether a key_ID is that of a stored key which another site owns: what owner says of it is not heard."""
    prefix, index = split_key_id(key_id)
    sql = "SELECT 1 FROM lots WHERE prefix = ? AND first <= ? AND first + n_keys > ? AND owner <> ?"
    return tx.one(sql, prefix, index, index, owner) is not None


def _accept(tx: Transaction, owner: str, assignment: Assignment) -> None:
    for slave in assignment.slaves:
        require_purged(tx, owner, assignment.master, slave)
    if _is_anothers(tx, owner, assignment.key_id):
        raise PeerError(f"{owner} names a key {assignment.key_id}, as another site's is named")
    stock: list[StoredKey] = []
    for key_id in assignment.stock:
        piece = _take_stock(tx, owner, key_id, KeyState.READY)
        if piece is None:
            raise PeerError(f"key {assignment.key_id}: stock {key_id} is not here for {owner} to assign")
        stock.append(piece)
    insert_assigned(tx, owner, assignment, assemble_key(assignment, stock))


def _take_stock(tx: Transaction, owner: str, key_id: UUID, *states: KeyState) -> StoredKey | None:
    """At the other site: one stored key of owner out of a lot in one of these states, where it is overwritten; None if
    it is not there."""
    prefix, index = split_key_id(key_id)
    lot = find(tx, prefix, index)
    if lot is None or (lot.peer, lot.owner) != (owner, owner) or lot.state not in states:
        return None
    place = np.array([index - lot.first])
    if lot.gone[place[0]]:
        lot.wipe()
        return None
    (piece,) = stored_keys(lot, place)
    lot.burn(place)
    save(tx, lot)
    return piece


def _reserved(tx: Transaction, key_id: UUID) -> StoredKey | None:
    row = tx.one(f"SELECT {LOOSE_COLUMNS} FROM loose WHERE key_id = ? AND state = 'reserved'", key_id.bytes)
    return None if row is None else read_loose(tx, row)


def insert_assigned(tx: Transaction, owner: str, assignment: Assignment, key: DeliveredKey) -> None:
    """The key of an assignment becomes ASSIGNED. PeerError when it is assigned to nobody, or to one slave twice."""
    if not assignment.slaves or len(set(assignment.slaves)) != len(assignment.slaves):
        raise PeerError(f"key {assignment.key_id} is assigned to nobody, or to one slave twice")
    name = key.key_id
    tx.change(
        "INSERT INTO assigned VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        name.bytes,
        owner,
        assignment.master,
        KeyState.ASSIGNED,
        _digest(assignment),
        msgspec.json.encode(key.pedigree),
        tx.now_ns,
        tx.seal(key.secret, "assigned", name),
    )
    tx.change_each(
        "INSERT INTO assigned_slaves (key_id, slave) VALUES (?, ?)",
        [(name.bytes, slave) for slave in assignment.slaves],
    )


def fetch_assigned(tx: Transaction, master: str, slave: str, key_id: UUID) -> KeyBatch:
    """One assigned key for one of its slaves, once.

    KeyNotFound for a key never assigned here, fetched before or void; Unauthorised for a caller that it is not for.
    """
    row = tx.one("SELECT master, state, pedigree, secret FROM assigned WHERE key_id = ?", key_id.bytes)
    if row is None or not row[0]:
        raise KeyNotFound(f"key {key_id} is not held here")
    named = tx.one("SELECT fetched FROM assigned_slaves WHERE key_id = ? AND slave = ?", key_id.bytes, slave)
    if row[0] != master or named is None:
        raise Unauthorised(f"key {key_id} was not made by {master} for {slave}")
    if row[1] != KeyState.ASSIGNED or named[0]:
        raise KeyNotFound(f"key {key_id} is spent")
    tx.change("UPDATE assigned_slaves SET fetched = 1 WHERE key_id = ? AND slave = ?", key_id.bytes, slave)
    if not tx.one("SELECT 1 FROM assigned_slaves WHERE key_id = ? AND fetched = 0", key_id.bytes):
        tx.happen("assigned", Event.FETCH, "key_id = ?", key_id.bytes)
    secret = tx.unseal_into(row[3], "assigned", key_id)
    return KeyBatch(key_id.bytes, secret, 8 * len(secret), read_pedigree(row[2]))
