"""How much key a site holds: what its operators and its meters look at."""

from __future__ import annotations

from dataclasses import dataclass

from haris.node.store.database import Database


@dataclass(frozen=True, slots=True)
class PoolLevel:
    """Keys of 256 bits that this site may give to masters for slaves at peer.

    ready: for any pair. leased: to pairs ahead of their demand. oldest_ns: when the oldest was made here, None: dry.
    pending: beside them, keys in doubt, such as those of relays that are on their way.
    """

    peer: str
    ready: int
    leased: int
    oldest_ns: int | None
    pending: int = 0


class Levels:
    """The pools of one site."""

    _database: Database

    def pool_level(self, peer: str, owner: str) -> PoolLevel:
        """The level of one pool: by the index of the live lots, however many were spent."""
        with self._database.transaction() as tx:
            rows = tx.all(
                "SELECT state, COALESCE(SUM(n_left), 0), MIN(born_ns) FROM lots"
                " WHERE peer = ? AND owner = ? AND state IN ('ready', 'leased', 'pending') GROUP BY state",
                peer,
                owner,
            )
        counts = {state: int(n_keys) for state, n_keys, _ in rows}
        oldest = min((born_ns for state, n_keys, born_ns in rows if n_keys and state != "pending"), default=None)
        return PoolLevel(peer, counts.get("ready", 0), counts.get("leased", 0), oldest, counts.get("pending", 0))
