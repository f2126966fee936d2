"""How far apart two clocks are, found from nothing but when their sites' detectors clicked.

Photons of a pair are detected together, so that the offset of the clocks is a peak in the cross-correlation of both
sites' time tags (Ho, Lamas-Linares, Kurtsiefer, New J. Phys. 11, 045011 (2009)). The search goes from coarse to fine:

1. A piece of Alice's recording is correlated with Bob's in coarse bins by a Fourier transform. It is so short that the
   clocks' frequency error moves the peak by no more than a bin.
2. Around the peak, each pair of tags is a point (time, difference). True pairs lie on a line whose slope is the
   frequency error: it is the line with most points in its bin, again from coarse to fine (a Radon transform).
3. Least squares give the line, with standard errors, and the spread about it: the jitter.

The peak and then the line must stand so far above chance coincidences that no recordings without pairs would show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, log2, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError

Times = NDArray[np.int64]
Floats = NDArray[np.float64]

FALSE_ALARM = 1e-12
"""Greatest probability of a peak like the one found, anywhere in the range, where nothing is correlated."""
MOST_BINS = 1 << 24
LEAST_COARSE_PS = 1 << 20
MOST_PIECE_PS = 10**12
MOST_PIECE_TAGS = 1 << 20
PIECES = (0.5, 0.25, 0.75)
"""Where in the common time a peak is looked for, one after the other."""
FINE_PS = (1 << 16, 1 << 13, 1 << 10)
LEAST_PAIRS = 16
_AROUND = 512
LEAST_REACH_PS = 100.0
STEPS = 6
_KEPT_BINS = 16.0


@dataclass(frozen=True, slots=True)
class SearchRange:
    """What is known of two clocks beforehand.

    offset_ps: Bob's clock less Alice's, about. reach_ps: how far from it the offset may be. frequency_error: the
    greatest relative difference of their frequencies.
    Raises ParameterError on a reach or an error that is not positive.
    """

    offset_ps: int
    reach_ps: int = 8 * 10**12
    frequency_error: float = 1e-6

    def __post_init__(self) -> None:
        require_positive("reach_ps", self.reach_ps)
        require_positive("frequency_error", self.frequency_error)


@dataclass(frozen=True, slots=True)
class ClockFit:
    """Two clocks as a short piece of the recordings shows them: Bob's time less Alice's at her time_ps, and its slope.

    The offset is offset_ps + residual_ps (whole picoseconds, and what the fit adds). Standard errors hold for a
    frequency that is constant meanwhile. jitter_ps: standard deviation of one pair. pairs_hz: coincidences a second of
    Alice's time. false_alarm_bits: -log2 of the probability of such a peak where nothing is correlated, at least.
    """

    time_ps: int
    offset_ps: int
    residual_ps: float
    offset_sigma_ps: float
    frequency_error: float
    frequency_sigma: float
    jitter_ps: float
    pairs_hz: float
    false_alarm_bits: float


def find_clock(alice: Times, bob: Times, within: SearchRange) -> ClockFit:
    """The clocks' offset and frequency error in the middle of the recordings, or a quarter before or behind it.

    alice, bob: time tags of all detectors, int64, ascending. Nothing of what was detected is asked.
    Raises ParameterError where no offset of the range stands out: it is never guessed.
    """
    if not len(alice) or not len(bob):
        raise ParameterError(f"no correlation: {len(alice)} time tags at Alice, {len(bob)} at Bob")
    start = max(int(alice[0]), int(bob[0]) - within.offset_ps - within.reach_ps)
    end = min(int(alice[-1]), int(bob[-1]) - within.offset_ps + within.reach_ps)
    best = 0.0
    for place in PIECES:
        piece = _piece(alice, start, end, place, within)
        coarse, bits = _coarse_offset(piece, bob, within)
        best = max(best, bits)
        if bits >= -log2(FALSE_ALARM / len(PIECES)):
            return _fine(piece, bob, coarse, _coarse_ps(within), within, bits)
    chance = min(1.0, 2.0**-best)
    raise ParameterError(
        f"no correlation between the recordings within {within.reach_ps / 1e12:g} s of an offset of "
        f"{within.offset_ps / 1e12:.6f} s: the highest peak comes by chance with probability up to {chance:.2g}"
    )


def differences(predicted: Times, bob: Times, half_ps: int) -> tuple[NDArray[np.intp], Times]:
    """Every tag of Bob's within half_ps of a predicted time: which prediction, and by how much it is later."""
    first = np.searchsorted(bob, predicted - half_ps)
    n = np.searchsorted(bob, predicted + half_ps, side="right") - first
    which = np.repeat(np.arange(len(predicted)), n)
    of = np.arange(len(which)) + np.repeat(first - (np.cumsum(n) - n), n)
    return which, bob[of] - predicted[which]


