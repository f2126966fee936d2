"""The following agent of a VPN: fetches the keys that the initiator names, and is ready before each is used."""

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

    APART = "apart"  # no Hello on this connection yet
    IDLE = "idle"
    FETCHING = "fetching"
    LOADING = "loading"
    LOADED = "loaded"  # Loaded is said
    READYING = "readying"
    READY = "ready"  # Switched is said: the initiator may use either key
    FOLLOWING = "following"
    FOLLOWED = "followed"  # Following is said: the initiator may retire the old key
    SETTLING = "settling"  # a Hello has told that the candidate is used


@dataclass(frozen=True, slots=True)
class Responder:
    """The responder's memory. active: the key that both use. candidate: the one that is being brought into use.

    ready: the initiator may be using the candidate. since_ns: from when on it may.
    """

    name: str
    kind: str
    stage: Stage = Stage.APART
    active: InUse | None = None
    candidate: UUID | None = None
    ready: bool = False
    since_ns: int = 0
    proofs: tuple[bytes, bytes] = field(default=(b"", b""), repr=False)


Step = tuple[Responder, tuple[Order, ...]]

MAY_HEAR: dict[Stage, tuple[type, ...]] = {
    Stage.APART: (Hello,),
    Stage.IDLE: (Offer,),
    Stage.LOADED: (Switch, Abort),
    Stage.READY: (Used, Abort),
    Stage.FOLLOWED: (Retire,),
}
"""What the initiator may say at each stage; anything else breaks the protocol."""


def step(state: Responder, event: Event, now_ns: int, policy: Policy) -> Step:
    """The next state and what is to be done. Raises PeerError for a message that has no place: hang up."""
    match event:
        case vpn.Tick():
            return _tick(state, now_ns, policy)
        case vpn.Connected() | vpn.Lost():
            return _lost(state)
        case vpn.Heard(message):
            if not isinstance(message, MAY_HEAR.get(state.stage, ())):
                raise PeerError(f"{type(message).__name__} has no place while {state.stage}")
            return _hear(state, message, now_ns)
        case vpn.Fetched(key_id, proofs):
            if state.stage is not Stage.FETCHING or key_id != state.candidate:
                return state, (vpn.Forget(key_id),)
            return replace(state, stage=Stage.LOADING, proofs=proofs), (vpn.Load(key_id),)
        case vpn.NotFetched(text, _, key_id) if key_id == state.candidate and state.stage is Stage.FETCHING:
            return _refuse(state, text)
        case vpn.Done(key_id) if key_id == state.candidate:
            return _done(state, key_id, now_ns)
        case vpn.Failed(key_id, text) if key_id == state.candidate:
            if state.stage in (Stage.LOADING, Stage.READYING):
                return _refuse(state, text)
            return state, (vpn.HangUp(text),)  # the next Hello tries again
    return state, ()


def _tick(state: Responder, now_ns: int, policy: Policy) -> Step:
    """Close the tunnel when the newest key that may be in use is too old."""
    newest = InUse(state.candidate, state.since_ns) if state.ready and state.candidate else state.active
    if newest is None or not newest.older(policy.max_s, now_ns):
        return state, ()
    told = vpn.Tell("closed", newest.key_id, f"no key came in {policy.max_s:g} s")
    if state.candidate is None:
        return replace(state, active=None), (vpn.Close(), told)
    apart = Responder(state.name, state.kind)
    return apart, (vpn.Close(), told, vpn.HangUp("the tunnel was closed"))


def _lost(state: Responder) -> Step:
    """A new Hello is needed. What the initiator cannot be using goes; what it may be using stays."""
    apart = replace(state, stage=Stage.APART)
    if state.candidate is None or state.ready:
        return apart, ()
    told = vpn.Tell("failed", state.candidate, "the connection to the other agent was lost")
    return replace(apart, candidate=None), (vpn.Forget(state.candidate), told)


def _hear(state: Responder, message: object, now_ns: int) -> Step:
    if isinstance(message, Hello):
        return _settle(state, message)
    key_id = getattr(message, "key_id", None)
    if isinstance(message, Offer) and key_id:
        if state.active and state.active.key_id == key_id:
            raise PeerError("the initiator offers the key that is in use")
        return replace(state, stage=Stage.FETCHING, candidate=key_id), (vpn.Fetch(key_id),)
    if key_id is None or key_id != state.candidate:
        raise PeerError("the initiator speaks of another key than the one that it offered")
    match message:
        case Switch(proof=proof):
            if not hmac.compare_digest(proof, state.proofs[0]):
                return _refuse(state, "the key managers gave the two ends different keys")
            return replace(state, stage=Stage.READYING), (vpn.Use(key_id),)
        case Used():
            return replace(state, stage=Stage.FOLLOWING), (vpn.Follow(key_id),)
        case Retire():
            return _take(state)
        case Abort(text=text):
            idle = replace(state, stage=Stage.IDLE, candidate=None, ready=False)
            return idle, (vpn.Forget(key_id), vpn.Tell("failed", key_id, text))
    raise PeerError("a message without a place")


def _settle(state: Responder, hello: Hello) -> Step:
    """The initiator says what it uses: that alone is what we use too, if we have it."""
    if (hello.version, hello.vpn, hello.kind) != (VERSION, state.name, state.kind):
        ours, theirs = f"{state.kind} {state.name}", f"{hello.kind} {hello.vpn}"
        raise PeerError(f"the initiator keys {theirs} (version {hello.version}), we {ours} (version {VERSION})")
    idle = replace(state, stage=Stage.IDLE)
    if hello.active is not None and hello.active == state.candidate:
        return replace(state, stage=Stage.SETTLING), (vpn.Follow(hello.active),)
    if hello.active is not None and state.active and hello.active == state.active.key_id:
        back = () if state.candidate is None else (vpn.Forget(state.candidate),)
        return replace(idle, candidate=None, ready=False), (*back, vpn.Say(Welcome(hello.active)))
    # It has been restarted, or we have: whatever still works is left to work until the next key is in use.
    newest = InUse(state.candidate, state.since_ns) if state.candidate else state.active
    return replace(idle, active=newest, candidate=None, ready=False), (vpn.Say(Welcome(None)),)


def _done(state: Responder, key_id: UUID, now_ns: int) -> Step:
    if state.stage is Stage.LOADING:
        return replace(state, stage=Stage.LOADED), (vpn.Say(Loaded(key_id, state.proofs[1])),)
    if state.stage is Stage.READYING:
        return replace(state, stage=Stage.READY, ready=True, since_ns=now_ns), (vpn.Say(Switched(key_id)),)
    if state.stage is Stage.FOLLOWING:
        return replace(state, stage=Stage.FOLLOWED), (vpn.Say(Following(key_id)),)
    if state.stage is Stage.SETTLING:
        taken, orders = _take(state)
        return taken, (*orders, vpn.Say(Welcome(key_id)))
    return state, ()


def _take(state: Responder) -> Step:
    """The candidate is in use, and every other key goes."""
    assert state.candidate is not None
    active = InUse(state.candidate, state.since_ns)
    taken = replace(state, stage=Stage.IDLE, active=active, candidate=None, ready=False)
    return taken, (vpn.Keep(active.key_id), vpn.Tell("rotated", active.key_id))


def _refuse(state: Responder, text: str) -> Step:
    assert state.candidate is not None
    orders = (vpn.Forget(state.candidate), vpn.Tell("refused", state.candidate, text))
    said = vpn.Say(Refuse(state.candidate, text[:512]))
    return replace(state, stage=Stage.IDLE, candidate=None, ready=False), (*orders, said)
