"""Accounts in the store: each audit entry is counted once, however often the roll-up runs or is interrupted."""

from __future__ import annotations

from collections.abc import Mapping

from haris.manage.accounting import Usages, roll_up
from haris.manage.audit import Entry
from haris.node.store.audit import COLUMNS
from haris.node.store.database import Database
from haris.nouns.usage import Account, Usage

SCHEMA = """
CREATE TABLE accounts (day TEXT NOT NULL, customer TEXT NOT NULL, sae TEXT NOT NULL, peer TEXT NOT NULL,
    interface TEXT NOT NULL, method TEXT NOT NULL, requests BIGINT NOT NULL, keys BIGINT NOT NULL,
    bits BIGINT NOT NULL, denials BIGINT NOT NULL, PRIMARY KEY (day, customer, sae, peer, interface, method));
CREATE TABLE accounted (writer TEXT PRIMARY KEY, number BIGINT NOT NULL)
"""

_BATCH = 500


class Accounts:
    """The usage of one site."""

    _database: Database

    def roll_up(self, writer: str, customers: Mapping[str, str]) -> bool:
        """Account for the next entries of a chain. True when there may be more.

        The entries are read without a lock on what follows; the sums are added only when nobody else has meanwhile
        accounted for them.
        """
        with self._database.transaction() as tx:
            tx.change("INSERT INTO accounted VALUES (?, 0) ON CONFLICT DO NOTHING", writer)
            (done,) = tx.one("SELECT number FROM accounted WHERE writer = ?", writer) or (0,)
            rows = tx.all(
                f"SELECT {COLUMNS} FROM audit WHERE writer = ? AND number > ? ORDER BY number LIMIT ?",
                writer,
                done,
                _BATCH,
            )
        if not rows:
            return False
        entries = [Entry(*row) for row in rows]
        usages = roll_up(entries, customers)
        with self._database.transaction() as tx:
            last = entries[-1].number
            if tx.change("UPDATE accounted SET number = ? WHERE writer = ? AND number = ?", last, writer, done):
                tx.change_each(
                    "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (day, customer, sae, peer, interface, method) DO UPDATE SET"
                    " requests = accounts.requests + excluded.requests, keys = accounts.keys + excluded.keys,"
                    " bits = accounts.bits + excluded.bits, denials = accounts.denials + excluded.denials",
                    [_row(account, usage) for account, usage in usages.items()],
                )
        return len(rows) == _BATCH

    def usages(self, since_day: str = "", until_day: str = "9999-99-99") -> Usages:
        """What was accounted for, of days from since_day on and before until_day."""
        with self._database.transaction() as tx:
            rows = tx.all(
                "SELECT day, customer, sae, peer, interface, method, requests, keys, bits, denials FROM accounts"
                " WHERE day >= ? AND day < ? ORDER BY day, customer, sae, peer, interface, method",
                since_day,
                until_day,
            )
            return {Account(*row[:6]): Usage(*row[6:]) for row in rows}


def _row(account: Account, usage: Usage) -> tuple[object, ...]:
    return (
        account.day,
        account.customer,
        account.sae,
        account.peer,
        account.interface,
        account.method,
        usage.requests,
        usage.keys,
        usage.bits,
        usage.denials,
    )
