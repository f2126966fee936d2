"""The light of passes: a table for the terminal, and plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from haris.nouns.times import NS_PER_S, write_time
from haris.quantum.space.light import PassLight


def light_table(lights: Iterable[PassLight | None]) -> str:
    """Lines for each pass: what its light meets, and the budget of its highest point."""
    return "\n\n".join("below the horizon" if each is None else _lines(each) for each in lights)


def light_report(light: PassLight | None) -> dict[str, Any]:
    """The same as plain data, SI units and decibels; empty of a pass below the horizon."""
    if light is None:
        return {}
    return {
        "sunlit": light.sunlit,
        "outage": light.outage,
        "faded_bits": light.faded_bits,
        "budget": {"time": _time(light.highest.unix_s)} | asdict(light.highest),
    }


def _lines(light: PassLight) -> str:
    top = light.highest
    losses = ", ".join(f"{name} {loss:.1f}" for name, loss in top.losses_db.items())
    lines = [
        f"{_time(top.unix_s)[:19].replace('T', ' ')}: {top.range_m / 1e3:.0f} km at {top.elevation_deg:.1f} degrees",
        f"  loss          {sum(top.losses_db.values()):.1f} dB: {losses}; a beam of {top.beam_radius_m:.2f} m (1/e^2)",
        f"  fading        1 % of the time {top.fading_margin_db:.1f} dB below the mean; scintillation index "
        f"{top.scintillation_index:.2g}, r0 {top.fried_m * 100:.1f} cm",
        f"  outage        {light.outage:.2%} of the pass below what gives a key; {light.faded_bits:,} secret bits so",
        f"  clouds, Sun   {light.clear_probability:.0%} clear; the satellite lit for {light.sunlit:.0%} of the pass, "
        f"{top.background_photons:.2g} photons of the sky a gate",
        f"  aim, pitch    point-ahead {top.point_ahead_rad * 1e6:.1f} urad in an isoplanatic angle of "
        f"{top.isoplanatic_rad * 1e6:.1f}; Doppler {top.doppler_hz / 1e9:+.3f} GHz",
    ]
    return "\n".join(lines)


def _time(unix_s: float) -> str:
    return write_time(round(unix_s * NS_PER_S))
