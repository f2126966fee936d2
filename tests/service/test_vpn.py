"""Keying a VPN against every interleaving: a model check that runs both real roles over daemons that may fail."""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from haris.nouns.errors import ParameterError, PeerError
from haris.service import vpn, vpn_initiator, vpn_responder
from haris.service.vpn import InUse, Policy, tunnel_secret
from haris.service.vpn_initiator import Initiator
from haris.service.vpn_responder import Responder
from haris.wire.vpn import (
    VERSION,
    Abort,
    Following,
    Hello,
    Loaded,
    Offer,
    Retire,
    Switch,
    Switched,
    Used,
    Welcome,
    codec,
)

POLICY = Policy(rotate_s=10.0, max_s=100.0, overlap_s=1.0)
LONG_AGO = -int(1e12)
KEYS = tuple(UUID(int=n) for n in range(1, 9))
FIRST, SECOND = Initiator("trial", "ipsec"), Responder("trial", "ipsec")
RANDOM = UUID(int=0)  # a preshared key that nobody else knows


def proofs(key_id: UUID) -> tuple[bytes, bytes]:
    """What both say of a key; told apart by key and by role."""
    return tuple(hashlib.sha256(role + key_id.bytes).digest() for role in (b"i", b"r"))  # type: ignore[return-value]


# -- the model: two roles, two queues, two daemons, a key manager; any crash, loss or failure


@dataclass(frozen=True)
class World:
    """sas: keys with an IKE SA up at both ends. sends: under which the responder sends. loaded, psks: of the daemons.
    orders, fetches: under way at each end.

    queues[i] flows towards end i. faults: what may still go wrong. spoilt: the responder has lost its memory, or has
    closed the tunnel, since it was last told to get ready.
    """

    initiator: Initiator = FIRST
    responder: Responder = SECOND
    connected: bool = False
    queues: tuple[tuple, tuple] = ((), ())
    orders: tuple[tuple, tuple] = ((), ())
    fetches: tuple[tuple, tuple] = ((), ())
    n_keys: int = 0
    faults: int = 2
    sas: frozenset = frozenset()
    sends: UUID | None = None
    loaded: tuple[frozenset, frozenset] = (frozenset(), frozenset())
    psks: tuple[UUID, UUID] = (RANDOM, RANDOM)
    before: tuple[UUID, UUID] = (RANDOM, RANDOM)
    spoilt: bool = False
    closed: bool = False


def put(pair: tuple, i: int, value: object) -> tuple:
    return (value, pair[1]) if i == 0 else (pair[0], value)


def timeless(state):
    """A state from which every time is taken: the model lets any amount of time pass at any moment."""
    active = InUse(state.active.key_id, 0) if state.active else None
    if isinstance(state, Initiator):
        return replace(state, active=active, due_ns=0, until_ns=0, failures=0)
    return replace(state, active=active, since_ns=0)


