"""Key streams without a network: two sites' engines and stores, driven by hand through lost words and crashes."""

import os
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_supply import NO, YES, Network

from haris.keys.stream_terms import (
    StreamLimits,
    chunk_key_ids,
    draw_stream_id,
    key_octets_of_chunk,
    owner_site,
    sae_of_uri,
)
from haris.keys.streams import StreamOwner, chunk_fetch, join_chunk
from haris.keys.supply import Limits, Supply
from haris.nouns.errors import HarisError, ParameterError
from haris.wire import kme
from haris.wire.etsi004 import QoS, Status
from haris.wire.streams import CloseEnd, DrawChunk, LookAtStream, OpenEnd, read_ask, read_reply, write_ask, write_reply

NAME = UUID(int=2)  # owned by the bank
QOS = QoS(32)
SITES = {"alice": "bank", "bob": "exchange"}


class Streams:
    """One stream between alice and bob, whose owner is the bank."""

    def __init__(self, folder, n_keys=40, qos=QOS):
        self.network, self.crashed = Network(folder, n_keys), None
        self.begin()
        for sae, other in (("alice", "bob"), ("bob", "alice")):
            reply = self.owner.open(OpenEnd(sae, sae, other, qos, NAME))
            assert (reply.status, reply.key_stream_id) == (Status.SUCCESSFUL, NAME)

    def begin(self):
        """A key manager starts: what was durable is all that it knows."""
        bank = self.network.sites["bank"]
        bank.recover()
        self.owner = StreamOwner(bank, bank.store, os.urandom, StreamLimits(window=8))

    def draw(self, sae, index, answer="yes"):
        """Ask the owner for a chunk. answer: what becomes of its word to the other site."""
        drawing = self.owner.draw(DrawChunk(sae, NAME, index), 1)
        try:
            ask = next(drawing)
            ((site, words),) = ask.assignments
            if answer != "lost":
                self.network.sites[site].accept("bank", kme.read_assign(kme.write_assign(words)))
            if answer == "crash":  # the process dies: the generator never runs on, nothing is told to anybody
                self.crashed = drawing
                self.begin()
                return None
            drawing.send((YES if answer == "yes" else NO,))
        except StopIteration as end:
            return read_reply(write_reply(end.value))
        raise AssertionError("a draw asks once")

    def fetch(self, sae, reply):
        supply = self.network.sites[SITES[sae]]
        (outcome,) = supply.store.serve([chunk_fetch(supply, sae, reply)])
        if isinstance(outcome, HarisError):
            return None
        octets, pedigree = join_chunk(outcome, reply.chunk_octets)
        assert pedigree.hops == 1
        return bytes(octets)

    def close(self):
        if self.crashed is not None:
            self.crashed.close()
        self.network.close()


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["alice", "bob"]),
            st.one_of(st.none(), st.integers(0, 4)),
            st.sampled_from(["yes", "yes", "yes", "no", "lost", "crash"]),
            st.booleans(),
        ),
        max_size=14,
    )
)
def test_no_index_has_two_values_and_no_end_gets_one_twice(tmp_path_factory, steps):
    streams = Streams(tmp_path_factory.mktemp("streams"))
    values, taken = {}, set()
    for sae, index, answer, delivered in steps:
        reply = streams.draw(sae, index, answer)
        if reply is None or reply.status is not Status.SUCCESSFUL or not delivered:
            continue
        key = streams.fetch(sae, reply)
        if (sae, reply.index) in taken:
            assert key is None
            continue
        taken.add((sae, reply.index))
        assert key is not None
        assert values.setdefault(reply.index, key) == key
    assert len(set(values.values())) == len(values)
    for sae in SITES:
        for index in range(5):
            reply = streams.draw(sae, index)
            if (sae, index) not in taken and reply.status is Status.SUCCESSFUL:
                key = streams.fetch(sae, reply)
                assert values.setdefault(index, key) == key
    streams.close()


def test_an_attempt_that_nobody_recorded_is_never_taken_up_again(tmp_path):
    streams = Streams(tmp_path)
    drawing = streams.owner.draw(DrawChunk("alice", NAME, 0), 1)
    ((_, words),) = next(drawing).assignments
    streams.network.sites["exchange"].accept("bank", words)
    bank = streams.network.sites["bank"]
    bank.store.close_assignments([word.key_id for word in words], delivered=True)  # and then the process dies
    reply = streams.draw("bob", 0)
    assert set(reply.key_ids).isdisjoint(word.key_id for word in words)
    assert streams.fetch("bob", reply) == streams.fetch("alice", streams.draw("alice", 0))
    drawing.close()
    streams.close()


