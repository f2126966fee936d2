"""Deliveries in the store: the one transaction that serves many requests, from lots that their pairs have leased."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

import numpy as np

from haris.keys.lifecycle import KeyState
from haris.keys.store import Fetch, Outcome, Take
from haris.manage.audit import AuditRecord, Delivery, key_ranges
from haris.node.store.assignments import fetch_assigned
from haris.node.store.audit import append_audit
from haris.node.store.database import Database, Transaction
from haris.node.store.hot_lots import HotLots, OpenLots
from haris.node.store.lots import COLUMNS, LOT_KEYS, OLDEST_FIRST, Lot, Run, find, open_lot, save_drawn, wipe_all
from haris.nouns.errors import KeyNotFound, KeyUnavailable, Unauthorised
from haris.nouns.ids import PREFIX_OCTETS, key_runs
from haris.nouns.key_batch import KeyBatch

HOT_LOTS = 64
"""Lots that stay open between two transactions of one process: their keys have not been delivered yet."""

Pair = tuple[str, str]


def deliver(database: Database, hot: HotLots, writer: str, requests: Sequence[Take | Fetch]) -> list[Outcome]:
    """Serve many at once: each gets its keys, or its own error, and one commit is for all of them."""
    opened: list[Lot] = []
    outcomes: list[Outcome] = []
    try:
        with database.transaction() as tx:
            hot.hand_over(tx.number, opened)
            service = _Service(tx, opened)
            service.expect(requests)
            outcomes.extend(map(service.answer, requests))
            kept = service.end(HOT_LOTS if database.alone else 0)
            append_audit(tx, writer, tx.now_ns, service.records)
    except BaseException:
        wipe_all(opened)
        for outcome in outcomes:
            _wipe(outcome if isinstance(outcome, tuple) else ())
        raise
    hot.keep(tx.number, kept)
    return outcomes


@dataclass(slots=True)
class _Leased:
    """What one pair may draw from. lots: open, with keys left, oldest first. names: all that were open.

    n_wanted: keys that requests of this transaction have yet to get.
    """

    lots: list[Lot] = field(default_factory=list)
    names: set[tuple[bytes, int]] = field(default_factory=set)
    n_wanted: int = 0


class _Service:
    """One transaction for many requests: each lot is opened once at most, and sealed once at the end."""

    def __init__(self, tx: Transaction, opened: list[Lot]) -> None:
        """opened: lots that are open already; those that the service opens are added."""
        self._tx, self._opened = tx, opened
        self._leased: dict[Pair, _Leased] = {}
        self._open = OpenLots()
        self.records: list[AuditRecord] = []
        for lot in opened:
            self._note(lot)

    def expect(self, requests: Sequence[Take | Fetch]) -> None:
        """What is asked for in all, so that the lots of a pair are read at once."""
        for request in requests:
            if isinstance(request, Take):
                self._of(request).n_wanted += request.n_keys

    def answer(self, request: Take | Fetch) -> Outcome:
        """The keys of one request, on record; or its own error, and nothing taken."""
        try:
            batches = self._take(request) if isinstance(request, Take) else self._fetch(request)
        except (KeyUnavailable, Unauthorised) as error:
            return error
        self.records.append(_record(request, batches))
        return batches

    def end(self, n_kept: int) -> list[Lot]:
        """Write back what has changed, and forget the secrets; of leased lots with keys left, n_kept stay open."""
        save_drawn(self._tx, [lot for lot in self._opened if lot.changed])
        hot = [lot for lot in self._opened if lot.n_left and lot.state is KeyState.LEASED and self._is_served(lot)]
        kept = hot[-n_kept:] if n_kept else []
        names = set(map(id, kept))
        wipe_all(lot for lot in self._opened if id(lot) not in names)
        return kept

    def _take(self, take: Take) -> tuple[KeyBatch, ...]:
        """Keys leased to a pair, from the front."""
        leased = self._of(take)
        n_lots, lack = 0, take.n_keys
        while lack > 0:
            if n_lots == len(leased.lots) and not self._open_more(take, leased):
                leased.n_wanted -= take.n_keys
                raise KeyUnavailable(f"too few keys are leased to {take.master} and {take.slave}")
            lack -= leased.lots[n_lots].n_left
            n_lots += 1
        leased.n_wanted -= take.n_keys
        lack, batches = take.n_keys, []
        for lot in leased.lots[:n_lots]:
            batches.append(lot.take_front(lack))
            lack -= batches[-1].n_keys
        del leased.lots[: n_lots if leased.lots[n_lots - 1].n_left == 0 else n_lots - 1]
        return tuple(batches)

    def _open_more(self, take: Take, leased: _Leased) -> bool:
        """Open more lots leased to the pair that have keys left, the oldest; False when there are none."""
        rows = self._tx.all(
            f"SELECT {COLUMNS} FROM lots WHERE master = ? AND slave = ? AND state = 'leased' AND peer <> owner"
            f" {OLDEST_FIRST} LIMIT ?",
            take.master,
            take.slave,
            len(leased.names) + leased.n_wanted // LOT_KEYS + 1,
        )
        fresh = [row for row in rows if (row[0], row[1]) not in leased.names]
        for row in fresh:
            lot = self._open.find(row[0], row[1])  # a request for keys may have opened it: never twice
            if lot is None:
                lot = open_lot(self._tx, row)
                self._opened.append(lot)
            self._note(lot)
        return bool(fresh)

    def _fetch(self, fetch: Fetch) -> tuple[KeyBatch, ...]:
        """Keys that a master took under these key_IDs: leased ones from their lots, assigned ones from their rows."""
        leased: dict[int, tuple[Lot, list[Run]]] = {}
        assigned: list[bytes] = []
        for lot, prefix, index, stop in self._found(fetch.key_ids):
            if lot is None:
                assigned.append(prefix + index.to_bytes(4, "big"))
                continue
            start, stop = index - lot.first, stop - lot.first
            here = lot.runs_left(start, stop)
            if here:
                _require_leased(lot, here, fetch)
                leased.setdefault(id(lot), (lot, []))[1].extend(here)
            if here != [(start, stop)]:
                assigned += [lot.key_id(start + place) for place in np.flatnonzero(lot.gone[start:stop]).tolist()]
        batches: list[KeyBatch] = []
        if assigned:
            try:
                with self._tx.savepoint():
                    for key_id in assigned:
                        batches.append(fetch_assigned(self._tx, fetch.master, fetch.slave, UUID(bytes=key_id)))
            except BaseException:
                _wipe(batches)
                raise
        return (*(lot.take_runs(runs) for lot, runs in leased.values()), *batches)

    def _found(self, key_ids: bytes) -> Iterator[tuple[Lot | None, bytes, int, int]]:
        """Key_IDs by the lot in which they lie: prefix, first index and the one after the last; one without a lot."""
        for first, n_keys in _different(key_runs(key_ids)):
            prefix, index = first[:PREFIX_OCTETS], int.from_bytes(first[PREFIX_OCTETS:], "big")
            end = index + n_keys
            while index < end:
                lot = self._lot(prefix, index)
                stop = index + 1 if lot is None else min(end, lot.first + lot.n_keys)
                yield lot, prefix, index, stop
                index = stop

    def _lot(self, prefix: bytes, index: int) -> Lot | None:
        lot = self._open.find(prefix, index)
        if lot is None:
            lot = find(self._tx, prefix, index)
            if lot is not None:
                self._opened.append(lot)
                self._open.add(lot)
        return lot

    def _note(self, lot: Lot) -> None:
        """A lot is open now, to be drawn from if this site owns it."""
        self._open.add(lot)
        if lot.peer != lot.owner and lot.state is KeyState.LEASED:
            leased = self._of(lot)
            leased.names.add((lot.prefix, lot.first))
            leased.lots.append(lot)

    def _is_served(self, lot: Lot) -> bool:
        """Whether requests are served from a lot: not from one of this site's own that somebody named its keys of."""
        return lot.peer == lot.owner or (lot.prefix, lot.first) in self._of(lot).names

    def _of(self, whose: Take | Lot) -> _Leased:
        return self._leased.setdefault((whose.master or "", whose.slave or ""), _Leased())