class Model:
    """All that two agents may do with n_keys keys. steps: the roles, so that worse ones can be shown to fail."""

    def __init__(self, n_keys: int, faults: int, initiator=vpn_initiator.step, responder=vpn_responder.step) -> None:
        self.n_keys, self.faults, self.steps = n_keys, faults, (initiator, responder)
        self._settled: set[World] = set()

    # -- one event at one end

    def tell(self, world: World, i: int, event: vpn.Event, now_ns: int = 0) -> World:
        state = (world.initiator, world.responder)[i]
        try:
            after, orders = self.steps[i](state, event, now_ns, POLICY)
        except PeerError as error:
            return self.hang_up(world, str(error))
        world = replace(world, **{("initiator", "responder")[i]: timeless(after)})
        for order in orders:
            world = self.order(world, i, order)
        return world

    def order(self, world: World, i: int, order: vpn.Order) -> World:
        match order:
            case vpn.Say(message):
                sent = put(world.queues, 1 - i, (*world.queues[1 - i], message)) if world.connected else world.queues
                return replace(world, queues=sent)
            case vpn.Fetch(key_id):
                return replace(world, fetches=put(world.fetches, i, (*world.fetches[i], key_id)))
            case vpn.HangUp(text):
                return self.hang_up(world, text)
            case vpn.Tell():
                return world
        return replace(world, orders=put(world.orders, i, (*world.orders[i], order)))

    def hang_up(self, world: World, text: str) -> World:
        if not world.connected:
            return world
        world = replace(world, connected=False, queues=((), ()))
        for i in (0, 1):
            world = self.tell(world, i, vpn.Lost())
        return world

    # -- the daemons: strongSwan (sas, loaded) and WireGuard (psks) at once

    def carry_out(self, world: World, i: int, works: bool) -> World | None:
        if not world.orders[i]:
            return None
        order, rest = world.orders[i][0], world.orders[i][1:]
        world = replace(world, orders=put(world.orders, i, rest))
        had, psks = world.sas, world.psks
        match order:
            case vpn.Load(key_id):
                if not works:
                    return self.tell(world, i, vpn.Failed(key_id, "refused"))
                world = replace(world, loaded=put(world.loaded, i, world.loaded[i] | {key_id}))
                world = self.tell(world, i, vpn.Done(key_id))
            case vpn.Use(key_id):
                world = replace(world, before=put(world.before, i, psks[i]), psks=put(psks, i, key_id))
                if i == 1:
                    world = self.tell(replace(world, spoilt=False), 1, vpn.Done(key_id))
                    return self.check_up(had, world)
                assert world.spoilt or key_id in world.loaded[1], "the initiator uses a key that the responder lacks"
                assert world.spoilt or world.psks[1] == key_id, "the initiator uses a key that the responder left"
                if not works or key_id not in world.loaded[1]:
                    world = self.tell(world, 0, vpn.Failed(key_id, "no IKE SA"))
                else:
                    world = self.tell(replace(world, sas=world.sas | {key_id}, closed=False), 0, vpn.Done(key_id))
            case vpn.Follow(key_id):
                if not works:
                    return self.tell(world, i, vpn.Failed(key_id, "refused"))
                assert world.closed or key_id in world.sas, "the responder sends under a key that is not up"
                world = self.tell(replace(world, sends=key_id), i, vpn.Done(key_id))
            case vpn.Forget(key_id):
                back = put(psks, i, world.before[i]) if psks[i] == key_id else psks
                loaded = put(world.loaded, i, world.loaded[i] - {key_id})
                world = replace(world, sas=world.sas - {key_id}, loaded=loaded, psks=back)
            case vpn.Keep(key_id):
                followed = world.sends == key_id or world.closed
                assert followed, "a key is retired under which the responder sends"
                world = replace(world, sas=world.sas & {key_id}, loaded=put(world.loaded, i, frozenset()))
            case vpn.Close():
                gone = put(world.loaded, i, frozenset())
                back = put(psks, i, RANDOM)
                spoilt = world.spoilt or i == 1
                return replace(world, sas=frozenset(), loaded=gone, psks=back, spoilt=spoilt, closed=True)
        return self.check_up(had, world)

    @staticmethod
    def check_up(had: frozenset, world: World) -> World:
        assert not had or world.sas, "the tunnel went down before another was up"
        return world

    # -- what may happen next

    def fetched(self, world: World, i: int, works: bool, false: bool = False) -> World | None:
        if not world.fetches[i]:
            return None
        asked = world.fetches[i][0]
        world = replace(world, fetches=put(world.fetches, i, world.fetches[i][1:]))
        if not works or (asked is None and world.n_keys == self.n_keys):
            return self.tell(world, i, vpn.NotFetched("dry", 1.0, asked))
        if asked is None:
            asked = KEYS[world.n_keys]
            world = replace(world, n_keys=world.n_keys + 1)
        said = proofs(RANDOM) if false else proofs(asked)
        return self.tell(world, i, vpn.Fetched(asked, said))

    def heard(self, world: World, i: int) -> World | None:
        if not world.queues[i]:
            return None
        message, rest = world.queues[i][0], world.queues[i][1:]
        return self.tell(replace(world, queues=put(world.queues, i, rest)), i, vpn.Heard(message))

    def meet(self, world: World) -> World | None:
        if world.connected:
            return None
        world = replace(world, connected=True)
        return self.tell(self.tell(world, 1, vpn.Connected()), 0, vpn.Connected())

    def crash(self, world: World, i: int) -> World:
        """The agent is killed and begins anew; its daemon goes on, but for keys not yet in use."""
        world = self.hang_up(world, "crash")
        fresh = {"initiator": FIRST} if i == 0 else {"responder": SECOND}
        orders, fetches = put(world.orders, i, ()), put(world.fetches, i, ())
        loaded, psks = put(world.loaded, i, frozenset()), put(world.psks, i, RANDOM)
        spoilt = world.spoilt or i == 1
        return replace(world, orders=orders, fetches=fetches, loaded=loaded, psks=psks, spoilt=spoilt, **fresh)

    def close(self, world: World, i: int) -> World:
        """So much time passes that the key in use is too old."""
        state = (world.initiator, world.responder)[i]
        active = replace(state.active, since_ns=LONG_AGO) if state.active else None
        aged = replace(state, active=active, **({"since_ns": LONG_AGO} if i == 1 else {}))
        return self.tell(replace(world, **{("initiator", "responder")[i]: aged}), i, vpn.Tick())

    def pass_time(self, world: World, i: int) -> World:
        """Whatever is due becomes due."""
        return self.tell(world, i, vpn.Tick(), now_ns=1)

    def wrong(self, world: World):
        """Everything that counts as a fault."""
        if world.connected:
            yield self.hang_up(world, "cut")  # as it would be after too long a silence
        for i in (0, 1):
            yield self.crash(world, i)
            yield self.close(world, i)
            yield self.carry_out(world, i, works=False)
            yield self.fetched(world, i, works=False)
            yield self.fetched(world, i, works=True, false=True)

    def right(self, world: World):
        yield self.meet(world)
        for i in (0, 1):
            yield self.heard(world, i)
            yield self.carry_out(world, i, works=True)
            yield self.fetched(world, i, works=True)
            if i == 1 or world.initiator.stage not in vpn_initiator.ANSWERS:
                yield self.pass_time(world, i)

    # -- what must hold

    def check(self, world: World) -> None:
        ends = world.initiator, world.responder
        at_rest = not any(world.queues + world.orders + world.fetches)
        idle = ends[0].met and ends[0].stage is vpn_initiator.Stage.IDLE
        if not (at_rest and idle and ends[0].active) or world.closed:
            return
        if ends[1].stage is vpn_responder.Stage.IDLE and ends[1].active == ends[0].active:
            assert world.psks == (ends[0].active.key_id,) * 2, "both say one key and have set another"
            assert not world.loaded[0] | world.loaded[1], "a retired key is still loaded"
        assert not world.sas or ends[0].active.key_id in world.sas, "the tunnel is under another key than is told"

    def settled(self, world: World) -> None:
        """From here, if nothing more goes wrong and keys come, both ends soon use one and the same key."""
        spare, path = Model(self.n_keys + 5, 0, *self.steps), []
        while world not in self._settled:
            assert len(path) < 200, "the ends do not come together again"
            path.append(world)
            if self.together(world):
                break
            after = spare.next(world)
            world = replace(after, n_keys=max(after.n_keys, self.n_keys))
        self._settled.update(path)

    def together(self, world: World) -> bool:
        """Whether both ends are at rest and use a key that came after everything that went wrong."""
        ends = world.initiator, world.responder
        fresh = ends[0].active and ends[0].active.key_id in KEYS[self.n_keys :] and ends[1].active == ends[0].active
        if not fresh or ends[0].stage != "idle" or any(world.queues + world.orders + world.fetches):
            return False
        return world.sas == {ends[0].active.key_id} and world.psks == (ends[0].active.key_id,) * 2

    def next(self, world: World) -> World:
        """One thing that goes right; if there is nothing, time passes."""
        moves = [lambda: self.meet(world)]
        for i in (0, 1):
            moves += [lambda i=i: self.heard(world, i), lambda i=i: self.carry_out(world, i, True)]
            moves += [lambda i=i: self.fetched(world, i, True)]
        for move in moves:
            if after := move():
                return after
        return self.pass_time(self.pass_time(world, 1), 0)

    def explore(self) -> int:
        start = World(faults=self.faults)
        seen, todo = {start}, deque([start])
        while todo:
            world = todo.popleft()
            self.check(world)
            after = [w for w in self.right(world) if w is not None]
            if world.faults:
                after += [replace(w, faults=world.faults - 1) for w in self.wrong(world) if w is not None]
            for one in after:
                if one not in seen:
                    seen.add(one)
                    todo.append(one)
        for world in seen:
            if world.faults == 0:
                self.settled(world)
        return len(seen)


