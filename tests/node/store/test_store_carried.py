"""What a site holds for neighbours out of reach, and relays that may be on their way: the verbs of the store."""

import os
from uuid import UUID

import pytest
from test_store import MEASURED, RELAY, bank, opened, stored  # noqa: F401  (fixtures, and stock)

from haris.keys.store import Carried, HeldShare, PadAppend
from haris.node.store.levels import PoolLevel

UP, DOWN = "north/relay/ab", "south/relay/ab"
OTHER = UUID(int=2 << 100)


def message(offset, until_ns=10, ledger=DOWN):
    return Carried(ledger, offset, RELAY, 0, until_ns, b"sealed %d" % offset)


def test_messages_wait_in_the_order_of_their_pad_over_restarts(opened, bank):  # noqa: F811
    bank.ledger_append([PadAppend(DOWN, os.urandom(400), MEASURED)])
    bank.ledger_take(DOWN, 300)
    assert bank.head_to_tell(DOWN) == 300
    for offset in (200, 100):
        bank.carry(message(offset))
    bank.carry(message(0, ledger=UP))
    assert bank.all_carried() == {DOWN: 2, UP: 1}
    bank.close()
    again = opened("bank")
    assert again.carried(DOWN) == message(100)
    assert (again.count_carried(DOWN), again.head_to_tell(DOWN)) == (2, 100)
    again.carry_no_more(DOWN, 100)
    assert (again.carried(DOWN), again.head_to_tell(DOWN)) == (message(200), 200)
    assert again.drop_carried(10) == 0
    assert again.drop_carried(11) == 2
    assert again.carried(DOWN) is None
    assert again.head_to_tell(DOWN) == 300


def test_relays_are_on_their_way_until_they_are_settled_or_too_old(bank):  # noqa: F811
    for number, (relay, until_ns) in enumerate(((RELAY, 10), (OTHER, None))):
        bank.hold_keys([stored(2 * number + 1), stored(2 * number + 2)], relay)
        bank.note_ask(relay, b"question", until_ns)
    assert bank.count_pending("exchange") == 4
    assert bank.pool_level("exchange", "bank") == PoolLevel("exchange", 0, 0, None, 4)
    assert bank.may_arrive("exchange", 9) == (RELAY,)
    assert bank.may_arrive("exchange", 10) == bank.may_arrive("broker", 9) == ()
    bank.settle_keys(RELAY, MEASURED)
    bank.forget_relay(RELAY)
    assert bank.count_pending("exchange") == 2
    assert bank.may_arrive("exchange", 9) == ()


def test_a_share_of_a_relay_that_is_settled_takes_no_room(bank):  # noqa: F811
    share = HeldShare(RELAY, 0, 1, ("exchange", "satellite", "bank"), bytes(48), MEASURED)
    assert bank.settled_here([RELAY, OTHER]) == ()
    assert bank.void_relay(RELAY) is None
    assert not bank.keep_share(share)
    assert bank.shares_of(RELAY) == ()
    assert bank.settled_here([RELAY, OTHER]) == (RELAY,)


@pytest.mark.parametrize("everything", [False, True])
def test_what_waits_is_void_with_all_that_is_shared(bank, everything):  # noqa: F811
    bank.hold_keys([stored(1)], RELAY)
    bank.note_ask(RELAY, b"question", 10)
    bank.carry(message(0))
    if everything:
        bank.went_back("exchange", bytes(16), ["exchange"], 1, bytes(16))
    else:
        bank.reset_by("exchange", bytes(16), ["south"], "a reason")
    assert bank.carried(DOWN) is None
    assert bank.asked(RELAY) is None
    assert bank.may_arrive("exchange", 0) == ()
