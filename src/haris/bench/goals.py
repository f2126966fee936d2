"""goals.toml: what is measured, and where it should stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from haris.nouns.checks import require_positive
from haris.nouns.document import read_document


@dataclass(frozen=True, slots=True)
class Goal:
    """One row of the benchmark.

    name: of the measurement, a file of this folder. setting: what is done. unit: of the figure.
    goal: the figure that is good enough: `at least` so much, `at most` so much, or at least so many times what the
    peer reaches, `of peer`. peer: who is measured beside, or `none: reason`.
    """

    name: str
    setting: str
    unit: str
    goal: float
    peer: str
    sense: Literal["at least", "at most", "of peer"] = "at least"

    def __post_init__(self) -> None:
        require_positive("goal", self.goal)

    def met(self, figure: float, peer: float | None) -> bool | None:
        """Whether a figure is good enough; None when it cannot be told, for want of the peer."""
        if self.sense == "of peer":
            return None if peer is None else figure >= self.goal * peer
        return figure <= self.goal if self.sense == "at most" else figure >= self.goal


@dataclass(frozen=True, slots=True)
class Goals:
    """The whole of goals.toml."""

    row: tuple[Goal, ...]


def read_goals() -> tuple[Goal, ...]:
    """The rows in the order of the file. Raises ParameterError, with the line, on what is wrong in it."""
    return read_document(Path(__file__).with_name("goals.toml")).root(Goals).row
