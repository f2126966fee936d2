"""Key sources in the store: how each stands, and the names of the keys that it has given."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from haris.keys.quarantine import Standing
from haris.keys.vendor import name_digest
from haris.node.store.database import Database, Transaction

SCHEMA = """
CREATE TABLE sources (source TEXT PRIMARY KEY, standing BLOB NOT NULL) STRICT;
CREATE TABLE source_names (source TEXT NOT NULL, name BLOB NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (source, name)) STRICT;
CREATE INDEX source_names_in_order ON source_names (source, place)
"""

NAMES_KEPT = 1 << 20
"""Names remembered of each source, the latest: about 60 MB."""


class Sources:
    """The SourceStore of keys/store.py."""

    _database: Database

    def source_standing(self, source: str) -> Standing:
        """How a source stands; sound when nothing was ever kept of it."""
        with self._database.transaction() as tx:
            row = tx.one("SELECT standing FROM sources WHERE source = ?", source)
            return Standing() if row is None else msgspec.json.decode(row[0], type=Standing)

    def keep_standing(self, source: str, standing: Standing) -> None:
        """Remember how a source stands."""
        with self._database.transaction() as tx:
            tx.change(
                "INSERT INTO sources VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET standing = excluded.standing",
                source,
                msgspec.json.encode(standing),
            )

    def known_names(self, source: str, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the names that the source has given before."""
        with self._database.transaction() as tx:
            return _known(tx, source, names)

    def note_names(self, source: str, names: Sequence[str]) -> tuple[str, ...]:
        """Remember names for good, all or none; returns those that were known before, when none is noted."""
        with self._database.transaction() as tx:
            known = _known(tx, source, names)
            if known:
                return known
            (last,) = tx.one("SELECT coalesce(max(place), 0) FROM source_names WHERE source = ?", source) or (0,)
            rows = [(source, name_digest(name), last + 1 + at) for at, name in enumerate(names)]
            tx.change_each("INSERT INTO source_names VALUES (?, ?, ?)", rows)
            oldest = last + len(rows) - NAMES_KEPT
            tx.change("DELETE FROM source_names WHERE source = ? AND place <= ?", source, oldest)
            return ()


def _known(tx: Transaction, source: str, names: Sequence[str]) -> tuple[str, ...]:
    query = "SELECT 1 FROM source_names WHERE source = ? AND name = ?"
    return tuple(name for name in names if tx.one(query, source, name_digest(name)))
