"""What the sky promises pools: the next pass, a stock that lasts until it, and keys kept for those who matter."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from haris.keys.admission import Admission
from haris.keys.policy import Policy, Rule
from haris.node.operation.outlook import Outlook, Stock
from haris.node.operation.watching import PoolWatch
from haris.node.store.levels import PoolLevel
from haris.nouns.alarms import Alarm
from haris.nouns.errors import KeyUnavailable
from haris.nouns.times import NS_PER_S

EXAMPLE = Path(__file__).parents[3] / "examples" / "space" / "micius_xinglong_2016.toml"
S = NS_PER_S
SOUTH = '\n[[station]]\nname = "South"\nlatitude_deg = 18.25\nlongitude_deg = 109.5\nheight_m = 10.0\n'


def outlook(
    tmp_path: Path,
    path: tuple[str, ...] = ("bank", "satellite", "exchange"),
    edges: tuple[Any, ...] = (),
    more: str = "",
    factor: float = 1.0,
) -> Outlook:
    """Of a bank whose span to a satellite sees Micius rise ten minutes (of the sky's) from now."""
    sky = tmp_path / "sky.toml"
    text = EXAMPLE.read_text().replace("2016-12-19T12:00:00Z", "2016-12-19T16:39:57Z")
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sky.write_text(f'{text}{more}\n[motion]\nbegan = "{began}"\nfactor = {factor}\n')
    pair = SimpleNamespace(peer="exchange", path=path)
    store = SimpleNamespace(ledger_bounds=lambda name: (32, 32 * 101) if name == "up/relay/ba" else (0, 0))
    made = Outlook(SimpleNamespace(pair=(pair,), edge=edges), store)  # type: ignore[arg-type]
    span: Any = SimpleNamespace(
        name="up", peer="satellite", role="bob", passes=sky, station="Xinglong" if more else None
    )
    made.know([span, SimpleNamespace(name="down", peer="midway", role="bob", passes=None, station=None)])  # type: ignore[list-item]
    return made


def level(ready: int) -> PoolLevel:
    return PoolLevel("exchange", ready, 0, None)


async def test_a_pool_that_passes_fill_counts_its_pad_and_knows_the_next_pass(tmp_path: Path) -> None:
    here = outlook(tmp_path)
    assert await here.look("midway", level(5)) is None
    stock = await here.look("exchange", level(40))
    assert stock is not None
    assert (stock.n_keys, stock.pad_keys) == (140, 100)
    assert stock.next_s == pytest.approx(600.0 + 271.0, abs=3.0)
    assert stock.until_s == stock.next_s
    coming = here.next_pass("up")
    assert coming is not None
    assert coming.in_s == pytest.approx(600.0, abs=3.0)
    assert 150_000 < coming.secret_bits < 200_000
    assert here.next_pass("down") is None


async def test_a_sky_in_quick_motion_brings_its_pass_sooner(tmp_path: Path) -> None:
    here = outlook(tmp_path, factor=10.0)
    stock = await here.look("exchange", level(40))
    assert stock is not None
    assert stock.next_s == pytest.approx(87.1, abs=3.0)
    coming = here.next_pass("up")
    assert coming is not None
    assert coming.in_s == pytest.approx(60.0, abs=3.0)


@pytest.mark.parametrize("station", [None, "South"])
async def test_a_pool_over_two_stations_waits_for_the_later_pass(tmp_path: Path, station: str | None) -> None:
    """A key over a satellite wants pad of both: the pass over the south ends six minutes after ours."""
    edge = SimpleNamespace(span="down", sites=("satellite", "exchange"), station=station)
    here = outlook(tmp_path, edges=(edge,), more=SOUTH)
    stock = await here.look("exchange", level(40))
    assert stock is not None
    assert stock.next_s == pytest.approx(600.0 + (271.0 if station is None else 637.0), abs=5.0)
    assert stock.until_s == stock.next_s


async def test_low_priorities_wait_for_the_pass_while_the_stock_would_not_last(tmp_path: Path) -> None:
    here = outlook(tmp_path)
    await here.look("exchange", level(40))
    rules = Rule(masters=("desk",), priority=7), Rule(masters=("backup",), priority=0)
    admission = Admission(Policy(rules))
    admission.ration = lambda slave, n, priority: here.ration({"book": "exchange"}, slave, n, priority)
    for _ in range(30):
        admission.admit("desk", ["book"], 1, 256)
    assert here._stocks["exchange"].n_keys == 110
    with pytest.raises(KeyUnavailable, match="higher priorities until the next pass") as refused:
        admission.admit("backup", ["book"], 1, 256)
    assert refused.value.retry_after_s == pytest.approx(871, abs=5)
    admission.admit("desk", ["book"], 1, 256)
    here._stocks["exchange"] = replace(here._stocks["exchange"], until_s=None)
    admission.admit("backup", ["book"], 1, 256)  # no pass is foreseen: nobody waits for ever


async def test_keys_on_their_way_over_a_satellite_are_no_sign_of_depletion(tmp_path: Path) -> None:
    """Relays went up at once and used all pad: the keys come down an orbit later."""
    here, watch, filed = outlook(tmp_path), PoolWatch("exchange", 1000), list[Alarm]()
    for step in range(60):
        gone = 0 if step < 30 else 100
        here._store = SimpleNamespace(ledger_bounds=lambda name, gone=gone: (32 * (1 + gone), 32 * 101))  # type: ignore[assignment]
        now = replace(level(40), pending=gone)
        stock = await here.look("exchange", now)
        assert stock is not None
        assert stock.n_keys == 140
        watch.look(now, 5 * step * S, filed.append, stock)
    assert not any(alarm.active for alarm in filed)
    status = watch.status(300 * S)
    assert status is not None
    assert (status.ready, status.pending, status.net_per_s) == (40, 100, 0.0)


@pytest.mark.parametrize(("until_s", "alarmed"), [(600.0, False), (6000.0, True)])
def test_the_alarm_of_depletion_knows_of_the_next_pass(until_s: float, alarmed: bool) -> None:
    watch, filed = PoolWatch("exchange", 10_000), list[Alarm]()
    for step in range(60):  # a key a second: dry within the hour, and a pass before that, or not
        stock = Stock(next_s=until_s, until_s=until_s)
        watch.look(level(2000 - 5 * step), 5 * step * S, filed.append, stock)
    assert filed[-1].active is alarmed
    watch = PoolWatch("exchange", 10_000)
    for step in range(60):
        watch.look(level(2000 - 5 * step), 5 * step * S, filed.append)
    assert filed[-1].active
