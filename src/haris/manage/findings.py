"""What an examination of a key manager finds, in words, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from haris.nouns.lines import one_line


class Weight(StrEnum):
    """How much a finding matters, least first.

    fault: keys can be lost, leak, or be given to the wrong one, or nothing works. warning: clients of the standard will
    stumble. note: worth knowing. sound: examined, and as it should be.
    """

    SOUND = "sound"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined. check: its name, such as `tls.version`. advice: what to do, empty when nothing."""

    weight: Weight
    check: str
    text: str
    advice: str = ""

    def __post_init__(self) -> None:
        assert self.advice or self.weight in (Weight.SOUND, Weight.NOTE), self.check


@dataclass(slots=True)
class Findings:
    """All that was found, in the order of examination. measured: figures by name. dry: whether keys were lacking."""

    found: list[Finding] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    dry: bool = False

    def sound(self, check: str, text: str) -> None:
        """Examined, and as it should be."""
        self.found.append(Finding(Weight.SOUND, check, text))

    def note(self, check: str, text: str, advice: str = "") -> None:
        """Worth knowing."""
        self.found.append(Finding(Weight.NOTE, check, text, advice))

    def warn(self, check: str, text: str, advice: str) -> None:
        """Clients of the standard will stumble over it."""
        self.found.append(Finding(Weight.WARNING, check, text, advice))

    def fault(self, check: str, text: str, advice: str) -> None:
        """Not to be connected as it is."""
        self.found.append(Finding(Weight.FAULT, check, text, advice))

    def of(self, *weights: Weight) -> tuple[Finding, ...]:
        """Those of some weights."""
        return tuple(finding for finding in self.found if finding.weight in weights)

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        listed = [
            {"weight": str(f.weight), "check": f.check, "text": f.text, **({"advice": f.advice} if f.advice else {})}
            for f in self.found
        ]
        counts = {str(weight): len(self.of(weight)) for weight in Weight}
        return {"findings": listed, "counts": counts, "measured": self.measured, "dry": self.dry}


def in_words(findings: Findings, weights: Iterable[Weight] = tuple(Weight)) -> str:
    """One line a finding, with the advice beneath, then a summary."""
    chosen, lines = set(weights), []
    for finding in findings.found:
        if finding.weight in chosen:
            lines.append(one_line(f"{finding.weight:8} {finding.check:22} {finding.text}"))
            if finding.advice:
                lines.append(f"{'':31} -> {finding.advice}")
    for name, value in findings.measured.items():
        lines.append(f"{'measured':8} {name:22} {value:.4g}")
    counts = ", ".join(f"{len(findings.of(weight))} {weight}" for weight in reversed(Weight))
    return "\n".join([*lines, counts])
