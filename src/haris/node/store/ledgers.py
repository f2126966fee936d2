"""Ledgers of pads in the store: segments that shrink from the front as the head moves over them.

A segment is at most SEGMENT_OCTETS long. What a take leaves of one is sealed anew, so that a used octet rests nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from haris.keys.pedigree import join_pedigrees
from haris.keys.store import PadAppend, PadSlice
from haris.node.store.database import Database, Transaction
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import Pedigree

SCHEMA = """
CREATE TABLE ledgers (ledger TEXT PRIMARY KEY, head INTEGER NOT NULL, tail INTEGER NOT NULL) STRICT;
CREATE TABLE segments (ledger TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, batch INTEGER NOT NULL,
    pedigree BLOB NOT NULL, secret BLOB NOT NULL, PRIMARY KEY (ledger, start)) STRICT
"""

SEGMENT_OCTETS = 1024


class Ledgers:
    """The LedgerStore of keys/store.py."""

    _database: Database

    def ledger_append(self, pads: Sequence[PadAppend]) -> None:
        """Append octets outside a block."""
        with self._database.transaction() as tx:
            append_pads(tx, pads)

    def ledger_take(self, ledger: str, n_octets: int) -> PadSlice:
        """Advance the head and return what it passed."""
        _require_some(n_octets)
        with self._database.transaction() as tx:
            head, tail = _bounds(tx, ledger)
            if head + n_octets > tail:
                raise KeyUnavailable(f"ledger {ledger} holds {tail - head} octets, {n_octets} are asked for")
            return _take(tx, ledger, head, n_octets)

    def ledger_take_at(self, ledger: str, offset: int, n_octets: int) -> PadSlice:
        """Burn up to offset, then take."""
        with self._database.transaction() as tx:
            _require_ahead(tx, ledger, offset, n_octets)
            return _take(tx, ledger, offset, n_octets)

    def ledger_peek(self, ledger: str, offset: int, n_octets: int) -> bytes:
        """Octets ahead of the head, which does not move."""
        with self._database.transaction() as tx:
            _require_ahead(tx, ledger, offset, n_octets)
            return _read(tx, ledger, offset, n_octets).octets

    def ledger_burn_to(self, ledger: str, offset: int) -> None:
        """Advance the head to offset if it is behind."""
        with self._database.transaction() as tx:
            head, tail = _bounds(tx, ledger)
            if offset > tail:
                raise PeerError(f"ledger {ledger} ends at {tail}: it cannot be burnt to {offset}")
            if offset > head:
                _advance(tx, ledger, offset)

    def ledger_bounds(self, ledger: str) -> tuple[int, int]:
        """(head, end) in octets of the pad's whole life."""
        with self._database.transaction() as tx:
            return _bounds(tx, ledger)


def append_pads(tx: Transaction, pads: Iterable[PadAppend]) -> None:
    """Append each pad at the end of its ledger. The pieces of one append share its pedigree, epsilon included."""
    for pad in pads:
        _, tail = _bounds(tx, pad.ledger)
        end = tail + len(pad.octets)
        tx.change(
            "INSERT INTO ledgers VALUES (?, 0, ?) ON CONFLICT (ledger) DO UPDATE SET tail = excluded.tail",
            pad.ledger,
            end,
        )
        pedigree = msgspec.json.encode(pad.pedigree)
        for start in range(tail, end, SEGMENT_OCTETS):
            octets = pad.octets[start - tail : start - tail + SEGMENT_OCTETS]
            _insert(tx, pad.ledger, start, octets, tail, pedigree)


def void_pad(tx: Transaction, ledger: str, until: int | None) -> None:
    """Burn and overwrite the segments of a ledger that begin before the octet until; all of it when that is None."""
    _, tail = _bounds(tx, ledger)
    bound = tail if until is None else min(until, tail)
    (stop,) = tx.one("SELECT COALESCE(MAX(stop), 0) FROM segments WHERE ledger = ? AND start < ?", ledger, bound) or (
        0,
    )
    tx.change("DELETE FROM segments WHERE ledger = ? AND start < ?", ledger, bound)
    bound = max(bound, int(stop))
    tx.change("UPDATE ledgers SET head = ? WHERE ledger = ? AND head < ?", bound, ledger, bound)


def restart_ledger(tx: Transaction, ledger: str, start: int) -> None:
    """Burn and overwrite all that a ledger holds, and go on at start. ParameterError when it has gone beyond."""
    _, tail = _bounds(tx, ledger)
    if start < tail:
        raise ParameterError(f"ledger {ledger} has come to {tail}: it cannot begin anew at {start}")
    tx.change("DELETE FROM segments WHERE ledger = ?", ledger)
    tx.change(
        "INSERT INTO ledgers VALUES (?, ?, ?)"
        " ON CONFLICT (ledger) DO UPDATE SET head = excluded.head, tail = excluded.tail",
        ledger,
        start,
        start,
    )


def _insert(tx: Transaction, ledger: str, start: int, octets: bytes, batch: int, pedigree: bytes) -> None:
    sealed = tx.seal(octets, "segments", ledger, start)
    tx.change(
        "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?)", ledger, start, start + len(octets), batch, pedigree, sealed
    )


def _bounds(tx: Transaction, ledger: str) -> tuple[int, int]:
    head, tail = tx.one("SELECT head, tail FROM ledgers WHERE ledger = ?", ledger) or (0, 0)
    return head, tail


def _require_some(n_octets: int) -> None:
    if n_octets < 1:
        raise ParameterError(f"a slice of a pad has at least 1 octet, got {n_octets}")


def _require_ahead(tx: Transaction, ledger: str, offset: int, n_octets: int) -> None:
    _require_some(n_octets)
    head, tail = _bounds(tx, ledger)
    if not head <= offset <= tail - n_octets:
        raise PeerError(f"ledger {ledger} stands at {head} and ends at {tail}: {n_octets} at {offset} are not there")


def _take(tx: Transaction, ledger: str, offset: int, n_octets: int) -> PadSlice:
    taken = _read(tx, ledger, offset, n_octets)
    _advance(tx, ledger, offset + n_octets)
    return taken


def _read(tx: Transaction, ledger: str, offset: int, n_octets: int) -> PadSlice:
    rows = tx.all(
        "SELECT start, batch, pedigree, secret FROM segments"
        " WHERE ledger = ? AND start < ? AND stop > ? ORDER BY start",
        ledger,
        offset + n_octets,
        offset,
    )
    octets = b"".join(tx.unseal(sealed, "segments", ledger, start) for start, _, _, sealed in rows)
    skipped = offset - rows[0][0]
    pedigrees = {batch: msgspec.json.decode(pedigree, type=Pedigree) for _, batch, pedigree, _ in rows}
    return PadSlice(ledger, offset, octets[skipped : skipped + n_octets], join_pedigrees(list(pedigrees.values())))


def _advance(tx: Transaction, ledger: str, head: int) -> None:
    """Overwrite all octets before the new head."""
    split = tx.one(
        "SELECT start, batch, pedigree, secret FROM segments WHERE ledger = ? AND start < ? AND stop > ?",
        ledger,
        head,
        head,
    )
    tx.change("DELETE FROM segments WHERE ledger = ? AND start < ?", ledger, head)
    if split:
        start, batch, pedigree, sealed = split
        left = tx.unseal(sealed, "segments", ledger, start)[head - start :]
        _insert(tx, ledger, head, left, batch, pedigree)
    tx.change("UPDATE ledgers SET head = ? WHERE ledger = ?", head, ledger)
