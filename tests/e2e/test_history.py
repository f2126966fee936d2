"""The checker of histories sees every fault that is planted in one."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from history import History, Use, faults, tags_of
from spliced_line import Conversation

from haris.wire import span
from haris.wire.framing import frame

A, B, C = (UUID(int=n) for n in (1, 2, 3))
LEDGER = "ab/relay/ab"


def clean() -> History:
    return History(
        given=[(A, b"a" * 32), (B, b"b" * 32)],
        fetched=[(A, b"a" * 32)],
        interrupted={B},
        uses=[
            Use("left", LEDGER, 0, 64, b"one"),
            Use("right", LEDGER, 0, 64, b"one"),
            Use("left", LEDGER, 64, 32, b"two"),
            Use("left", "ab/relay/ba", 0, 64, b"three"),
        ],
        at_rest={"left": {C: b"c" * 32}, "right": {C: b"c" * 32}},
    )


def test_a_clean_history_has_no_fault() -> None:
    assert faults(clean()) == []


def add(what: str, *items: object) -> Callable[[History], None]:
    return lambda history: getattr(history, what).extend(items)


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (add("given", (A, b"a" * 32)), "2 times to masters"),
        (add("fetched", (A, b"a" * 32)), "2 times to slaves"),
        (add("fetched", (B, b"x" * 32)), "different bytes"),
        (lambda h: h.at_rest["right"].update({C: b"x" * 32}), "different bytes"),
        (add("given", (UUID(int=9), b"a" * 32)), "the same bytes"),
        (lambda h: h.interrupted.clear(), "is lost to its slave"),
        (lambda h: h.at_rest["left"].update({A: b"a" * 32}), "ready again at left"),
        (lambda h: (h.interrupted.clear(), h.refusals.update({B: "not found"})), "lost to its slave (not found)"),
        (add("unlike", "ledger ab/relay/ab holds other octets at left than at right"), "other octets"),
        (add("uses", Use("left", LEDGER, 64, 32, b"other")), "used twice"),
        (add("uses", Use("left", LEDGER, 95, 1, b"other")), "used twice"),
        (add("uses", Use("left", LEDGER, 64, 32, b"two")), "used twice"),
        (add("uses", Use("right", LEDGER, 0, 32, b"one")), "used twice"),
    ],
)
def test_a_planted_fault_is_seen(plant: Callable[[History], None], said: str) -> None:
    history = clean()
    plant(history)
    assert any(said in fault for fault in faults(history))


def test_one_place_under_two_tags_is_seen_in_the_traffic() -> None:
    def words(*messages: span.Message) -> bytearray:
        return bytearray(b"".join(frame(span.encode(message)) for message in messages))

    def held(offset: int, octet: bytes) -> span.Held:
        return span.Held(7, span.Tag(offset, octet * 16))

    sent = Conversation(words(span.Begin(7), held(0, b"x"), held(32, b"y")), words(held(0, b"z")))
    torn = Conversation(words(held(64, b"x"))[:-3], bytearray())
    uses = [use for each in (sent, torn) for use in tags_of("ab", "left", "right", each)]
    assert [(use.by, use.ledger, use.offset) for use in uses] == [
        ("left", "ab/auth/ab", 0),
        ("left", "ab/auth/ab", 32),
        ("right", "ab/auth/ba", 0),
    ]
    assert faults(History(uses=uses)) == []
    again = Conversation(words(held(32, b"q")), bytearray())
    assert faults(History(uses=[*uses, *tags_of("ab", "left", "right", again)]))
