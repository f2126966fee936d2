"""The supply without a network: two sites' engines and stores, driven by hand."""

import itertools
import os
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.keys.directory import Directory
from haris.keys.lifecycle import TRANSITIONS, Event, KeyState, after, before
from haris.keys.supply import EpsilonUnmet, Limits, Order, PeerReply, Supply
from haris.node.store.store import open_store
from haris.nouns.errors import KeyNotFound, KeyUnavailable, ParameterError, PeerError, StoreError, Unauthorised
from haris.nouns.keys import Origin, Pedigree, Proof, StoredKey
from haris.wire import kme

MEASURED = Pedigree(1e-9, Origin.MEASURED, Proof("t", "coherent", True))
KMES = {site: f"kme-{site}" for site in ("bank", "exchange", "broker")}
SAES = {"alice": "bank", "anna": "bank", "bob": "exchange", "carol": "broker"}
NO = PeerReply(accepted=False, reason="no")
YES = PeerReply(accepted=True)


class Network:
    def __init__(self, folder, n_keys):
        self.sites = {
            site: Supply(open_store(folder / site, bytes(32), os.urandom), Directory(site, KMES, SAES)) for site in KMES
        }
        numbers = itertools.count(1)
        for relay, (owner, peer) in enumerate(itertools.permutations(KMES, 2)):
            keys = [
                StoredKey(UUID(int=next(numbers) << 64), os.urandom(32), peer, owner, MEASURED) for _ in range(n_keys)
            ]
            self.sites[owner].store.put_keys(keys, UUID(int=relay))
            self.sites[peer].store.put_keys([replace(key, peer=owner) for key in keys], UUID(int=relay))

    def deliver(self, order, lost=()):
        """Drive a delivery; sites in lost never answer, though the assignment arrives."""
        delivery = self.sites["bank"].enc_keys(order)
        ask = next(delivery)
        for site, assignments in ask.assignments:
            self.sites[site].accept("bank", kme.read_assign(kme.write_assign(assignments)))
        try:
            delivery.send(tuple(NO if site in lost else YES for site, _ in ask.assignments))
        except StopIteration as end:
            return end.value

    def close(self):
        for supply in self.sites.values():
            supply.store.close()


@pytest.fixture
def network(tmp_path):
    network = Network(tmp_path, 12)
    yield network
    network.close()


