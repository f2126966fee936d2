"""Who can be reached now: contacts of a satellite's radio, longer than its light, as its elements foretell them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from haris.keys.directory import Directory
from haris.node.pki.authority import make_laboratory
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.spans.reach import EDGE_S, Reach
from haris.node.supply.peers import KmePeers
from haris.nouns.errors import KeyUnavailable, OutOfContact
from haris.nouns.times import NS_PER_S

EXAMPLE = Path(__file__).parents[3] / "examples" / "space" / "micius_xinglong_2016.toml"
RISE_S, SET_S = 1482166197.4, 1482166468.4
"""Of its light."""


class Clock:
    now_s = RISE_S

    def __call__(self) -> float:
        return self.now_s


def reach_of(clock: Clock, radio_deg: float = 5.0) -> Reach:
    entry = {"peer": "satellite", "passes": EXAMPLE, "station": None, "radio_elevation_deg": radio_deg}
    spans: list[Any] = [SimpleNamespace(in_contacts=True, **entry), SimpleNamespace(in_contacts=False, peer="broker")]
    return Reach(spans, clock)


def test_a_contact_holds_while_the_satellite_stands_high_enough_for_its_radio() -> None:
    clock = Clock()
    reach = reach_of(clock)
    seen = []
    for sky_s in (RISE_S - 200.0, RISE_S - 100.0, SET_S + 100.0, SET_S + 200.0):
        clock.now_s = sky_s
        seen.append((reach.is_open("satellite"), reach.is_open("broker")))
    assert seen == [(False, True), (True, True), (True, True), (False, True)]
    clock.now_s = RISE_S
    ends_s = reach.left_s("satellite")
    assert ends_s is not None
    assert 100.0 < ends_s - (SET_S - RISE_S) < 160.0
    assert reach.left_s("broker") is None
    higher = reach_of(clock, 30.0)
    assert not higher.is_open("satellite")  # of a worse antenna


def test_out_of_contact_says_until_when() -> None:
    clock = Clock()
    clock.now_s = RISE_S - 1200.0
    reach = reach_of(clock)
    next_ns = reach.next_ns("satellite")
    assert next_ns is not None
    assert 1000 < next_ns / NS_PER_S - clock.now_s < 1200
    with pytest.raises(OutOfContact, match="until 2016-12-19T16:4") as refused:
        reach.require("satellite")
    assert refused.value.retry_after_s == pytest.approx(next_ns / NS_PER_S - clock.now_s, abs=1.0)
    reach.require("broker")


def test_at_its_edges_nobody_is_sure_of_a_contact() -> None:
    clock = Clock()
    reach = reach_of(clock)
    assert reach.is_sure("satellite")
    clock.now_s += (reach.left_s("satellite") or 0.0) - EDGE_S / 2
    assert reach.is_open("satellite")
    assert not reach.is_sure("satellite")
    assert reach.is_sure("broker")


def test_where_elements_are_too_old_the_satellite_is_tried() -> None:
    clock = Clock()
    clock.now_s += 60 * 86_400.0
    reach = reach_of(clock)
    reach.require("satellite")
    assert reach.is_sure("satellite")
    assert reach.left_s("satellite") is None


async def test_a_key_manager_out_of_contact_is_not_even_called(tmp_path: Path) -> None:
    make_laboratory(tmp_path, ["kme-bank", "kme-satellite"], [], [], datetime.now(UTC))
    tls = TlsFiles(tmp_path / "kme-bank.crt", tmp_path / "kme-bank.key", tmp_path / "ca.crt")
    directory = Directory("bank", {"bank": "kme-bank", "satellite": "kme-satellite"}, {})
    peers = KmePeers(directory, tls, {"satellite": "https://127.0.0.1:1"})
    clock = Clock()
    reach, called = reach_of(clock), []
    peers.require_reached = reach.require

    async def call(site: str, verb: str, body: bytes, timeout_s: float) -> bytes:
        called.append(clock.now_s)
        clock.now_s += step_s
        raise KeyUnavailable("time-out")

    peers._ask = call  # type: ignore[method-assign]
    step_s = 1.0
    with pytest.raises(KeyUnavailable, match="time-out"):
        await peers.ask("satellite", "status", b"")
    step_s = 900.0  # the contact ends while one waits for an answer
    with pytest.raises(OutOfContact):
        await peers.ask("satellite", "status", b"")
    with pytest.raises(OutOfContact):
        await peers.ask("satellite", "status", b"")
    assert len(called) == 2