def _wipe(batches: Iterable[KeyBatch]) -> None:
    """Forget keys that nobody gets after all."""
    for batch in batches:
        batch.wipe()


def _different(runs: Sequence[tuple[bytes, int]]) -> Sequence[tuple[bytes, int]]:
    """The runs, of which no two share a key_ID. KeyNotFound otherwise."""
    if len(runs) > 1:
        ordered = sorted((int.from_bytes(first, "big"), n_keys) for first, n_keys in runs)
        if any(first + n_keys > after for (first, n_keys), (after, _) in pairwise(ordered)):
            raise KeyNotFound("a key is named twice")
    return runs


def _require_leased(lot: Lot, runs: Sequence[Run], fetch: Fetch) -> None:
    """KeyNotFound for keys of a lot that is nobody's yet, Unauthorised for another pair than the lot's."""
    if lot.peer != lot.owner or lot.state is not KeyState.LEASED:
        n_keys = sum(stop - start for start, stop in runs)
        raise KeyNotFound(f"{n_keys} keys are not held here for anybody")
    if (lot.master, lot.slave) != (fetch.master, fetch.slave):
        raise Unauthorised(f"keys were not made by {fetch.master} for {fetch.slave}")


def _record(request: Take | Fetch, batches: tuple[KeyBatch, ...]) -> AuditRecord:
    taken = isinstance(request, Take)
    return Delivery(
        method="enc_keys" if taken else "dec_keys",
        interface=request.interface,
        sae=request.master if taken else request.slave,
        master=request.master,
        slaves=(request.slave,),
        size_bits=batches[0].size_bits if batches else 0,
        keys=tuple(part for batch in batches for part in key_ranges(batch.key_ids)),
    )
