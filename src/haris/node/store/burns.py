"""The end of keys in the store: too old, never fetched, purged. The other site is told to burn what the owner gives up.

Burning is idempotent and needs no state: it only ever takes keys away. Rows are forgotten once nothing can come back to
them: a block is refused by its own row when it is held again, a relay by its own, and a key_ID that no row knows is
refused wherever one is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from haris.keys.lifecycle import Event
from haris.manage.audit import Act, KeyRange
from haris.node.store.audit import append_audit
from haris.node.store.database import Database, Transaction
from haris.node.store.lots import COLUMNS, OLDEST_FIRST, Lot, Places, cut_out, open_lot, save, wipe_all
from haris.node.store.owed import owe_word
from haris.nouns.assignments import KeyRun, Purge
from haris.nouns.key_batch import KEY_ID_OCTETS
from haris.wire import kme

SCHEMA = """
CREATE TABLE purges (ordered_by TEXT NOT NULL, master TEXT NOT NULL, slave TEXT NOT NULL, number BIGINT NOT NULL,
    PRIMARY KEY (ordered_by, master, slave))
"""
"""The newest purge of each pair by each site; '' for this one."""

LOTS_AT_ONCE = 64
"""Lots that one transaction looks at, so that requests beside it do not wait long."""

ROWS_AT_ONCE = 1024


class Burns:
    """The BurnStore of keys/store.py."""

    _database: Database
    writer: str

    def expire_stock(self, peer: str, owner: str, born_before_ns: int) -> int:
        """The owner gives up keys that are older: READY, and what is not delivered of LEASED. Returns how many lots.

        What was delivered of a lease stays fetchable at the other site. 0: no more are so old.
        """
        with self._database.transaction() as tx:
            rows = tx.all(
                f"SELECT {COLUMNS} FROM lots WHERE peer = ? AND owner = ? AND state IN ('ready', 'leased')"
                f" AND born_ns < ? {OLDEST_FIRST} LIMIT ?",
                peer,
                owner,
                born_before_ns,
                LOTS_AT_ONCE,
            )
            runs = [run for row in rows for run in _give_up(tx, open_lot(tx, row))]
            old = "peer = ? AND owner = ? AND state = 'ready' AND place < ?"
            for (key_id,) in tx.all(f"SELECT key_id FROM loose WHERE {old}", peer, owner, born_before_ns):
                tx.happen("loose", Event.VOID, "key_id = ?", key_id)
                prefix, index = _split(key_id)
                runs.append(KeyRun(prefix, index, 1))
            self._owe_burn(tx, peer, runs, "older than max_age_s")
            return len(rows)

    def forget_unfetched(self, peer: str, owner: str, drawn_before_ns: int) -> int:
        """The owner forgets what it delivered of lots that nobody drew from since; the other site burns what no slave
        has fetched of it. Returns how many lots; 0: no more are so old."""
        with self._database.transaction() as tx:
            where = "peer = ? AND owner = ? AND born_ns < ? AND changed_ns < ?"
            values = peer, owner, drawn_before_ns, drawn_before_ns
            spent = tx.all(
                f"SELECT prefix, first, n_keys FROM lots WHERE {where} AND state = 'spent' LIMIT ?",
                *values,
                LOTS_AT_ONCE,
            )
            idle = f"SELECT {COLUMNS} FROM lots WHERE {where} AND state = 'leased' AND n_left < n_keys LIMIT ?"
            fronts = [run for row in tx.all(idle, *values, LOTS_AT_ONCE) for run in _cut_front(tx, open_lot(tx, row))]
            runs = [*(KeyRun(prefix, first, n_keys) for prefix, first, n_keys in spent), *fronts]
            tx.change_each(
                "DELETE FROM lots WHERE prefix = ? AND first = ? AND state = 'spent'",
                [(run.prefix, run.first) for run in runs],
            )
            for run in runs:
                _void_released(tx, run)
            self._owe_burn(tx, peer, runs, "not fetched within fetch_within_s")
            return len(runs)

    def forget_assigned(self, since_before_ns: int) -> int:
        """Assignments that are older: what no slave has fetched is burnt, and all is forgotten. Returns how many.

        Safe: an assignment that came again would find its stock burnt, or unknown. 0: no more are so old.
        """
        with self._database.transaction() as tx:
            rows = tx.all("SELECT key_id FROM assigned WHERE since_ns < ? LIMIT ?", since_before_ns, ROWS_AT_ONCE)
            tx.change_each("DELETE FROM assigned WHERE key_id = ?", rows)
            tx.change_each("DELETE FROM assigned_slaves WHERE key_id = ?", rows)
            over = tx.all(
                "SELECT key_id, peer FROM announced WHERE since_ns < ? AND state IN ('delivered', 'voided') LIMIT ?",
                since_before_ns,
                ROWS_AT_ONCE,
            )
            tx.change_each("DELETE FROM announced WHERE key_id = ? AND peer = ?", over)
            spent = tx.all("SELECT key_id FROM loose WHERE state = 'spent' LIMIT ?", ROWS_AT_ONCE)
            tx.change_each("DELETE FROM loose WHERE key_id = ?", spent)  # they lie in their lots as gone
            return len(rows) + len(over) + len(spent)

    def burn_runs(self, owner: str, runs: Sequence[KeyRun]) -> int:
        """At the other site: what is left of these keys of owner is burnt; again is no error. Returns how many."""
        with self._database.transaction() as tx:
            return sum(_burn_run(tx, owner, run) for run in runs)

    def purge_pair(self, master: str, slave: str, peer: str, who: str) -> int:
        """Burn what is leased or assigned to a pair here, for ever; peer, the other site, is owed the same word.

        Returns how many keys. Keys of several slaves stay for the others. who: goes on record.
        """
        with self._database.transaction() as tx:
            # by the clock, so that a store that began anew is heard; and higher than the last, whatever the clock says
            purge = Purge(master, slave, max(_purged(tx, "", master, slave) + 1, tx.now_ns))
            _note(tx, "", purge)
            owe_word(tx, peer, kme.PURGE, kme.write_purge(purge))
            return self._purge(tx, purge, peer, who)

    def hear_purge(self, peer: str, purge: Purge) -> int:
        """At the other site: the same, once for each number. Returns how many keys that burns."""
        with self._database.transaction() as tx:
            if purge.number:
                if purge.number <= _purged(tx, peer, purge.master, purge.slave):
                    return 0  # it comes late or again
                _note(tx, peer, purge)
            return self._purge(tx, purge, peer, peer)

    def _purge(self, tx: Transaction, purge: Purge, peer: str, who: str) -> int:
        pair = purge.master, purge.slave
        n_keys = _purge_lots(tx, *pair, peer) + _purge_assigned(tx, *pair)
        append_audit(tx, self.writer, tx.now_ns, [Act("purge", who, " ".join(pair), f"{n_keys} keys are burnt here")])
        return n_keys

    def _owe_burn(self, tx: Transaction, peer: str, runs: Sequence[KeyRun], why: str) -> None:
        for batch in kme.batches(runs):
            owe_word(tx, peer, kme.BURN, kme.write_burn(batch))
        if runs:
            ranges = tuple(KeyRange(run.prefix + run.first.to_bytes(4, "big"), run.n_keys) for run in runs)
            append_audit(tx, self.writer, tx.now_ns, [Act("expire", "haris", peer, why, ranges)])


def burn_lots(tx: Transaction, where: str, *values: object) -> int:
    """Every key of the lots of a condition → SPENT and gone, however many they are. Returns how many keys that were."""
    n_keys = 0
    rows = tx.all(f"SELECT prefix, first, n_keys, n_left FROM lots WHERE {where} AND state <> 'spent'", *values)
    for prefix, first, n_in_lot, n_left in rows:
        tx.change(
            "UPDATE lots SET state = 'spent', n_left = 0, gone = ?, secret = NULL, changed_ns = ?"
            " WHERE prefix = ? AND first = ?",
            _all_gone(n_in_lot),
            tx.now_ns,
            prefix,
            first,
        )
        n_keys += n_left
    return n_keys


def _all_gone(n_keys: int) -> bytes:
    return bytes([n_keys - 1]) + np.packbits(np.ones(n_keys, bool)).tobytes()


def _give_up(tx: Transaction, lot: Lot) -> list[KeyRun]:
    """What is left of an owner's lot is burnt; the runs that the other site is to burn. What is gone is not among them:
    it may have been delivered."""
    runs = list(_runs(lot, lot.left))
    lot.burn(lot.left)
    save(tx, lot)
    return runs


def _cut_front(tx: Transaction, lot: Lot) -> list[KeyRun]:
    """What was drawn from the front of an idle lot becomes a SPENT lot of its own, which is given up."""
    n_drawn = int(lot.left[0])
    if not n_drawn:
        lot.wipe()
        return []
    run = KeyRun(lot.prefix, lot.first, n_drawn)
    cut_out(tx, lot, n_drawn, lot.n_keys).wipe()
    return [run]


def _void_released(tx: Transaction, run: KeyRun) -> None:
    """Loose keys that were reserved from a lot and released: they end with it."""
    ends = (run.prefix + place.to_bytes(4, "big") for place in (run.first, run.first + run.n_keys - 1))
    tx.happen("loose", Event.VOID, "key_id >= ? AND key_id <= ? AND state = 'ready'", *ends)


def _burn_run(tx: Transaction, owner: str, run: KeyRun) -> int:
    rows = tx.all(
        f"SELECT {COLUMNS} FROM lots WHERE prefix = ? AND first < ? AND first + n_keys > ? AND peer = ? AND owner = ?",
        run.prefix,
        run.first + run.n_keys,
        run.first,
        owner,
        owner,
    )
    n_burnt = 0
    for lot in [open_lot(tx, row) for row in rows]:
        start, stop = max(0, run.first - lot.first), min(lot.n_keys, run.first + run.n_keys - lot.first)
        places = lot.left[(lot.left >= start) & (lot.left < stop)]
        if len(places):
            lot.burn(places)
            save(tx, lot)
        n_burnt += len(places)
        if lot.n_left == 0:
            tx.change("DELETE FROM lots WHERE prefix = ? AND first = ?", lot.prefix, lot.first)
        wipe_all([lot])
    return n_burnt


def _purged(tx: Transaction, by: str, master: str, slave: str) -> int:
    """The number of the newest purge of a pair that a site has ordered; 0: none."""
    sql = "SELECT number FROM purges WHERE ordered_by = ? AND master = ? AND slave = ?"
    (number,) = tx.one(sql, by, master, slave) or (0,)
    return int(number)


def _note(tx: Transaction, by: str, purge: Purge) -> None:
    tx.change("DELETE FROM purges WHERE ordered_by = ? AND master = ? AND slave = ?", by, purge.master, purge.slave)
    tx.change("INSERT INTO purges VALUES (?, ?, ?, ?)", by, purge.master, purge.slave, purge.number)


def _purge_lots(tx: Transaction, master: str, slave: str, peer: str) -> int:
    """Burn a pair's lots; of those that this site owns peer is told, since it may have others of them than are leased
    there: offered ones are free there still, and those that were called back again."""
    where = "master = ? AND slave = ? AND state IN ('offered', 'leased', 'recalled')"
    rows = tx.all(f"SELECT prefix, first, n_keys, peer, owner FROM lots WHERE {where}", master, slave)
    own = [KeyRun(prefix, first, n_keys) for prefix, first, n_keys, peer, owner in rows if peer != owner]
    for batch in kme.batches(own):
        owe_word(tx, peer, kme.BURN, kme.write_burn(batch))
    return burn_lots(tx, where, master, slave)


def _purge_assigned(tx: Transaction, master: str, slave: str) -> int:
    """The slave's right to keys is taken back; a key that no other slave waits for is burnt."""
    rows = tx.all(
        "SELECT a.key_id FROM assigned a JOIN assigned_slaves s ON s.key_id = a.key_id"
        " WHERE a.master = ? AND a.state = 'assigned' AND s.slave = ? AND s.fetched = 0",
        master,
        slave,
    )
    for (key_id,) in rows:
        tx.change("DELETE FROM assigned_slaves WHERE key_id = ? AND slave = ?", key_id, slave)
        if not tx.one("SELECT 1 FROM assigned_slaves WHERE key_id = ? AND fetched = 0", key_id):
            tx.happen("assigned", Event.VOID, "key_id = ?", key_id)
    return len(rows)


def _runs(lot: Lot, places: Places) -> Iterator[KeyRun]:
    """Neighbouring places of a lot as runs."""
    if not len(places):
        return
    for group in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1):
        yield KeyRun(lot.prefix, lot.first + int(group[0]), len(group))


def _split(key_id: bytes) -> tuple[bytes, int]:
    return key_id[: KEY_ID_OCTETS - 4], int.from_bytes(key_id[KEY_ID_OCTETS - 4 :], "big")
