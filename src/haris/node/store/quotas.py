"""Daily quotas in the store: what is drawn of them, by account and day."""

from __future__ import annotations

from haris.node.store.database import Database, Transaction

SCHEMA = """
CREATE TABLE quotas (account TEXT NOT NULL, day INTEGER NOT NULL, drawn INTEGER NOT NULL,
    PRIMARY KEY (account, day)) STRICT
"""

KEPT_DAYS = 31
"""So long a day is remembered: a clock that goes back by less cannot make a quota new."""


class Quotas:
    """The QuotaStore of keys/store.py."""

    _database: Database

    def draw_quota(self, account: str, day: int, keys_per_day: int, at_least: int, wanted: int) -> int:
        """Draw up to `wanted`, or none."""
        with self._database.transaction() as tx:
            if tx.change("INSERT INTO quotas VALUES (?, ?, 0) ON CONFLICT DO NOTHING", account, day):
                tx.change("DELETE FROM quotas WHERE account = ? AND day < ?", account, day - KEPT_DAYS)
            if _draw(tx, account, day, keys_per_day, wanted):
                return wanted
            (drawn,) = tx.one("SELECT drawn FROM quotas WHERE account = ? AND day = ?", account, day) or (0,)
            left = keys_per_day - int(drawn)
            return left if left >= at_least and _draw(tx, account, day, keys_per_day, left) else 0

    def return_quota(self, account: str, day: int, n_keys: int) -> None:
        """Less is drawn."""
        with self._database.transaction() as tx:
            tx.change(
                "UPDATE quotas SET drawn = drawn - ? WHERE account = ? AND day = ? AND drawn >= ?",
                n_keys,
                account,
                day,
                n_keys,
            )


def _draw(tx: Transaction, account: str, day: int, keys_per_day: int, n_keys: int) -> bool:
    """A compare-and-swap: True when so many were left."""
    return bool(
        tx.change(
            "UPDATE quotas SET drawn = drawn + ? WHERE account = ? AND day = ? AND drawn + ? <= ?",
            n_keys,
            account,
            day,
            n_keys,
            keys_per_day,
        )
    )
