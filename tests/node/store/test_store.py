"""The verbs of the store, each against its words in keys/store.py."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.keys.assignment import stock_for_wrapping, wrap_key, wrapped_pedigree
from haris.keys.store import BlockShares, Fetch, Grade, PadAppend
from haris.node.store.store import open_store
from haris.nouns.assignments import Assignment, Void
from haris.nouns.errors import (
    HarisError,
    KeyNotFound,
    KeyUnavailable,
    ParameterError,
    PeerError,
    StoreError,
    Unauthorised,
)
from haris.nouns.keys import DeliveredKey, Origin, Pedigree, Proof, StoredKey

KEK = bytes(range(32))
PROOF = Proof("Lim et al. 2014", "coherent", True)
MEASURED = Pedigree(1e-9, Origin.MEASURED, PROOF)
EMULATED = Pedigree(1e-9, Origin.EMULATED, PROOF)
RELAY = UUID(int=1 << 100)


def stored(number, peer="exchange", owner="bank", pedigree=MEASURED):
    return StoredKey(UUID(int=number), number.to_bytes(2) * 16, peer, owner, pedigree)


def mirror(key, site="bank"):
    return replace(key, peer=site)


def assigned(*stock, master="alice", slaves=("bob",), size_bits=None):
    return Assignment(
        stock[0].key_id, size_bits or 256 * len(stock), tuple(k.key_id for k in stock), master, slaves, MEASURED
    )


@pytest.fixture
def opened(tmp_path):
    stores = []

    def open_(name="store"):
        stores.append(open_store(tmp_path / name, KEK, os.urandom))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


@pytest.fixture
def bank(opened):
    return opened("bank")


@pytest.fixture
def exchange(opened):
    return opened("exchange")


def fetch(store, master, slave, key_ids):
    """The keys of one request; its error is raised."""
    (outcome,) = store.serve([Fetch(master, slave, b"".join(key_id.bytes for key_id in key_ids))])
    if isinstance(outcome, HarisError):
        raise outcome
    return tuple(key for batch in outcome for key in batch.each())


def seed(bank, exchange, n_keys=8, pedigree=MEASURED):
    keys = [stored(n + 1, pedigree=pedigree) for n in range(n_keys)]
    assert bank.put_keys(keys, RELAY)
    assert exchange.put_keys([mirror(k) for k in keys], RELAY)
    return keys


# Blocks


def shares(number=0, span="north"):
    pads = (PadAppend("a", b"\x01" * 40, MEASURED), PadAppend("b", b"\x02" * 8, MEASURED))
    return BlockShares(bytes([number]) * 16, span, number, (stored(number + 1),), pads)


def test_a_block_becomes_ready_once(bank):
    bank.hold_block(shares())
    assert bank.block_state(bytes(16)) == "pending"
    assert bank.count_ready("exchange", "bank") == 0
    assert bank.ledger_bounds("a") == (0, 0)
    assert bank.ready_block(bytes(16))
    assert not bank.ready_block(bytes(16))
    assert not bank.discard_block(bytes(16))
    assert bank.block_state(bytes(16)) == "ready"
    assert bank.count_ready("exchange", "bank") == 1
    assert (bank.ledger_bounds("a"), bank.ledger_bounds("b")) == ((0, 40), (0, 8))
    with pytest.raises(StoreError, match="named before"):
        bank.hold_block(shares())


def test_a_discarded_block_never_returns(bank):
    bank.hold_block(shares(0))
    assert bank.discard_block(bytes(16))
    assert bank.discard_block(b"\x01" * 16)  # never held: a tombstone
    for number in (0, 1):
        assert not bank.ready_block(bytes([number]) * 16)
        with pytest.raises(StoreError):
            bank.hold_block(shares(number))
    assert bank.count_ready("exchange", "bank") == 0


def test_denying_a_block_that_bears_the_name_of_a_relay_burns_no_key(bank):
    bank.put_keys([stored(1)], RELAY)
    assert bank.discard_block(RELAY.bytes)
    assert bank.count_ready("exchange", "bank") == 1


def test_blocks_in_doubt_by_span(bank):
    assert bank.last_block_number("north") == -1
    for number in (2, 0, 1):
        bank.hold_block(shares(number))
    bank.hold_block(shares(9, "south"))
    bank.ready_block(b"\x01" * 16)
    assert bank.blocks_in_doubt("north") == (bytes(16), b"\x02" * 16)
    assert bank.last_block_number("north") == 2
    assert bank.block_state(b"\x55" * 16) is None


# Ledgers


def test_a_ledger_gives_each_octet_once(bank):
    octets = os.urandom(5000)
    bank.ledger_append([PadAppend("p", octets[:3000], MEASURED), PadAppend("p", octets[3000:], EMULATED)])
    assert bank.ledger_take("p", 32).octets == octets[:32]
    assert bank.ledger_peek("p", 100, 16) == octets[100:116]
    assert bank.ledger_bounds("p") == (32, 5000)
    whole = bank.ledger_take_at("p", 40, 2960)
    assert (whole.octets, whole.offset) == (octets[40:3000], 40)
    assert whole.pedigree == MEASURED  # segments of one append share its epsilon
    bank.ledger_burn_to("p", 2000)
    assert bank.ledger_bounds("p") == (3000, 5000)
    bank.ledger_burn_to("p", 4000)
    with pytest.raises(KeyUnavailable, match="holds 1000 octets"):
        bank.ledger_take("p", 1001)
    for offset, n_octets in ((3999, 1), (4500, 501), (5001, 1)):
        with pytest.raises(PeerError):
            bank.ledger_take_at("p", offset, n_octets)
        with pytest.raises(PeerError):
            bank.ledger_peek("p", offset, n_octets)
    with pytest.raises(PeerError):
        bank.ledger_burn_to("p", 5001)
    with pytest.raises(ParameterError):
        bank.ledger_take("p", 0)
    assert bank.ledger_take("p", 1000).octets == octets[4000:]
    assert bank.ledger_bounds("p") == (5000, 5000)


def test_a_slice_across_appends_adds_epsilons_and_takes_the_worst_origin(bank):
    vendor = replace(MEASURED, origin=Origin.VENDOR, hops=3)
    bank.ledger_append([PadAppend("p", bytes(8), each) for each in (MEASURED, EMULATED, vendor)])
    pedigree = bank.ledger_take("p", 20).pedigree
    assert (pedigree.epsilon, pedigree.origin, pedigree.hops) == (pytest.approx(3e-9), Origin.EMULATED, 3)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=6), st.lists(st.integers(1, 1500), max_size=12))
def test_a_ledger_is_a_byte_string_with_a_head(tmp_path_factory, appends, takes):
    store = open_store(tmp_path_factory.mktemp("ledger") / "store", KEK, os.urandom)
    model = b"".join(os.urandom(n) for n in appends)
    at = 0
    for n_octets in appends:
        store.ledger_append([PadAppend("p", model[at : at + n_octets], MEASURED)])
        at += n_octets
    head = 0
    for n_octets in takes:
        if head + n_octets > len(model):
            with pytest.raises(KeyUnavailable):
                store.ledger_take("p", n_octets)
        else:
            assert store.ledger_take("p", n_octets).octets == model[head : head + n_octets]
            head += n_octets
        assert store.ledger_bounds("p") == (head, len(model))
    store.close()


# Stock


def test_keys_of_a_relay_are_kept_once(bank):
    assert bank.put_keys([stored(1)], RELAY)
    assert not bank.put_keys([stored(2)], RELAY)
    with pytest.raises(PeerError, match="key_ID"):
        bank.put_keys([stored(1)], UUID(int=7))
    assert bank.void_relay(RELAY) == MEASURED
    assert bank.void_relay(UUID(int=8)) is None
    assert not bank.put_keys([stored(3)], UUID(int=8))
    assert bank.count_ready("exchange", "bank") == 1


def test_an_outgoing_relay_is_in_doubt_until_settled(bank):
    bank.hold_keys([stored(1)], UUID(int=1))
    bank.hold_keys([stored(2)], UUID(int=2))
    assert bank.relays_in_doubt("exchange") == (UUID(int=1), UUID(int=2))
    far = replace(EMULATED, hops=2, epsilon=3e-9)
    bank.settle_keys(UUID(int=1), far)
    bank.settle_keys(UUID(int=2), None)
    bank.settle_keys(UUID(int=1), None)  # settled before: no change
    assert bank.relays_in_doubt("exchange") == ()
    assert bank.count_ready("exchange", "bank", Grade(emulated=False)) == 0
    (key,) = bank.reserve("exchange", "bank", 1, "014")
    assert (key.key_id, key.pedigree) == (UUID(int=1), far)
    with pytest.raises(StoreError):
        bank.hold_keys([stored(3)], UUID(int=2))


def test_reserve_is_all_or_none_oldest_first_and_of_the_grade(bank):
    bank.put_keys([stored(1, pedigree=EMULATED), stored(2), stored(3, owner="exchange"), stored(4)], RELAY)
    bank.put_keys([stored(5, pedigree=replace(MEASURED, epsilon=1e-6))], UUID(int=2))
    strict = Grade(max_epsilon=1e-8, emulated=False)
    assert bank.count_ready("exchange", "bank") == 4
    assert bank.count_ready("exchange", "bank", strict) == 2
    with pytest.raises(KeyUnavailable, match="holds 2 such keys, 3 are needed"):
        bank.reserve("exchange", "bank", 3, "014", strict)
    assert [k.key_id.int for k in bank.reserve("exchange", "bank", 2, "014", strict)] == [2, 4]
    assert [k.key_id.int for k in bank.reserve("exchange", "bank", 2, "014")] == [1, 5]
    with pytest.raises(KeyUnavailable):
        bank.reserve("exchange", "bank", 1, "014")
    bank.release([UUID(int=4)])
    assert [k.key_id.int for k in bank.reserve("exchange", "bank", 1, "014")] == [4]


# Assignments


def test_a_key_is_assigned_and_fetched_once(bank, exchange):
    keys = seed(bank, exchange)
    (key,) = bank.reserve("exchange", "bank", 1, "014")
    assert key == keys[0]
    word = assigned(key)
    bank.record_assignments("exchange", [word])
    assert bank.assignments_in_doubt() == (("exchange", key.key_id),)
    exchange.accept_assignments("bank", [word])
    exchange.accept_assignments("bank", [word])  # the very same again
    bank.close_assignments([key.key_id], delivered=True)
    assert bank.assignments_in_doubt() == bank.voids_owed("exchange") == ()
    with pytest.raises(Unauthorised):
        fetch(exchange, "alice", "mallory", [key.key_id])
    with pytest.raises(Unauthorised):
        fetch(exchange, "mallory", "bob", [key.key_id])
    assert fetch(exchange, "alice", "bob", [key.key_id]) == (DeliveredKey(key.key_id, key.secret, MEASURED),)
    with pytest.raises(KeyNotFound):
        fetch(exchange, "alice", "bob", [key.key_id])
    exchange.accept_assignments("bank", [word])  # remembered, and not brought back to life
    with pytest.raises(KeyNotFound):
        fetch(exchange, "alice", "bob", [key.key_id])


def test_a_fetch_is_all_or_none_and_each_slave_has_its_turn(bank, exchange):
    keys = seed(bank, exchange)
    exchange.accept_assignments("bank", [assigned(keys[0], slaves=("bob", "carol")), assigned(keys[1], keys[2])])
    with pytest.raises(KeyNotFound):
        fetch(exchange, "alice", "bob", [keys[0].key_id, UUID(int=99)])
    with pytest.raises(Unauthorised):
        fetch(exchange, "alice", "carol", [keys[0].key_id, keys[1].key_id])
    for slave in ("bob", "carol"):
        (key,) = fetch(exchange, "alice", slave, [keys[0].key_id])
        assert key.secret == keys[0].secret
        with pytest.raises(KeyNotFound):
            fetch(exchange, "alice", slave, [keys[0].key_id])
    (joined,) = fetch(exchange, "alice", "bob", [keys[1].key_id])
    assert joined.secret == keys[1].secret + keys[2].secret
    assert joined.pedigree.epsilon == pytest.approx(2e-9)  # what this site knows, though the owner announced 1e-9


def test_assignments_of_what_is_not_the_owners_are_refused_whole(bank, exchange):
    keys = seed(bank, exchange)
    exchange.put_keys([stored(50, peer="bank", owner="exchange")], UUID(int=5))
    for wrong in (
        assigned(stored(50)),
        assigned(stored(99)),
        assigned(keys[0], keys[0]),
        assigned(keys[1], slaves=()),
        assigned(keys[1], slaves=("bob", "bob")),
        assigned(keys[1], keys[2], size_bits=128),
        assigned(keys[1], size_bits=512),
        replace(assigned(keys[1]), wrapped=bytes(48)),
    ):
        with pytest.raises(PeerError):
            exchange.accept_assignments("bank", [assigned(keys[3]), wrong])
    with pytest.raises(PeerError):
        exchange.accept_assignments("relay", [assigned(keys[3])])
    assert exchange.count_ready("bank", "bank") == len(keys)
    exchange.accept_assignments("bank", [assigned(keys[3])])
    with pytest.raises(PeerError, match="assigned otherwise"):
        exchange.accept_assignments("bank", [assigned(keys[3], slaves=("mallory",))])


def test_an_undelivered_key_is_void_at_both_ends(bank, exchange):
    keys = seed(bank, exchange)
    stock = bank.reserve("exchange", "bank", 2, "014")
    words = [assigned(piece) for piece in stock]
    bank.record_assignments("exchange", words)
    exchange.accept_assignments("bank", words[:1])  # the second never arrived
    bank.close_assignments([word.key_id for word in words], delivered=False)
    owed = bank.voids_owed("exchange")
    assert owed == tuple(Void(word.key_id, word.stock) for word in words)
    exchange.void_assignments("bank", owed)
    bank.void_told("exchange", [void.key_id for void in owed])
    assert bank.voids_owed("exchange") == ()
    with pytest.raises(KeyNotFound):
        fetch(exchange, "alice", "bob", [words[0].key_id])
    with pytest.raises(PeerError):
        exchange.accept_assignments("bank", words[1:])
    assert exchange.count_ready("bank", "bank") == bank.count_ready("exchange", "bank") == len(keys) - 2


def test_nobody_voids_another_owners_keys(exchange, bank):
    keys = seed(bank, exchange)
    exchange.accept_assignments("bank", [assigned(keys[0])])
    exchange.void_assignments("relay", [Void(keys[0].key_id, (keys[0].key_id, keys[1].key_id))])
    assert exchange.count_ready("bank", "bank") == len(keys) - 1
    assert fetch(exchange, "alice", "bob", [keys[0].key_id])


def test_a_wrapped_key_opens_at_its_site_alone(bank, exchange):
    seed(bank, exchange)
    n_pads = stock_for_wrapping(256)
    key = DeliveredKey(UUID(int=77), os.urandom(32), MEASURED)
    pads = bank.reserve("exchange", "bank", n_pads, "014")
    pedigree = wrapped_pedigree(key.pedigree, pads)
    word = wrap_key(key, pads, Assignment(key.key_id, 256, tuple(p.key_id for p in pads), "alice", ("dave",), pedigree))
    assert key.secret not in word.wrapped
    for forged in (replace(word, slaves=("mallory",)), replace(word, wrapped=bytes(len(word.wrapped)))):
        with pytest.raises(PeerError, match="tag is wrong"):
            exchange.accept_assignments("bank", [forged])
    exchange.accept_assignments("bank", [word])
    (fetched,) = fetch(exchange, "alice", "dave", [key.key_id])
    assert fetched.secret == key.secret
    assert fetched.pedigree.epsilon == pytest.approx(1e-9 * (1 + n_pads))


def test_slaves_at_the_owners_site(bank, exchange):
    seed(bank, exchange)
    one, other = bank.reserve("exchange", "bank", 2, "014")
    local = [replace(assigned(piece), slaves=("carol",)) for piece in (one, other)]
    bank.record_assignments("exchange", [assigned(one), assigned(other)])
    bank.keep_assignments("bank", local)
    bank.close_assignments([one.key_id], delivered=True)
    bank.close_assignments([other.key_id], delivered=False)
    (fetched,) = fetch(bank, "alice", "carol", [one.key_id])
    assert fetched.secret == one.secret
    with pytest.raises(KeyNotFound):
        fetch(bank, "alice", "carol", [other.key_id])


def test_what_a_crash_left_reserved_is_burnt_and_its_void_owed(opened):
    bank = opened("bank")
    keys = [stored(n + 1) for n in range(3)]
    bank.put_keys(keys, RELAY)
    announced, orphan = bank.reserve("exchange", "bank", 2, "014")
    bank.record_assignments("exchange", [assigned(announced)])
    bank.close()
    bank = opened("bank")
    assert bank.assignments_in_doubt() == (("exchange", announced.key_id),)
    assert bank.voids_owed("exchange") == (Void(orphan.key_id, (orphan.key_id,)),)
    assert bank.count_ready("exchange", "bank") == 1


# Races


def test_of_many_threads_each_key_has_one_winner(bank, exchange):
    keys = seed(bank, exchange, 60)
    exchange.accept_assignments("bank", [assigned(key) for key in keys])
    bank.ledger_append([PadAppend("p", bytes(3200), MEASURED)])
    gate = threading.Barrier(8)

    def contend(_):
        gate.wait()
        won, fetched, offsets = [], [], []
        for key in keys:
            try:
                won += [k.key_id for k in bank.reserve("exchange", "bank", 1, "014")]
                offsets.append(bank.ledger_take("p", 32).offset)
            except KeyUnavailable:
                pass
            with contextlib.suppress(KeyNotFound):
                fetched += [k.key_id for k in fetch(exchange, "alice", "bob", [key.key_id])]
        return won, fetched, offsets

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(contend, range(8)))
    for contended in (0, 1):
        winners = [key_id for result in results for key_id in result[contended]]
        assert sorted(winners) == sorted(key.key_id for key in keys)
    offsets = [offset for result in results for offset in result[2]]
    assert sorted(offsets) == [32 * n for n in range(60)]


# The file


def _column(path, store, sql):
    """Close the store and read a column of its file."""
    store.close()
    connection = sqlite3.connect(path)
    found = [value for (value,) in connection.execute(sql)]
    connection.close()
    return found


def test_no_secret_rests_in_the_clear_and_a_spent_one_not_at_all(tmp_path):
    path = tmp_path / "store"
    store = open_store(path, KEK, os.urandom)
    secrets = [os.urandom(32) for _ in range(40)]
    keys = [replace(stored(n + 1), secret=secret) for n, secret in enumerate(secrets)]
    pad = os.urandom(4096)
    store.hold_block(BlockShares(bytes(16), "north", 0, tuple(keys[:20]), (PadAppend("p", pad, MEASURED),)))
    store.ready_block(bytes(16))
    store.put_keys([replace(key, peer="bank") for key in keys[20:]], RELAY)
    store.accept_assignments("bank", [])
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"north" in files  # the scan does see the rows
    for secret in (*secrets, pad[:16], pad[2000:2016], KEK):
        assert secret not in files
    (whole,) = (
        row for row in _column(path, store, "SELECT secret FROM lots WHERE owner = 'bank' AND peer = 'exchange'")
    )
    store = open_store(path, KEK, os.urandom)
    store.reserve("exchange", "bank", 5, "014")
    sealed = [whole, *_column(path, store, "SELECT secret FROM loose")]
    assert len(sealed) == 6
    open_store(path, KEK, os.urandom).close()  # burns what was reserved; the last close checkpoints the log
    octets = path.read_bytes()
    assert not any(box in octets for box in sealed)
    assert path.stat().st_mode & 0o077 == 0


def test_a_swapped_row_is_refused(tmp_path):
    path = tmp_path / "store"
    store = open_store(path, KEK, os.urandom)
    store.put_keys([stored(1), stored(3)], RELAY)
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE lots SET secret = (SELECT secret FROM lots WHERE first = 3) WHERE first = 1")
    connection.commit()
    connection.close()
    store = open_store(path, KEK, os.urandom)
    with pytest.raises(StoreError, match="does not open"):
        store.reserve("exchange", "bank", 1, "014")
    store.close()


def test_a_newer_store_is_left_alone(tmp_path):
    path = tmp_path / "store"
    open_store(path, KEK, os.urandom).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    octets = path.read_bytes()
    with pytest.raises(StoreError, match="schema version 7 or later, this haris knows versions up to"):
        open_store(path, KEK, os.urandom)
    assert path.read_bytes() == octets
    assert list(tmp_path.iterdir()) == [path]


def test_a_wrong_key_a_foreign_file_and_a_second_opener_are_refused(tmp_path):
    store = open_store(tmp_path / "store", KEK, os.urandom)
    with pytest.raises(StoreError, match="another process has it open"):
        open_store(tmp_path / "store", KEK, os.urandom)
    store.close()
    with pytest.raises(StoreError, match="another key-encryption key"):
        open_store(tmp_path / "store", bytes(32), os.urandom)
    for name, octets in (("text", b"hello"), ("long", b"x" * 4096)):
        (tmp_path / name).write_bytes(octets)
        with pytest.raises(StoreError, match="no haris store"):
            open_store(tmp_path / name, KEK, os.urandom)
        assert (tmp_path / name).read_bytes() == octets
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreError, match="no haris store"):
        open_store(tmp_path / "other", KEK, os.urandom)
    with pytest.raises(StoreError, match="No such file"):
        open_store(tmp_path / "absent" / "store", KEK, os.urandom)


FULL_DISK = """
import os, resource, sys
from pathlib import Path
from uuid import UUID
from haris.node.store.store import open_store
from haris.nouns.errors import StoreError
from haris.keys.store import PadAppend
sys.path.insert(0, sys.argv[2])
from test_store import KEK, MEASURED, stored

store = open_store(Path(sys.argv[1]), KEK, os.urandom)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
kept = 0
try:
    while True:
        store.put_keys([stored(40 * kept + n + 1) for n in range(40)], UUID(int=kept))
        kept += 1
except StoreError as error:
    print(kept, store.count_ready("exchange", "bank"), error)
"""


def test_a_full_disk_is_a_store_error_with_nothing_half_written(tmp_path):
    here = os.path.dirname(__file__)
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "store"), here], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    kept, counted = map(int, run.stdout.split()[:2])
    assert kept > 0
    assert counted == 40 * kept
    store = open_store(tmp_path / "store", KEK, os.urandom)
    assert store.count_ready("exchange", "bank") == 40 * kept
    store.close()
