"""The chains of witnesses in the store, and what becomes void when a store is found to have gone back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from haris.crypto.ledger import span_ledgers
from haris.keys.lifecycle import Event
from haris.keys.witness import NO_WORD, Verdict, Word, judge
from haris.manage.audit import Act
from haris.node.store.audit import append_audit
from haris.node.store.burns import burn_lots
from haris.node.store.database import Database, Transaction
from haris.node.store.ledgers import void_pad
from haris.node.store.owed import owe_word
from haris.wire import kme

SCHEMA = """
CREATE TABLE witnesses (peer TEXT PRIMARY KEY, number INTEGER NOT NULL, nonce BLOB NOT NULL, previous BLOB NOT NULL,
    confirmed INTEGER NOT NULL) STRICT;
CREATE TABLE witnessed (peer TEXT PRIMARY KEY, number INTEGER NOT NULL, nonce BLOB NOT NULL, previous BLOB NOT NULL)
    STRICT;
CREATE TABLE resets (peer TEXT NOT NULL, name BLOB NOT NULL, PRIMARY KEY (peer, name)) STRICT
"""


class Witnesses:
    """The WitnessStore of keys/store.py."""

    _database: Database
    writer: str

    def next_word(self, peer: str, nonce: bytes) -> Word:
        """Our word to peer: the last one again until it is confirmed, then the next, with this nonce."""
        with self._database.transaction() as tx:
            word, confirmed = _own(tx, peer)
            if not confirmed:
                return word
            word = word.follow(nonce)
            _keep_own(tx, peer, word, confirmed=False)
            return word

    def word_confirmed(self, peer: str, word: Word) -> None:
        """Peer has seen it."""
        with self._database.transaction() as tx:
            tx.change(
                "UPDATE witnesses SET confirmed = 1 WHERE peer = ? AND number = ? AND nonce = ?",
                peer,
                word.number,
                word.nonce,
            )

    def confirmed_numbers(self) -> dict[str, int]:
        """The number of the newest word that each peer has confirmed."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT peer, number - 1 + confirmed FROM witnesses WHERE confirmed < 2")
            return {peer: int(number) for peer, number in rows}

    def hear_word(
        self, peer: str, word: Word, spans: Sequence[str], reset: bytes, peers: Iterable[str]
    ) -> tuple[Verdict, Word]:
        """Judge a word of peer, and void what its verdict makes void. Returns the verdict, and the newest word seen.

        spans: those that lead to peer. reset, peers: for went_back, when it is this site that went back.
        """
        with self._database.transaction() as tx:
            seen = _seen(tx, peer)
            verdict = Verdict.NEXT if seen is None else judge(seen, word)
            if seen is not None and verdict is Verdict.SENDER_WENT_BACK:
                self._void(tx, peer, spans, f"{peer} has gone back to an older copy of its store")
                return verdict, seen
            if verdict is Verdict.WITNESS_WENT_BACK:
                self._went_back(tx, peer, reset, peers)
            if verdict is not Verdict.REPEATED:
                tx.change(
                    "INSERT INTO witnessed VALUES (?, ?, ?, ?) ON CONFLICT (peer) DO UPDATE"
                    " SET number = excluded.number, nonce = excluded.nonce, previous = excluded.previous",
                    peer,
                    word.number,
                    word.nonce,
                    word.previous,
                )
            return verdict, word

    def seen_of(self, peer: str) -> Word:
        """The newest word of peer that was seen here."""
        with self._database.transaction() as tx:
            return _seen(tx, peer) or NO_WORD

    def begins_anew(self, peer: str) -> bool:
        """Whether this site went back since peer told it the newest word that it has seen."""
        with self._database.transaction() as tx:
            return tx.one("SELECT 1 FROM witnesses WHERE peer = ? AND confirmed = 2", peer) is not None

    def begin_anew(self, peer: str, number: int, nonce: bytes) -> None:
        """Our chain to peer goes on from the newest word that it has seen."""
        with self._database.transaction() as tx:
            _keep_own(tx, peer, Word(number, nonce, nonce), confirmed=True)

    def went_back(self, by: str, reset: bytes, peers: Iterable[str], number: int, nonce: bytes) -> None:
        """This site learns from `by` that it went back: all that it shares with anybody is void, and everybody is told.

        reset: a fresh name of 16 octets. number, nonce: the newest word that `by` has seen: our chain goes on from it.
        """
        with self._database.transaction() as tx:
            self._went_back(tx, by, reset, peers)
            _keep_own(tx, by, Word(number, nonce, nonce), confirmed=True)

    def restored(self, reset: bytes, peers: Iterable[str]) -> int:
        """This store is a back-up that was put back: as went_back. Returns how many keys of stock are void."""
        with self._database.transaction() as tx:
            n_keys = void_everything(tx)
            _forget_chains(tx, peers)
            for peer in peers:
                owe_word(tx, peer, kme.RESET, kme.write_reset(reset, "this site's store was restored from a back-up"))
            detail = f"from a back-up: {n_keys} keys and all pad are void"
            append_audit(tx, self.writer, tx.now_ns, [Act("restore", "haris", "store", detail)])
            return n_keys

    def reset_by(
        self, peer: str, name: bytes, spans: Sequence[str], reason: str, begun: Mapping[str, int] | None = None
    ) -> bool:
        """Peer says that all that it shares with this site is void, but for the pad of spans from where peer has begun
        them anew. False when this very word was heard before."""
        with self._database.transaction() as tx:
            if not tx.change("INSERT INTO resets VALUES (?, ?) ON CONFLICT DO NOTHING", peer, name):
                return False
            self._void(tx, peer, spans, reason, begun)
            return True

    def _went_back(self, tx: Transaction, by: str, reset: bytes, peers: Iterable[str]) -> None:
        n_keys = void_everything(tx)
        _forget_chains(tx, peers)
        for peer in peers:
            owe_word(tx, peer, kme.RESET, kme.write_reset(reset, "this site went back to an older copy of its store"))
        detail = f"{by} has seen newer words of this site: {n_keys} keys and all pad are void"
        append_audit(tx, self.writer, tx.now_ns, [Act("revoke", "haris", "everything", detail)])

    def _void(
        self, tx: Transaction, peer: str, spans: Sequence[str], reason: str, begun: Mapping[str, int] | None = None
    ) -> None:
        n_keys = void_shared(tx, peer, spans, begun)
        append_audit(tx, self.writer, tx.now_ns, [Act("revoke", "haris", peer, f"{n_keys} keys are void: {reason}")])


