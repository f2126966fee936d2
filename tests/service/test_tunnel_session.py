"""The tunnel's session over stub carriers: random interleavings, rekeys and stalls; nothing is lost or doubled."""

import contextlib
from collections import deque
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, PeerError
from haris.service.framing import Close, Data, Frame, FrameDecoder, Introduce, Rekey, Switch, encode
from haris.service.tls_psk import Role
from haris.service.tunnel import RekeyPolicy, Tunnel

SECOND_NS = 10**9


class Wire:
    """A carrier whose frames wait, in order, until the test delivers them."""

    def __init__(self, epoch: int) -> None:
        self.key_id = UUID(int=epoch)
        self.epoch = epoch
        self.frames: deque[Frame] = deque()
        self.carried = 0

    def send(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.carried += len(frame.octets) if isinstance(frame, Data) else 0


class Pair:
    """Two tunnels and the wires between them."""

    def __init__(self, policy: RekeyPolicy) -> None:
        self.ends = Tunnel(Role.CONNECTOR, policy), Tunnel(Role.LISTENER, policy)
        self.wires: list[tuple[Wire, Wire]] = []
        self.got = bytearray(), bytearray()
        self.now_ns = 0
        self.rekey()

    def rekey(self) -> None:
        wires = Wire(len(self.wires)), Wire(len(self.wires))
        self.wires.append(wires)
        self.ends[1].attach(wires[1], self.now_ns)  # the listener first: it has verified, and answers
        self.ends[0].attach(wires[0], self.now_ns)

    def deliver(self, epoch: int, sender: int, n_frames: int) -> None:
        wire, receiver = self.wires[epoch][sender], self.ends[1 - sender]
        frames = [wire.frames.popleft() for _ in range(min(n_frames, len(wire.frames)))]
        if frames:
            self.got[1 - sender].extend(receiver.receive(epoch, frames))
            for end in self.ends:
                end.retire()

    def settle(self) -> None:
        while any(wire.frames for wires in self.wires for wire in wires):
            for epoch in range(len(self.wires)):
                for sender in (0, 1):
                    self.deliver(epoch, sender, 1000)


actions = st.one_of(
    st.tuples(st.just("send"), st.integers(0, 1), st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("deliver"), st.integers(0, 1), st.tuples(st.integers(0, 1), st.integers(1, 3))),
    st.tuples(st.just("rekey"), st.just(0), st.just(None)),
    st.tuples(st.just("close"), st.integers(0, 1), st.just(None)),
    st.tuples(st.just("wait"), st.just(0), st.integers(1, 4)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(actions, max_size=60))
def test_every_octet_arrives_once_and_in_order(script):
    policy = RekeyPolicy(max_bytes=16, max_seconds=6.0)
    pair = Pair(policy)
    sent, closed = (bytearray(), bytearray()), set()
    for action, who, what in script:
        if action == "send" and who not in closed:
            pair.ends[who].send(what)
            sent[who].extend(what)
        elif action == "deliver":
            back, n_frames = what
            pair.deliver(max(len(pair.wires) - 1 - back, 0), who, n_frames)
        elif action == "rekey" and all(end.may_attach for end in pair.ends):
            pair.rekey()
        elif action == "close":
            pair.ends[who].close_send()
            closed.add(who)
        elif action == "wait":
            pair.now_ns += what * SECOND_NS
        for end in pair.ends:
            end.pump(pair.now_ns)
        assert all(sent[1 - who].startswith(pair.got[who]) for who in (0, 1))
        assert all(wire.carried <= policy.max_bytes for wires in pair.wires for wire in wires)
    for end in pair.ends:
        end.close_send()
    for _ in range(1 + sum(len(s) for s in sent) // policy.max_bytes + 1):
        pair.settle()
        assert all(end.may_attach for end in pair.ends)
        pair.rekey()
        for end in pair.ends:
            end.pump(pair.now_ns)
    pair.settle()
    assert pair.got == (sent[1], sent[0])
    assert all(end.finished for end in pair.ends)


def test_what_comes_early_in_the_new_epoch_is_held_until_the_old_one_is_left():
    pair = Pair(RekeyPolicy())
    connector, listener = pair.ends
    connector.send(b"old ")
    connector.pump(0)
    pair.rekey()
    connector.send(b"new")
    connector.pump(0)
    pair.deliver(1, sender=0, n_frames=9)
    assert pair.got[1] == b""
    pair.deliver(0, sender=0, n_frames=1)
    assert pair.got[1] == b"old "
    pair.deliver(0, sender=0, n_frames=1)
    assert pair.got[1] == b"old new"
    assert listener.delivered_octets == 7


def test_an_overdue_key_carries_nothing():
    pair = Pair(RekeyPolicy(max_bytes=10, max_seconds=5.0))
    connector = pair.ends[0]
    connector.send(b"0123456789ab")
    connector.pump(0)
    assert pair.wires[0][0].carried == 10
    assert connector.overdue(0)
    pair.rekey()
    connector.pump(0)
    assert pair.wires[1][0].carried == 2
    connector.send(b"c")
    connector.pump(5 * SECOND_NS)
    assert pair.wires[1][0].carried == 2
    assert connector.overdue(5 * SECOND_NS)


def test_a_rekey_is_due_before_the_policy_is_exhausted():
    policy = RekeyPolicy(max_bytes=100, max_seconds=10.0)
    pair = Pair(policy)
    connector, listener = pair.ends
    assert not connector.rekey_due(9 * SECOND_NS)  # idle: no key is spent
    connector.send(b"x")
    connector.pump(0)
    assert not connector.rekey_due(7 * SECOND_NS)
    assert connector.rekey_due(8 * SECOND_NS)
    connector.send(bytes(79))
    connector.pump(0)
    assert connector.rekey_due(0)
    pair.settle()
    assert listener.rekey_due(0)
    pair.rekey()
    assert not connector.rekey_due(0)


def test_a_listener_asks_once_and_the_connector_hears_it():
    loose, strict = RekeyPolicy(), RekeyPolicy(max_bytes=10)
    pair = Pair(loose)
    pair.ends = Tunnel(Role.CONNECTOR, loose), Tunnel(Role.LISTENER, strict)
    pair.wires = []
    pair.rekey()
    connector, listener = pair.ends
    listener.send(b"0123456789")
    listener.pump(0)
    listener.pump(0)
    assert sum(isinstance(f, Rekey) for f in pair.wires[0][1].frames) == 1
    assert not connector.rekey_due(0)
    pair.settle()
    assert connector.rekey_due(0)
    pair.rekey()
    assert not connector.rekey_due(0)


def test_half_close_leaves_the_other_direction_open():
    pair = Pair(RekeyPolicy())
    connector, listener = pair.ends
    connector.send(b"request")
    connector.close_send()
    connector.pump(0)
    pair.settle()
    assert listener.received_all
    assert not listener.finished
    listener.send(b"answer")
    listener.pump(0)
    pair.rekey()
    pair.settle()
    assert pair.got[0] == b"answer"
    listener.close_send()
    listener.pump(0)
    pair.settle()
    assert connector.finished
    assert listener.finished
    with pytest.raises(ParameterError):
        connector.send(b"more")


@pytest.mark.parametrize(
    "frames",
    [
        [Data(1, b"gap")],
        [Data(0, b"ab"), Data(0, b"ab")],
        [Data(0, b"ab"), Data(1, b"bc")],
        [Close(3)],
        [Close(0), Data(0, b"late")],
        [Close(0), Close(0)],
        [Switch(5)],
        [Switch(0), Data(0, b"x")],
        [Rekey()],
        [Introduce(bytes(32), 0, b"", b"")],
    ],
)
def test_a_frame_without_a_place_is_refused(frames):
    listener = Tunnel(Role.LISTENER, RekeyPolicy())
    listener.attach(Wire(0), 0)
    with pytest.raises(PeerError):
        listener.receive(0, frames)


def test_an_epoch_out_of_turn_is_refused():
    tunnel = Tunnel(Role.LISTENER, RekeyPolicy())
    with pytest.raises(PeerError):
        tunnel.attach(Wire(1), 0)
    tunnel.attach(Wire(0), 0)
    with pytest.raises(PeerError):
        tunnel.attach(Wire(0), 0)
    tunnel.attach(Wire(1), 0)
    with pytest.raises(PeerError, match="out of turn"):
        tunnel.attach(Wire(2), 0)


frames_of_all_kinds = st.lists(
    st.one_of(
        st.builds(Data, st.integers(0, 2**64 - 1), st.binary(min_size=1, max_size=50)),
        st.builds(Switch, st.integers(0, 2**64 - 1)),
        st.builds(Close, st.integers(0, 2**64 - 1)),
        st.just(Rekey()),
        st.builds(
            Introduce,
            st.binary(min_size=32, max_size=32),
            st.integers(0, 9),
            st.binary(max_size=20),
            st.binary(max_size=9),
        ),
    )
)


@given(frames_of_all_kinds, st.integers(1, 30))
def test_frames_survive_any_cut_of_the_stream(frames, cut):
    octets, decoder = b"".join(map(encode, frames)), FrameDecoder()
    pieces = [octets[i : i + cut] for i in range(0, len(octets), cut)]
    assert [f for piece in pieces for f in decoder.feed(piece)] == frames
    assert decoder.empty


@given(st.binary(max_size=60))
def test_noise_is_refused_or_waits(octets):
    decoder = FrameDecoder()
    with contextlib.suppress(PeerError):
        decoder.feed(octets)


def test_a_frame_longer_than_any_is_refused_before_it_arrives():
    with pytest.raises(PeerError, match="allowed"):
        FrameDecoder().feed(b"\x01\xff\xff\xff\xff")