# -- the engine as it is


@pytest.mark.parametrize(("n_keys", "faults", "at_least"), [(2, 1, 2_000), (1, 2, 3_000)])
def test_no_interleaving_of_faults_parts_the_ends(n_keys: int, faults: int, at_least: int) -> None:
    """Also tried by hand with 3 keys and 2 faults: 73,096 worlds."""
    assert Model(n_keys, faults).explore() > at_least


# -- and as it must not be: the model notices


def hasty_initiator(state, event, now_ns, policy):
    """Uses a key when the responder has loaded it, before it is ready."""
    after, orders = vpn_initiator.step(state, event, now_ns, policy)
    if any(isinstance(order, vpn.Say) and isinstance(order.message, Switch) for order in orders):
        return replace(after, stage=vpn_initiator.Stage.SWITCHING), (*orders, vpn.Use(after.candidate))
    return after, orders


def hasty_responder(state, event, now_ns, policy):
    """Ends the old key when it is ready for the new one, before the initiator uses that."""
    after, orders = vpn_responder.step(state, event, now_ns, policy)
    if any(isinstance(order, vpn.Say) and isinstance(order.message, Switched) for order in orders):
        return after, (*orders, vpn.Keep(after.candidate))
    return after, orders


def forgetful_responder(state, event, now_ns, policy):
    """Drops a key that it is ready for when the connection breaks."""
    if isinstance(event, vpn.Lost) and state.stage is vpn_responder.Stage.READY:
        return replace(state, stage=vpn_responder.Stage.APART, candidate=None, ready=False), (
            vpn.Forget(state.candidate),
        )
    return vpn_responder.step(state, event, now_ns, policy)


