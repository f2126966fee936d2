"""A contest: ours and its peer on the same work, run in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Figures = Mapping[str, float]
"""Figures of one run, by unit."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What every measurement is told.

    seed: of its inputs, which are nobody's keys. scale: share of the full size of the work (tests take little).
    folder: where files are made, on the disk that is to be measured.
    """

    seed: int
    scale: float
    folder: Path

    def size(self, full: int) -> int:
        """A full size at this scale, never below 1."""
        return max(1, round(full * self.scale))


@dataclass(frozen=True, slots=True)
class Contest:
    """Two runs of the same work.

    setting: as in goals.toml. ours, peer: one run each, called in turns. peer is None where there is no peer, or
    absent says in words that it is not installed. instruction_set: of our kernel, where it picks one.
    """

    setting: str
    ours: Callable[[], Figures]
    peer: Callable[[], Figures] | None = None
    absent: str = ""
    instruction_set: str | None = None
