"""Keys that cross between operators, in the store of a gateway: arrivals, departures, acknowledgements owed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from haris.keys.foreign import ACK_OF, ARRIVALS, Ack, Arrival, ArrivalEvent, Crossing, Departure, ForeignKey, Parties
from haris.node.store.assignments import insert_assigned
from haris.node.store.database import Database, Transaction
from haris.node.store.lots import find
from haris.nouns.assignments import Assignment
from haris.nouns.errors import KeyNotFound, PeerError
from haris.nouns.ids import split_key_id
from haris.nouns.keys import DeliveredKey, Pedigree
from haris.wire.etsi020 import AckStatus

SCHEMA = """
CREATE TABLE arrivals (operator TEXT NOT NULL, key_id BLOB NOT NULL, initiator TEXT NOT NULL, targets TEXT NOT NULL,
    state TEXT NOT NULL, owed INTEGER NOT NULL, digest BLOB NOT NULL, pedigree BLOB, passed_on TEXT NOT NULL,
    secret BLOB, PRIMARY KEY (operator, key_id)) STRICT;
CREATE INDEX arrivals_open ON arrivals (state) WHERE state IN ('received', 'carrying', 'voiding', 'failing');
CREATE INDEX arrivals_of_parties ON arrivals (operator, initiator, targets);
CREATE TABLE departures (operator TEXT NOT NULL, key_id BLOB NOT NULL, initiator TEXT NOT NULL, targets TEXT NOT NULL,
    state TEXT NOT NULL, relayed TEXT NOT NULL, PRIMARY KEY (operator, key_id)) STRICT;
CREATE INDEX departures_open ON departures (state) WHERE state IN ('sent', 'voiding');
CREATE TABLE acks_owed (operator TEXT NOT NULL, key_id BLOB NOT NULL, initiator TEXT NOT NULL, targets TEXT NOT NULL,
    status TEXT NOT NULL, PRIMARY KEY (operator, key_id, initiator, targets)) STRICT
