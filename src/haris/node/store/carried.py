"""Messages of relays that wait for their next site: ciphertext under pad that is burnt here, so it is kept as it is."""

from __future__ import annotations

from uuid import UUID

from haris.keys.store import Carried
from haris.node.store.database import Database

SCHEMA = """
CREATE TABLE carried (ledger TEXT NOT NULL, start BIGINT NOT NULL, relay BLOB NOT NULL, share INTEGER NOT NULL,
    until_ns BIGINT NOT NULL, message BLOB NOT NULL, PRIMARY KEY (ledger, start))
"""


class CarriedMessages:
    """The CarryStore of keys/store.py."""

    _database: Database

    def carry(self, message: Carried) -> None:
        """Hold a message."""
        with self._database.transaction() as tx:
            tx.change(
                "INSERT INTO carried VALUES (?, ?, ?, ?, ?, ?)",
                message.ledger,
                message.offset,
                message.relay.bytes,
                message.share,
                message.until_ns,
                message.message,
            )

    def carried(self, ledger: str) -> Carried | None:
        """The message of the lowest offset."""
        with self._database.transaction() as tx:
            row = tx.one(
                "SELECT start, relay, share, until_ns, message FROM carried WHERE ledger = ? ORDER BY start LIMIT 1",
                ledger,
            )
        if row is None:
            return None
        start, relay, share, until_ns, message = row
        return Carried(ledger, start, UUID(bytes=bytes(relay)), share, until_ns, bytes(message))

    def count_carried(self, ledger: str) -> int:
        """How many wait under a ledger."""
        with self._database.transaction() as tx:
            (count,) = tx.one("SELECT COUNT(*) FROM carried WHERE ledger = ?", ledger) or (0,)
            return int(count)

    def all_carried(self) -> dict[str, int]:
        """How many wait, by ledger."""
        with self._database.transaction() as tx:
            return {ledger: int(n) for ledger, n in tx.all("SELECT ledger, COUNT(*) FROM carried GROUP BY ledger")}

    def carry_no_more(self, ledger: str, offset: int) -> None:
        """Drop one."""
        with self._database.transaction() as tx:
            tx.change("DELETE FROM carried WHERE ledger = ? AND start = ?", ledger, offset)

    def drop_carried(self, until_before_ns: int) -> int:
        """Drop those whose time is over."""
        with self._database.transaction() as tx:
            return tx.change("DELETE FROM carried WHERE until_ns < ?", until_before_ns)

    def head_to_tell(self, ledger: str) -> int:
        """The head, or where the pad of a message that waits begins."""
        with self._database.transaction() as tx:
            (lowest,) = tx.one("SELECT MIN(start) FROM carried WHERE ledger = ?", ledger) or (None,)
            (head,) = tx.one("SELECT head FROM ledgers WHERE ledger = ?", ledger) or (0,)
            return int(head) if lowest is None else min(int(head), int(lowest))
