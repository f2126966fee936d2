"""Processes that share a store: each says that it is alive; what a dead one left is settled by another.

A process that was only slow finds its place taken: what it reserved is burnt, and its next word on it is refused.
"""

from __future__ import annotations

from haris.node.store.assignments import burn_reserved
from haris.node.store.database import Database, Transaction
from haris.nouns.errors import StoreError

SCHEMA = """
CREATE TABLE processes (writer TEXT PRIMARY KEY, seen_ns BIGINT NOT NULL);
CREATE TABLE leaders (task TEXT PRIMARY KEY, writer TEXT NOT NULL, until_ns BIGINT NOT NULL)
"""

SILENCE_S = 15.0
"""A process that has said nothing for so long is taken for dead."""


class TakenForDead(StoreError):  # noqa: N818  (what it is)
    """Another process has taken over from this one, which must end."""


class Processes:
    """The processes of one site."""

    _database: Database
    writer: str

    def begin(self, *, alone: bool) -> None:
        """Take this process's place. alone: nobody else can have the store open, so that all that is left is ours.

        Reserved keys that nobody was told of are burnt; announced ones wait for assignments_in_doubt. StoreError when a
        process of the same name is alive.
        """
        with self._database.transaction() as tx:
            row = tx.one("SELECT seen_ns FROM processes WHERE writer = ?", self.writer)
            if not alone and row is not None and tx.now_ns - row[0] < int(SILENCE_S * 1e9):
                raise StoreError(f"a process named {self.writer} has this store open: give each its own name")
            for left in _holders(tx) if alone else [self.writer]:
                _adopt(tx, left, self.writer)
            _say(tx, self.writer)

    def beat(self) -> tuple[str, ...]:
        """Say that this process is alive; take over from those that are dead. Returns their names.

        StoreError when another has taken over from this one: it was silent for too long.
        """
        with self._database.transaction() as tx:
            row = tx.one("SELECT seen_ns FROM processes WHERE writer = ?", self.writer)
            if row is None:
                raise TakenForDead(f"process {self.writer} was taken for dead, and another has taken over")
            _say(tx, self.writer)
            silent = tx.now_ns - int(SILENCE_S * 1e9)
            if row[0] < silent:  # the database itself was away: so the others were silent, too
                return ()
            dead = tuple(name for (name,) in tx.all("SELECT writer FROM processes WHERE seen_ns < ?", silent))
            for name in dead:
                _adopt(tx, name, self.writer)
            return dead

    def leave(self) -> None:
        """This process ends in order; what it leaves open is for the others, or for its next start."""
        with self._database.transaction() as tx:
            tx.change("UPDATE processes SET seen_ns = 0 WHERE writer = ?", self.writer)
            tx.change("DELETE FROM leaders WHERE writer = ?", self.writer)

    def lead(self, task: str, for_s: float) -> bool:
        """Whether this process does a task that one alone should do, for so long from now on; ask again before."""
        with self._database.transaction() as tx:
            tx.change(
                "INSERT INTO leaders VALUES (?, ?, ?) ON CONFLICT (task) DO UPDATE"
                " SET writer = excluded.writer, until_ns = excluded.until_ns"
                " WHERE leaders.writer = excluded.writer OR leaders.until_ns < ?",
                task,
                self.writer,
                tx.now_ns + int(for_s * 1e9),
                tx.now_ns,
            )
            return tx.one("SELECT writer FROM leaders WHERE task = ?", task) == (self.writer,)


def _say(tx: Transaction, writer: str) -> None:
    tx.change(
        "INSERT INTO processes VALUES (?, ?) ON CONFLICT (writer) DO UPDATE SET seen_ns = excluded.seen_ns",
        writer,
        tx.now_ns,
    )


def _holders(tx: Transaction) -> list[str]:
    """Every process that has left anything open."""
    rows = tx.all(
        "SELECT holder FROM loose WHERE state = 'reserved' UNION SELECT holder FROM announced WHERE state = 'announced'"
        " UNION SELECT writer FROM processes"
    )
    return [name for (name,) in rows]


def _adopt(tx: Transaction, dead: str, writer: str) -> None:
    burn_reserved(tx, dead)
    tx.change("UPDATE announced SET holder = ? WHERE holder = ? AND state = 'announced'", writer, dead)
    tx.change("DELETE FROM processes WHERE writer = ?", dead)
    tx.change("DELETE FROM leaders WHERE writer = ?", dead)
