"""The leading agent of a VPN: fetches keys as the master SAE, and brings each into use at both ends."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from haris.nouns.errors import PeerError
from haris.service import vpn
from haris.service.vpn import Event, InUse, Order, Policy
from haris.wire.vpn import (
    VERSION,
    Abort,
    Following,
    Hello,
    Loaded,
    Offer,
    Refuse,
    Retire,
    Switch,
    Switched,
    Used,
    Welcome,
)


class Stage(StrEnum):
    """Where the rotation that is under way stands."""

    IDLE = "idle"
    GREETING = "greeting"  # Hello is said
    FETCHING = "fetching"
    LOADING = "loading"
    OFFERED = "offered"  # loaded here
    AGREEING = "agreeing"  # loaded at both, Switch is said
    SWITCHING = "switching"  # the responder is ready
    FOLLOWING = "following"  # used here; the responder is to follow
    OVERLAP = "overlap"  # used at both; the old key is still in place


@dataclass(frozen=True, slots=True)
class Initiator:
    """The initiator's memory. active: the key in use. candidate: the one that is being brought into use; it is active
    as well from the moment when the initiator uses it.

    met: the responder has answered our Hello on this connection. due_ns: when the next rotation begins.
    until_ns: when an awaited answer is late, or the overlap ends. failures: in a row.
    """

    name: str
    kind: str
    stage: Stage = Stage.IDLE
    connected: bool = False
    met: bool = False
    active: InUse | None = None
    candidate: UUID | None = None
    proofs: tuple[bytes, bytes] = field(default=(b"", b""), repr=False)
    due_ns: int = 0
    until_ns: int = 0
    failures: int = 0


Step = tuple[Initiator, tuple[Order, ...]]

ANSWERS: dict[Stage, tuple[type, ...]] = {
    Stage.GREETING: (Welcome,),
    Stage.OFFERED: (Loaded, Refuse),
    Stage.AGREEING: (Switched, Refuse),
    Stage.FOLLOWING: (Following,),
}
"""What the responder may say at each stage; anything else breaks the protocol."""

_WAITING = (Stage.GREETING, Stage.OFFERED, Stage.AGREEING, Stage.FOLLOWING)


def step(state: Initiator, event: Event, now_ns: int, policy: Policy) -> Step:
    """The next state and what is to be done. Raises PeerError for a message that has no place: hang up."""
    match event:
        case vpn.Tick():
            return _tick(state, now_ns, policy)
        case vpn.Connected():
            return _greet(replace(state, connected=True, met=False), now_ns, policy)
        case vpn.Lost():
            return _lost(state, now_ns, policy)
        case vpn.Heard(message):
            if not isinstance(message, ANSWERS.get(state.stage, ())):
                raise PeerError(f"{type(message).__name__} has no place while {state.stage}")
            return _hear(state, message, now_ns, policy)
        case vpn.Fetched(key_id, proofs):
            if state.stage is not Stage.FETCHING:
                return state, (vpn.Forget(key_id),)
            return replace(state, stage=Stage.LOADING, candidate=key_id, proofs=proofs), (vpn.Load(key_id),)
        case vpn.NotFetched(text, retry_s) if state.stage is Stage.FETCHING:
            return _again(state, vpn.Tell("waiting", None, text), now_ns, policy, at_least_s=retry_s)
        case vpn.Done(key_id) if key_id == state.candidate:
            return _done(state, key_id, now_ns, policy)
        case vpn.Failed(key_id, text) if key_id == state.candidate:
            return _failed(state, key_id, text, now_ns, policy)
        case vpn.Vanished() if state.active and state.stage in (Stage.IDLE, Stage.GREETING):
            gone = replace(state, active=None, due_ns=now_ns)
            return gone, (vpn.Tell("closed", state.active.key_id, "the daemon has lost the tunnel"),)
    return state, ()


def _tick(state: Initiator, now_ns: int, policy: Policy) -> Step:
    if state.stage is Stage.OVERLAP and now_ns >= state.until_ns:
        return _retire(state)
    if state.active and state.active.older(policy.max_s, now_ns) and state.stage is not Stage.SWITCHING:
        orders = (vpn.Close(), vpn.Tell("closed", state.active.key_id, f"no key came in {policy.max_s:g} s"))
        # A key that the responder might get ready for is gone with the rest: what it would be is settled by a Hello.
        closed = replace(state, active=None, due_ns=now_ns)
        if closed.candidate is None:
            return closed, orders
        return replace(closed, stage=Stage.IDLE, candidate=None), (*orders, vpn.HangUp("the tunnel was closed"))
    if state.stage in _WAITING and state.connected and now_ns >= state.until_ns:
        late = replace(state, until_ns=now_ns + int(policy.answer_s * 1e9))
        return late, (vpn.HangUp(f"the other agent was silent for {policy.answer_s:g} s"),)
    if state.stage is Stage.IDLE and state.met and now_ns >= state.due_ns:
        return replace(state, stage=Stage.FETCHING), (vpn.Fetch(),)
    return state, ()


def _greet(state: Initiator, now_ns: int, policy: Policy) -> Step:
    """Say Hello once what we use is beyond doubt: not while a switch is under way."""
    if not state.connected or state.met or state.stage not in (Stage.IDLE, Stage.FOLLOWING):
        return state, ()
    active = state.active.key_id if state.active else None
    greeting = replace(state, stage=Stage.GREETING, until_ns=now_ns + int(policy.answer_s * 1e9))
    return greeting, (vpn.Say(Hello(VERSION, state.name, state.kind, active)),)


def _lost(state: Initiator, now_ns: int, policy: Policy) -> Step:
    alone = replace(state, connected=False, met=False)
    if state.active and state.candidate == state.active.key_id:  # in use: only the responder's word is wanting
        return replace(alone, stage=Stage.FOLLOWING), ()
    if state.stage in (Stage.SWITCHING, Stage.IDLE):
        return alone, ()
    if state.candidate is None:
        return replace(alone, stage=Stage.IDLE), ()
    told = vpn.Tell("failed", state.candidate, "the connection to the other agent was lost")
    return _again(alone, told, now_ns, policy)


def _hear(state: Initiator, message: object, now_ns: int, policy: Policy) -> Step:
    if isinstance(message, Welcome):
        ours = state.active.key_id if state.active else None
        if message.active not in (None, ours):
            raise PeerError("the responder uses a key that we do not")
        agreed = message.active is not None
        if agreed and state.candidate is not None:
            return _overlap(replace(state, met=True), now_ns, policy)
        # What we use it does not know: whatever works is left to work until the next key is in use.
        due_ns = state.due_ns if agreed else now_ns
        met = replace(state, stage=Stage.IDLE, met=True, candidate=None, due_ns=due_ns)
        return met, (vpn.Tell("met", message.active),)
    key_id = getattr(message, "key_id", None)
    if key_id is None or key_id != state.candidate:
        raise PeerError("the responder speaks of another key than the one on offer")
    match message:
        case Loaded(proof=proof):
            if not hmac.compare_digest(proof, state.proofs[1]):
                text = "the key managers gave the two ends different keys"
                later, orders = _again(state, vpn.Tell("failed", key_id, text), now_ns, policy)
                return later, (*orders, vpn.Say(Abort(key_id, text)))
            agreeing = replace(state, stage=Stage.AGREEING, until_ns=now_ns + int(policy.answer_s * 1e9))
            return agreeing, (vpn.Say(Switch(key_id, state.proofs[0])),)
        case Switched():
            return replace(state, stage=Stage.SWITCHING), (vpn.Use(key_id),)
        case Following():
            return _overlap(state, now_ns, policy)
        case Refuse(text=text):
            return _again(state, vpn.Tell("refused", key_id, text), now_ns, policy)
    raise PeerError("a message without a place")


def _done(state: Initiator, key_id: UUID, now_ns: int, policy: Policy) -> Step:
    if state.stage is Stage.LOADING:
        offered = replace(state, stage=Stage.OFFERED, until_ns=now_ns + int(policy.answer_s * 1e9))
        return offered, (vpn.Say(Offer(key_id)),)
    if state.stage is not Stage.SWITCHING:
        return state, ()
    used = replace(
        state,
        stage=Stage.FOLLOWING,
        active=InUse(key_id, now_ns),
        due_ns=now_ns + int(policy.rotate_s * 1e9),
        until_ns=now_ns + int(policy.answer_s * 1e9),
        failures=0,
    )
    told = vpn.Tell("rotated", key_id)
    if state.met:
        return used, (told, vpn.Say(Used(key_id)))
    greeted, more = _greet(used, now_ns, policy)
    return greeted, (told, *more)


def _overlap(state: Initiator, now_ns: int, policy: Policy) -> Step:
    """Both use the new key; packets under the old one are still on their way."""
    return replace(state, stage=Stage.OVERLAP, until_ns=now_ns + int(policy.overlap_s * 1e9)), ()


def _failed(state: Initiator, key_id: UUID, text: str, now_ns: int, policy: Policy) -> Step:
    switching = state.stage is Stage.SWITCHING
    later, orders = _again(state, vpn.Tell("failed", key_id, text), now_ns, policy)
    if switching and state.met:
        orders = (*orders, vpn.Say(Abort(key_id, text[:512])))
    greeted, more = _greet(later, now_ns, policy)
    return greeted, (*orders, *more)


def _retire(state: Initiator) -> Step:
    assert state.candidate is not None
    orders = (vpn.Keep(state.candidate), vpn.Say(Retire(state.candidate)))
    return replace(state, stage=Stage.IDLE, candidate=None), orders


def _again(state: Initiator, told: vpn.Tell, now_ns: int, policy: Policy, at_least_s: float = 0.0) -> Step:
    """Give up this key and try another one later; the old one serves on."""
    pause_s = max(at_least_s, min(policy.retry_s * 2.0 ** min(state.failures, 16), policy.rotate_s))
    orders: tuple[Order, ...] = (told,) if state.candidate is None else (vpn.Forget(state.candidate), told)
    due_ns = now_ns + int(pause_s * 1e9)
    return replace(state, stage=Stage.IDLE, candidate=None, due_ns=due_ns, failures=state.failures + 1), orders
