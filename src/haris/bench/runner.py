"""Every row of goals.toml measured: medians of interleaved runs of ours and of the peer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from haris.bench import (
    amplification,
    authentication,
    continuous,
    end_to_end,
    faults,
    keys,
    light,
    one_way,
    randomness,
    rates,
    reconciliation,
    space,
    squeezed,
    store,
)
from haris.bench.contest import Conditions, Contest, Figures
from haris.bench.goals import Goal
from haris.nouns.errors import ParameterError

MEASUREMENTS: dict[str, Callable[[Conditions], Iterable[Contest]]] = {
    "light": light.contests,
    "rates": rates.contests,
    "amplification": amplification.contests,
    "reconciliation": reconciliation.contests,
    "one_way": one_way.contests,
    "continuous": continuous.contests,
    "authentication": authentication.contests,
    "end_to_end": end_to_end.contests,
    "store": store.contests,
    "keys": keys.contests,
    "randomness": randomness.contests,
    "squeezed": squeezed.contests,
    "faults": faults.contests,
    "space": space.contests,
}
GROUPS = {
    "distill": ("amplification", "reconciliation", "one_way", "continuous", "authentication", "end_to_end"),
    "entropy": ("randomness", "squeezed", "faults"),
}
"""Measurements that belong together, by the name that asks for all of them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One result. ours, peer: medians in unit; peer is None where there is none, and peer_name says why. met: None when
    the goal is a share of a peer that is not there.

    f: bits disclosed over the Shannon limit n h(QBER), by the usual count of one bit a parity; f_strict: counted in
    both directions. frame_error_rate: share of the frames that still differ. f, f_strict and the rate are means over
    the runs; what does not apply is None.
    """

    name: str
    setting: str
    ours: float
    unit: str
    peer: float | None
    peer_name: str
    ratio: float | None
    goal: float
    met: bool | None
    sense: str = "at least"
    isa: str | None = None
    f: float | None = None
    f_strict: float | None = None
    frame_error_rate: float | None = None
    frames: int | None = None
    peer_f: float | None = None
    peer_frame_error_rate: float | None = None


def measure(goals: Sequence[Goal], conditions: Conditions, n_runs: int) -> Iterator[Row]:
    """Rows of the goals, each measurement's as soon as it has run.

    Raises ParameterError where a goal has no measurement or a measurement no goal.
    """
    for name in dict.fromkeys(goal.name for goal in goals):
        if name not in MEASUREMENTS:
            raise ParameterError(f"nothing measures {name}: there is {', '.join(MEASUREMENTS)}")
        due = [goal for goal in goals if goal.name == name]
        for contest in MEASUREMENTS[name](conditions):
            mine = [goal for goal in due if goal.setting == contest.setting]
            if not mine:
                raise ParameterError(f"goals.toml has no row for {name}: {contest.setting}")
            due = [goal for goal in due if goal not in mine]
            yield from _rows(contest, mine, n_runs)
        if due:
            raise ParameterError(f"nothing measured {name}: {due[0].setting}")


def _rows(contest: Contest, goals: Sequence[Goal], n_runs: int) -> Iterator[Row]:
    ours: list[Figures] = []
    peers: list[Figures] = []
    for _ in range(n_runs):
        ours.append(contest.ours())
        if contest.peer is not None:
            peers.append(contest.peer())
    for goal in goals:
        if goal.unit not in ours[0]:
            raise ParameterError(f"nothing measured {goal.name}: {goal.setting} in {goal.unit}")
        figure = median(run[goal.unit] for run in ours)
        peer = median(run[goal.unit] for run in peers) if peers and goal.unit in peers[0] else None
        frames = _mean("frames", ours)
        yield Row(
            name=goal.name,
            setting=goal.setting,
            ours=figure,
            unit=goal.unit,
            peer=peer,
            peer_name=f"{goal.peer}: {contest.absent}" if contest.absent else goal.peer,
            ratio=figure / peer if peer else None,
            goal=goal.goal,
            sense=goal.sense,
            met=goal.met(figure, peer),
            isa=contest.instruction_set,
            f=_mean("f", ours),
            f_strict=_mean("f_strict", ours),
            frame_error_rate=_mean("frame_error_rate", ours),
            frames=None if frames is None else round(frames * n_runs),
            peer_f=_mean("f", peers),
            peer_frame_error_rate=_mean("frame_error_rate", peers),
        )


def _mean(name: str, runs: Sequence[Figures]) -> float | None:
    return fmean(run[name] for run in runs) if runs and name in runs[0] else None
