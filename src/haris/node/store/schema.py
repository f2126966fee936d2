"""Which schema a store has, and the steps from one to the next: docs/decisions/0013-steps-of-the-schema.md.

A store says two numbers. Its schema, in `meta`; and at its door, where a program looks before anything else, the oldest
schema whose programs may work with it: SQLite's `user_version`, or the highest row of `schema_version` in PostgreSQL.
So a release that is rolled back works with a store that a newer one has brought further, unless a step forbade that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from haris.manage.audit import Act
from haris.node.store.audit import append_audit
from haris.node.store.database import Database, Transaction
from haris.node.store.processes import SILENCE_S
from haris.nouns.errors import ParameterError, StoreError


@dataclass(frozen=True, slots=True)
class Step:
    """From schema number - 1 to number.

    readable_from: the oldest schema whose programs work with the store from then on. what: for the audit log. run: in
    SQL that SQLite and PostgreSQL share; it must bear that some of it is done already.
    """

    number: int
    readable_from: int
    what: str
    run: Callable[[Transaction], None]


@dataclass(frozen=True, slots=True)
class Schema:
    """What this haris works with. tables: each concept's own, as a new store has them; the last step leads to them."""

    tables: tuple[str, ...]
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """ParameterError for steps that are out of order, or that forbid their own number or allow what one forbade."""
        allowed = 0
        for number, step in enumerate(self.steps, 2):
            if step.number != number or not allowed <= step.readable_from <= number:
                raise ParameterError(f"step {step.number} of the schema, readable from {step.readable_from}")
            allowed = step.readable_from

    @property
    def number(self) -> int:
        """Of the newest schema."""
        return self.steps[-1].number

    @property
    def readable_from(self) -> int:
        """The oldest schema whose programs work with a store of this one."""
        return self.steps[-1].readable_from

    def require_door(self, name: str, door: int) -> None:
        """StoreError, with the store's name, for one that wants a program of a newer schema than this."""
        if door > self.number:
            raise StoreError(
                f"store {name} wants a haris of schema version {door} or later, this haris knows versions up to "
                f"{self.number}: run the newer haris that made it"
            )


def bring_up(database: Database, schema: Schema, writer: str) -> int:
    """Take every step that a store lacks, each in a transaction of its own with its record in the audit log.

    writer: of those records. Returns the number of the store's schema, which may be newer than ours. StoreError, with
    the store as the last whole step left it, when a step fails or would harm processes that run from the store.
    """
    for step in schema.steps:
        with database.transaction() as tx:
            if schema_of(database, tx) < step.number:
                _take(database, tx, step, writer)
    with database.transaction() as tx:
        found = schema_of(database, tx)
        if found > schema.number:
            text = f"of version {found} is used by a haris of version {schema.number}"
            append_audit(tx, writer, tx.now_ns, [Act("configuration", "haris", "schema", text)])
    return found


def schema_of(database: Database, tx: Transaction) -> int:
    """The number of a store's schema. Those before version 3 have it at their door alone."""
    row = tx.one("SELECT value FROM meta WHERE name = 'schema'")
    return database.door(tx) if row is None else int(bytes(row[0]))


def _take(database: Database, tx: Transaction, step: Step, writer: str) -> None:
    door = database.door(tx)
    if step.readable_from > door and not database.alone:
        _require_nobody(tx, step)
    step.run(tx)
    tx.change(
        "INSERT INTO meta VALUES ('schema', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        str(step.number).encode(),
    )
    if step.readable_from > door:
        database.open_door(tx, step.readable_from)
    append_audit(tx, writer, tx.now_ns, [Act("configuration", "haris", "schema", f"{step.number}: {step.what}")])


def _require_nobody(tx: Transaction, step: Step) -> None:
    """Who has the store open has passed its door already."""
    since_ns = tx.now_ns - int(SILENCE_S * 1e9)
    for (name,) in tx.all("SELECT writer FROM processes WHERE seen_ns > ?", since_ns):
        raise StoreError(
            f"process {name} runs from this store, or did {SILENCE_S:g} s ago, and may not know schema version "
            f"{step.number}, which wants all of the site to know it: stop every process of the site first"
        )
