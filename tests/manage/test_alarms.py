"""The life of an alarm: raised when it lasts, told once, acknowledged, cleared when it is over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.manage.alarm_kinds import KINDS, KindOfAlarm
from haris.manage.alarms import FLAP_WINDOW_S, FLAPS, AlarmBook, Hysteresis, What
from haris.nouns.alarms import Alarm, AlarmKind, Severity
from haris.nouns.errors import ParameterError

S = 10**9
HOLDS = {
    kind: KindOfAlarm("m", "a", "c", hold_on_s=10, hold_off_s=20) for kind in AlarmKind if kind is not AlarmKind.OTHER
} | {AlarmKind.OTHER: KindOfAlarm("m", "a", "c", quiet_s=100)}
LOW = Alarm(Severity.WARNING, "exchange", "low", AlarmKind.POOL_LOW)
FULL = Alarm(Severity.WARNING, "exchange", "", AlarmKind.POOL_LOW, active=False)


@pytest.fixture
def book():
    return AlarmBook(kinds=HOLDS)


def raised(book, at_s=0):
    book.tell(LOW, at_s * S)
    (change,) = book.tick((at_s + 10) * S)
    assert change.what is What.RAISED
    return change.alarm


def whats(changes):
    return [change.what.value for change in changes]


def test_a_condition_must_last(book):
    assert book.tell(LOW, 0) == []
    assert book.tick(9 * S) == []
    assert book.standing() == ()
    assert whats(book.tick(10 * S)) == ["raised"]
    assert book.standing()[0].raised_ns == 10 * S


def test_a_condition_that_passes_is_not_told(book):
    book.tell(LOW, 0)
    book.tell(FULL, 5 * S)
    book.tell(LOW, 8 * S)
    assert book.tick(17 * S) == []
    assert whats(book.tick(18 * S)) == ["raised"]


def test_what_is_told_again_is_counted(book):
    raised(book)
    assert book.tell(LOW, 11 * S) == book.tell(LOW, 12 * S) == []
    (alarm,) = book.standing()
    assert (alarm.count, alarm.last_ns, alarm.id) == (3, 12 * S, 1)


def test_it_must_be_gone_for_a_while(book):
    raised(book)
    book.tell(FULL, 20 * S)
    book.tell(FULL, 30 * S)  # told again: the time counts from the first
    assert book.tick(39 * S) == []
    (change,) = book.tick(40 * S)
    assert (change.what, change.alarm.cleared_ns, change.alarm.text) == (What.CLEARED, 40 * S, "low")
    assert book.standing() == ()
    book.tell(FULL, 50 * S)
    assert book.tick(1000 * S) == []


def test_a_return_within_the_hold_time_is_the_same_alarm(book):
    first = raised(book)
    book.tell(FULL, 20 * S)
    book.tell(LOW, 30 * S)
    assert book.tick(60 * S) == []
    assert book.standing()[0].id == first.id


def test_a_worse_alarm_is_told_and_wants_a_new_acknowledgement(book):
    alarm = raised(book)
    assert book.acknowledge(alarm.id, "ops", 15 * S).alarm.acknowledged_by == "ops"
    dry = Alarm(Severity.MAJOR, "exchange", "dry", AlarmKind.POOL_LOW)
    (change,) = book.tell(dry, 20 * S)
    assert (change.what, change.alarm.severity, change.alarm.acknowledged_by) == (What.WORSENED, Severity.MAJOR, "")
    book.acknowledge(alarm.id, "ops", 21 * S)
    assert book.tell(LOW, 22 * S) == []  # better is not told, and stays acknowledged
    (standing,) = book.standing()
    assert (standing.severity, standing.acknowledged_by) == (Severity.WARNING, "ops")


def test_only_a_standing_alarm_is_acknowledged_once(book):
    with pytest.raises(ParameterError, match="no alarm 1 stands"):
        book.acknowledge(1, "ops", 0)
    raised(book)
    book.acknowledge(1, "ops", 11 * S)
    with pytest.raises(ParameterError, match="acknowledged by ops"):
        book.acknowledge(1, "other", 12 * S)


def test_an_alarm_without_an_end_is_cleared_by_silence(book):
    other = Alarm(Severity.MAJOR, "bank", "odd")
    assert whats(book.tell(other, 0)) == ["raised"]
    assert whats(book.tell(Alarm(Severity.MAJOR, "bank", "odder"), 0)) == ["raised"]
    book.tell(other, 50 * S)
    assert [change.alarm.text for change in book.tick(100 * S)] == ["odder"]
    assert [change.alarm.text for change in book.tick(150 * S)] == ["odd"]


def test_an_alarm_that_comes_and_goes_is_flapping(book):
    """FLAPS alarms within the window; the last stays until it was quiet for the window, then all begins anew."""
    at_s = 0
    for number in range(FLAPS):
        alarm = raised(book, at_s)
        assert alarm.flapping == (number == FLAPS - 1)
        book.tell(FULL, (at_s + 11) * S)
        told = book.tick((at_s + 31) * S)
        assert whats(told) == ([] if alarm.flapping else ["cleared"])
        at_s += 40
    for _ in range(3):  # more of the same is not told
        book.tell(LOW, at_s * S)
        book.tell(FULL, (at_s + 5) * S)
        assert book.tick((at_s + 30) * S) == []
        at_s += 40
    quiet_from_s = at_s - 35
    assert book.tick((quiet_from_s + FLAP_WINDOW_S - 1) * S) == []
    (change,) = book.tick(int(quiet_from_s + FLAP_WINDOW_S) * S)
    assert (change.what, change.alarm.flapping) == (What.CLEARED, False)


def test_the_worst_stands_first(book):
    raised(book)
    book.tell(Alarm(Severity.CRITICAL, "bank", "a"), 20 * S)
    book.tell(Alarm(Severity.WARNING, "bank", "b"), 30 * S)
    assert [each.text for each in book.standing()] == ["a", "b", "low"]


def test_a_book_goes_on_where_it_ended(book):
    alarm = raised(book)
    again = AlarmBook(book.standing(), next_id=7, kinds=HOLDS)
    assert again.standing() == (alarm,)
    assert again.tell(LOW, 20 * S) == []
    assert whats(again.tell(Alarm(Severity.INFO, "bank", "new"), 20 * S)) == ["raised"]
    assert {each.id for each in again.standing()} == {1, 7}
    again.tell(FULL, 30 * S)
    assert whats(again.tick(50 * S)) == ["cleared"]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=60))
def test_alarms_are_raised_and_cleared_in_turn(steps):
    """Whatever the condition does: raised and cleared alternate, and what stands is what was raised last."""
    book, now, told = AlarmBook(kinds=HOLDS), 0, []
    for on, wait_s in steps:
        told += book.tell(LOW if on else FULL, now)
        now += wait_s * S
        told += book.tick(now)
    assert whats(told) == (["raised", "cleared"] * 60)[: len(told)]
    assert len(book.standing()) == len(told) % 2


@given(st.lists(st.floats(0, 1)))
def test_a_threshold_has_two_sides(values):
    state = Hysteresis(0.25, 0.5)
    for value in values:
        before, state = state.low, state.at(value)
        assert state.low == (value < 0.25 or (before and value < 0.5))
    with pytest.raises(ParameterError):
        Hysteresis(0.5, 0.25)


def test_every_kind_is_explained():
    assert set(KINDS) == set(AlarmKind)
    assert all(kind.meaning.endswith(".") and kind.action and kind.cause for kind in KINDS.values())
    assert [severity.value for severity in sorted(Severity, key=lambda each: each.rank)] == [
        "info",
        "warning",
        "minor",
        "major",
        "critical",
    ]
