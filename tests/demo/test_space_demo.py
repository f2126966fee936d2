"""The laboratory with a satellite: its sites agree on its sky, and the passes that are foretold come in time.

The whole play is a trial: it needs the real time of its passes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from haris.demo.laboratory import CONTACTS
from haris.demo.space import Flight, build_space
from haris.demo.stage import Stage
from haris.node.configuration.node_toml import read_configuration
from haris.node.events import BlockEvent
from haris.quantum.space.contacts import contacts_of
from haris.quantum.space.scenario import Scenario


def test_the_sites_of_a_laboratory_see_one_sky(tmp_path: Path) -> None:
    laboratory = build_space(tmp_path / "laboratory", 40.0, lead_s=10.0)
    spans = {
        site: read_configuration(laboratory.configuration(site)).span for site in ("bank", "satellite", "exchange")
    }
    assert [len(each) for each in spans.values()] == [1, 2, 1]
    edges = [read_configuration(laboratory.configuration(site)).edge for site in ("bank", "exchange")]
    assert [[edge.span for edge in each] for each in edges] == [["satellite-exchange"], ["satellite-bank"]]
    assert [span.station for span in spans["satellite"]] == ["Xinglong", "Sanya"]
    for span in spans["satellite"]:
        contacts = contacts_of(Scenario.read(span.passes), span.station)
        key = contacts.key(contacts.coming(contacts.clock.sky_s(time.time()))[0])
        assert contacts.clock.factor == 40.0
        assert contacts.clock.wait_s(time.time(), key.flown.rise_s) > 2.0  # nothing has begun yet
        assert key.secret_bits > 150_000


def test_a_summary_tells_what_was_foretold_and_what_came(tmp_path: Path) -> None:
    laboratory = build_space(tmp_path / "laboratory", 40.0, lead_s=10.0)
    stage, flight = Stage(laboratory), Flight(laboratory)
    block = BlockEvent("satellite", "satellite-bank", 0, None, "", 0.01, 0.01, 10**6, 170_000, 1, 267.0, 9.0)
    stage.watch.spans["satellite-bank"].blocks.append(block)
    first, second = flight.summary(stage)["passes"]
    assert (first["station"], first["rise"], first["secret_bits"]) == ("Xinglong", "2016-12-19T16:49:57Z", 170_000)
    assert (second["station"], second["sifted_bits"], second["light_s"]) == ("Sanya", 0, 0)
    assert 150_000 < first["expected_secret_bits"] < second["expected_secret_bits"]


def test_nobody_is_killed_who_could_not_come_back_in_the_pass(tmp_path: Path) -> None:
    laboratory = build_space(tmp_path / "laboratory", 60.0, lead_s=10.0)  # Sanya's pass lasts 285 s, 4.75 of ours
    for start_s, kill in [(0.5, True), (2.0, False)]:
        flight = Flight(replace(laboratory, start_s=start_s))
        assert flight.leaves_time_to_return("satellite-exchange") == kill


def test_the_assumptions_of_the_sky_are_those_of_the_example(tmp_path: Path) -> None:
    build_space(tmp_path / "laboratory", 40.0, lead_s=10.0)
    played = Scenario.read(tmp_path / "laboratory" / "sky.toml")
    example = Scenario.read(Path(__file__).parents[2] / "examples" / "space" / "micius_xinglong_2016.toml")
    assert (played.elements, played.link) == (example.elements, example.link)
    assert played.stations[0] == example.stations[0]


def test_a_satellite_in_contacts_is_reached_through_its_radio_alone(tmp_path: Path) -> None:
    laboratory = build_space(tmp_path / "laboratory", 40.0, lead_s=10.0, plot=CONTACTS)
    ports = laboratory.ports
    read = {site: read_configuration(laboratory.configuration(site)) for site in laboratory.plot.sites}
    for site, configuration in read.items():
        assert all(span.in_contacts for span in configuration.span)
        assert all(edge.reachable == "contacts" for edge in configuration.edge)
        for peer in configuration.peer:
            direct = f"127.0.0.1:{ports[f'{peer.site} peers']}"
            assert (peer.address == direct) == (
                "satellite" not in (site, peer.site)
            )  # on the ground they need no radio
    carried = [line for span in laboratory.plot.spans for line in laboratory.radio_lines(span)]
    assert len(carried) == len({listens for listens, _ in carried}) == 6
    for span in read["satellite"].span:
        assert span.connect == f"127.0.0.1:{ports[f'{span.name} radio']}"
    stage = Stage(laboratory)
    assert list(stage.radios) == ["satellite-exchange", "satellite-bank"]


@pytest.mark.trial
@pytest.mark.timeout(600)
def test_a_satellite_in_contacts_carries_keys_to_the_next_orbit() -> None:
    command = [sys.executable, "-m", "haris.cli.main", "demo", "--space", "--contacts", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["orders_confirmed"] == 40
    assert result["hops"] == 2


@pytest.mark.trial
@pytest.mark.timeout(300)
def test_two_stations_share_keys_over_a_satellite_and_orders_flow() -> None:
    command = [sys.executable, "-m", "haris.cli.main", "demo", "--space", "--once", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["orders_confirmed"] == 100
    assert result["hops"] == 2
    for flown in result["passes"]:
        assert flown["secret_bits"] == pytest.approx(flown["expected_secret_bits"], rel=0.3)
