"""How each span was commissioned, in the store: by what means, and where its first pad ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from haris.crypto.ledger import span_ledgers
from haris.keys.lifecycle import Event
from haris.keys.store import Commission, PadAppend
from haris.manage.audit import Act
from haris.node.store.audit import append_audit
from haris.node.store.database import Database, Transaction
from haris.node.store.ledgers import append_pads, restart_ledger
from haris.node.store.owed import amend_resets
from haris.nouns.errors import ParameterError

SCHEMA = """
CREATE TABLE commissions (span TEXT PRIMARY KEY, means TEXT NOT NULL, ends BLOB NOT NULL) STRICT
"""


class Commissions:
    """The CommissionStore of keys/store.py."""

    _database: Database
    writer: str

    def commission_span(
        self, span: str, means: str, pads: Sequence[PadAppend], starts: Mapping[str, int] | None = None
    ) -> None:
        """Begin the ledgers of pads anew."""
        if not pads:
            raise ParameterError("a span is commissioned with some pad")
        starts = starts or {}
        with self._database.transaction() as tx:
            for pad in pads:
                restart_ledger(tx, pad.ledger, starts.get(pad.ledger, 0))
            append_pads(tx, pads)
            ends = {pad.ledger: starts.get(pad.ledger, 0) + len(pad.octets) for pad in pads}
            _note(tx, span, means, ends)
            append_audit(tx, self.writer, tx.now_ns, [Act("commission", "haris", span, str(means))])

    def recommission_span(self, span: str, means: str, pads: Sequence[PadAppend], start: int) -> None:
        """Begin all ledgers of a span anew at an octet beyond any that was used, and discard its blocks in doubt."""
        with self._database.transaction() as tx:
            doubts = tx.all("SELECT block FROM blocks WHERE span = ? AND state = 'pending'", span)
            for (block,) in doubts:
                tx.happen("lots", Event.VOID, "source = ?", block)
                tx.change("DELETE FROM pending_pads WHERE block = ?", block)
                tx.change("UPDATE blocks SET state = 'discarded' WHERE block = ?", block)
            for ledger in span_ledgers(span):
                restart_ledger(tx, ledger, start)
            append_pads(tx, pads)
            amend_resets(tx, span, start)
            _note(tx, span, means, {pad.ledger: start + len(pad.octets) for pad in pads})
            detail = f"{means}, from octet {start}; {len(doubts)} blocks in doubt are discarded"
            append_audit(tx, self.writer, tx.now_ns, [Act("recommission", "haris", span, detail)])

    def commission_of(self, span: str) -> Commission | None:
        """By what, and until where."""
        with self._database.transaction() as tx:
            row = tx.one("SELECT means, ends FROM commissions WHERE span = ?", span)
            return None if row is None else Commission(row[0], msgspec.json.decode(row[1], type=dict[str, int]))


def _note(tx: Transaction, span: str, means: str, ends: Mapping[str, int]) -> None:
    tx.change(
        "INSERT INTO commissions VALUES (?, ?, ?)"
        " ON CONFLICT (span) DO UPDATE SET means = excluded.means, ends = excluded.ends",
        span,
        str(means),
        msgspec.json.encode(ends),
    )
