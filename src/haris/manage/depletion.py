"""When a pool will be dry: from its level and from what came and went lately, with the uncertainty of both rates."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from haris.nouns.errors import ParameterError
from haris.nouns.times import NS_PER_S

TWO_SIGMA = 2.0
"""Half the width of what is told, in standard errors: 95 % where the steps are many and independent."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Keys per second, with the standard error of its mean (infinite from fewer than three steps)."""

    per_s: float
    error_per_s: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds until a pool is dry. expected: at the measured rate; None: it does not shrink.

    earliest, latest: at the ends of the rate's uncertainty; None: never.
    """

    expected_s: float | None
    earliest_s: float | None
    latest_s: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a pool from one look at it to the next. seconds > 0."""

    seconds: float
    n_in: float
    n_out: float


@dataclass(slots=True)
class Meter:
    """The newest steps of a pool, over at most window_s. Tell it the running totals of what came and went."""

    window_s: float = 300.0
    _steps: deque[Step] = field(default_factory=deque)
    _last: tuple[int, float, float] | None = None

    def look(self, now_ns: int, total_in: float, total_out: float) -> None:
        """The totals now. A clock that did not advance, or totals that fell (a restart), begin anew."""
        last, self._last = self._last, (now_ns, total_in, total_out)
        if last is None:
            return
        step = Step((now_ns - last[0]) / NS_PER_S, total_in - last[1], total_out - last[2])
        if step.seconds <= 0 or step.n_in < 0 or step.n_out < 0:
            self._steps.clear()
            return
        self._steps.append(step)
        while sum(each.seconds for each in self._steps) > self.window_s and len(self._steps) > 1:
            self._steps.popleft()

    def steps(self) -> tuple[Step, ...]:
        """What is remembered, oldest first."""
        return tuple(self._steps)


def rate(steps: tuple[Step, ...], weigh_in: float = 1.0, weigh_out: float = -1.0) -> Rate:
    """Mean of weigh_in * n_in + weigh_out * n_out per second; by default the net rate, negative when the pool shrinks.

    The error is that of a mean of independent steps of unequal length: residuals are weighed by length
    (Cochran, Sampling Techniques, 3rd ed., Wiley 1977, chapter 6: the variance of a ratio estimate).
    """
    whole_s = sum(step.seconds for step in steps)
    if not steps or whole_s <= 0:
        return Rate(0.0, math.inf)
    gains = [weigh_in * step.n_in + weigh_out * step.n_out for step in steps]
    mean, n = sum(gains) / whole_s, len(steps)
    if n < 3:
        return Rate(mean, math.inf)
    residuals = sum((gain - mean * step.seconds) ** 2 for gain, step in zip(gains, steps, strict=True))
    return Rate(mean, math.sqrt(residuals * n / (n - 1)) / whole_s)


def forecast(level: float, net: Rate) -> Forecast:
    """When a pool of `level` keys is dry at this net rate. ParameterError for a negative level."""
    if level < 0:
        raise ParameterError(f"level is at least 0, got {level:g}")
    spread = TWO_SIGMA * net.error_per_s
    if not math.isfinite(spread):
        return Forecast(_until(level, net.per_s), _until(level, net.per_s), None)
    slowest, fastest = net.per_s + spread, net.per_s - spread
    return Forecast(_until(level, net.per_s), _until(level, fastest), _until(level, slowest))


def _until(level: float, per_s: float) -> float | None:
    if level == 0:
        return 0.0 if per_s <= 0 else None
    return level / -per_s if per_s < 0 else None