def test_two_processes_of_a_site_hand_out_one_attempt(tmp_path):
    """The slower one's keys are assigned under names that nobody is told."""
    streams = Streams(tmp_path)
    slower = streams.owner.draw(DrawChunk("alice", NAME, 0), 1)
    ((_, words),) = next(slower).assignments
    streams.network.sites["exchange"].accept("bank", words)
    faster = streams.draw("bob", 0)
    assert faster.status is Status.SUCCESSFUL
    with pytest.raises(StopIteration) as end:
        slower.send((YES,))
    assert (end.value.value.status, end.value.value.final) == (Status.INSUFFICIENT_KEY, False)
    assert streams.draw("alice", 0).key_ids == faster.key_ids
    streams.close()


def test_what_an_owner_refuses(tmp_path):
    streams = Streams(tmp_path)
    owner = streams.owner
    for ask, status in (
        (OpenEnd("alice", "alice", "carol", QOS, NAME), Status.KSID_IN_USE),
        (OpenEnd("alice", "alice", "bob", QoS(64), NAME), Status.QOS_NOT_MET),
        (OpenEnd("anna", "alice", "bob", QOS, NAME), Status.NO_QKD_CONNECTION),
        (OpenEnd("alice", "alice", "anna", QOS, NAME), Status.NO_QKD_CONNECTION),
        (OpenEnd("bob", "bob", "carol", QOS, NAME), Status.NO_QKD_CONNECTION),
        (OpenEnd("alice", "alice", "nobody", QOS, NAME), Status.NO_QKD_CONNECTION),
    ):
        assert owner.open(read_ask(write_ask(ask))).status is status
    assert owner.look(LookAtStream("carol", NAME)).status is Status.GET_KEY_PEER_NOT_CONNECTED
    assert owner.look(LookAtStream("alice", NAME)).connected
    assert owner.close(CloseEnd("carol", NAME)).status is Status.GET_KEY_PEER_NOT_CONNECTED
    assert streams.draw("carol", 0).status is Status.GET_KEY_PEER_NOT_CONNECTED
    streams.close()


def test_a_dry_pool_may_fill_again(tmp_path):
    streams = Streams(tmp_path, n_keys=1)
    assert streams.draw("alice", 0).status is Status.SUCCESSFUL
    reply = streams.draw("alice", 1)
    assert (reply.status, reply.final) == (Status.INSUFFICIENT_KEY, False)
    assert streams.draw("bob", 0).status is Status.SUCCESSFUL
    streams.close()


@pytest.mark.parametrize(
    ("uri", "sae"),
    [
        ("alice", "alice"),
        ("qkd://alice@bank.example:25575/path", "alice"),
        ("client://alice", "alice"),
        ("qkd//alice@aaaaaaaa-aaaa", "alice"),
        ("//alice", "alice"),
        ("alice@bank", "alice"),
    ],
)
def test_an_sae_in_a_uri(tmp_path, uri, sae):
    network = Network(tmp_path, 1)
    assert sae_of_uri(uri, network.sites["bank"].directory) == sae
    for unknown in ("qkd://nobody", "qkd://alice:1", "", "://alice", "ALICE"):
        with pytest.raises(ParameterError):
            sae_of_uri(unknown, network.sites["bank"].directory)
    network.close()


@given(st.uuids(), st.integers(0, 1 << 31), st.integers(1, 1 << 31))
def test_names_are_derived_and_differ(stream, index, attempt):
    names = chunk_key_ids(stream, index, attempt, 3)
    assert names == chunk_key_ids(stream, index, attempt, 3)
    assert (
        len({*names, *chunk_key_ids(stream, index, attempt - 1, 3), *chunk_key_ids(stream, index + 1, attempt, 3)}) == 9
    )
    assert all(name.version == 8 for name in names)


@given(st.sampled_from([("a", "b"), ("b", "a")]))
def test_a_drawn_stream_is_owned_by_who_draws_it(sites):
    own, other = sites
    stream = draw_stream_id(own, other, os.urandom)
    assert owner_site(stream, own, other) == owner_site(stream, other, own) == own
    assert stream.version == 4


@given(st.integers(8, 65536))
def test_a_chunk_is_made_of_few_equal_keys(chunk_octets):
    limits = Limits()
    size = key_octets_of_chunk(chunk_octets, limits)
    n_keys = -(-chunk_octets // size)
    assert 8 * size <= limits.max_key_size
    assert n_keys <= limits.max_key_per_request
    assert 0 <= n_keys * size - chunk_octets < n_keys


def test_supply_knows_nothing_of_streams():
    assert not any("stream" in name for name in dir(Supply))
