"""The store in memory, on which the engines are tried, does what the durable store does: verb by verb, any order."""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from memory_store import MemoryStore

from haris.keys.store import BlockShares, Carried, HeldShare, PadAppend
from haris.node.store.store import open_store
from haris.nouns.errors import HarisError
from haris.nouns.ids import key_id
from haris.nouns.keys import Origin, Pedigree, Proof, StoredKey

PEDIGREES = [
    Pedigree(epsilon, origin, Proof(theorem, "coherent", True))
    for epsilon, origin, theorem in [(1e-10, Origin.MEASURED, "one"), (3e-10, Origin.EMULATED, "two")]
]
LEDGERS = ["north/relay/ab", "north/relay/ba"]
names = st.integers(0, 4)
pedigrees = st.sampled_from(PEDIGREES)
ledgers = st.sampled_from(LEDGERS)
octets = st.sampled_from([1, 8, 32, 64])
# Offsets from the head, so that most of them make sense.
steps = st.sampled_from([-8, -1, 0, 0, 1, 32, 200])


class Stores(RuleBasedStateMachine):
    """One life of a site, told to both stores at once."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.memory = MemoryStore()
        self._open()

    def _open(self) -> None:
        self.durable = open_store(Path(self.folder.name) / "store", bytes(32), random.Random(3).randbytes)

    def teardown(self) -> None:
        """At the end of a life the pool is emptied: the keys are the same, oldest first."""
        if hasattr(self, "folder"):
            self.both("reserve", "exchange", "bank", self.memory.count_ready("exchange", "bank"), "test")
            self.durable.close()
            self.folder.cleanup()

    def both(self, verb: str, *arguments: object) -> None:
        def outcome(call: Callable[..., object]) -> object:
            try:
                return call(*arguments)
            except HarisError as error:
                return type(error)

        ours, theirs = (outcome(getattr(store, verb)) for store in (self.memory, self.durable))
        assert ours == theirs, verb

    def keys(self, source: bytes, n_keys: int, pedigree: Pedigree) -> tuple[StoredKey, ...]:
        secret = hashlib.sha256(source).digest()
        return tuple(StoredKey(key_id(source, i), secret, "exchange", "bank", pedigree) for i in range(n_keys))

    @rule()
    def reopen(self) -> None:
        self.durable.close()
        self._open()

    @rule(name=names, number=st.integers(0, 9), n_keys=st.integers(0, 2), n_octets=octets, pedigree=pedigrees)
    def hold_block(self, name: int, number: int, n_keys: int, n_octets: int, pedigree: Pedigree) -> None:
        block = bytes([name]) * 16
        pads = tuple(PadAppend(ledger, bytes([name + 1]) * n_octets, pedigree) for ledger in LEDGERS)
        if not self.memory.blocks_in_doubt("north"):  # blocks of a span come one after the other
            number += self.memory.last_block_number("north") + 1
            self.both("hold_block", BlockShares(block, "north", number, self.keys(block, n_keys, pedigree), pads))

    @rule(name=names, verb=st.sampled_from(["ready_block", "discard_block", "block_state"]))
    def block(self, name: int, verb: str) -> None:
        self.both(verb, bytes([name]) * 16)

    @rule(ledger=ledgers, n_octets=octets, pedigree=pedigrees)
    def append(self, ledger: str, n_octets: int, pedigree: Pedigree) -> None:
        self.both("ledger_append", [PadAppend(ledger, random.Random(n_octets).randbytes(n_octets), pedigree)])

    @rule(ledger=ledgers, n_octets=octets)
    def take(self, ledger: str, n_octets: int) -> None:
        self.both("ledger_take", ledger, n_octets)

    @rule(ledger=ledgers, step=steps, n_octets=octets, verb=st.sampled_from(["ledger_take_at", "ledger_peek"]))
    def take_at(self, ledger: str, step: int, n_octets: int, verb: str) -> None:
        self.both(verb, ledger, self.memory.ledger_bounds(ledger)[0] + step, n_octets)

    @rule(ledger=ledgers, step=steps)
    def burn(self, ledger: str, step: int) -> None:
        self.both("ledger_burn_to", ledger, self.memory.ledger_bounds(ledger)[0] + step)

    # A site is the owner's end of one relay and the far end of another, never both of one.

    @rule(name=names, n_keys=st.integers(1, 2), pedigree=pedigrees)
    def put_keys(self, name: int, n_keys: int, pedigree: Pedigree) -> None:
        relay = UUID(int=1 + name)
        self.both("put_keys", self.keys(relay.bytes, n_keys, pedigree), relay)

    @rule(name=names)
    def void_relay(self, name: int) -> None:
        self.both("void_relay", UUID(int=1 + name))

    @rule(name=names, n_keys=st.integers(1, 2), pedigree=pedigrees)
    def hold_keys(self, name: int, n_keys: int, pedigree: Pedigree) -> None:
        relay = UUID(int=100 + name)
        keys = self.keys(relay.bytes, n_keys, pedigree)
        if keys[0].key_id not in self.memory.keys:
            self.both("hold_keys", keys, relay)

    @rule(name=names, arrived=st.one_of(st.none(), pedigrees))
    def settle_keys(self, name: int, arrived: Pedigree | None) -> None:
        self.both("settle_keys", UUID(int=100 + name), arrived)

    @rule(name=names, number=st.integers(0, 2), owner=st.sampled_from(["bank", "shop"]), pedigree=pedigrees)
    def keep_share(self, name: int, number: int, owner: str, pedigree: Pedigree) -> None:
        relay, path = UUID(int=200 + name + 10 * (owner == "shop")), (owner, "middle", "exchange")
        self.both("keep_share", HeldShare(relay, number, 3, path, bytes([number]) * 48, pedigree))
        self.both("shares_of", relay)

    @rule(name=names, until_ns=st.sampled_from([None, 5, 9]))
    def note_ask(self, name: int, until_ns: int | None) -> None:
        relay = UUID(int=100 + name)
        if relay not in self.memory.asks:
            self.both("note_ask", relay, b"question", until_ns)
        self.both("may_arrive", "exchange", 7)

    @rule(name=names, ledger=ledgers, place=st.integers(0, 3), until_ns=st.integers(5, 9))
    def carry(self, name: int, ledger: str, place: int, until_ns: int) -> None:
        if (ledger, place) not in self.memory.carrying:
            self.both("carry", Carried(ledger, place, UUID(int=300 + name), 0, until_ns, b"sealed"))

    @rule(ledger=ledgers, place=st.integers(0, 3))
    def carry_no_more(self, ledger: str, place: int) -> None:
        self.both("carry_no_more", ledger, place)

    @rule(until_ns=st.integers(5, 9))
    def drop_carried(self, until_ns: int) -> None:
        self.both("drop_carried", until_ns)

    @rule(name=st.sampled_from([100, 102, 200, 202, 212]))
    def forget_relay(self, name: int) -> None:
        self.both("forget_relay", UUID(int=name))
        self.both("asked", UUID(int=name))
        self.both("shares_of", UUID(int=name))

    @invariant()
    def same(self) -> None:
        for ledger in LEDGERS:
            self.both("ledger_bounds", ledger)
        self.both("blocks_in_doubt", "north")
        self.both("last_block_number", "north")
        self.both("relays_in_doubt", "exchange")
        self.both("count_ready", "exchange", "bank")
        self.both("count_pending", "exchange")
        self.both("settled_here", [UUID(int=1 + name) for name in range(5)])
        for ledger in LEDGERS:
            self.both("carried", ledger)
            self.both("count_carried", ledger)
            self.both("head_to_tell", ledger)


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=40, stateful_step_count=40, deadline=None, derandomize=True)
