"""The steps that a store's schema has taken. A step that was released is never changed: stores have taken it.

How to write the next: docs/decisions/0013-steps-of-the-schema.md.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from haris.node.store.database import Transaction
from haris.node.store.schema import Step

_LOTS = """
CREATE TABLE audit (writer TEXT NOT NULL, number INTEGER NOT NULL, time_ns INTEGER NOT NULL, body BLOB NOT NULL,
    hash BLOB NOT NULL, PRIMARY KEY (writer, number)) STRICT;
CREATE TABLE audit_starts (writer TEXT PRIMARY KEY, number INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE lots (prefix BLOB NOT NULL, first BIGINT NOT NULL, n_keys INTEGER NOT NULL, n_left INTEGER NOT NULL,
    peer TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, master TEXT, slave TEXT, epsilon REAL,
    emulated INTEGER NOT NULL, born_ns BIGINT NOT NULL, changed_ns BIGINT NOT NULL, pedigree BLOB NOT NULL,
    source BLOB NOT NULL, gone BLOB NOT NULL, secret BLOB, PRIMARY KEY (prefix, first));
CREATE INDEX lots_of_pool ON lots (peer, owner, state, born_ns, prefix, first);
CREATE INDEX lots_of_pair ON lots (master, slave, state, born_ns, prefix, first);
CREATE INDEX lots_of_source ON lots (source, state);
CREATE TABLE loose (key_id BLOB PRIMARY KEY, place INTEGER NOT NULL, peer TEXT NOT NULL, owner TEXT NOT NULL,
    state TEXT NOT NULL, epsilon REAL, emulated INTEGER NOT NULL, pedigree BLOB NOT NULL, purpose TEXT NOT NULL,
    secret BLOB);
CREATE INDEX loose_of_pool ON loose (peer, owner, state, place)
"""

_REBUILT = {
    "announced": (
        "holder since_ns",
        """
CREATE TABLE announced (key_id BLOB NOT NULL, peer TEXT NOT NULL, state TEXT NOT NULL, stock BLOB NOT NULL,
    holder TEXT NOT NULL, since_ns INTEGER NOT NULL, PRIMARY KEY (key_id, peer)) STRICT
""",
    ),
    "assigned": (
        "since_ns",
        """
CREATE TABLE assigned (key_id BLOB PRIMARY KEY, owner TEXT NOT NULL, master TEXT NOT NULL, state TEXT NOT NULL,
    digest BLOB NOT NULL, pedigree BLOB NOT NULL, since_ns INTEGER NOT NULL, secret BLOB) STRICT
""",
    ),
    "loose": (
        "holder",
        """
CREATE TABLE loose (key_id BLOB PRIMARY KEY, place INTEGER NOT NULL, peer TEXT NOT NULL, owner TEXT NOT NULL,
    state TEXT NOT NULL, epsilon REAL, emulated INTEGER NOT NULL, pedigree BLOB NOT NULL, purpose TEXT NOT NULL,
    holder TEXT NOT NULL, secret BLOB)
""",
    ),
    "resets": (
        "",
        """
CREATE TABLE resets (peer TEXT NOT NULL, name BLOB NOT NULL, PRIMARY KEY (peer, name)) STRICT
""",
    ),
}
"""Tables of schema 2 that changed while it was the newest: the columns that they were given, none for another key."""

_ADDED = """
CREATE TABLE IF NOT EXISTS commissions (span TEXT PRIMARY KEY, means TEXT NOT NULL, ends BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS lots_ready ON lots (peer, owner, emulated, state, n_left) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS lots_leased ON lots (peer, owner) WHERE state = 'leased';
CREATE INDEX IF NOT EXISTS lots_in_doubt ON lots (peer, state) WHERE state = 'offered' OR state = 'recalled';
CREATE INDEX IF NOT EXISTS loose_of_pool ON loose (peer, owner, state, place);
CREATE INDEX IF NOT EXISTS loose_spent ON loose (state) WHERE state = 'spent';
CREATE TABLE IF NOT EXISTS shares (relay BLOB NOT NULL, share INTEGER NOT NULL, shares INTEGER NOT NULL,
    owner TEXT NOT NULL, kept_ns BIGINT NOT NULL, path BLOB NOT NULL, pedigree BLOB NOT NULL, secret BLOB NOT NULL,
    PRIMARY KEY (relay, share));
CREATE INDEX IF NOT EXISTS shares_of_owner ON shares (owner, kept_ns);
CREATE TABLE IF NOT EXISTS relay_asks (relay BLOB PRIMARY KEY, secret BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS announced_by_age ON announced (since_ns);
CREATE INDEX IF NOT EXISTS announced_open ON announced (peer) WHERE state IN ('announced', 'burnt');
CREATE INDEX IF NOT EXISTS assigned_by_age ON assigned (since_ns);
CREATE TABLE IF NOT EXISTS alarms (writer TEXT NOT NULL, id INTEGER NOT NULL, stands INTEGER NOT NULL,
    alarm BLOB NOT NULL, PRIMARY KEY (writer, id)) STRICT;
CREATE TABLE IF NOT EXISTS accounts (day TEXT NOT NULL, customer TEXT NOT NULL, sae TEXT NOT NULL, peer TEXT NOT NULL,
    interface TEXT NOT NULL, method TEXT NOT NULL, requests BIGINT NOT NULL, keys BIGINT NOT NULL, bits BIGINT NOT NULL,
    denials BIGINT NOT NULL, PRIMARY KEY (day, customer, sae, peer, interface, method));
CREATE TABLE IF NOT EXISTS accounted (writer TEXT PRIMARY KEY, number BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS quotas (account TEXT NOT NULL, day INTEGER NOT NULL, drawn INTEGER NOT NULL,
    PRIMARY KEY (account, day)) STRICT;
CREATE TABLE IF NOT EXISTS sources (source TEXT PRIMARY KEY, standing BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS source_names (source TEXT NOT NULL, name BLOB NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (source, name)) STRICT;
CREATE INDEX IF NOT EXISTS source_names_in_order ON source_names (source, place);
CREATE TABLE IF NOT EXISTS streams (stream BLOB PRIMARY KEY, source TEXT NOT NULL, destination TEXT NOT NULL,
    owner TEXT NOT NULL, chunk_octets BIGINT NOT NULL, key_octets BIGINT NOT NULL, drawn INTEGER NOT NULL,
    state TEXT NOT NULL, place BIGINT NOT NULL);
CREATE INDEX IF NOT EXISTS streams_of_pair ON streams (source, destination, place) WHERE drawn = 1 AND state = 'open';
CREATE TABLE IF NOT EXISTS stream_ends (stream BLOB NOT NULL, sae TEXT NOT NULL, terms BLOB NOT NULL,
    reached BIGINT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (stream, sae));
CREATE TABLE IF NOT EXISTS stream_chunks (stream BLOB NOT NULL, place BIGINT NOT NULL, attempt BIGINT NOT NULL,
    born_ns BIGINT, PRIMARY KEY (stream, place));
CREATE TABLE IF NOT EXISTS arrivals (operator TEXT NOT NULL, key_id BLOB NOT NULL, initiator TEXT NOT NULL,
    targets TEXT NOT NULL, state TEXT NOT NULL, owed INTEGER NOT NULL, digest BLOB NOT NULL, pedigree BLOB,
    passed_on TEXT NOT NULL, secret BLOB, PRIMARY KEY (operator, key_id)) STRICT;
CREATE INDEX IF NOT EXISTS arrivals_open ON arrivals (state)
    WHERE state IN ('received', 'carrying', 'voiding', 'failing');
CREATE INDEX IF NOT EXISTS arrivals_of_parties ON arrivals (operator, initiator, targets);
CREATE TABLE IF NOT EXISTS departures (operator TEXT NOT NULL, key_id BLOB NOT NULL, initiator TEXT NOT NULL,
    targets TEXT NOT NULL, state TEXT NOT NULL, relayed TEXT NOT NULL, PRIMARY KEY (operator, key_id)) STRICT;
CREATE INDEX IF NOT EXISTS departures_open ON departures (state) WHERE state IN ('sent', 'voiding');
CREATE TABLE IF NOT EXISTS acks_owed (operator TEXT NOT NULL, key_id BLOB NOT NULL, initiator TEXT NOT NULL,
    targets TEXT NOT NULL, status TEXT NOT NULL, PRIMARY KEY (operator, key_id, initiator, targets)) STRICT;
CREATE TABLE IF NOT EXISTS processes (writer TEXT PRIMARY KEY, seen_ns BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS leaders (task TEXT PRIMARY KEY, writer TEXT NOT NULL, until_ns BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS owed_words (peer TEXT NOT NULL, number INTEGER NOT NULL, verb TEXT NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (peer, number)) STRICT;
CREATE TABLE IF NOT EXISTS witnesses (peer TEXT PRIMARY KEY, number INTEGER NOT NULL, nonce BLOB NOT NULL,
    previous BLOB NOT NULL, confirmed INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS witnessed (peer TEXT PRIMARY KEY, number INTEGER NOT NULL, nonce BLOB NOT NULL,
    previous BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS resets (peer TEXT NOT NULL, name BLOB NOT NULL, PRIMARY KEY (peer, name)) STRICT;
CREATE TABLE IF NOT EXISTS revoked_sites (site TEXT PRIMARY KEY, who TEXT NOT NULL, since_ns INTEGER NOT NULL) STRICT
"""

_PURGES_AND_USES = """
CREATE TABLE IF NOT EXISTS purges (ordered_by TEXT NOT NULL, master TEXT NOT NULL, slave TEXT NOT NULL,
    number BIGINT NOT NULL, PRIMARY KEY (ordered_by, master, slave));
CREATE TABLE IF NOT EXISTS stream_uses (stream BLOB PRIMARY KEY, used_ns BIGINT NOT NULL);
CREATE INDEX IF NOT EXISTS stream_uses_by_age ON stream_uses (used_ns)
"""


_CONTACTS = """
CREATE TABLE IF NOT EXISTS relay_waits (relay BLOB PRIMARY KEY, until_ns BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS carried (ledger TEXT NOT NULL, start BIGINT NOT NULL, relay BLOB NOT NULL,
    share INTEGER NOT NULL, until_ns BIGINT NOT NULL, message BLOB NOT NULL, PRIMARY KEY (ledger, start))
"""


_STOCK = "key_id, peer, owner, state, epsilon, emulated, pedigree, source, purpose, secret"


def _keep_keys_in_lots(tx: Transaction) -> None:
    """Each stored key had a row of its own. Spent key_IDs stay known."""
    _run(tx, _LOTS)
    rows = tx.all(f"SELECT {_STOCK} FROM stock ORDER BY place")
    for number, row in enumerate(rows):
        _keep_in_lot(tx, row, tx.now_ns - len(rows) + number)  # their order is that of their ages
    tx.change("DROP TABLE stock")


def _keep_in_lot(tx: Transaction, row: tuple[Any, ...], born_ns: int) -> None:
    """A lot of one key; what is reserved is gone from it, and loose."""
    key_id, peer, owner, state, epsilon, emulated, pedigree, source, purpose, sealed = row
    prefix, first, name = key_id[:12], int.from_bytes(key_id[12:]), UUID(bytes=key_id)
    stays = state in ("pending", "ready")
    secret = b"" if sealed is None else tx.unseal(sealed, "stock", name)
    of_lot = (prefix, first, 1, int(stays), peer, owner, state if stays else "spent", None, None, epsilon, emulated)
    gone, kept = (b"\x00\x00", tx.seal(secret, "lots", prefix, first)) if stays else (b"\x00\x80", None)
    _insert(tx, "lots", (*of_lot, born_ns, tx.now_ns, pedigree, source, gone, kept))
    if state == "reserved":
        grade = epsilon, emulated, pedigree
        kept = tx.seal(secret, "loose", name)
        _insert(tx, "loose", (key_id, born_ns, peer, owner, state, *grade, purpose or "", kept))


def _complete(tx: Transaction) -> None:
    """What schema 2 was given while it was the newest: a store of it may lack any of that."""
    fill: dict[str, object] = {"holder": "", "since_ns": tx.now_ns}  # of a process that ended; as old as today
    for table, (given, made) in _REBUILT.items():
        columns = tx.columns(table)
        if columns and not (given and set(given.split()) <= set(columns)):
            tx.change(f"ALTER TABLE {table} RENAME TO {table}_before")
            tx.change(made.strip())
            wanted = tx.columns(table)
            values = ", ".join(name if name in columns else "?" for name in wanted)
            filled = [fill[name] for name in wanted if name not in columns]
            tx.change(f"INSERT INTO {table} SELECT {values} FROM {table}_before", *filled)
            tx.change(f"DROP TABLE {table}_before")
    _run(tx, _ADDED)


def _run(tx: Transaction, statements: str) -> None:
    for statement in statements.split(";"):
        tx.change(statement.strip())


def _insert(tx: Transaction, table: str, row: tuple[object, ...]) -> None:
    tx.change(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)


STEPS = (
    Step(2, 2, "keys rest in lots, and what lets them go is on record", _keep_keys_in_lots),
    Step(3, 2, "all tables and indices that schema 2 was given by and by", _complete),
    Step(4, 2, "numbers of purges, and when streams were used", partial(_run, statements=_PURGES_AND_USES)),
    Step(
        5,
        2,
        "relays that are on their way for long, or held",
        partial(_run, statements=_CONTACTS),
    ),
)
