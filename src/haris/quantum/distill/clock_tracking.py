"""How two clocks drift apart as a recording goes on: a servo on the mean of the coincidence window."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from haris.quantum.distill.clock_search import ClockFit, Times, differences

PAIRS_A_STEP = 200
LEAST_STEP_PS = 10**10
MOST_STEP_PS = 10**12
MOST_MISSES = 20
"""Steps in a row without pairs after which the clocks count as lost."""
OFFSET_GAIN = 0.5
FREQUENCY_GAIN = OFFSET_GAIN**2 / (2.0 - OFFSET_GAIN)
"""Of an alpha-beta filter that follows a clock of slowly drifting frequency (Benedict, Bordner 1962)."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Bob's clock against Alice's over the time that was tracked, in straight pieces.

    offset_ps: Bob's time less Alice's, whole picoseconds. time_ps: her times of the corners, int64, ascending; between
    the first and the last the clock is known. residual_ps: what the offset is besides offset_ps at each.
    """

    offset_ps: int
    time_ps: Times
    residual_ps: NDArray[np.float64]

    def at_bob(self, time_ps: Times) -> Times:
        """Bob's time at Alice's times, within the tracked time."""
        since = (time_ps - self.time_ps[0]).astype(np.float64)
        corners = (self.time_ps - self.time_ps[0]).astype(np.float64)
        residual = np.rint(np.interp(since, corners, self.residual_ps)).astype(np.int64)
        return np.asarray(time_ps + self.offset_ps + residual)

    def knows(self, time_ps: Times) -> NDArray[np.bool_]:
        """Which of Alice's times lie within the tracked time."""
        return np.asarray((time_ps >= self.time_ps[0]) & (time_ps < self.time_ps[-1]))

    @property
    def span_ps(self) -> int:
        """Of Alice's time that was tracked."""
        return int(self.time_ps[-1] - self.time_ps[0])

    @property
    def frequency_error(self) -> float:
        """Relative frequency of Bob's clock above Alice's, on average."""
        return float(self.residual_ps[-1] - self.residual_ps[0]) / self.span_ps

    @property
    def frequency_drift_per_s(self) -> float:
        """By how much the frequency error grows a second, on average."""
        seconds = (self.time_ps - self.time_ps[0]) / 1e12
        if len(seconds) < 3:
            return 0.0
        bend = np.polynomial.Polynomial.fit(seconds, self.residual_ps / 1e12, 2).convert().coef
        return float(2.0 * bend[2]) if len(bend) > 2 else 0.0


def track(alice: Times, bob: Times, found: ClockFit, window_ps: int) -> Clock:
    """Follow the clocks from where they were found to both ends of the recordings, or to where their pairs end.

    alice, bob: time tags, int64, ascending. window_ps: of coincidence; pairs of up to its width on either side steer.
    """
    at = found.time_ps, found.residual_ps, found.frequency_error
    step_ps = int(min(max(PAIRS_A_STEP / found.pairs_hz * 1e12, LEAST_STEP_PS), MOST_STEP_PS))
    later = _follow(alice, bob - found.offset_ps, at, step_ps, window_ps)
    # Backwards in time the same: both clocks run from behind, and the offset changes its sign.
    turned = -found.time_ps, -found.residual_ps, found.frequency_error
    earlier = _follow(-alice[::-1], -(bob[::-1] - found.offset_ps), turned, step_ps, window_ps)
    time_ps = [-t for t, _ in earlier[:0:-1]] + [t for t, _ in later]
    residual_ps = [-r for _, r in earlier[:0:-1]] + [r for _, r in later]
    return Clock(found.offset_ps, np.array(time_ps, np.int64), np.array(residual_ps))


def _follow(
    alice: Times, bob: Times, found: tuple[int, float, float], step_ps: int, window_ps: int
) -> list[tuple[int, float]]:
    """Corners (time, residual) from the time of the fit on; the last one is where pairs were last seen."""
    time_ps, residual, slope = found
    corners, misses, last_seen = [(time_ps, residual)], 0, 0
    end = int(alice[-1])
    while time_ps < end and misses < MOST_MISSES:
        first, behind = np.searchsorted(alice, [time_ps, time_ps + step_ps])
        ours = alice[first:behind]
        predicted = ours + np.rint(residual + slope * (ours - time_ps)).astype(np.int64)
        _, late = differences(predicted, bob, window_ps)
        residual += slope * step_ps
        if _stands_out(late, window_ps):
            mean = float(late.mean())
            residual += OFFSET_GAIN * mean
            slope += FREQUENCY_GAIN * mean / step_ps
            misses, last_seen = 0, len(corners)
        else:
            misses += 1
        time_ps += step_ps
        corners.append((time_ps, residual))
    return corners[: last_seen + 1]


def _stands_out(late: Times, window_ps: int) -> bool:
    """Whether more tags lie in the inner half of the capture range than chance puts there, by five sigma."""
    inner = int((np.abs(late) <= window_ps // 2).sum())
    outer = len(late) - inner
    return inner > outer + 5.0 * sqrt(outer + 1.0)
