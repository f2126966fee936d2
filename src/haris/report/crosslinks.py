"""Windows of two satellites with their keys: a table for the terminal, and plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from haris.nouns.times import NS_PER_S, write_time
from haris.quantum.orbit.station import LIGHT_M_PER_S, doppler_shift_hz
from haris.quantum.space.crosslink import CrosslinkKey
from haris.quantum.space.pass_link import PassLink
from haris.report.passes import proof_report

COLUMNS = (
    ("sender", 12),
    ("receiver", 12),
    ("start (UTC)", 19),
    ("stop", 19),
    ("min range", 10),
    ("grazing", 8),
    ("loss, dB", 8),
    ("sifted", 13),
    ("QBER", 7),
    ("secret", 13),
)


def crosslink_table(keys: Sequence[CrosslinkKey], link: PassLink) -> str:
    """One line a window, and the reasons of those without key below."""
    if not keys:
        return "no window: these satellites do not see each other in this time"
    lines = ["  ".join(f"{title:>{width}}" for title, width in COLUMNS)]
    reasons = []
    for each in keys:
        start, stop = (_time(t)[:19].replace("T", " ") for t in (each.window.start_s, each.window.stop_s))
        cells = (
            each.window.sender.name[:12],
            each.window.receiver.name[:12],
            start,
            stop,
            f"{each.window.min_range_m / 1e3:.0f} km",
            f"{each.seen.grazing_m.min() / 1e3:.0f} km",
            f"{-10.0 * np.log10(max(float(each.transmittance.max()), 1e-300)):.1f}",
            f"{each.sifted_bits:,.0f}",
            f"{each.qber:.2%}",
            f"{each.secret_bits:,}",
        )
        lines.append("  ".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, COLUMNS, strict=True)))
        if each.reason:
            reasons.append(f"no key of {start[:16]}: {each.reason}")
    words = f"{link.security.bound}, one block a window, {link.certainty}; loss: the least"
    return "\n".join([*lines, "", f"secret bits: {words}", *reasons])


def crosslink_report(each: CrosslinkKey, link: PassLink) -> dict[str, Any]:
    """A window as plain data: times in RFC 3339, SI units, bits; reason only where there is no key.

    open: share of the window in which the receiver does not look into the Sun. doppler_hz, point_ahead_rad: the
    greatest in magnitude.
    """
    frequency_hz = LIGHT_M_PER_S / link.channel.wavelength_m
    report: dict[str, Any] = {
        "satellite": each.window.sender.name,
        "receiver": each.window.receiver.name,
        "rise": _time(each.window.start_s),
        "culmination": _time(each.window.nearest_s),
        "set": _time(each.window.stop_s),
        "min_range_m": each.window.min_range_m,
        "grazing_m": float(each.seen.grazing_m.min()),
        "sifted_bits": each.sifted_bits,
        "qber": each.qber,
        "secret_bits": each.secret_bits,
        "proof": proof_report(each.key.proof),
        "open": float(each.is_open.mean()),
        "doppler_hz": float(np.abs(doppler_shift_hz(each.seen.range_rate_m_per_s, frequency_hz)).max()),
        "point_ahead_rad": float(2.0 * each.seen.across_m_per_s.max() / LIGHT_M_PER_S),
        "whole": each.window.is_whole,
    }
    return report | ({"reason": each.reason} if each.reason else {})


def _time(unix_s: float) -> str:
    return write_time(round(unix_s * NS_PER_S))
