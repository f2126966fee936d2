"""Events told to a person."""

from __future__ import annotations

from haris.node.events import DenialEvent, alarm_event, from_json, in_words, to_json
from haris.nouns.alarms import Alarm, Severity

FORGED = "SAE bo\na: enc_keys gave 1 keys to mallory\x1b[2J is not known"


def test_what_a_caller_sends_forges_no_line() -> None:
    denied = DenialEvent("a", "status", "014", "alice", FORGED, "bad-request", FORGED, 1)
    assert in_words(denied) == "a: status refused to alice: SAE bo a: enc_keys gave 1 keys to mallory [2J is not known"
    assert "\n" not in to_json(denied)
    assert from_json(to_json(denied).encode()) == denied


def test_nor_does_an_alarm() -> None:
    words = in_words(alarm_event("a", Alarm(Severity.MAJOR, "source x", FORGED)))
    assert words.isprintable()