@settings(max_examples=20, deadline=None)
@given(
    n_keys=st.integers(1, 3),
    size_bits=st.sampled_from([64, 256, 264, 512, 768]),
    more=st.lists(st.sampled_from(["anna", "carol"]), unique=True),
)
def test_all_ends_have_the_same_bytes_and_nothing_is_served_twice(tmp_path_factory, n_keys, size_bits, more):
    network = Network(tmp_path_factory.mktemp("network"), 15)
    keys = network.deliver(Order("alice", ("bob", *more), n_keys, size_bits))
    assert {key.size_bits for key in keys} == {size_bits}
    assert len({key.secret for key in keys}) == n_keys
    for slave in ("bob", *more):
        site = network.sites[SAES[slave]]
        key_ids = [key.key_id for key in keys]
        assert site.dec_keys("alice", slave, key_ids) == keys
        with pytest.raises(KeyNotFound):
            site.dec_keys("alice", slave, key_ids)
    pieces = n_keys * -(-size_bits // 256)
    pads = n_keys * -(-(size_bits + 256) // 256) if "carol" in more else 0
    left = {site: network.sites["bank"].ready_key_count(site) for site in ("exchange", "broker")}
    assert left == {"exchange": 15 - pieces, "broker": 15 - pads}
    assert network.sites["exchange"].store.count_ready("bank", "bank") == left["exchange"]
    network.close()


def test_an_interface_may_choose_the_names(network):
    names = (UUID(int=7), UUID(int=8))
    keys = network.deliver(Order("alice", ("bob", "carol", "anna"), 2, 256, names=names))
    assert tuple(key.key_id for key in keys) == names
    for slave in ("bob", "carol", "anna"):
        assert network.sites[SAES[slave]].dec_keys("alice", slave, names) == keys
    with pytest.raises(ParameterError, match="distinct names"):
        Order("alice", ("bob",), 2, 256, names=(UUID(int=9), UUID(int=9)))


def test_one_lost_answer_voids_the_key_at_every_end(network):
    with pytest.raises(KeyUnavailable, match="site broker does not hold its assignment: no"):
        network.deliver(Order("alice", ("bob", "carol", "anna"), 1, 256), lost=("broker",))
    bank = network.sites["bank"]
    (key_id,) = {void.key_id for void in bank.store.voids_owed("exchange")}
    for site in ("exchange", "broker"):
        network.sites[site].void("bank", kme.read_void(kme.write_void(bank.store.voids_owed(site))))
    for sae, site in SAES.items():
        if sae != "alice":
            with pytest.raises(KeyNotFound):
                network.sites[site].dec_keys("alice", sae, [key_id])


def test_a_delivery_that_is_dropped_is_closed_undelivered(network):
    bank = network.sites["bank"]
    delivery = bank.enc_keys(Order("alice", ("bob",), 2, 256))
    next(delivery)
    assert len(bank.store.assignments_in_doubt()) == 2
    delivery.close()
    assert bank.store.assignments_in_doubt() == ()
    assert len(bank.store.voids_owed("exchange")) == 2


def test_recovery_voids_what_a_crash_left_announced(network):
    bank = network.sites["bank"]
    delivery = bank.enc_keys(Order("alice", ("bob",), 2, 256))
    ask = next(delivery)
    assert Supply(bank.store, bank.directory).recover() == 2
    assert [void.key_id for void in bank.store.voids_owed("exchange")] == [a.key_id for a in ask.assignments[0][1]]
    assert bank.recover() == 0


def test_a_maximum_of_epsilon_is_shared_by_all_pieces(network):
    assert network.deliver(Order("alice", ("bob", "carol"), 1, 256, 3e-9))[0].pedigree.epsilon == pytest.approx(3e-9)
    with pytest.raises(EpsilonUnmet):
        network.deliver(Order("alice", ("bob", "carol"), 1, 256, 2.9e-9))
    assert network.sites["bank"].ready_key_count("exchange") == 11


@pytest.mark.parametrize(
    "change",
    [
        {"master": "bob"},
        {"master": "nobody"},
        {"slaves": ("carol",)},
        {"slaves": ("bob", "nobody")},
        {"size_bits": 8192},
        {"pedigree": replace(MEASURED, origin=Origin.EMULATED)},
    ],
)
def test_an_owner_assigns_for_its_masters_to_our_slaves_alone(network, change):
    delivery = network.sites["bank"].enc_keys(Order("alice", ("bob",), 1, 256))
    ((_, (word,)),) = next(delivery).assignments
    with pytest.raises(PeerError):
        network.sites["exchange"].accept("bank", [replace(word, **change)])
    assert network.sites["exchange"].store.count_ready("bank", "bank") == 12


def test_who_may_ask_and_for_whom(network):
    bank = network.sites["bank"]
    for master, slave, error in (
        ("bob", "alice", Unauthorised),
        ("nobody", "bob", Unauthorised),
        ("alice", "alice", ParameterError),
        ("alice", "anna", ParameterError),
        ("alice", "nobody", ParameterError),
    ):
        with pytest.raises(error):
            bank.peer_site(master, slave)
    with pytest.raises(Unauthorised):
        bank.dec_keys("alice", "bob", [UUID(int=1)])
    assert bank.directory.require_peer("kme-broker") == "broker"
    for name in ("kme-bank", "alice", ""):
        with pytest.raises(Unauthorised):
            bank.directory.require_peer(name)


@pytest.mark.parametrize(
    ("kmes", "saes"),
    [({}, {}), ({"bank": "k", "x": "k"}, {}), ({"bank": "k"}, {"a": "x"}), ({"bank": "k k"}, {}), ({"bank": ""}, {})],
)
def test_a_directory_that_contradicts_itself_is_refused(kmes, saes):
    with pytest.raises(ParameterError):
        Directory("bank", kmes, saes)


def test_a_count_of_keys_is_never_above_its_maximum(network):
    bank = network.sites["bank"]
    assert bank.stored_key_count("exchange", "alice", "bob") == 12
    assert bank.offer_leases("alice", "bob", 4)  # on their way to alice and bob, so nobody else's
    assert bank.stored_key_count("exchange", "alice", "bob") == 12
    assert bank.stored_key_count("exchange", "anna", "bob") == 8
    small = replace(bank, limits=Limits(max_key_count=5))
    assert small.stored_key_count("exchange", "alice", "bob") == 5


def test_nothing_leaves_spent_and_every_event_has_one_end():
    assert not any(state is KeyState.SPENT for state, _ in TRANSITIONS)
    assert {after(event) for event in Event} == set(KeyState) - {KeyState.PENDING, KeyState.ASSIGNED}
    for (state, event), reached in TRANSITIONS.items():
        assert state in before(event)
        assert after(event) is reached


@given(st.binary(max_size=60))
def test_nonsense_of_a_peer_is_a_peer_error(body):
    for read in (kme.read_assign, kme.read_void):
        with pytest.raises(PeerError):
            read(body)
    with pytest.raises(PeerError):
        kme.read_void(b'{"voids": [{"key_id": "' + b"0" * 32 + b'", "stock": []}], "more": 1}')


class Failing:
    """A store of which one verb fails once, before or after it has been done."""

    def __init__(self, store, verb, *, done, at=1):
        self._store, self._verb, self._done, self._left = store, verb, done, at

    def __getattr__(self, name):
        found = getattr(self._store, name)
        return self._fail if name == self._verb else found

    def _fail(self, *args, **kwargs):
        self._left -= 1
        if self._left == 0 and not self._done:
            raise StoreError("away")
        result = getattr(self._store, self._verb)(*args, **kwargs)
        if self._left == 0:
            raise StoreError("away")
        return result


@pytest.mark.parametrize(
    ("verb", "at", "done", "left"),
    [
        ("record_assignments", 1, False, 12),
        ("record_assignments", 2, False, 11),
        ("close_assignments", 1, False, 11),
        ("close_assignments", 1, True, 11),
    ],
)
def test_a_store_that_fails_for_a_moment_leaves_nothing_reserved(network, verb, at, done, left):
    bank = network.sites["bank"]
    network.sites["bank"] = replace(bank, store=Failing(bank.store, verb, done=done, at=at))
    with pytest.raises(StoreError):
        network.deliver(Order("alice", ("bob", "carol"), 1, 256))
    assert bank.store.assignments_in_doubt() == ()
    assert bank.ready_key_count("exchange") == left
    with bank.store._database.transaction() as tx:
        assert tx.one("SELECT COUNT(*) FROM loose WHERE state = 'reserved'") == (0,)
    told = {void.key_id for void in bank.store.voids_owed("exchange")}
    assert bool(told) == (left == 11 and not done)
