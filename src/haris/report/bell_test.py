"""What the Bell test of a distillation showed, beside what its link gives."""

from __future__ import annotations

from typing import Any

from haris.node.distil.run import Result, Source
from haris.nouns.tested_counts import TestedCounts

FAR_DEVIATIONS = 6.0
"""As for attacks (docs/decisions/0018-attacks.md): an S as far below the expected one is told."""


def bell_figures(source: Source, result: Result) -> dict[str, Any]:
    """S with its standard deviation, the expected one, and whether it is far below; nothing without a test."""
    if result.bell is None:
        return {}
    counts = source.link.expected_counts()
    assert isinstance(counts, TestedCounts)
    measured, deviation, expected = float(result.bell.chsh), float(result.bell.chsh_deviation), float(counts.bell.chsh)
    return {
        "chsh": measured,
        "chsh_deviation": deviation,
        "chsh_expected": expected,
        "chsh_rounds": int(result.bell.test_rounds.sum()),
        "chsh_far_below": expected - measured > FAR_DEVIATIONS * deviation,
    }


def bell_lines(shown: dict[str, Any]) -> list[str]:
    """The same for people."""
    if "chsh" not in shown:
        return []
    line = (
        f"CHSH S = {shown['chsh']:.4f} +- {shown['chsh_deviation']:.4f} from {shown['chsh_rounds']:,} coincidences, "
        f"expected {shown['chsh_expected']:.4f}; the key's length does not use it"
    )
    if not shown["chsh_far_below"]:
        return [line]
    below = (shown["chsh_expected"] - shown["chsh"]) / shown["chsh_deviation"]
    return [line, f"WARNING: S is {below:.3g} standard deviations below what this link gives: look at source and fibre"]
