"""The play with a satellite: a pass over each of two stations in quick motion, and their keys.

Where it is reached in contacts only, it holds what goes from the second station to the first until the orbit after.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from haris.demo.laboratory import RADIO_DEG, SPACE, Laboratory, Plot, build, sky_file
from haris.demo.screen import Screen
from haris.demo.stage import Stage
from haris.node.events import BlockEvent, RelayEvent
from haris.node.spans.reach import Windows
from haris.nouns.errors import KeyUnavailable, PeerError
from haris.nouns.times import NS_PER_S, read_time, write_time
from haris.quantum.space.contacts import Contacts, contacts_of
from haris.quantum.space.pass_key import PassKey
from haris.quantum.space.scenario import Scenario

POOL_KEYS, PAD_KEYS = 96, 160
LEAD_S, LEAD_PER_S, MOST_LEAD_S = 3.0, 8.0, 120.0
"""From the laboratory to the first rise, and how much longer for each second that one process takes to start here: nine
start meanwhile, and a busy machine is slow."""
KEYS_S, TICK_S, SHOWN = 60.0, 0.1, 6
BACK_S, BACK_PER_S = 2.0, 3.0
"""From the end of a process until it came back and a key is made, and how much longer for each second that one takes to
start here."""
SKY_FROM = "2016-12-19T16:46:57Z"
"""Before the first of the passes that are played."""
SECOND_STATION = """
[[station]]
# Assumed: a station like that of Xinglong in the south, over which the satellite passes six minutes later.
name = "Sanya"
latitude_deg = 18.25
longitude_deg = 109.5
height_m = 10.0
"""


def build_space(directory: Path, factor: float, lead_s: float | None = None, plot: Plot = SPACE) -> Laboratory:
    """A laboratory of two stations and a satellite whose sky begins now, and runs `factor` times as fast as ours.

    lead_s: from now to the first rise; None: long enough for this machine to start everything. plot: SPACE or CONTACTS.
    """
    sky = directory / "sky.toml"
    start_s = 0.0
    if lead_s is None:
        start_s = _start_s()
        lead_s = min(LEAD_S + LEAD_PER_S * start_s, MOST_LEAD_S)
    laboratory = build(directory, POOL_KEYS, PAD_KEYS, dict.fromkeys(plot.spans, sky), plot)
    text = sky_file().read_text() + SECOND_STATION
    sky.write_text(text)
    scenario = Scenario.read(sky)
    from_s = read_time("start", SKY_FROM) / NS_PER_S
    first = min(contacts_of(scenario, name).coming(from_s)[0].rise_s for name in plot.stations.values())
    begin = write_time(round((first - lead_s * factor) * NS_PER_S))
    began = write_time(time.time_ns())
    text = re.sub(r'^start = ".*"$', f'start = "{begin}"', text, flags=re.MULTILINE)
    sky.write_text(f'{text}\n[motion]\nbegan = "{began}"\nfactor = {float(factor)}\n')
    return replace(laboratory, start_s=start_s)


class Flight:
    """The satellite's passes, as the scenario foretells them and as the sites tell of them."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory, self._plot = laboratory, laboratory.plot
        scenario = Scenario.read(next(iter(laboratory.links.values())))
        self._contacts: dict[str, Contacts] = {
            span: contacts_of(scenario, station) for span, station in laboratory.plot.stations.items()
        }
        self._windows = [Windows(contacts, RADIO_DEG) for contacts in self._contacts.values()]
        now_s = self._sky_s()
        self._keys: dict[str, PassKey] = {
            span: contacts.key(contacts.coming(now_s)[0]) for span, contacts in self._contacts.items()
        }

    async def act_1_first_pass(self, stage: Stage, screen: Screen) -> None:
        """The satellite passes over the first station."""
        screen.act(1, "A pass over the first station")
        factor = next(iter(self._contacts.values())).clock.factor
        screen.line(f"  everything below is told in the sky's time (UTC), which runs {factor:g} times as fast as ours")
        for span in list(self._keys)[: 1 if self._plot.in_contacts else None]:
            await stage.until(lambda span=span: span in _connected(stage), KEYS_S, f"a meeting on {span}")  # type: ignore[misc]
        await self._fly(stage, screen, next(iter(self._keys)))

    async def act_2_second_pass(self, stage: Stage, screen: Screen, *, kill: bool) -> None:
        """It passes over the second; with kill, the site there dies as it rises, and comes back.

        None dies where it could not come back before the satellite sets.
        """
        screen.act(2, "A pass over the second station")
        span = list(self._keys)[1]
        if kill and not self.leaves_time_to_return(span):
            screen.line(
                "  nobody is killed: so fast a sky, or so slow a machine, leaves no time to come back in this pass"
            )
            kill = False
        flying = asyncio.create_task(self._fly(stage, screen, span))
        try:
            if kill:
                await self._until(self._keys[span].flown.rise_s + 5.0)
                site = stage.sites[self._station_site(span)]
                screen.line(f"  kill -9 {site.pid} (the {self._station_site(span)}, whose station measures the light)")
                await site.kill()
                await site.start()
            await flying
        finally:
            flying.cancel()
            await asyncio.gather(flying, return_exceptions=True)
        if kill:
            whole_s, used_s = self._keys[span].flown.duration_s, self._block(stage, span).light_s
            screen.line(
                f"  the {self._station_site(span)} came back: {used_s:.0f} of {whole_s:.0f} s of the pass became key"
            )

    def leaves_time_to_return(self, span: str) -> bool:
        """Whether a process that is killed as the satellite rises comes back in time for a key of this pass."""
        lasts_s = self._keys[span].flown.duration_s / self._contacts[span].clock.factor
        return lasts_s > BACK_S + BACK_PER_S * self._laboratory.start_s

    async def act_3_exclusive_or(self, stage: Stage, screen: Screen) -> None:
        """The satellite joins the two stations' pads: the bank and the exchange share keys."""
        screen.act(3, "The satellite joins both: the exclusive or of two pads")
        watch = stage.watch
        await stage.until(lambda: watch.ready("bank", "exchange") > 0, KEYS_S, "a key for the bank")
        await stage.until(lambda: any(each.site == "satellite" for each in watch.relays), KEYS_S, "word of a relay")
        relayed = next(each for each in watch.relays if each.site == "satellite")
        screen.line(
            f"  {' → '.join(relayed.path)}: {relayed.n_keys} keys opened under one station's pad and sealed under the "
            "other's; the satellite keeps none of them"
        )
        screen.line(f"  the bank and the exchange share {watch.ready('bank', 'exchange')} keys, and have no fibre")

    async def act_3_store_and_forward(self, stage: Stage, screen: Screen, *, kill: bool) -> None:
        """What the bank sends up is held until the satellite is over the exchange again; with kill, it dies once."""
        screen.act(3, "The satellite holds what it owes the exchange, sealed")
        watch, (first, second) = stage.watch, self._windows

        def held() -> list[RelayEvent]:
            return [each for each in watch.relays if each.site == "satellite" and each.path[0] == "bank"]

        await stage.until(lambda: bool(held()), KEYS_S, "word of a relay")
        contact = first.first()
        if contact is None:
            raise KeyUnavailable("the satellite does not come back")
        screen.line(
            f"  {' → '.join(held()[0].path)}: {held()[0].n_keys} keys opened under the bank's pad and sealed under the "
            f"exchange's, which is below the horizon until {_utc(contact.rise_s)}"
        )
        await stage.until(lambda: not second.lasts, KEYS_S, "the end of the contact")
        await asyncio.sleep(TICK_S)  # what is on the line is cut
        n_octets = _carried(stage)
        if kill:
            site = stage.sites["satellite"]
            screen.line(f"  {_utc(self._sky_s())}  out of contact with both: kill -9 {site.pid} (the satellite)")
            await site.kill()
            await site.start()
        factor = first.clock.factor
        screen.line(f"  {(contact.rise_s - self._sky_s()) / factor:.0f} s until then; no key is used before it arrived")

        def returned() -> bool:
            if first.lasts:
                return True
            if _carried(stage) != n_octets or watch.ready("bank", "exchange"):
                raise PeerError("something crossed the radio below the horizon")
            return False

        wait_s = (contact.rise_s - self._sky_s()) / factor
        await stage.until(returned, wait_s + KEYS_S, "the next contact")
        await stage.until(lambda: watch.ready("bank", "exchange") > 0, KEYS_S, "a key for the bank")
        screen.line(
            f"  {_utc(self._sky_s())}  they arrived: the bank and the exchange share keys, and never saw it at once"
        )

    def summary(self, stage: Stage) -> dict[str, Any]:
        """The passes: as foretold, and what came of each."""
        told = []
        for span, key in self._keys.items():
            blocks = stage.watch.spans[span].blocks
            told.append(
                {
                    "station": key.flown.station.name,
                    "rise": _utc(key.flown.rise_s),
                    "set": _utc(key.flown.set_s),
                    "max_elevation_deg": round(key.flown.max_elevation_deg, 1),
                    "expected_secret_bits": key.secret_bits,
                    "sifted_bits": sum(block.sifted_bits for block in blocks),
                    "secret_bits": sum(block.secret_bits for block in blocks),
                    "light_s": round(sum(block.light_s for block in blocks), 1),
                }
            )
        return {"passes": told, "quick_motion": next(iter(self._contacts.values())).clock.factor}

    async def _fly(self, stage: Stage, screen: Screen, span: str) -> None:
        """Show a pass as it goes, and what came of it. KeyUnavailable when it gave no key."""
        key, factor = self._keys[span], self._contacts[span].clock.factor
        flown, slots = key.flown, key.slots
        screen.line(
            f"  {flown.satellite.name} over {flown.station.name}: rises {_utc(flown.rise_s)}, up to "
            f"{flown.max_elevation_deg:.0f} degrees; expected {key.sifted_bits:,.0f} sifted, {key.secret_bits:,} secret"
        )
        for at in np.linspace(0, slots.unix_s.size - 1, SHOWN).astype(int):
            await self._until(float(slots.unix_s[at]))
            loss_db = -10.0 * np.log10(slots.transmittance[at])
            screen.line(
                f"    {_utc(float(slots.unix_s[at]))}  elevation {slots.sight.elevation_deg[at]:4.1f} deg  range "
                f"{slots.sight.range_m[at] / 1e3:5.0f} km  loss {loss_db:4.1f} dB  Doppler speed "
                f"{slots.sight.range_rate_m_per_s[at] / 1e3:+.1f} km/s"
            )
        await self._until(flown.set_s)
        record = stage.watch.spans[span]
        await stage.until(lambda: bool(record.good), KEYS_S, f"a key of the pass over {flown.station.name}")
        block = record.good[0]
        screen.line(
            f"  set: {block.sifted_bits:,} sifted bits of the key basis, QBER {100 * (block.qber_key or 0.0):.2f} %, "
            f"{block.secret_bits:,} secret bits from {block.light_s:.0f} s of light (in {block.light_s / factor:.0f} s)"
        )

    def _station_site(self, span: str) -> str:
        return self._plot.spans[span][1]

    def _block(self, stage: Stage, span: str) -> BlockEvent:
        return stage.watch.spans[span].good[0]

    def _sky_s(self) -> float:
        return next(iter(self._contacts.values())).clock.sky_s(time.time())

    async def _until(self, sky_s: float) -> None:
        while self._sky_s() < sky_s:
            await asyncio.sleep(TICK_S)


def _start_s() -> float:
    asked_s = time.monotonic()
    subprocess.run([sys.executable, "-c", "import haris.node.site"], check=True)
    return time.monotonic() - asked_s


def _carried(stage: Stage) -> int:
    """Octets that crossed the satellite's radio."""
    return sum(radio.n_octets for radio in stage.radios.values())


def _connected(stage: Stage) -> set[str]:
    """Spans whose two sites have met."""
    return {each.detail for each in stage.watch.life if each.what == "span connected"}


def _utc(unix_s: float) -> str:
    return write_time(round(unix_s) * NS_PER_S)[:19] + "Z"
