"""Words that other sites are owed: kept in the transaction that makes them due, told until they are acknowledged."""

from __future__ import annotations

from haris.node.store.database import Database, Transaction
from haris.nouns.assignments import OwedWord
from haris.nouns.errors import KeyUnavailable
from haris.wire import kme

SCHEMA = """
CREATE TABLE owed_words (peer TEXT NOT NULL, number INTEGER NOT NULL, verb TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (peer, number)) STRICT
"""


class Owed:
    """The OwedStore of keys/store.py."""

    _database: Database

    def words_owed(self, peer: str, at_most: int = 64) -> tuple[OwedWord, ...]:
        """What peer is to be told, oldest first."""
        with self._database.transaction() as tx:
            rows = tx.all(
                "SELECT number, verb, body FROM owed_words WHERE peer = ? ORDER BY number LIMIT ?", peer, at_most
            )
            return tuple(OwedWord(number, verb, bytes(body)) for number, verb, body in rows)

    def word_told(self, peer: str, word: OwedWord) -> None:
        """Peer has acknowledged this very word."""
        with self._database.transaction() as tx:
            tx.change(
                "DELETE FROM owed_words WHERE peer = ? AND number = ? AND verb = ? AND body = ?",
                peer,
                word.number,
                word.verb,
                word.body,
            )

    def is_owed(self, peer: str, verb: str) -> bool:
        """Whether peer is still to be told a word of this verb."""
        with self._database.transaction() as tx:
            return tx.one("SELECT 1 FROM owed_words WHERE peer = ? AND verb = ?", peer, verb) is not None


def owe_word(tx: Transaction, peer: str, verb: str, body: bytes) -> None:
    """Note that peer is to be told this."""
    (last,) = tx.one("SELECT COALESCE(MAX(number), 0) FROM owed_words WHERE peer = ?", peer) or (0,)
    tx.change("INSERT INTO owed_words VALUES (?, ?, ?, ?)", peer, int(last) + 1, verb, body)


def amend_resets(tx: Transaction, span: str, start: int) -> None:
    """A span begins anew at the octet start: a reset that is still owed must not void what begins there."""
    for peer, number, body in tx.all("SELECT peer, number, body FROM owed_words WHERE verb = ?", kme.RESET):
        reset = kme.read_reset(bytes(body))
        amended = kme.write_reset(reset.name, reset.reason, {**reset.begun, span: start})
        tx.change("UPDATE owed_words SET body = ? WHERE peer = ? AND number = ?", amended, peer, number)


def require_purged(tx: Transaction, peer: str, master: str, slave: str) -> None:
    """KeyUnavailable while peer is still to be told to purge a pair: its word would burn what the pair gets until then.

    That would be lost at the slave after the master has it.
    """
    words = tx.all("SELECT body FROM owed_words WHERE peer = ? AND verb = ?", peer, kme.PURGE)
    purges = [kme.read_purge(bytes(body)) for (body,) in words]
    if any((purge.master, purge.slave) == (master, slave) for purge in purges):
        raise KeyUnavailable(f"the keys of {master} and {slave} were purged, and {peer} has not heard of it yet")