"""

_THESE = "operator = ? AND key_id = ?"
_OF_PARTIES = "operator = ? AND initiator = ? AND targets = ?"


class ForeignKeys:
    """The ForeignStore of keys/foreign.py."""

    _database: Database

    def receive_foreign(self, keys: Sequence[ForeignKey], *, owed: bool) -> None:
        """Keep keys as RECEIVED, all or none; the very same key again is acknowledged again."""
        with self._database.transaction() as tx:
            for key in keys:
                _receive(tx, key, owed)

    def foreign_states(self, operator: str, key_ids: Sequence[UUID]) -> dict[UUID, Arrival]:
        """The state of each key that the operator ever named."""
        with self._database.transaction() as tx:
            return {key_id: Arrival(state) for key_id, state in _states(tx, "arrivals", operator, key_ids)}

    def is_own_key(self, key_id: UUID) -> bool:
        """Whether a key_ID is one of this network's own, as far as this site knows."""
        with self._database.transaction() as tx:
            if tx.one("SELECT 1 FROM announced WHERE key_id = ?", key_id.bytes):
                return True
            lot = find(tx, *split_key_id(key_id))
            if lot is not None:
                lot.wipe()
            return lot is not None

    def foreign_received(self) -> tuple[Crossing, ...]:
        """Keys that wait to be carried."""
        with self._database.transaction() as tx:
            columns = "key_id, operator, initiator, targets"
            return _crossings(tx.all(f"SELECT {columns} FROM arrivals WHERE state = 'received'"))

    def begin_carriage(self, operator: str, key_ids: Sequence[UUID]) -> tuple[ForeignKey, ...]:
        """RECEIVED → CARRYING; the keys that did."""
        with self._database.transaction() as tx:
            won = [key_id for key_id in key_ids if _happen(tx, operator, key_id, ArrivalEvent.CARRY)]
            return tuple(_read_key(tx, operator, key_id) for key_id in won)

    def keep_foreign(self, owner: str, assignment: Assignment, secret: bytes) -> None:
        """A key for slaves at this very site: ASSIGNED here."""
        with self._database.transaction() as tx:
            if tx.one("SELECT 1 FROM assigned WHERE key_id = ?", assignment.key_id.bytes):
                raise PeerError(f"key {assignment.key_id} is voided, or assigned otherwise")
            insert_assigned(tx, owner, assignment, DeliveredKey(assignment.key_id, secret, assignment.pedigree))

    def settle_carriage(self, operator: str, key_ids: Sequence[UUID], event: ArrivalEvent) -> tuple[UUID, ...]:
        """CARRYING → RELAYED or FAILED, secrets overwritten; the keys that did."""
        with self._database.transaction() as tx:
            tx.change_each(
                f"UPDATE arrivals SET secret = NULL WHERE {_THESE}", [(operator, key_id.bytes) for key_id in key_ids]
            )
            return tuple(key_id for key_id in key_ids if _happen(tx, operator, key_id, event))

    def void_foreign(self, parties: Parties, key_ids: Sequence[UUID], *, owed: bool) -> None:
        """Void keys of these parties; what never came is remembered and refused for ever."""
        with self._database.transaction() as tx:
            for key_id in key_ids:
                _void(tx, parties, key_id, owed)

    def void_words(self, parties: Parties, key_ids: Sequence[UUID]) -> dict[UUID, AckStatus]:
        """What became of voided keys, as far as that is settled."""
        with self._database.transaction() as tx:
            words = {key_id: _void_word(tx, parties, key_id) for key_id in key_ids}
            return {key_id: status for key_id, status in words.items() if status is not None}

    def foreign_of(self, parties: Parties) -> tuple[UUID, ...]:
        """Keys of these parties that can still be voided."""
        states = ", ".join(f"'{state}'" for state in _before(ArrivalEvent.VOID))
        with self._database.transaction() as tx:
            where = f"{_OF_PARTIES} AND state IN ({states}, 'sent')"
            rows = [
                row
                for table in ("arrivals", "departures")
                for row in tx.all(f"SELECT key_id FROM {table} WHERE {where}", *_columns(parties))
            ]
            return tuple(UUID(bytes=key_id) for (key_id,) in rows)

    def foreign_recalls(self) -> tuple[Crossing, ...]:
        """Keys to be taken back."""
        with self._database.transaction() as tx:
            return _crossings(
                tx.all(
                    "SELECT key_id, operator, initiator, targets FROM arrivals WHERE state IN ('voiding', 'failing')"
                )
            )

    def settle_recall(self, operator: str, key_id: UUID, *, fetched: bool) -> None:
        """A key was taken back, or a target had it before."""
        with self._database.transaction() as tx:
            _happen(tx, operator, key_id, ArrivalEvent.FETCHED if fetched else ArrivalEvent.EMPTIED)

    def doubt_carriages(self) -> int:
        """After a start: what a crash left CARRYING is FAILING."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT operator, key_id FROM arrivals WHERE state = 'carrying'")
            tx.change("UPDATE arrivals SET secret = NULL WHERE state = 'carrying'")
            return sum(_happen(tx, operator, UUID(bytes=key_id), ArrivalEvent.DOUBT) for operator, key_id in rows)

    def acks_owed(self, operator: str) -> tuple[Ack, ...]:
        """What the operator is to be told."""
        with self._database.transaction() as tx:
            rows = tx.all(
                "SELECT key_id, operator, initiator, targets, status FROM acks_owed WHERE operator = ?"
                " ORDER BY initiator, targets, status, key_id",
                operator,
            )
            return tuple(Ack(UUID(bytes=row[0]), _parties(*row[1:4]), AckStatus(row[4])) for row in rows)

    def acks_told(self, acks: Sequence[Ack]) -> None:
        """It was told; a newer word on the same key stays owed."""
        with self._database.transaction() as tx:
            tx.change_each(
                f"DELETE FROM acks_owed WHERE {_OF_PARTIES} AND key_id = ? AND status = ?",
                [(*_columns(ack.parties), ack.key_id.bytes, ack.status) for ack in acks],
            )

    def note_departures(self, parties: Parties, key_ids: Sequence[UUID]) -> tuple[UUID, ...]:
        """SENT, before anything is sent; the keys that were never noted before."""
        with self._database.transaction() as tx:
            return tuple(
                key_id
                for key_id in key_ids
                if tx.change(
                    "INSERT INTO departures VALUES (?, ?, ?, ?, 'sent', '[]') ON CONFLICT DO NOTHING",
                    *(parties.operator, key_id.bytes, parties.initiator, _written(parties.targets)),
                )
            )

    def departures(self, operator: str, key_ids: Sequence[UUID]) -> dict[UUID, Departure]:
        """The state of each key that ever departed to the operator."""
        with self._database.transaction() as tx:
            return {key_id: Departure(state) for key_id, state in _states(tx, "departures", operator, key_ids)}

    def departure_states(self, key_ids: Sequence[UUID]) -> dict[UUID, tuple[Departure, ...]]:
        """The states of each key that ever departed, one an operator."""
        with self._database.transaction() as tx:
            found = {
                key_id: tx.all("SELECT state FROM departures WHERE key_id = ?", key_id.bytes) for key_id in key_ids
            }
            return {key_id: tuple(Departure(state) for (state,) in rows) for key_id, rows in found.items() if rows}

    def slaves_with(self, key_ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
        """Of keys assigned here, the slaves that have fetched them."""
        fetched = "SELECT slave FROM assigned_slaves WHERE key_id = ? AND fetched = 1"
        with self._database.transaction() as tx:
            found = {key_id: tx.all(fetched, key_id.bytes) for key_id in key_ids}
            return {key_id: tuple(slave for (slave,) in rows) for key_id, rows in found.items()}

    def take_acks(self, acks: Sequence[Ack]) -> None:
        """The operator tells what became of keys; all or none."""
        with self._database.transaction() as tx:
            for ack in acks:
                _take(tx, ack)

    def refuse_departures(self, operator: str, key_ids: Sequence[UUID]) -> None:
        """SENT → FAILED: the operator keeps nothing of them."""
        with self._database.transaction() as tx:
            tx.change_each(
                f"UPDATE departures SET state = 'failed' WHERE {_THESE} AND state = 'sent'",
                [(operator, key_id.bytes) for key_id in key_ids],
            )

    def void_departures(self, key_ids: Sequence[UUID]) -> tuple[tuple[str, UUID], ...]:
        """SENT, RELAYED → VOIDING; returns what is VOIDING now."""
        with self._database.transaction() as tx:
            tx.change_each(
                "UPDATE departures SET state = 'voiding' WHERE key_id = ? AND state IN ('sent', 'relayed')",
                [(key_id.bytes,) for key_id in key_ids],
            )
            return tuple(
                (operator, key_id)
                for key_id in key_ids
                for (operator,) in tx.all(
                    "SELECT operator FROM departures WHERE key_id = ? AND state = 'voiding'", key_id.bytes
                )
            )

    def void_departures_in_doubt(self) -> int:
        """After a start: SENT → VOIDING."""
        with self._database.transaction() as tx:
            return tx.change("UPDATE departures SET state = 'voiding' WHERE state = 'sent'")

    def departures_to_void(self, operator: str) -> tuple[Crossing, ...]:
        """Keys that the operator is still to void."""
        with self._database.transaction() as tx:
            return _crossings(
                tx.all(
                    "SELECT key_id, operator, initiator, targets FROM departures"
                    " WHERE operator = ? AND state = 'voiding' ORDER BY initiator, targets",
                    operator,
                )
            )


def _states(tx: Transaction, table: str, operator: str, key_ids: Sequence[UUID]) -> list[tuple[UUID, str]]:
    rows = [(key_id, tx.one(f"SELECT state FROM {table} WHERE {_THESE}", operator, key_id.bytes)) for key_id in key_ids]
    return [(key_id, row[0]) for key_id, row in rows if row is not None]


def _receive(tx: Transaction, key: ForeignKey, owed: bool) -> None:
    parties, place = key.parties, ("arrivals", key.parties.operator, key.key_id)
    row = tx.one(f"SELECT state, digest FROM arrivals WHERE {_THESE}", parties.operator, key.key_id.bytes)
    if row is None:
        tx.change(
            "INSERT INTO arrivals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(parties.operator, key.key_id.bytes, parties.initiator, _written(parties.targets), Arrival.RECEIVED),
            *(int(owed), tx.seal(_digest(key), *place, "digest"), msgspec.json.encode(key.pedigree), key.passed_on),
            tx.seal(key.secret, *place),
        )
        return
    if row[0] == Arrival.ABSENT:
        tx.change(
            f"UPDATE arrivals SET state = 'voided', initiator = ?, targets = ? WHERE {_THESE}",
            *(parties.initiator, _written(parties.targets), parties.operator, key.key_id.bytes),
        )
    elif row[1] and tx.unseal(row[1], *place, "digest") != _digest(key):  # none: voided before it came
        raise PeerError(f"key_id {key.key_id} came before with another key or other SAEs")
    tx.change(f"UPDATE arrivals SET owed = ? WHERE {_THESE}", int(owed), parties.operator, key.key_id.bytes)
    _owe(tx, parties.operator, key.key_id)


def _void(tx: Transaction, parties: Parties, key_id: UUID, owed: bool) -> None:
    if _is_departure(tx, parties, key_id):
        tx.change(
            f"UPDATE departures SET state = 'failed' WHERE {_THESE} AND state = 'sent'", parties.operator, key_id.bytes
        )
        status = _void_word(tx, parties, key_id)
        if owed and status is not None:
            _owe_word(tx, key_id, parties, status)
        return
    tx.change(
        "INSERT INTO arrivals VALUES (?, ?, ?, ?, 'absent', ?, x'', NULL, '', NULL) ON CONFLICT DO NOTHING",
        *(parties.operator, key_id.bytes, parties.initiator, _written(parties.targets), int(owed)),
    )
    found = tx.one(f"SELECT initiator, targets FROM arrivals WHERE {_THESE}", parties.operator, key_id.bytes)
    if found != (parties.initiator, _written(parties.targets)):
        if owed:
            _owe_word(tx, key_id, parties, AckStatus.KEY_NOT_PRESENT)
        return
    tx.change(f"UPDATE arrivals SET owed = ? WHERE {_THESE}", int(owed), parties.operator, key_id.bytes)
    if not _happen(tx, parties.operator, key_id, ArrivalEvent.VOID):
        _owe(tx, parties.operator, key_id)


def _void_word(tx: Transaction, parties: Parties, key_id: UUID) -> AckStatus | None:
    """What a request to void a key is answered with; None while that is open."""
    these = (parties.operator, key_id.bytes)
    if _is_departure(tx, parties, key_id):
        row = tx.one(f"SELECT state FROM departures WHERE {_THESE}", *these)
        kept = row is not None and row[0] in (Departure.RELAYED, Departure.KEPT)
        return AckStatus.FAILED_TO_VOID if kept else AckStatus.VOIDED
    row = tx.one(f"SELECT state, initiator, targets FROM arrivals WHERE {_THESE}", *these)
    if row is None or row[1:] != (parties.initiator, _written(parties.targets)):
        return AckStatus.KEY_NOT_PRESENT
    return ACK_OF.get(Arrival(row[0]))


def _is_departure(tx: Transaction, parties: Parties, key_id: UUID) -> bool:
    found = tx.one(f"SELECT initiator, targets FROM departures WHERE {_THESE}", parties.operator, key_id.bytes)
    return found == (parties.initiator, _written(parties.targets))


def _happen(tx: Transaction, operator: str, key_id: UUID, event: ArrivalEvent) -> bool:
    """Let event happen to an arrival that is in a state for it; what settles it is owed to the operator."""
    for state in _before(event):
        reached = ARRIVALS[state, event]
        spend = "" if reached is Arrival.CARRYING else ", secret = NULL"
        if tx.change(
            f"UPDATE arrivals SET state = ?{spend} WHERE {_THESE} AND state = ?", reached, operator, key_id.bytes, state
        ):
            _owe(tx, operator, key_id)
            return True
    return False


def _before(event: ArrivalEvent) -> tuple[Arrival, ...]:
    return tuple(state for state, happening in ARRIVALS if happening is event)


def _owe(tx: Transaction, operator: str, key_id: UUID) -> None:
    """Owe the operator the state of a key, when that is settled and the operator wants to be called."""
    row = tx.one(f"SELECT state, owed, initiator, targets FROM arrivals WHERE {_THESE}", operator, key_id.bytes)
    assert row is not None
    if row[1] and Arrival(row[0]) in ACK_OF:
        _owe_word(tx, key_id, _parties(operator, row[2], row[3]), ACK_OF[Arrival(row[0])])


def _owe_word(tx: Transaction, key_id: UUID, parties: Parties, status: AckStatus) -> None:
    tx.change(f"DELETE FROM acks_owed WHERE {_OF_PARTIES} AND key_id = ?", *_columns(parties), key_id.bytes)
    tx.change(
        "INSERT INTO acks_owed VALUES (?, ?, ?, ?, ?)",
        *(parties.operator, key_id.bytes, parties.initiator, _written(parties.targets), status),
    )


def _take(tx: Transaction, ack: Ack) -> None:
    """One word of the other operator on a key that we sent. What a state does not await changes nothing."""
    these = (ack.parties.operator, ack.key_id.bytes)
    row = tx.one(f"SELECT state, initiator, targets, relayed FROM departures WHERE {_THESE}", *these)
    targets = () if row is None else _read(row[2])
    if row is None or row[1] != ack.parties.initiator or not set(ack.parties.targets) <= set(targets):
        raise KeyNotFound(f"key {ack.key_id} was not sent for these SAEs")
    relayed = set(_read(row[3])) | (set(ack.parties.targets) if ack.status is AckStatus.RELAYED else set())
    state = _departure_after(Departure(row[0]), ack.status, len(targets), len(relayed))
    tx.change(f"UPDATE departures SET state = ?, relayed = ? WHERE {_THESE}", state, _written(sorted(relayed)), *these)


def _departure_after(state: Departure, status: AckStatus, n_targets: int, n_relayed: int) -> Departure:
    if state is Departure.SENT:
        if status is AckStatus.RELAYED:
            return Departure.RELAYED if n_relayed == n_targets else Departure.SENT
        # One target without the key: the others shall not keep it either.
        return Departure.FAILED if n_targets == 1 else Departure.VOIDING
    if state is Departure.VOIDING:
        if status in (AckStatus.VOIDED, AckStatus.KEY_NOT_PRESENT):
            return Departure.VOIDED
        if status is AckStatus.FAILED_TO_VOID:
            return Departure.KEPT
    return state


def _read_key(tx: Transaction, operator: str, key_id: UUID) -> ForeignKey:
    row = tx.one(
        f"SELECT initiator, targets, pedigree, passed_on, secret FROM arrivals WHERE {_THESE}", operator, key_id.bytes
    )
    assert row is not None
    initiator, targets, pedigree, passed_on, sealed = row
    secret = tx.unseal(sealed, "arrivals", operator, key_id)
    parties = _parties(operator, initiator, targets)
    return ForeignKey(key_id, secret, parties, msgspec.json.decode(pedigree, type=Pedigree), passed_on)


def _digest(key: ForeignKey) -> bytes:
    """What must be the same when a key comes again. It outlives the secret, so that it tells little of it."""
    said = msgspec.json.encode((key.parties, key.pedigree, key.passed_on))
    return hashlib.sha256(said).digest() + hashlib.sha256(key.secret).digest()[:4]


def _crossings(rows: Sequence[tuple[Any, ...]]) -> tuple[Crossing, ...]:
    return tuple(Crossing(UUID(bytes=row[0]), _parties(*row[1:4])) for row in rows)


def _columns(parties: Parties) -> tuple[str, str, str]:
    return parties.operator, parties.initiator, _written(parties.targets)


def _parties(operator: str, initiator: str, targets: str) -> Parties:
    return Parties(operator, initiator, _read(targets))


def _written(names: Sequence[str]) -> str:
    return msgspec.json.encode(list(names)).decode()


def _read(names: str) -> tuple[str, ...]:
    return msgspec.json.decode(names, type=tuple[str, ...])
