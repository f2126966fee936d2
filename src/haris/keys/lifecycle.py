"""The life of a key as a table: what has no entry cannot happen.

                confirm          reserve, release        deliver
    PENDING ───────────▶ READY ◀───────────────▶ RESERVED ───────────▶ SPENT    one key at its owner's site
                               │  consume                               ▲
                               └────────────────────────────────────────┘       at the other site, whose octets live
    ASSIGNED ── fetch (by the last slave) ──────────────────────────▶ SPENT     on in the key that they are assigned to

    READY ── offer ──▶ OFFERED ── grant ──▶ LEASED ── recall ──▶ RECALLED ── return ──▶ READY    a lot at its owner's
    READY ── admit ───────────────────────▶ LEASED ── yield ────────────────────────────▶ READY    at the other site

From anywhere but SPENT a key may be voided. A spent key is overwritten and remembered. A lot is SPENT when its last
key is.
"""

from __future__ import annotations

from enum import StrEnum


class KeyState(StrEnum):
    """Where a key, or a lot of them, stands at one site."""

    PENDING = "pending"
    READY = "ready"
    RESERVED = "reserved"
    ASSIGNED = "assigned"
    OFFERED = "offered"
    LEASED = "leased"
    RECALLED = "recalled"
    SPENT = "spent"


class Event(StrEnum):
    """What happens to a key, or a lot of them, at one site."""

    CONFIRM = "confirm"
    RESERVE = "reserve"
    RELEASE = "release"
    DELIVER = "deliver"
    CONSUME = "consume"
    FETCH = "fetch"
    OFFER = "offer"
    GRANT = "grant"
    ADMIT = "admit"
    RECALL = "recall"
    RETURN = "return"
    YIELD = "yield"
    VOID = "void"


TRANSITIONS: dict[tuple[KeyState, Event], KeyState] = {
    (KeyState.PENDING, Event.CONFIRM): KeyState.READY,
    (KeyState.PENDING, Event.VOID): KeyState.SPENT,
    (KeyState.READY, Event.RESERVE): KeyState.RESERVED,
    (KeyState.READY, Event.CONSUME): KeyState.SPENT,
    (KeyState.READY, Event.VOID): KeyState.SPENT,
    (KeyState.RESERVED, Event.RELEASE): KeyState.READY,
    (KeyState.RESERVED, Event.DELIVER): KeyState.SPENT,
    (KeyState.RESERVED, Event.VOID): KeyState.SPENT,
    (KeyState.ASSIGNED, Event.FETCH): KeyState.SPENT,
    (KeyState.ASSIGNED, Event.VOID): KeyState.SPENT,
    (KeyState.READY, Event.OFFER): KeyState.OFFERED,
    (KeyState.OFFERED, Event.GRANT): KeyState.LEASED,
    (KeyState.OFFERED, Event.VOID): KeyState.SPENT,
    (KeyState.READY, Event.ADMIT): KeyState.LEASED,
    (KeyState.LEASED, Event.RECALL): KeyState.RECALLED,
    (KeyState.RECALLED, Event.RETURN): KeyState.READY,
    (KeyState.RECALLED, Event.VOID): KeyState.SPENT,
    (KeyState.LEASED, Event.YIELD): KeyState.READY,
    (KeyState.LEASED, Event.VOID): KeyState.SPENT,
}


def before(event: Event) -> tuple[KeyState, ...]:
    """The states in which event may happen: the `compare` of a compare-and-swap."""
    return tuple(state for state, happening in TRANSITIONS if happening is event)


def after(event: Event) -> KeyState:
    """The state that event leads to, one for each event: the `swap`."""
    (state,) = {reached for (_, happening), reached in TRANSITIONS.items() if happening is event}
    return state