def trusting_responder(state, event, now_ns, policy):
    """Believes that the initiator uses the newest key, whatever its Hello says."""
    if isinstance(event, vpn.Heard) and isinstance(event.message, Hello) and state.candidate:
        event = vpn.Heard(Hello(VERSION, "trial", "ipsec", state.candidate))
    return vpn_responder.step(state, event, now_ns, policy)


@pytest.mark.parametrize(
    ("worse", "text"),
    [
        ({"initiator": hasty_initiator}, "the responder lacks|the responder left"),
        ({"responder": hasty_responder}, "under which the responder sends|the responder lacks|went down"),
        ({"responder": forgetful_responder}, "the responder lacks|went down"),
        ({"responder": trusting_responder}, "under a key that is not up|went down"),
    ],
)
def test_a_worse_engine_is_caught(worse, text) -> None:
    with pytest.raises(AssertionError, match=text):
        Model(2, 1, **worse).explore()


# -- what each may hear

MESSAGES = (
    Hello(VERSION, "trial", "ipsec", None),
    Welcome(None),
    Offer(KEYS[0]),
    Loaded(KEYS[0], proofs(KEYS[0])[1]),
    Switch(KEYS[0], proofs(KEYS[0])[0]),
    Switched(KEYS[0]),
    Used(KEYS[0]),
    Following(KEYS[0]),
    Retire(KEYS[0]),
    Abort(KEYS[0], "why"),
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_message_out_of_place_breaks_the_protocol(message) -> None:
    for state, role, allowed in (
        (FIRST, vpn_initiator, vpn_initiator.ANSWERS),
        (SECOND, vpn_responder, vpn_responder.MAY_HEAR),
    ):
        for stage in role.Stage:
            if isinstance(message, allowed.get(stage, ())):
                continue
            with pytest.raises(PeerError, match="has no place"):
                role.step(replace(state, stage=stage, candidate=KEYS[0]), vpn.Heard(message), 0, POLICY)


def test_another_key_than_the_one_on_offer_breaks_the_protocol() -> None:
    offered = Initiator("trial", "ipsec", vpn_initiator.Stage.OFFERED, candidate=KEYS[1])
    with pytest.raises(PeerError, match="another key"):
        vpn_initiator.step(offered, vpn.Heard(MESSAGES[3]), 0, POLICY)
    loaded = Responder("trial", "ipsec", vpn_responder.Stage.LOADED, candidate=KEYS[1])
    with pytest.raises(PeerError, match="another key"):
        vpn_responder.step(loaded, vpn.Heard(MESSAGES[4]), 0, POLICY)


def test_agents_of_two_vpns_do_not_meet() -> None:
    for hello in (Hello(VERSION, "other", "ipsec", None), Hello(VERSION, "trial", "wireguard", None)):
        with pytest.raises(PeerError, match="ipsec trial"):
            vpn_responder.step(Responder("trial", "ipsec"), vpn.Heard(hello), 0, POLICY)


def test_messages_survive_the_wire() -> None:
    for message in MESSAGES:
        assert codec.decode(codec.encode(message)) == message
    with pytest.raises(PeerError):
        codec.decode(codec.encode(MESSAGES[3])[:-1])


# -- time


def test_keys_are_changed_in_time_and_a_tunnel_without_a_fresh_key_is_closed() -> None:
    state = Initiator("trial", "ipsec", connected=True, met=True, active=InUse(KEYS[0], 0), due_ns=int(10e9))
    assert vpn_initiator.step(state, vpn.Tick(), int(9e9), POLICY)[1] == ()
    assert vpn_initiator.step(state, vpn.Tick(), int(10e9), POLICY)[1] == (vpn.Fetch(),)
    fetching, _ = vpn_initiator.step(state, vpn.Tick(), int(10e9), POLICY)
    waiting, orders = vpn_initiator.step(fetching, vpn.NotFetched("dry", 3.0), int(10e9), POLICY)
    assert orders == (vpn.Tell("waiting", None, "dry"),)
    assert (waiting.active, waiting.due_ns) == (state.active, int(13e9))
    closed, orders = vpn_initiator.step(replace(waiting, due_ns=int(500e9)), vpn.Tick(), int(100e9), POLICY)
    assert orders[0] == vpn.Close()
    assert closed.active is None
    follower = Responder("trial", "ipsec", vpn_responder.Stage.IDLE, InUse(KEYS[0], 0))
    assert vpn_responder.step(follower, vpn.Tick(), int(99e9), POLICY)[1] == ()
    assert vpn_responder.step(follower, vpn.Tick(), int(100e9), POLICY)[1][0] == vpn.Close()


@pytest.mark.parametrize(
    "values", [{"rotate_s": 0.0}, {"max_s": 120.0}, {"overlap_s": -1.0}, {"retry_s": float("inf")}, {"answer_s": 0.0}]
)
def test_a_policy_out_of_bounds_is_refused(values) -> None:
    with pytest.raises(ParameterError, match=next(iter(values))):
        Policy(**values)


# -- the key


def test_the_tunnel_s_secret_and_the_proofs_are_of_rfc_5869() -> None:
    """HKDF-Expand of one block is HMAC(key, info | 0x01), RFC 5869 section 2.3; written out by hand here."""
    key, key_id = bytes(range(32)), KEYS[0]
    made = tunnel_secret(key, "trial", key_id)
    about = b"haris vpn\0trial\0" + str(key_id).encode() + b"\0"
    assert bytes(made.octets) == hmac.digest(key, about + b"tunnel\1", "sha256")
    proving = hmac.digest(key, about + b"proof\1", "sha256")
    assert made.proofs == (hmac.digest(proving, b"initiator", "sha256"), hmac.digest(proving, b"responder", "sha256"))
    assert "octets" not in repr(made)
    made.wipe()
    assert bytes(made.octets) == bytes(32)


@pytest.mark.parametrize("n_octets", [0, 31, 33])
def test_a_key_of_another_length_is_refused(n_octets: int) -> None:
    with pytest.raises(ParameterError, match="256 bits"):
        tunnel_secret(bytes(n_octets), "trial", KEYS[0])