def _coarse_ps(within: SearchRange) -> int:
    return max(LEAST_COARSE_PS, 1 << ceil(log2((2 * within.reach_ps + MOST_PIECE_PS) / MOST_BINS)))


def _piece(alice: Times, start: int, end: int, place: float, within: SearchRange) -> Times:
    """Alice's tags around a place of the common time, for as long as the peak stays in a coarse bin."""
    length = min(end - start, MOST_PIECE_PS, int(_coarse_ps(within) / within.frequency_error))
    at = start + int((end - start - length) * place)
    first, behind = np.searchsorted(alice, [at, at + length])
    return alice[first : min(behind, first + MOST_PIECE_TAGS)]


def _coarse_offset(piece: Times, bob: Times, within: SearchRange) -> tuple[int, float]:
    """Offset of the highest coarse bin, at its middle, and -log2 of the probability of such a peak by chance."""
    if not len(piece):
        return within.offset_ps, 0.0
    width = _coarse_ps(within)
    n_offsets = 2 * within.reach_ps // width + 1
    origin, lowest = int(piece[0]), within.offset_ps - within.reach_ps
    n_bins = 1 << ceil(log2(n_offsets + (int(piece[-1]) - origin) / width + 2))  # nothing comes round into the range
    ends = origin + lowest, int(piece[-1]) + within.offset_ps + within.reach_ps
    near = bob[slice(*np.searchsorted(bob, ends))]
    ours, theirs = (
        np.bincount(times // width, minlength=n_bins).astype(np.float32)
        for times in (piece - origin, near - origin - lowest)
    )
    spectrum = fft.rfft(theirs)
    spectrum *= np.conj(fft.rfft(ours))
    correlation = fft.irfft(spectrum, n_bins)[:n_offsets]
    peak = int(np.argmax(correlation))
    around = correlation[max(peak - _AROUND, 0) : peak + _AROUND + 1]
    beside = np.delete(around, slice(max(min(peak, _AROUND) - 4, 0), min(peak, _AROUND) + 5))
    rate = len(piece) * len(near) * width / max(int(near[-1] - near[0]), 1) if len(near) else 0.0
    by_chance = max(float(beside.mean()) if len(beside) else 0.0, rate)
    return lowest + peak * width + width // 2, _false_alarm_bits(float(correlation[peak]), by_chance, n_offsets)


def _false_alarm_bits(count: float, by_chance: float, n_bins: float) -> float:
    """-log2 of a bound on the probability that any of n_bins reaches count: Chernoff's for Poisson counts."""
    if count <= by_chance:
        return 0.0
    exponent = count * log(count / by_chance) - count + by_chance if by_chance > 0.0 else count
    return max(0.0, exponent / log(2.0) - log2(n_bins))


def _fine(piece: Times, bob: Times, coarse: int, width: int, within: SearchRange, bits: float) -> ClockFit:
    which, late = differences(piece + coarse, bob, 2 * width)
    time_ps = int(piece[0] + piece[-1]) // 2
    at, late_ps = (piece[which] - time_ps).astype(np.float64), late.astype(np.float64)
    span = max(float(piece[-1] - piece[0]), 1.0)
    slope, level, reach = 0.0, 0.0, within.frequency_error
    for bin_ps in FINE_PS:
        slope, level = _best_line(at, late_ps, slope, reach, bin_ps, span)
        near = np.abs(late_ps - level - slope * at) < _KEPT_BINS * bin_ps
        at, late_ps = at[near], late_ps[near]
        reach = _KEPT_BINS * bin_ps / span
    line = _least_squares(at, late_ps, level, slope)
    n_lines = 4.0 * width / FINE_PS[-1] * (2.0 * within.frequency_error * span / FINE_PS[-1] + 1.0)
    bits = min(bits, _false_alarm_bits(line.n, line.by_chance, n_lines))
    if bits < -log2(FALSE_ALARM):
        raise ParameterError(f"no correlation: the {line.n} points about the best line may be there by chance")
    spread = float(np.std(at))
    pairs = line.n - line.by_chance
    sigma_ps = line.scatter_ps * sqrt(line.n) / pairs
    return ClockFit(
        time_ps=time_ps,
        offset_ps=coarse,
        residual_ps=line.level,
        offset_sigma_ps=sigma_ps,
        frequency_error=line.slope,
        frequency_sigma=sigma_ps / spread if spread else within.frequency_error,
        jitter_ps=line.jitter_ps,
        pairs_hz=pairs / span * 1e12,
        false_alarm_bits=bits,
    )


def _best_line(at: Floats, late: Floats, about: float, reach: float, bin_ps: int, span: float) -> tuple[float, float]:
    """Slope, within reach of about, and level of the line with most points in two neighbouring bins."""
    n_slopes = max(1, ceil(reach * span / bin_ps))
    best = 0.0, about, 0.0
    for slope in about + np.arange(-n_slopes, n_slopes + 1) * (reach / n_slopes):
        bins = np.floor((late - slope * at) / bin_ps).astype(np.int64)
        lowest = int(bins.min(initial=0))
        counts = np.bincount(bins - lowest, minlength=2)
        both = counts[:-1] + counts[1:]
        top = int(np.argmax(both))
        best = max(best, (float(both[top]), float(slope), (lowest + top + 1.0) * bin_ps))
    return best[1], best[2]


@dataclass(frozen=True, slots=True)
class _Line:
    """n points about a line, by_chance of them no pairs: their scatter, and the jitter of the pairs alone."""

    level: float
    slope: float
    n: int
    by_chance: float
    scatter_ps: float
    jitter_ps: float


def _least_squares(at: Floats, late: Floats, level: float, slope: float) -> _Line:
    """The line through the points near the given one; what is near shrinks to five times the jitter."""
    outer = _KEPT_BINS * FINE_PS[-1]
    reach = outer / 2.0
    for _ in range(STEPS):
        rest = late - level - slope * at
        inside = np.abs(rest) < reach
        x, y = at[inside], rest[inside]
        if len(y) < LEAST_PAIRS:
            return _Line(level, slope, len(y), float(len(y)), reach, reach)
        x_mean, y_mean = float(x.mean()), float(y.mean())
        variance = float(((x - x_mean) ** 2).sum())
        turn = float(((x - x_mean) * (y - y_mean)).sum()) / variance if variance else 0.0
        slope += turn
        level += y_mean - turn * x_mean
        size = np.abs(late - level - slope * at)
        ground = float(((size >= outer / 2.0) & (size < outer)).sum()) / outer  # a picosecond
        by_chance, squares = ground * 2.0 * reach, float((size[size < reach] ** 2).sum())
        pairs = max(len(y) - by_chance, 1.0)
        jitter = sqrt(max(squares - by_chance * reach**2 / 3.0, 0.0) / pairs)
        line = _Line(level, slope, len(y), max(by_chance, 1.0), sqrt(squares / len(y)), jitter)
        reach = min(max(5.0 * jitter, LEAST_REACH_PS), outer / 2.0)
    return line
