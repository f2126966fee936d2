"""Leases in the store: lots that a pair of applications has for itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.keys.lifecycle import Event, KeyState
from haris.keys.store import Fetch, Grade, Outcome, Take
from haris.node.store.assignments import owe_void
from haris.node.store.database import Database, Transaction
from haris.node.store.deliveries import deliver
from haris.node.store.hot_lots import HotLots
from haris.node.store.lots import (
    COLUMNS,
    LOT_KEYS,
    OLDEST_FIRST,
    Lot,
    cut_out,
    find,
    open_lot,
    pack_gone,
    read_pedigree,
    save,
    unpack_gone,
    wipe_all,
)
from haris.node.store.owed import require_purged
from haris.node.store.stock import of_grade
from haris.nouns.assignments import Lease
from haris.nouns.errors import KeyUnavailable, PeerError, StoreError
from haris.nouns.ids import join_key_id
from haris.nouns.keys import Origin


class Leases:
    """The LeaseStore of keys/store.py."""

    _database: Database
    _hot: HotLots
    writer: str

    def offer_leases(
        self, peer: str, owner: str, master: str, slave: str, n_keys: int, grade: Grade
    ) -> tuple[Lease, ...]:
        """READY → OFFERED, oldest first, up to n_keys."""
        where, values = of_grade(peer, owner, grade)
        leases: list[Lease] = []
        with self._database.transaction() as tx:
            require_purged(tx, peer, master, slave)
            while n_keys > 0:
                rows = tx.all(
                    f"SELECT prefix, first, n_left, gone FROM lots WHERE {where} {OLDEST_FIRST} LIMIT ?",
                    *values,
                    -(-n_keys // LOT_KEYS),
                )
                whole = list(_up_to(rows, n_keys))
                offered = [_lease_of_row(prefix, first, gone, master, slave) for prefix, first, _, gone in whole]
                if not _hand_over(tx, KeyState.OFFERED, where, values, offered):
                    raise StoreError("a lot changed while it was offered")
                leases += offered
                n_keys -= sum(n_left for _, _, n_left, _ in whole)
                if len(whole) < len(rows):  # the next has more keys than are wanted yet
                    leases.append(_offer_part(tx, rows[len(whole)], n_keys, master, slave))
                    break
                if not rows:
                    break
        return tuple(leases)

    def leases_in_doubt(self, peer: str) -> tuple[Lease, ...]:
        """OFFERED lots: whether peer has admitted them is unknown."""
        return self._told(peer, KeyState.OFFERED)

    def recalls_in_doubt(self, peer: str) -> tuple[Lease, ...]:
        """RECALLED lots: whether peer has yielded them is unknown."""
        return self._told(peer, KeyState.RECALLED)

    def settle_leases(self, peer: str, leases: Sequence[Lease], *, admitted: bool) -> None:
        """OFFERED → LEASED; refused: → SPENT, and peer is owed a void of each key."""
        where = "prefix = ? AND first = ? AND peer = ? AND gone = ?"
        lots = [(lease.prefix, lease.first, peer, pack_gone(lease.gone, lease.n_keys, lease.term)) for lease in leases]
        with self._database.transaction() as tx:
            if admitted:
                tx.happen_each("lots", Event.GRANT, where, lots)
                return
            for lease, lot in zip(leases, lots, strict=True):
                if tx.happen("lots", Event.VOID, f"{where} AND state = 'offered'", *lot):
                    for key_id in _key_ids_left(lease):
                        owe_void(tx, key_id, peer)

    def admit_leases(self, owner: str, leases: Sequence[Lease], grade: Grade) -> None:
        """At the other site: READY → LEASED, all or none; again is no error. What the owner has used is burnt here."""
        with self._database.transaction() as tx:
            for master, slave in {(lease.master, lease.slave) for lease in leases}:
                require_purged(tx, owner, master, slave)
            if _admit_alike(tx, owner, leases, grade):
                return
            for lease in leases:
                for lot, gone in _range(tx, owner, lease):
                    if not grade.emulated and read_pedigree(lot.pedigree).origin is Origin.EMULATED:
                        raise PeerError(f"{owner} leases emulated keys, and this node is no laboratory")
                    _admit(tx, owner, lot, gone, lease)

    def count_leased(self, master: str, slave: str, *, offered: bool = False) -> int:
        """Keys that this site, their owner, may deliver to master at once; with those that are offered for it."""
        states = "('leased', 'offered')" if offered else "('leased')"
        with self._database.transaction() as tx:
            row = tx.one(
                f"SELECT COALESCE(SUM(n_left), 0) FROM lots WHERE master = ? AND slave = ? AND state IN {states}"
                " AND peer <> owner",
                master,
                slave,
            )
            return 0 if row is None else int(row[0])

    def recall_leases(self, peer: str, unused_since_ns: int) -> tuple[Lease, ...]:
        """LEASED → RECALLED for what is left of lots towards peer that nobody has drawn from since.

        Nothing of it is delivered any more. What was delivered stays leased at the other site until it is fetched.
        """
        with self._database.transaction() as tx:
            rows = tx.all(
                f"SELECT {COLUMNS} FROM lots WHERE peer = ? AND owner <> ? AND state = 'leased' AND changed_ns < ?",
                peer,
                peer,
                unused_since_ns,
            )
            for row in rows:
                lot = open_lot(tx, row)
                rest = cut_out(tx, lot, int(lot.left[0]), lot.n_keys)
                tx.happen("lots", Event.RECALL, "prefix = ? AND first = ?", rest.prefix, rest.first)
                rest.wipe()
        return self.recalls_in_doubt(peer)

    def yield_leases(self, owner: str, leases: Sequence[Lease]) -> tuple[Lease, ...]:
        """At the other site: LEASED → READY, all or none; again is no error. Returns them with what is gone here."""
        told: list[Lease] = []
        with self._database.transaction() as tx:
            for lease in leases:
                gone: list[NDArray[np.bool_]] = []
                for lot, _ in _range(tx, owner, lease):
                    gone.append(lot.gone.copy())
                    if lease.term < lot.term:
                        continue  # a late word: the owner has leased it anew since
                    if lot.state is KeyState.LEASED and (lot.master, lot.slave) == (lease.master, lease.slave):
                        lot.state, lot.master, lot.slave = KeyState.READY, None, None
                    elif lot.state is KeyState.LEASED:
                        raise PeerError(f"{owner} recalls keys that another pair has")
                    lot.term = lease.term + 1  # so that the lease is not taken for a new one if it comes again
                    save(tx, lot)
                told.append(replace(lease, gone=np.packbits(np.concatenate(gone)).tobytes()))
        return tuple(told)

    def return_leases(self, peer: str, yielded: Sequence[Lease]) -> None:
        """RECALLED → READY, but for the keys that are gone at the other site: they are burnt."""
        with self._database.transaction() as tx:
            for lease in yielded:
                lot = find(tx, lease.prefix, lease.first)
                if lot is None or (lot.first, lot.n_keys, lot.peer) != (lease.first, lease.n_keys, peer):
                    raise PeerError(f"{peer} yields what was not recalled")
                if lot.state is KeyState.RECALLED and lot.term == lease.term:
                    lot.state, lot.master, lot.slave = KeyState.READY, None, None
                    lot.term += 1
                    lot.burn(np.flatnonzero(_gone(lease)))
                    save(tx, lot)

    def serve(self, requests: Sequence[Take | Fetch]) -> list[Outcome]:
        """Serve many at once: each gets its keys, or its own error, and one commit is for all of them."""
        return deliver(self._database, self._hot, self.writer, requests)

    def _told(self, peer: str, state: KeyState) -> tuple[Lease, ...]:
        with self._database.transaction() as tx:
            rows = tx.all(
                f"SELECT {COLUMNS} FROM lots WHERE peer = ? AND owner <> ? AND state = '{state}' {OLDEST_FIRST}",
                peer,
                peer,
            )
            lots = [open_lot(tx, row) for row in rows]
            wipe_all(lots)
            return tuple(map(_lease, lots))


def _up_to(rows: Sequence[tuple[Any, ...]], n_keys: int) -> Iterator[tuple[Any, ...]]:
    """The first rows (prefix, first, n_left, gone) that together have no more than n_keys left."""
    for row in rows:
        n_keys -= row[2]
        if n_keys < 0:
            return
        yield row


def _hand_over(tx: Transaction, state: KeyState, where: str, values: Sequence[object], leases: Sequence[Lease]) -> bool:
    """The lots of leases, each as the lease has it and as `where` says, go to their pairs. Whether all of them did.

    A compare-and-swap a lot. No secret is opened: it is sealed to prefix and first, and neither it nor what is gone of
    it changes.
    """
    n_changed = tx.change_each(
        "UPDATE lots SET state = ?, master = ?, slave = ?, changed_ns = ?"
        f" WHERE prefix = ? AND first = ? AND gone = ? AND {where}",
        [
            (
                state,
                lease.master,
                lease.slave,
                tx.now_ns,
                lease.prefix,
                lease.first,
                pack_gone(lease.gone, lease.n_keys, lease.term),
                *values,
            )
            for lease in leases
        ],
    )
    return n_changed == len(leases)


def _offer_part(tx: Transaction, row: tuple[Any, ...], n_keys: int, master: str, slave: str) -> Lease:
    """READY → OFFERED for n_keys of a lot that has more: they become a lot of their own."""
    lot = find(tx, row[0], row[1])
    assert lot is not None  # it was read in this transaction
    lot = cut_out(tx, lot, 0, int(lot.left[n_keys - 1]) + 1)
    lot.state, lot.master, lot.slave = KeyState.OFFERED, master, slave
    lease = _lease(lot)
    save(tx, lot)
    return lease


def _admit_alike(tx: Transaction, owner: str, leases: Sequence[Lease], grade: Grade) -> bool:
    """READY → LEASED for lots that stand here exactly as the leases have them; whether that was all.

    What is left then is for _admit, which finds those that were admitted here to be its pair's already.
    """
    if any(lease.n_keys > LOT_KEYS for lease in leases):  # over several lots
        return False
    where, values = of_grade(owner, owner, Grade(emulated=grade.emulated))
    return _hand_over(tx, KeyState.LEASED, where, values, leases)


def _range(tx: Transaction, owner: str, lease: Lease) -> Iterator[tuple[Lot, NDArray[np.bool_]]]:
    """At the other site: the lots of a range of owner's keys, cut out where they stand out, and their bits of `gone`.

    PeerError where a key of the range was never kept here, or is not owner's.
    """
    at, gone = lease.first, _gone(lease)
    while at < lease.first + lease.n_keys:
        lot = find(tx, lease.prefix, at)
        if lot is None or (lot.peer, lot.owner) != (owner, owner):
            raise PeerError(f"{owner} leases keys that are not here for it to lease")
        stop = min(lot.first + lot.n_keys, lease.first + lease.n_keys)
        part = cut_out(tx, lot, at - lot.first, stop - lot.first)
        yield part, gone[at - lease.first : stop - lease.first]
        at = stop


def _admit(tx: Transaction, owner: str, lot: Lot, gone: NDArray[np.bool_], lease: Lease) -> None:
    """PeerError for a lot that another pair has, or that lacks a key which the owner has not used.

    KeyUnavailable for one of a block in doubt: the owner's word that it holds the block is yet to come.
    """
    if lot.state is KeyState.PENDING:
        raise KeyUnavailable(f"{owner} leases keys of a block that is not settled here yet")
    pair = lease.master, lease.slave
    if lease.term < lot.term:
        raise PeerError(f"{owner} leases keys that it has called back since")
    newer = lease.term > lot.term  # so the owner has called it back, whatever late word came here after that
    if lot.state is KeyState.LEASED and (lot.master, lot.slave) == pair and not newer:
        return
    free = lot.state in (KeyState.READY, KeyState.SPENT) or (newer and lot.state is KeyState.LEASED)
    if not free or bool((lot.gone & ~gone).any()):
        raise PeerError(f"{owner} leases keys that are used here, or another pair's")
    lot.term = lease.term
    lot.burn(np.flatnonzero(gone))
    lot.state, lot.master, lot.slave = KeyState.LEASED, *pair
    save(tx, lot)


def _lease(lot: Lot) -> Lease:
    gone = np.packbits(lot.gone).tobytes()
    return Lease(lot.prefix, lot.first, lot.n_keys, gone, lot.master or "", lot.slave or "", lot.term)


def _lease_of_row(prefix: bytes, first: int, gone: bytes, master: str, slave: str) -> Lease:
    n_keys, bits, term = unpack_gone(gone)
    return Lease(prefix, first, n_keys, bits, master, slave, term)


def _gone(lease: Lease) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(lease.gone, np.uint8), count=lease.n_keys).astype(bool)


def _key_ids_left(lease: Lease) -> Iterator[bytes]:
    for place in np.flatnonzero(~_gone(lease)).tolist():
        yield join_key_id(lease.prefix, lease.first + place).bytes
