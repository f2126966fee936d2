"""A season for a terminal, and as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from haris.quantum.orbit.elements import DAY_S
from haris.quantum.orbit.sun import sun_elevation_deg
from haris.quantum.space.block_key import MOST_QBER
from haris.quantum.space.pass_key import BRIGHT_SUN_DEG
from haris.quantum.space.season import Season
from haris.report.element_age import age_warning

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOST_CHOICES = 20


def season_text(of: Season, demand_bits: float | None) -> str:
    """Stations, months and pairs; demand_bits: a day."""
    passes, expected = of.keys.passes, of.expected_bits
    with_key, conflicts = int((of.keys.secret_bits > 0).sum()), int(((of.keys.secret_bits > 0) & ~of.is_flown).sum())
    clear_bits = int(of.keys.secret_bits[of.is_flown].sum())
    lines = [
        f"{len(passes):,} passes in {of.days:g} days, {with_key:,} with key; {conflicts:,} of them give way",
        *_without(of),
        f"{clear_bits:,} secret bits under a clear sky; expected with clouds: {expected.sum():,.0f}",
        "",
        f"{'station':>14}  {'flown':>6}  {'a day':>12}  {'a night flown':>13}  {'a day, worst month':>18}  "
        f"{'best month':>18}",
    ]
    table, days = of.by_month(), of.days_by_month()
    reached = np.flatnonzero(days > 0.0)  # also where none gives key: a summer without night
    a_day = table[:, reached] / days[reached]
    for number, station in enumerate(passes.stations):
        flown = int((of.is_flown & (passes.station == number)).sum())
        nights = of.nights(number)
        worst, best = int(np.argmin(a_day[number])), int(np.argmax(a_day[number]))
        lines.append(
            f"{station.name[:14]:>14}  {flown:>6,}  {table[number].sum() / of.days:>12,.0f}  "
            f"{nights.mean() if nights.size else 0.0:>13,.0f}  "
            + "  ".join(f"{MONTHS[reached[month]]} {a_day[number, month]:>14,.0f}" for month in (worst, best))
        )
    pairs = of.pairs()
    names = [station.name for station in passes.stations]
    if len(names) > 1:
        lines += ["", "expected bits a day that two stations can share of that, if they share it with no third:"]
        lines += [f"  {names[a]} - {names[b]}: {pairs[a, b]:,.0f}" for a, b in combinations(range(len(names)), 2)]
    if demand_bits is not None:
        lines += ["", _verdict(of, demand_bits)]
    if warning := age_warning(of.oldest_elements_s):
        lines += ["", warning]
    return "\n".join(lines)


def compared(found: Mapping[str, Season], demand_bits: float | None) -> str:
    """A line for each constellation."""
    head = f"{'constellation':>22}  {'satellites':>10}  {'passes':>9}  {'bits a day, all':>15}  {'least served':>14}"
    lines = [head + ("" if demand_bits is None else "  suffices")]
    for name, each in found.items():
        line = (
            f"{name:>22}  {len(each.keys.passes.satellites):>10}  {len(each.keys.passes):>9,}  "
            f"{each.expected_bits.sum() / each.days:>15,.0f}  {each.least_bits_a_day:>14,.0f}"
        )
        lines.append(
            line + ("" if demand_bits is None else f"  {'yes' if each.least_bits_a_day >= demand_bits else 'no':>8}")
        )
    what = "pair of stations" if len(next(iter(found.values())).keys.passes.stations) > 1 else "station"
    return "\n".join([*lines, "", f"least served: expected bits a day of the {what} that gets least"])


def choices_text(found: Sequence[Season], demand_bits: float | None) -> str:
    """The best choices of stations, a line each."""
    lines = [f"{'least served':>14}  {'bits a day, all':>15}  stations"]
    for each in found[:MOST_CHOICES]:
        names = ", ".join(station.name for station in each.keys.passes.stations)
        lines.append(f"{each.least_bits_a_day:>14,.0f}  {each.expected_bits.sum() / each.days:>15,.0f}  {names}")
    if demand_bits is not None:
        lines += ["", _verdict(found[0], demand_bits)]
    if warning := age_warning(found[0].oldest_elements_s):
        lines += ["", warning]
    return "\n".join(lines)


def season_report(of: Season, demand_bits: float | None) -> dict[str, Any]:
    """Plain data: bits; of stations, months (January first) and pairs."""
    passes, table, pairs = of.keys.passes, of.by_month(), of.pairs()
    names = [station.name for station in passes.stations]
    report: dict[str, Any] = {
        "days": of.days,
        "days_by_month": of.days_by_month().tolist(),
        "oldest_elements_days": of.oldest_elements_s / DAY_S,
        "satellites": len(passes.satellites),
        "passes": len(passes),
        "flown": int(of.is_flown.sum()),
        "expected_bits": float(of.expected_bits.sum()),
        "clear_sky_bits": int(of.keys.secret_bits[of.is_flown].sum()),
        "stations": [
            {"name": name, "bits_a_day": float(table[i].sum() / of.days), "bits_by_month": table[i].tolist()}
            for i, name in enumerate(names)
        ],
        "pairs": [
            {"stations": [names[a], names[b]], "bits_a_day": float(pairs[a, b])}
            for a, b in combinations(range(len(names)), 2)
        ],
        "least_bits_a_day": of.least_bits_a_day,
    }
    return report if demand_bits is None else report | {"suffices": of.least_bits_a_day >= demand_bits}


def _without(of: Season) -> list[str]:
    """How many passes give no key, by what spoils them."""
    passes, without = of.keys.passes, of.keys.secret_bits == 0
    if not without.any():
        return []
    noisy = without & ~(of.keys.qber <= MOST_QBER)
    sunny = np.zeros(len(passes), dtype=bool)
    for number, station in enumerate(passes.stations):
        at = np.flatnonzero(noisy & (passes.station == number))
        sunny[at] = sun_elevation_deg(station, passes.culmination_s[at]) > BRIGHT_SUN_DEG
    counts = {"spoiled by the Sun": sunny, "by other noise": noisy & ~sunny, "too few bits": without & ~noisy}
    told = ", ".join(f"{mask.sum():,} {name}" for name, mask in counts.items() if mask.any())
    return [f"{without.sum():,} without key: {told}"]


def _verdict(of: Season, demand_bits: float) -> str:
    served = of.least_bits_a_day
    if served >= demand_bits:
        return f"{demand_bits:,.0f} bits a day are there: the least is {served:,.0f}"
    return f"{demand_bits:,.0f} bits a day are not there: the least is {served:,.0f}"
