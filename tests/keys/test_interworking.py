"""Keys of another operator through a gateway's engine: one step at a time, over a store in a file."""

import os
from uuid import UUID, uuid4

import pytest

from haris.keys.directory import Directory
from haris.keys.export import stated_pedigree, unchanged
from haris.keys.foreign import ARRIVALS, Arrival, ArrivalEvent, Operator, Parties
from haris.keys.interworking import Interworking, ack_containers, by_parties
from haris.keys.supply import PeerReply, Supply
from haris.node.store.store import open_store
from haris.nouns.errors import KeyUnavailable
from haris.nouns.keys import Origin, Pedigree, Proof, StoredKey
from haris.wire.etsi020 import AckStatus, ExtKey, ExtKeyContainer, VoidContainer
from haris.wire.etsi020_problem import Problem

MEASURED = Pedigree(1e-9, Origin.MEASURED, Proof("Lim et al. 2014", "coherent", True))
NEIGHBOUR = Operator("A", "kme-a2", "https://a2", "https://a2/kmapi/v1/ext_keys/ack")
PARTIES = Parties("A", "alice", ("bob",))
HOMES = {"bob": "b2", "bella": "b3", "brian": "b1", "alice": "b1"}


@pytest.fixture
def gateway(tmp_path):
    store = open_store(tmp_path / "b1", bytes(32), os.urandom)
    for site, first in (("b2", 1), ("b3", 100)):
        keys = [StoredKey(UUID(int=n << 64), os.urandom(32), site, "b1", MEASURED) for n in range(first, first + 8)]
        store.put_keys(keys, UUID(int=first))
    directory = Directory("b1", {"b1": "kme-b1", "b2": "kme-b2", "b3": "kme-b3"}, HOMES, {"alice": "A"})
    yield Interworking(Supply(store, directory), store, {"A": NEIGHBOUR})
    store.close()


def container(*targets, n_keys=1):
    keys = tuple(ExtKey(uuid4(), os.urandom(32)) for _ in range(n_keys))
    return ExtKeyContainer(keys, "alice", targets, NEIGHBOUR.callback_url)


def received(gateway, *targets, n_keys=1):
    sent = container(*targets, n_keys=n_keys)
    gateway.receive(NEIGHBOUR, sent)
    return [key.key_id for key in sent.keys]


def state(gateway, key_id):
    return gateway.store.foreign_states("A", [key_id])[key_id]


def replied(carriage, *accepted):
    with pytest.raises(StopIteration):
        carriage.send(tuple(PeerReply(each, "") for each in accepted))


def words(gateway):
    return {ack.key_id: ack.status for ack in gateway.store.acks_owed("A")}


def test_all_sites_or_none(gateway):
    for accepted, reached, word in (
        ((True, True), Arrival.RELAYED, AckStatus.RELAYED),
        ((True, False), Arrival.FAILED, AckStatus.FAILED),
    ):
        (key_id,) = received(gateway, "bob", "bella")
        assert state(gateway, key_id) is Arrival.RECEIVED
        assert words(gateway) == {}
        carriage = gateway.carry("A", [key_id])
        step = next(carriage)
        assert [site for site, _ in step.assignments] == ["b3", "b2"]
        assert all(each.wrapped for _, assignments in step.assignments for each in assignments)
        replied(carriage, *accepted)
        assert state(gateway, key_id) is reached
        assert words(gateway) == {key_id: word}
        gateway.store.acks_told(gateway.store.acks_owed("A"))
    assert [void.key_id for void in gateway.store.voids_owed("b3")] == [key_id]  # it holds what b2 refused


def test_two_carriages_of_one_key_are_one(gateway):
    (key_id,) = received(gateway, "bob")
    first, second = gateway.carry("A", [key_id]), gateway.carry("A", [key_id])
    next(first)
    with pytest.raises(StopIteration):
        next(second)
    replied(first, True)
    assert state(gateway, key_id) is Arrival.RELAYED


