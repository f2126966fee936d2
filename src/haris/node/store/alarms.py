"""Alarms in the store: those that stand survive a restart, those that were cleared are remembered for a while."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from haris.manage.audit import AuditRecord
from haris.node.store.audit import append_audit
from haris.node.store.database import Database
from haris.nouns.alarms import Standing

SCHEMA = """
CREATE TABLE alarms (writer TEXT NOT NULL, id INTEGER NOT NULL, stands INTEGER NOT NULL, alarm BLOB NOT NULL,
    PRIMARY KEY (writer, id)) STRICT
"""

REMEMBERED = 10_000
"""How many alarms are kept in all; older ones that are cleared are forgotten."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Standing] = msgspec.json.Decoder(Standing)


class Alarms:
    """The alarms of one site."""

    _database: Database

    def keep_alarms(self, writer: str, alarms: Sequence[Standing], records: Sequence[AuditRecord] = ()) -> None:
        """Keep alarms as they are now. writer: whose they are, as of the audit log. records: what is to be audited."""
        with self._database.transaction() as tx:
            tx.change_each(
                "INSERT INTO alarms VALUES (?, ?, ?, ?)"
                " ON CONFLICT (writer, id) DO UPDATE SET stands = excluded.stands, alarm = excluded.alarm",
                [(writer, each.id, int(each.cleared_ns is None), _encoder.encode(each)) for each in alarms],
            )
            oldest = max((each.id for each in alarms), default=0) - REMEMBERED
            tx.change("DELETE FROM alarms WHERE writer = ? AND id <= ? AND stands = 0", writer, oldest)
            append_audit(tx, writer, tx.now_ns, records)

    def standing_alarms(self, writer: str) -> tuple[tuple[Standing, ...], int]:
        """What stood when the process ended, and the next free id."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT alarm FROM alarms WHERE writer = ? AND stands = 1 ORDER BY id", writer)
            (last,) = tx.one("SELECT max(id) FROM alarms WHERE writer = ?", writer) or (None,)
            return tuple(_decoder.decode(alarm) for (alarm,) in rows), (last or 0) + 1

    def past_alarms(self, writer: str, n: int) -> tuple[Standing, ...]:
        """The n newest alarms, cleared or not, newest first."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT alarm FROM alarms WHERE writer = ? ORDER BY id DESC LIMIT ?", writer, n)
            return tuple(_decoder.decode(alarm) for (alarm,) in rows)
