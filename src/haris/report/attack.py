"""A link under attack as text: what is claimed, what is secret, and what shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from haris.quantum.attacks.attack import ALARM_DEVIATIONS, AttackedRate, Sign
from haris.report.key_rate import bits_per_s

MAX_ROWS = 21


def attack_table(rate: AttackedRate, blocks_per_s: float) -> str:
    """One line a distance, MAX_ROWS at most, evenly picked. rate: of a one-dimensional sweep.

    claimed, secret: bits a second. shows: deviations of the sign that stands out most, in one block.
    """
    at_m = rate.honest.distance_m
    rows: list[tuple[str, ...]] = [("distance", "without Eve", "claimed", "secret, at least", "at most", "shows")]
    for i in np.unique(np.linspace(0, at_m.size - 1, MAX_ROWS).round().astype(int)):
        bits = (rate.honest.key.length_bits, rate.claimed_bits, rate.secret.at_least, rate.secret.at_most)
        speeds = (bits_per_s(float(each[i]) * blocks_per_s) for each in bits)
        rows.append((f"{at_m[i] / 1e3:.1f} km", *speeds, _sigmas(float(rate.deviations[i]))))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)


def attack_summary(rate: AttackedRate) -> str:
    """One block in words. rate: of one distance."""
    secret = rate.secret
    lines = [
        f"claimed         {rate.claimed_bits:,.0f} bits of a block, {rate.honest.key.length_bits:,} without Eve",
        f"secret          at least {np.floor(secret.at_least):,.0f} bits: {secret.least_source}",
        f"                at most {np.floor(secret.at_most):,.0f} bits: {secret.most_source}",
    ]
    for term in secret.terms:
        value = f"{_number(float(term.value))} {term.unit}".rstrip()
        lines.append(f"{' ':15} {term.name} {value}: {term.meaning}")
    lines.append(f"gap             {rate.gap_bits:,.0f} bits are claimed and not proved secret")
    if rate.stolen_bits > 0.0:
        lines.append(f"                {rate.stolen_bits:,.0f} of them are surely not")
    lines.append(f"what shows      {_shows(rate)}")
    return "\n".join(lines)


def signs_table(signs: Sequence[Sign], title: str) -> str:
    """What the users see beside what they expect, a line each, with the deviations of one block."""
    width = max(len(sign.name) for sign in signs)
    lines = [title, f"  {'':{width}}  {'without Eve':>14}  {'with Eve':>14}  deviations"]
    for sign in signs:
        numbers = (f"{_number(float(value)):>14}" for value in (sign.honest, sign.attacked))
        lines.append(f"  {sign.name:{width}}  {'  '.join(numbers)}  {float(sign.deviations):+10.1f}")
    return "\n".join(lines)


def _shows(rate: AttackedRate) -> str:
    most = max(rate.signs, key=lambda sign: abs(float(sign.deviations)))
    if not rate.detected:
        return f"nothing: no number of a block strays by {ALARM_DEVIATIONS:g} standard deviations"
    honest, attacked = (_number(float(value)) for value in (most.honest, most.attacked))
    return f"{most.name}: {attacked} in place of {honest}, {_sigmas(abs(float(most.deviations)))}"


def _sigmas(deviations: float) -> str:
    return "nothing" if deviations < ALARM_DEVIATIONS else f"{deviations:,.0f} sigma"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1e3 else f"{value:.6g}"
