"""What was chosen for passes: settings and the slots to use, as lines for the terminal and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haris.nouns.times import NS_PER_S, write_time
from haris.quantum.space.optimised import named
from haris.quantum.space.pass_key import PassKey

AHEAD = (
    "chosen for the light that is predicted: set them before the pass, for a choice by what was counted proves nothing"
)


def settings_table(keys: Sequence[PassKey]) -> str:
    """A line for each pass with settings of its own, and when to choose them."""
    lines = []
    for each in keys:
        if each.settings is None:
            continue
        start, stop = _used(each)
        values = ", ".join(f"{name} = {value:.4g}" for name, value in named(each.settings).items())
        from_deg = each.slots.least_elevation_deg
        lines.append(f"{start[:10]} {start[11:19]} to {stop[11:19]}, from {from_deg:.1f} deg, with {values}")
    return "\n".join([*lines, AHEAD]) if lines else "no settings give more than the file's own"


def settings_report(each: PassKey) -> dict[str, Any]:
    """settings by name, and used: from, until, and the least elevation between; nothing where none were chosen."""
    if each.settings is None:
        return {}
    start, stop = _used(each)
    least = each.slots.least_elevation_deg
    return {"settings": named(each.settings), "used": {"from": start, "until": stop, "least_elevation_deg": least}}


def _used(each: PassKey) -> tuple[str, str]:
    half = each.slots.duration_s / 2.0
    start, stop = each.slots.unix_s[0] - half, each.slots.unix_s[-1] + half
    return write_time(round(start * NS_PER_S)), write_time(round(stop * NS_PER_S))
