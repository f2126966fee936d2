"""Relays in the making: shares at their far end, and the question that their owner will ask, until it is settled."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from haris.keys.store import HeldShare
from haris.node.store.database import Database, Transaction
from haris.nouns.keys import Pedigree
from haris.wire.relay import MAX_ON_THEIR_WAY

SCHEMA = """
CREATE TABLE shares (relay BLOB NOT NULL, share INTEGER NOT NULL, shares INTEGER NOT NULL, owner TEXT NOT NULL,
    kept_ns BIGINT NOT NULL, path BLOB NOT NULL, pedigree BLOB NOT NULL, secret BLOB NOT NULL,
    PRIMARY KEY (relay, share));
CREATE INDEX shares_of_owner ON shares (owner, kept_ns);
CREATE TABLE relay_asks (relay BLOB PRIMARY KEY, secret BLOB NOT NULL);
CREATE TABLE relay_waits (relay BLOB PRIMARY KEY, until_ns BIGINT NOT NULL)
"""


class Shares:
    """The ShareStore of keys/store.py."""

    _database: Database

    def keep_share(self, share: HeldShare) -> bool:
        """Keep a share, unless one of its number is here, or its relay is settled."""
        with self._database.transaction() as tx:
            if _settled(tx, share.relay):
                return False
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

    def settled_here(self, relays: Sequence[UUID]) -> tuple[UUID, ...]:
        """Those that are settled at their far end."""
        with self._database.transaction() as tx:
            return tuple(relay for relay in relays if _settled(tx, relay))

    def note_ask(self, relay: UUID, ask: bytes, until_ns: int | None = None) -> None:
        """The question of a relay, kept sealed: nobody may know it before the far end is asked."""
        with self._database.transaction() as tx:
            tx.change("INSERT INTO relay_asks VALUES (?, ?)", relay.bytes, tx.seal(ask, "relay_asks", relay))
            if until_ns is not None:
                tx.change("INSERT INTO relay_waits VALUES (?, ?)", relay.bytes, until_ns)

    def may_arrive(self, peer: str, now_ns: int) -> tuple[UUID, ...]:
        """Relays in doubt that are not to be given up yet."""
        with self._database.transaction() as tx:
            rows = tx.all(
                "SELECT relay_waits.relay FROM relay_waits JOIN relays ON relays.relay = relay_waits.relay"
                " WHERE peer = ? AND state = 'pending' AND until_ns > ? ORDER BY place",
                peer,
                now_ns,
            )
            return tuple(UUID(bytes=bytes(relay)) for (relay,) in rows)

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
            tx.change("DELETE FROM relay_waits WHERE relay = ?", relay.bytes)


def _settled(tx: Transaction, relay: UUID) -> bool:
    """Whether a relay that others began was kept here, or voided."""
    return tx.one("SELECT 1 FROM relays WHERE relay = ?", relay.bytes) is not None


def _drop_oldest(tx: Transaction, owner: str) -> None:
    """Of an owner that sends shares and never asks, whoever it is in truth, only the newest relays stay."""
    rows = tx.all("SELECT relay FROM shares WHERE owner = ? GROUP BY relay ORDER BY MAX(kept_ns) DESC, relay", owner)
    for (relay,) in rows[MAX_ON_THEIR_WAY:]:
        tx.change("DELETE FROM shares WHERE relay = ?", relay)
