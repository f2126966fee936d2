"""Blocks in commit, in the store."""

from __future__ import annotations

import msgspec

from haris.keys.lifecycle import Event, KeyState
from haris.keys.store import BlockShares, PadAppend
from haris.node.store.database import Database
from haris.node.store.ledgers import append_pads
from haris.node.store.lots import insert_lots
from haris.nouns.errors import StoreError
from haris.nouns.keys import Pedigree

SCHEMA = """
CREATE TABLE blocks (place INTEGER PRIMARY KEY, block BLOB NOT NULL UNIQUE, span TEXT, number INTEGER,
    state TEXT NOT NULL) STRICT;
CREATE INDEX blocks_of_span ON blocks (span, number);
CREATE TABLE pending_pads (block BLOB NOT NULL, place INTEGER NOT NULL, ledger TEXT NOT NULL, pedigree BLOB NOT NULL,
    secret BLOB NOT NULL, PRIMARY KEY (block, place)) STRICT
"""


class Blocks:
    """The BlockStore of keys/store.py."""

    _database: Database

    def hold_block(self, shares: BlockShares) -> None:
        """Keep this site's copy as PENDING."""
        with self._database.transaction() as tx:
            if tx.one("SELECT 1 FROM blocks WHERE block = ?", shares.block):
                raise StoreError(f"block {shares.block.hex()} was named before")
            tx.change(
                "INSERT INTO blocks (block, span, number, state) VALUES (?, ?, ?, 'pending')",
                shares.block,
                shares.span,
                shares.number,
            )
            insert_lots(tx, shares.keys, KeyState.PENDING, shares.block)
            tx.change_each(
                "INSERT INTO pending_pads VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        shares.block,
                        place,
                        pad.ledger,
                        msgspec.json.encode(pad.pedigree),
                        tx.seal(pad.octets, "pending_pads", shares.block, place, pad.ledger),
                    )
                    for place, pad in enumerate(shares.pads)
                ],
            )

    def ready_block(self, block: bytes) -> bool:
        """PENDING → READY: keys enter the pools, pads their ledgers."""
        with self._database.transaction() as tx:
            if not tx.change("UPDATE blocks SET state = 'ready' WHERE block = ? AND state = 'pending'", block):
                return False
            tx.happen("lots", Event.CONFIRM, "source = ?", block)
            rows = tx.all(
                "SELECT place, ledger, pedigree, secret FROM pending_pads WHERE block = ? ORDER BY place", block
            )
            append_pads(
                tx,
                [
                    PadAppend(
                        ledger,
                        tx.unseal(sealed, "pending_pads", block, place, ledger),
                        msgspec.json.decode(pedigree, type=Pedigree),
                    )
                    for place, ledger, pedigree, sealed in rows
                ],
            )
            tx.change("DELETE FROM pending_pads WHERE block = ?", block)
            return True

    def discard_block(self, block: bytes) -> bool:
        """PENDING or unknown → DISCARDED; False when it was READY."""
        with self._database.transaction() as tx:
            tx.change("INSERT INTO blocks (block, state) VALUES (?, 'discarded') ON CONFLICT DO NOTHING", block)
            if tx.change("UPDATE blocks SET state = 'discarded' WHERE block = ? AND state = 'pending'", block):
                tx.happen("lots", Event.VOID, "source = ?", block)
                tx.change("DELETE FROM pending_pads WHERE block = ?", block)
            return tx.one("SELECT 1 FROM blocks WHERE block = ? AND state = 'ready'", block) is None

    def block_state(self, block: bytes) -> str | None:
        """`pending`, `ready`, `discarded` or None."""
        with self._database.transaction() as tx:
            row = tx.one("SELECT state FROM blocks WHERE block = ?", block)
            return None if row is None else str(row[0])

    def blocks_in_doubt(self, span: str) -> tuple[bytes, ...]:
        """PENDING blocks of a span, oldest first."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT block FROM blocks WHERE span = ? AND state = 'pending' ORDER BY number", span)
            return tuple(block for (block,) in rows)

    def last_block_number(self, span: str) -> int:
        """Highest block number ever held for a span, -1 when none."""
        with self._database.transaction() as tx:
            row = tx.one("SELECT max(number) FROM blocks WHERE span = ?", span)
            return -1 if row is None or row[0] is None else int(row[0])
