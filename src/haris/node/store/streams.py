"""Key streams in the store: who has opened which, how far each end is, and which attempt made each chunk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from haris.node.store.database import Database, Transaction
from haris.nouns.streams import Stream, StreamChunk, StreamEnd

SCHEMA = """
CREATE TABLE streams (stream BLOB PRIMARY KEY, source TEXT NOT NULL, destination TEXT NOT NULL, owner TEXT NOT NULL,
    chunk_octets BIGINT NOT NULL, key_octets BIGINT NOT NULL, drawn INTEGER NOT NULL, state TEXT NOT NULL,
    place BIGINT NOT NULL);
CREATE INDEX streams_of_pair ON streams (source, destination, place) WHERE drawn = 1 AND state = 'open';
CREATE TABLE stream_ends (stream BLOB NOT NULL, sae TEXT NOT NULL, terms BLOB NOT NULL, reached BIGINT NOT NULL,
    state TEXT NOT NULL, PRIMARY KEY (stream, sae));
CREATE TABLE stream_chunks (stream BLOB NOT NULL, place BIGINT NOT NULL, attempt BIGINT NOT NULL, born_ns BIGINT,
    PRIMARY KEY (stream, place));
CREATE TABLE stream_uses (stream BLOB PRIMARY KEY, used_ns BIGINT NOT NULL);
CREATE INDEX stream_uses_by_age ON stream_uses (used_ns)
"""
USE_NS = 60 * 10**9
"""A use is noted when the one that was noted before is so old: not every chunk costs a write."""

STREAMS_AT_ONCE = 256
_STREAM = "stream, source, destination, owner, chunk_octets, key_octets, drawn, state"


class Streams:
    """The StreamStore of keys/streams.py."""

    _database: Database

    def open_end(self, wanted: Stream, sae: str, terms: bytes) -> Stream:
        """Keep the stream if it is new, and open sae's end if it fits."""
        name = wanted.key_stream_id.bytes
        with self._database.transaction() as tx:
            place = (tx.one("SELECT coalesce(max(place), 0) FROM streams") or (0,))[0] + 1
            ends = (wanted.source, wanted.destination, wanted.owner)
            sizes = (wanted.chunk_octets, wanted.key_octets, int(wanted.drawn))
            tx.change(
                "INSERT INTO streams VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?) ON CONFLICT DO NOTHING",
                name,
                *ends,
                *sizes,
                place,
            )
            _use(tx, name)
            kept = _read_stream(tx, wanted.key_stream_id) or wanted
            if kept.over or (kept.pair(), kept.chunk_octets) != (wanted.pair(), wanted.chunk_octets):
                return kept
            tx.change("INSERT INTO stream_ends VALUES (?, ?, ?, 0, 'open') ON CONFLICT DO NOTHING", name, sae, terms)
            tx.change("UPDATE stream_ends SET state = 'open', terms = ? WHERE stream = ? AND sae = ?", terms, name, sae)
            return kept

    def waiting_stream(self, source: str, destination: str, sae: str) -> Stream | None:
        """The oldest drawn stream that waits for sae."""
        with self._database.transaction() as tx:
            row = tx.one(
                f"SELECT {_STREAM} FROM streams WHERE drawn = 1 AND state = 'open' AND source = ? AND destination = ?"
                " AND EXISTS (SELECT 1 FROM stream_ends e WHERE e.stream = streams.stream AND e.state = 'open')"
                " AND NOT EXISTS (SELECT 1 FROM stream_ends e WHERE e.stream = streams.stream AND e.sae = ?)"
                " ORDER BY place LIMIT 1",
                source,
                destination,
                sae,
            )
            return None if row is None else _stream(row)

    def stream(self, key_stream_id: UUID) -> Stream | None:
        """A stream by its identifier."""
        with self._database.transaction() as tx:
            return _read_stream(tx, key_stream_id)

    def stream_ends(self, key_stream_id: UUID) -> dict[str, StreamEnd]:
        """The ends that were ever opened."""
        with self._database.transaction() as tx:
            rows = tx.all("SELECT sae, terms, reached, state FROM stream_ends WHERE stream = ?", key_stream_id.bytes)
            return {sae: StreamEnd(sae, terms, reached, state == "open") for sae, terms, reached, state in rows}

    def close_end(self, key_stream_id: UUID, sae: str) -> bool:
        """Close an end; with no end open the stream is over, and only its identifier is remembered for a while."""
        name = key_stream_id.bytes
        with self._database.transaction() as tx:
            closed = tx.change(
                "UPDATE stream_ends SET state = 'closed' WHERE stream = ? AND sae = ? AND state = 'open'", name, sae
            )
            if closed and not tx.one("SELECT 1 FROM stream_ends WHERE stream = ? AND state = 'open'", name):
                tx.change("UPDATE streams SET state = 'over' WHERE stream = ?", name)
                tx.change("DELETE FROM stream_ends WHERE stream = ?", name)
                tx.change("DELETE FROM stream_chunks WHERE stream = ?", name)
            return bool(closed)

    def find_chunk(self, key_stream_id: UUID, index: int) -> StreamChunk | None:
        """What is known of a chunk."""
        with self._database.transaction() as tx:
            row = tx.one(
                "SELECT attempt, born_ns FROM stream_chunks WHERE stream = ? AND place = ?", key_stream_id.bytes, index
            )
            return None if row is None else StreamChunk(index, *row)

    def last_chunk(self, key_stream_id: UUID) -> int:
        """The highest index asked for, -1 when none."""
        with self._database.transaction() as tx:
            row = tx.one("SELECT max(place) FROM stream_chunks WHERE stream = ?", key_stream_id.bytes)
            return -1 if row is None or row[0] is None else int(row[0])

    def order_chunk(self, key_stream_id: UUID, index: int) -> int | None:
        """The number of the next attempt at a chunk, None when one has succeeded."""
        where = (key_stream_id.bytes, index)
        with self._database.transaction() as tx:
            tx.change("INSERT INTO stream_chunks VALUES (?, ?, 0, NULL) ON CONFLICT DO NOTHING", *where)
            next_one = tx.change(
                "UPDATE stream_chunks SET attempt = attempt + 1 WHERE stream = ? AND place = ? AND born_ns IS NULL",
                *where,
            )
            row = tx.one("SELECT attempt FROM stream_chunks WHERE stream = ? AND place = ?", *where)
            return int(row[0]) if row is not None and next_one else None

    def chunk_born(self, key_stream_id: UUID, index: int, attempt: int, now_ns: int) -> bool:
        """The keys of this attempt are assigned: a compare-and-swap."""
        with self._database.transaction() as tx:
            return bool(
                tx.change(
                    "UPDATE stream_chunks SET born_ns = ?"
                    " WHERE stream = ? AND place = ? AND attempt = ? AND born_ns IS NULL",
                    now_ns,
                    key_stream_id.bytes,
                    index,
                    attempt,
                )
            )

    def reach_chunk(self, key_stream_id: UUID, sae: str, index: int, floor: int) -> None:
        """sae has been given index; forget chunks below floor."""
        name = key_stream_id.bytes
        with self._database.transaction() as tx:
            tx.change(
                "UPDATE stream_ends SET reached = ? WHERE stream = ? AND sae = ? AND reached < ?",
                index + 1,
                name,
                sae,
                index + 1,
            )
            tx.change("DELETE FROM stream_chunks WHERE stream = ? AND place < ?", name, floor)
            _use(tx, name)

    def use_stream(self, key_stream_id: UUID) -> None:
        """It is in use."""
        with self._database.transaction() as tx:
            _use(tx, key_stream_id.bytes)

    def forget_streams(self, unused_since_ns: int) -> int:
        """Forget streams that nobody has used since, open ones and such as are over. Returns how many; 0: no more.

        Keys that were assigned for them must have ended, too: the same identifier makes the same key_IDs.
        """
        with self._database.transaction() as tx:
            missing = (
                "SELECT stream FROM streams s WHERE NOT EXISTS (SELECT 1 FROM stream_uses u WHERE u.stream = s.stream)"
            )
            for (stream,) in tx.all(missing):  # kept by a release that notes no use
                _use(tx, stream)
            rows = tx.all(
                "SELECT stream FROM stream_uses WHERE used_ns < ? LIMIT ?", unused_since_ns - USE_NS, STREAMS_AT_ONCE
            )
            for table in ("stream_chunks", "stream_ends", "streams", "stream_uses"):
                tx.change_each(f"DELETE FROM {table} WHERE stream = ?", rows)
            return len(rows)


def _use(tx: Transaction, stream: bytes) -> None:
    tx.change(
        "INSERT INTO stream_uses VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET used_ns = excluded.used_ns"
        " WHERE stream_uses.used_ns < ?",
        stream,
        tx.now_ns,
        tx.now_ns - USE_NS,
    )


def _read_stream(tx: Transaction, key_stream_id: UUID) -> Stream | None:
    row = tx.one(f"SELECT {_STREAM} FROM streams WHERE stream = ?", key_stream_id.bytes)
    return None if row is None else _stream(row)


def _stream(row: tuple[Any, ...]) -> Stream:
    name, source, destination, owner, chunk_octets, key_octets, drawn, state = row
    return Stream(UUID(bytes=name), source, destination, owner, chunk_octets, key_octets, bool(drawn), state == "over")
