"""The fuzzer: a short run of every target, and what it does with a reader that is broken on purpose."""

import importlib.util
import logging
from pathlib import Path

import pytest

from haris.nouns.errors import ParameterError

TOOL = Path(__file__).resolve().parent.parent / "tools" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("fuzz", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    logging.getLogger("haris.node.supply.etsi004_server").setLevel(logging.ERROR)
    yield module
    logging.getLogger("haris.node.supply.etsi004_server").setLevel(logging.NOTSET)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_short_run_of_004_finds_nothing(fuzz, seed):
    assert fuzz.fuzz(fuzz.TARGETS["004"], seed, cases=3000) == 3000


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("read_request", ValueError),  # another error than was promised
        ("read_answer", ValueError),
        ("read_answer", ParameterError),
    ],
)
def test_a_planted_fault_is_found(fuzz, monkeypatch, place, fault):
    sound = getattr(fuzz, place)

    def broken(header, payload, *rest):
        if b"json" not in payload and len(payload) > 300:
            raise fault("planted")
        return sound(header, payload, *rest)

    monkeypatch.setattr(fuzz, place, broken)
    with pytest.raises(fuzz.Finding, match="planted"):
        fuzz.fuzz(fuzz.TARGETS["004"], 1, cases=20000)


def test_a_planted_fault_of_the_server_is_found(fuzz, monkeypatch):
    def broken(header, payload):
        raise IndexError("planted")

    monkeypatch.setattr("haris.node.supply.etsi004_server.read_request", broken)
    with pytest.raises(fuzz.Finding, match="the server failed"):
        fuzz.fuzz(fuzz.TARGETS["004"], 1, cases=2000)


def test_the_same_seed_tries_the_same_cases(fuzz):
    seen = []
    for _ in range(2):
        tried = []
        fuzz.fuzz(lambda rng, tried=tried: tried.append(fuzz.mutate(rng, b"abcdef", [b"xyz"])), 5, cases=50)
        seen.append(tried)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 20


def test_a_short_run_of_relay_finds_nothing(fuzz):
    assert fuzz.fuzz(fuzz.TARGETS["relay"], 1, cases=3000) == 3000


@pytest.mark.parametrize(
    ("place", "broken", "text"),
    [
        ("haris.wire.relay.require_path", lambda path: {}[path], "KeyError from a message"),
        ("haris.wire.topology.require_not_negative", lambda name, value: {}[name], "KeyError from"),
        ("haris.keys.relay.verify", lambda *rest: True, "has burnt pad, or is kept"),
    ],
)
def test_a_planted_fault_of_relay_is_found(fuzz, monkeypatch, place, broken, text):
    fuzz._far_end.cache_clear()  # a fault may use up the share that it waits for
    fuzz._far_end()
    monkeypatch.setattr(place, broken)
    with pytest.raises(fuzz.Finding, match=text):
        fuzz.fuzz(fuzz.TARGETS["relay"], 1, cases=20000)
    fuzz._far_end.cache_clear()


def test_a_short_run_of_rounds_finds_nothing(fuzz):
    assert fuzz.fuzz(fuzz.TARGETS["rounds"], 1, cases=3000) == 3000


@pytest.mark.parametrize("place", ["haris.wire.rounds.zlib.crc32", "haris.wire.rounds.unpacked_settings"])
def test_a_planted_fault_of_rounds_is_found(fuzz, monkeypatch, place):
    """A check sum that does not tell; a reader of settings that fails."""
    monkeypatch.setattr(place, (lambda octets, start=0: 0) if place.endswith("crc32") else (lambda *rest: {}[rest]))
    monkeypatch.setattr(fuzz, "_RECORDS", tuple(fuzz.rounds.write_record(r, 2, n) for n, r in enumerate(fuzz._ROUNDS)))
    with pytest.raises(fuzz.Finding):
        fuzz.fuzz(fuzz.TARGETS["rounds"], 1, cases=5000)