def void_shared(tx: Transaction, peer: str, spans: Sequence[str], begun: Mapping[str, int] | None = None) -> int:
    """Overwrite all that is shared with peer: stock, assigned keys, relays and blocks in doubt, the pad of its spans.

    begun: pad of these spans from these octets on was carried by hand since, and stays. Returns how many keys of stock
    that were.
    """
    begun = begun or {}
    n_keys = burn_lots(tx, "peer = ?", peer)
    tx.happen("loose", Event.VOID, "peer = ?", peer)
    tx.happen("assigned", Event.VOID, "owner = ?", peer)
    tx.change("UPDATE announced SET state = 'voided' WHERE peer = ? AND state IN ('announced', 'burnt')", peer)
    for (relay,) in tx.all("SELECT relay FROM relays WHERE peer = ? AND state = 'pending'", peer):
        tx.change("UPDATE relays SET state = 'lost' WHERE relay = ?", relay)
        tx.change("DELETE FROM relay_asks WHERE relay = ?", relay)
        tx.change("DELETE FROM relay_waits WHERE relay = ?", relay)
    tx.change("DELETE FROM shares WHERE owner = ?", peer)
    for span in spans:
        doubts = tx.all("SELECT block FROM blocks WHERE span = ? AND state = 'pending'", span)
        tx.change_each("DELETE FROM pending_pads WHERE block = ?", doubts)
        tx.change_each("UPDATE blocks SET state = 'discarded' WHERE block = ?", doubts)
        for ledger in span_ledgers(span):
            void_pad(tx, ledger, begun.get(span))
            tx.change("DELETE FROM carried WHERE ledger = ?", ledger)
    return n_keys


def void_everything(tx: Transaction) -> int:
    """Overwrite every key and every pad. Returns how many keys of stock that were."""
    n_keys = burn_lots(tx, "1 = 1")
    tx.happen("loose", Event.VOID, "1 = 1")
    tx.happen("assigned", Event.VOID, "1 = 1")
    tx.change("UPDATE announced SET state = 'voided' WHERE state IN ('announced', 'burnt')")
    tx.change("UPDATE relays SET state = 'lost' WHERE state = 'pending'")
    tx.change("UPDATE blocks SET state = 'discarded' WHERE state = 'pending'")
    for table in ("pending_pads", "relay_asks", "relay_waits", "shares", "carried", "segments"):
        tx.change(f"DELETE FROM {table}")
    tx.change("UPDATE ledgers SET head = tail")
    tx.change("UPDATE arrivals SET state = 'failing', secret = NULL WHERE state IN ('received', 'carrying')")
    return n_keys


def _own(tx: Transaction, peer: str) -> tuple[Word, bool]:
    row = tx.one("SELECT number, nonce, previous, confirmed FROM witnesses WHERE peer = ?", peer)
    return (NO_WORD, True) if row is None else (Word(row[0], bytes(row[1]), bytes(row[2])), bool(row[3]))


def _forget_chains(tx: Transaction, peers: Iterable[str]) -> None:
    """All is void: where the chains stood says nothing any more, in either direction, and must not void again."""
    for peer in peers:
        word, _ = _own(tx, peer)
        _keep_own(tx, peer, word, confirmed=True)
        tx.change("UPDATE witnesses SET confirmed = 2 WHERE peer = ?", peer)
    tx.change("UPDATE witnessed SET number = -1")


def _seen(tx: Transaction, peer: str) -> Word | None:
    """None: any word of peer is taken."""
    row = tx.one("SELECT number, nonce, previous FROM witnessed WHERE peer = ?", peer)
    if row is None:
        return NO_WORD
    return None if row[0] < 0 else Word(row[0], bytes(row[1]), bytes(row[2]))


def _keep_own(tx: Transaction, peer: str, word: Word, *, confirmed: bool) -> None:
    tx.change(
        "INSERT INTO witnesses VALUES (?, ?, ?, ?, ?) ON CONFLICT (peer) DO UPDATE SET number = excluded.number,"
        " nonce = excluded.nonce, previous = excluded.previous, confirmed = excluded.confirmed",
        peer,
        word.number,
        word.nonce,
        word.previous,
        int(confirmed),
    )
