"""Relays in the making: shares at their far end, and the question that their owner will ask, until it is settled."""

from __future__ import annotations

from uuid import UUID

import msgspec

from haris.keys.store import MAX_RELAYS_HELD, HeldShare
from haris.node.store.database import Database, Transaction
from haris.nouns.keys import Pedigree

SCHEMA = """
CREATE TABLE shares (relay BLOB NOT NULL, share INTEGER NOT NULL, shares INTEGER NOT NULL, owner TEXT NOT NULL,
    kept_ns BIGINT NOT NULL, path BLOB NOT NULL, pedigree BLOB NOT NULL, secret BLOB NOT NULL,
    PRIMARY KEY (relay, share));
CREATE INDEX shares_of_owner ON shares (owner, kept_ns);
CREATE TABLE relay_asks (relay BLOB PRIMARY KEY, secret BLOB NOT NULL)
"""


class Shares:
    """The ShareStore of keys/store.py."""

    _database: Database

    def keep_share(self, share: HeldShare) -> bool:
        """Keep a share, unless one of its number is here."""
        with self._database.transaction() as tx:
            kept = tx.change(
                "INSERT INTO shares VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                share.relay.bytes,
                share.share,
                share.shares,
                share.path[0],
                tx.now_ns,
                msgspec.json.encode(share.path),
                msgspec.json.encode(share.pedigree),
                tx.seal(share.octets, "shares", share.relay, share.share),
            )
            _drop_oldest(tx, share.path[0])
            return bool(kept)

    def shares_of(self, relay: UUID) -> tuple[HeldShare, ...]:
        """The shares of a relay, by their numbers."""
        with self._database.transaction() as tx:
            rows = tx.all(
                "SELECT share, shares, path, pedigree, secret FROM shares WHERE relay = ? ORDER BY share", relay.bytes
            )
            return tuple(
                HeldShare(
                    relay,
                    share,
                    shares,
                    msgspec.json.decode(path, type=tuple[str, ...]),
                    tx.unseal(sealed, "shares", relay, share),
                    msgspec.json.decode(pedigree, type=Pedigree),
                )
                for share, shares, path, pedigree, sealed in rows
            )

    def note_ask(self, relay: UUID, ask: bytes) -> None:
        """The question of a relay, kept sealed: nobody may know it before the far end is asked."""
        with self._database.transaction() as tx:
            tx.change("INSERT INTO relay_asks VALUES (?, ?)", relay.bytes, tx.seal(ask, "relay_asks", relay))

    def asked(self, relay: UUID) -> bytes | None:
        """The question that was noted."""
        with self._database.transaction() as tx:
            row = tx.one("SELECT secret FROM relay_asks WHERE relay = ?", relay.bytes)
            return None if row is None else tx.unseal(row[0], "relay_asks", relay)

    def forget_relay(self, relay: UUID) -> None:
        """Overwrite its shares and its question."""
        with self._database.transaction() as tx:
            tx.change("DELETE FROM shares WHERE relay = ?", relay.bytes)
            tx.change("DELETE FROM relay_asks WHERE relay = ?", relay.bytes)


def _drop_oldest(tx: Transaction, owner: str) -> None:
    """Of an owner that sends shares and never asks, whoever it is in truth, only the newest relays stay."""
    rows = tx.all("SELECT relay FROM shares WHERE owner = ? GROUP BY relay ORDER BY MAX(kept_ns) DESC, relay", owner)
    for (relay,) in rows[MAX_RELAYS_HELD:]:
        tx.change("DELETE FROM shares WHERE relay = ?", relay)