def test_a_carriage_that_ends_early_has_failed(gateway):
    (key_id,) = received(gateway, "bob", "brian")
    carriage = gateway.carry("A", [key_id])
    next(carriage)
    carriage.close()
    assert state(gateway, key_id) is Arrival.FAILED
    with pytest.raises(KeyUnavailable):
        gateway.supply.dec_keys("alice", "brian", [key_id])


def test_a_pool_that_ran_dry_meanwhile_fails_the_key(gateway):
    (key_id,) = received(gateway, "bob")
    gateway.store.reserve("b2", "b1", 8, "delivery")
    with pytest.raises(StopIteration):
        next(gateway.carry("A", [key_id]))
    assert words(gateway) == {key_id: AckStatus.FAILED}


def test_a_key_voided_while_it_is_carried_is_not_relayed(gateway):
    (key_id,) = received(gateway, "bob")
    carriage = gateway.carry("A", [key_id])
    next(carriage)
    gateway.void(NEIGHBOUR, VoidContainer((key_id,), "alice", ("bob",), NEIGHBOUR.callback_url))
    replied(carriage, True)
    assert state(gateway, key_id) is Arrival.VOIDING
    assert [crossing.key_id for crossing in gateway.store.foreign_recalls()] == [key_id]
    gateway.store.settle_recall("A", key_id, fetched=False)
    assert words(gateway) == {key_id: AckStatus.VOIDED}


def test_what_a_crash_left_is_taken_back_or_carried(gateway):
    (carried,), (waiting,) = received(gateway, "bob"), received(gateway, "bob")
    carriage = gateway.carry("A", [carried])
    next(carriage)
    assert gateway.store.doubt_carriages() == 1
    assert gateway.supply.recover() == 1
    assert [key_ids for _, key_ids in gateway.waiting()] == [(waiting,)]
    assert state(gateway, carried) is Arrival.FAILING
    gateway.store.settle_recall("A", carried, fetched=True)  # a target was quicker than the crash
    assert words(gateway) == {carried: AckStatus.RELAYED}
    carriage.close()


def test_a_refused_container_leaves_nothing(gateway):
    bad = container("bob", n_keys=2)
    short = ExtKeyContainer((*bad.keys, ExtKey(uuid4(), b"short")), "alice", ("bob",), NEIGHBOUR.callback_url)
    with pytest.raises(Problem):
        gateway.receive(NEIGHBOUR, short)
    assert gateway.waiting() == ()


def test_no_secret_outlives_its_carriage(gateway):
    (key_id,) = received(gateway, "bob")
    carriage = gateway.carry("A", [key_id])
    next(carriage)
    replied(carriage, True)
    with gateway.store._database.transaction() as tx:
        assert tx.all("SELECT secret FROM arrivals") == [(None,)]


def test_every_state_but_the_last_ones_leads_on():
    settled = {Arrival.VOIDED, Arrival.KEPT, Arrival.ABSENT}
    assert {state for state, _ in ARRIVALS} == set(Arrival) - settled
    assert {event for _, event in ARRIVALS} == set(ArrivalEvent)


def test_acknowledgements_hold_at_most_1024_keys():
    key_ids = [uuid4() for _ in range(2050)]
    containers = ack_containers(PARTIES, dict.fromkeys(key_ids, AckStatus.VOIDED))
    assert [len(each.keys) for each in containers] == [1024, 1024, 2]
    assert by_parties([]) == ()


def test_what_another_operator_states_is_its_word():
    assert stated_pedigree("A", None).origin is Origin.VENDOR
    for wrong in ({"E1_haris_pedigree": {"haris_origin": "measured"}}, {"E1_haris_pedigree": {"haris_origin": 5}}):
        with pytest.raises(Problem):
            stated_pedigree("A", wrong)
    assert unchanged({"E1_haris_pedigree": {}}, None) == ""
    assert unchanged({"E1_x": 1}, {"E1_y": 2}) == '{"key":{"E1_x":1},"container":{"E1_y":2}}'
