"""A flight: what had happened by each stretch of light, and what came of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from haris.nouns.blocks import Aborted
from haris.nouns.counts import KEY_BASIS
from haris.nouns.times import NS_PER_S, write_time
from haris.quantum.space.flight import Flight, Step

MOST_LINES = 24


def flight_table(flight: Flight, expected_bits: int) -> str:
    """The flight for a terminal; expected_bits: of its passes, each as a block of its own."""
    first = flight.contacts[flight.lit[0]]
    head = f"{first.satellite.name} over {first.station.name}, {_time(first.rise_s)} to {_time(first.set_s)[11:]}"
    lines = [
        head,
        "",
        f"{'UTC':>10}  {'el.':>5}  {'stretch':>9}  {'clicks':>11}  {'down':>9}  {'up':>9}",
    ]
    every = max(1, -(-len(flight.steps) // MOST_LINES))
    shown = [step for n, step in enumerate(flight.steps, 1) if n % every == 0 or n == len(flight.steps)]
    lines += [_line(flight, step) for step in shown]
    return "\n".join([*lines, "", *_outcome(flight, expected_bits)])


def flight_report(flight: Flight, expected_bits: int) -> dict[str, Any]:
    """The flight as plain data: times in RFC 3339, bits, octets. key_at is left out where there is no key."""
    first, outcome = flight.contacts[flight.lit[0]], flight.outcome
    counts = None if outcome is None else outcome.counts
    report: dict[str, Any] = {
        "satellite": first.satellite.name,
        "station": first.station.name,
        "rise": _time(first.rise_s),
        "set": _time(flight.contacts[flight.lit[-1]].set_s),
        "passes": len(flight.lit),
        "stretches": flight.stretches,
        "closed": flight.closed,
        "sifted_bits": 0 if counts is None else int(counts.clicks.sum()),
        "qber": None if counts is None else float(counts.qber[KEY_BASIS]),
        "secret_bits": flight.secret_bits,
        "expected_bits": expected_bits,
        "live": flight.is_live,
        "down_octets": flight.steps[-1].down_octets if flight.steps else 0,
        "up_octets": flight.steps[-1].up_octets if flight.steps else 0,
    }
    if flight.key_s is not None:
        report["key_at"] = _time(flight.key_s)
    if isinstance(outcome, Aborted):
        report["reason"] = outcome.detail
    return report


def _line(flight: Flight, step: Step) -> str:
    lasting = [each for each in flight.contacts if each.rise_s <= step.unix_s <= each.set_s]
    elevation = "-"
    if lasting:
        elevation = f"{float(lasting[0].sight_at(np.array([step.unix_s]), np.inf).elevation_deg[0]):.0f}"
    return (
        f"{_time(step.unix_s)[11:19]:>10}  {elevation:>5}  {step.stretches:>4}/{flight.stretches:<4}  "
        f"{step.clicks:>11,}  {step.down_octets / 1e6:>6.2f} MB  {step.up_octets / 1e6:>6.2f} MB"
    )


def _outcome(flight: Flight, expected_bits: int) -> list[str]:
    if isinstance(flight.outcome, Aborted):
        return [f"no key: {flight.outcome.detail}"]
    if flight.outcome is None or flight.key_s is None:
        return ["no key yet: the block is open at both ends, and no contact of this search is left to finish it"]
    counts = flight.outcome.counts
    left = flight.stretches - flight.closed
    lines = [
        f"{flight.secret_bits:,} secret bits, the same at both ends, at {_time(flight.key_s)}",
        f"(expected {expected_bits:,}; sifted {counts.clicks.sum():,}, QBER {counts.qber[KEY_BASIS]:.2%}, "
        f"disclosed {flight.outcome.leaked_bits:,})",
    ]
    end_s = flight.contacts[flight.lit[-1]].set_s
    if flight.is_live:
        lines.append(f"live: {end_s - flight.key_s:.1f} s before the satellite set")
    else:
        number = flight.finished_in
        lines.append(f"finished in contact {1 + (number or 0)}, {(flight.key_s - end_s) / 60:.1f} minutes after it set")
    if left:
        lines.append(f"{left} of {flight.stretches} stretches of light came too late for it and are not in the block")
    return lines


def _time(unix_s: float) -> str:
    return write_time(round(unix_s * NS_PER_S))
