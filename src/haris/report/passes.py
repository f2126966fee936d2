"""Passes with their keys: a table for the terminal, and plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haris.nouns.keys import Proof
from haris.nouns.times import NS_PER_S, write_time
from haris.quantum.orbit.elements import DAY_S
from haris.quantum.space.pass_blocks import LATER
from haris.quantum.space.pass_key import PassKey
from haris.quantum.space.pass_link import PassLink
from haris.report.element_age import age_warning, oldest_s

COLUMNS = (
    ("satellite", 12),
    ("station", 12),
    ("rise (UTC)", 19),
    ("culmination", 11),
    ("set", 8),
    ("max el.", 7),
    ("min range", 10),
    ("Sun", 6),
    ("sifted", 11),
    ("QBER", 7),
    ("secret", 11),
    ("clear", 5),
)


WIDEST = 32
"""Of a station's name, or of two."""


def pass_table(keys: Sequence[PassKey], link: PassLink, clear: Sequence[float]) -> str:
    """One line a pass, and the reasons of those without key below; at least one pass.

    clear: probability that no cloud stops it.
    """
    width = max(12, min(max(len(each.flown.where) for each in keys), WIDEST))
    columns = [(title, width if title == "station" else usual) for title, usual in COLUMNS]
    lines = ["  ".join(f"{title:>{usual}}" for title, usual in columns)]
    reasons = []
    for each, p_clear in zip(keys, clear, strict=True):
        rise, top, end = (_time(t) for t in (each.flown.rise_s, each.flown.culmination_s, each.flown.set_s))
        sun = f"{each.slots.sun_elevation_deg.max():.0f} deg" if each.slots.unix_s.size else "-"
        cells = (
            each.flown.satellite.name[:12],
            each.flown.where[:width],
            rise.replace("T", " ")[:19],
            top[11:19],
            end[11:19],
            f"{each.flown.max_elevation_deg:.1f}",
            f"{each.flown.min_range_m / 1e3:.0f} km",
            sun,
            f"{each.sifted_bits:,.0f}",
            f"{each.qber:.2%}",
            f"{each.secret_bits:,}",
            f"{p_clear:.0%}",
        )
        lines.append("  ".join(f"{cell:>{usual}}" for cell, (_, usual) in zip(cells, columns, strict=True)))
        if each.reason and each.reason != LATER:
            reasons.append(f"no key of {named_pass(each, keys)}: {each.reason}")
        if not each.flown.is_whole:
            reasons.append(f"the search begins or ends within {named_pass(each, keys)}")
    words = f"{link.security.bound}, {link.blocks}, {link.certainty}, by clear sky"
    warning = age_warning(oldest_s(keys))
    return "\n".join([*lines, "", f"secret bits: {words}", *reasons, *([warning] if warning else [])])


def named_pass(each: PassKey, among: Sequence[PassKey]) -> str:
    """A pass by its rise, and by satellite and station where there are several among all."""
    satellites, stations = {of.flown.satellite.name for of in among}, {of.flown.where for of in among}
    of = f"{each.flown.satellite.name} " if len(satellites) > 1 else ""
    over = f" over {each.flown.where}" if len(stations) > 1 else ""
    return f"{of}{_time(each.flown.rise_s)[:16].replace('T', ' ')}{over}"


def proof_report(proof: Proof) -> dict[str, Any]:
    """What makes a key secret, as plain data. finite: whether of one block, or in the limit of endless ones."""
    return {"theorem": proof.theorem, "attacks": proof.attacks, "finite": proof.finite}


def pass_report(each: PassKey, clear: float) -> dict[str, Any]:
    """A pass as plain data: times in RFC 3339, metres, bits; reason only where there is no key.

    clear: probability that no cloud stops the light. No other figure has it in it.
    """
    report: dict[str, Any] = {
        "satellite": each.flown.satellite.name,
        "station": each.flown.where,
        "rise": _time(each.flown.rise_s),
        "culmination": _time(each.flown.culmination_s),
        "set": _time(each.flown.set_s),
        "max_elevation_deg": each.flown.max_elevation_deg,
        "min_range_m": each.flown.min_range_m,
        "elements_age_days": oldest_s([each]) / DAY_S,
        "sifted_bits": each.sifted_bits,
        "qber": each.qber,
        "secret_bits": each.secret_bits,
        "proof": proof_report(each.key.proof),
        "clear_probability": clear,
        "whole": each.flown.is_whole,
    }
    return report | ({"reason": each.reason} if each.reason else {})


def _time(unix_s: float) -> str:
    return write_time(round(unix_s * NS_PER_S))
