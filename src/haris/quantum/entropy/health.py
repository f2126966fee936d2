"""On-line health tests of raw samples: those of NIST SP 800-90B, and those that know what the source should give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from haris.kernels.sample_health import SampleHealth
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.health_cutoffs import MOST_FALSE_ALARM, bernstein, proportion_cutoff, repetition_cutoff
from haris.quantum.entropy.source import EntropySource, SampleStatistics
from haris.quantum.entropy.tone_test import STRETCH, ToneTest

State = Literal["starting", "healthy", "failed"]
REPETITION, PROPORTION, COPIED = "repetition count", "adaptive proportion", "copied block"
MEAN, VARIANCE, SATURATION, STUCK, TONE = "mean", "variance", "saturation", "stuck bit", "tone"
TESTS = (REPETITION, PROPORTION, COPIED, MEAN, VARIANCE, SATURATION, STUCK, TONE)
FALSE_ALARMS_PER_HOUR = 1e-3
LEAST_WINDOW, MOST_WINDOW, MOST_SPACING = 2**11, 2**16, 2**20
WINDOW_S = 0.005
_DIGEST = 2.0**-64


@dataclass(frozen=True, slots=True)
class Failure:
    """test: one of TESTS. sample_number: of the stream, from 0, at which it was found. detail: in words."""

    test: str
    sample_number: int
    detail: str


class HealthTests:
    """Tests of one stream of samples from its start, or since the last failure.

    statistics: what good samples are like. min_entropy: of a sample at least, for the tests of SP 800-90B.
    false_alarms_per_hour: of good samples at this clock, all tests together; each test has an equal share.
    Means, variances and saturation are bounded by Bernstein's inequality, with the variance that the autocorrelation
    gives; a sample's kurtosis is taken to be at most a Gaussian's, 3.
    state: `starting` until start_up samples have passed, then `healthy`, after a failure `failed` until restart().
    Raises ParameterError on min_entropy, clock_hz or false_alarms_per_hour that are not above 0.
    """

    def __init__(
        self,
        statistics: SampleStatistics,
        bits: int,
        min_entropy: float,
        clock_hz: float,
        false_alarms_per_hour: float = FALSE_ALARMS_PER_HOUR,
    ) -> None:
        for name, value in (("clock_hz", clock_hz), ("false_alarms_per_hour", false_alarms_per_hour)):
            if not 0.0 < value < math.inf:
                raise ParameterError(f"{name} must be above 0, got {value}")
        self.statistics, self.bits = statistics, bits
        self.proportion_window = 1024 if bits == 1 else 512
        self.window = _power_of_two(WINDOW_S * clock_hz, LEAST_WINDOW, MOST_WINDOW)
        self.tone_spacing = _power_of_two(WINDOW_S * clock_hz, 2 * STRETCH, MOST_SPACING)
        self.start_up = 2 * self.tone_spacing
        an_hour = 3600.0 * clock_hz * len(TESTS) / false_alarms_per_hour
        self._false_alarm = {
            step: min(MOST_FALSE_ALARM, step / an_hour)
            for step in (1, self.proportion_window, self.window, self.tone_spacing)
        }
        alarm = self._false_alarm[self.window]
        self.repetition_cutoff = repetition_cutoff(min_entropy, self._false_alarm[1])
        self.proportion_cutoff = proportion_cutoff(
            min_entropy, self._false_alarm[self.proportion_window], self.proportion_window
        )
        self._set_windows(alarm)
        equal = 2.0 ** (-min_entropy * self.proportion_window)
        self._copies = _DIGEST + equal <= self._false_alarm[self.proportion_window]
        self.restart()

    def _set_windows(self, alarm: float) -> None:
        """What sums over a window may differ from their mean by."""
        statistics, n = self.statistics, self.window
        lags = np.array(statistics.autocorrelation)
        top, middle = 2.0**self.bits - 1.0, 2.0 ** (self.bits - 1)
        linear = max(0.0, 1.0 + 2.0 * float(np.sum((1.0 - np.arange(1, len(lags) + 1) / n).clip(0.0) * lags)))
        squares, extremes = 1.0 + 2.0 * float(np.sum(lags**2)), 1.0 + 2.0 * float(np.sum(np.abs(lags)))
        self._mean_off = statistics.mean - middle
        reach = max(statistics.mean, top - statistics.mean)
        self.most_off_mean = bernstein(n * statistics.variance * linear, reach, alarm) / n
        self.most_off_variance = bernstein(2.0 * n * statistics.variance**2 * squares, reach**2, alarm) / n
        p = statistics.p_saturated
        self.most_saturated = n * p + bernstein(n * p * (1.0 - p) * extremes, 1.0, alarm)
        independent = n // (len(lags) + 1)
        self._toggling = sum(
            1 << bit
            for bit, ones in enumerate(statistics.p_ones or ((statistics.mean,) if self.bits == 1 else ()))
            if ones**independent + (1.0 - ones) ** independent <= alarm / self.bits
        )

    def restart(self) -> None:
        """Begin anew, with the start-up."""
        self.state: State = "starting"
        self.n_samples = 0
        self._kernel = SampleHealth(
            self.bits,
            repetition_cutoff=min(self.repetition_cutoff, 2**62),
            proportion_cutoff=self.proportion_cutoff,
            proportion_window=self.proportion_window,
            window=self.window,
        )
        self._tone = ToneTest(self.statistics, self.tone_spacing, self._false_alarm[self.tone_spacing])

    @property
    def started(self) -> bool:
        """Whether the start-up is passed, and nothing failed since."""
        return self.state == "healthy"

    @property
    def detects_within(self) -> dict[str, int]:
        """For each test how many samples after a fault begins it has seen enough of it.

        A fault must be as large as the test can tell: most_off_mean, most_off_variance and the like. A copy is found
        where it lies a multiple of proportion_window samples after its original, within some 2^14 windows. What is
        found in a chunk is told when the chunk is fed.
        """
        return {
            REPETITION: self.repetition_cutoff,
            PROPORTION: 2 * self.proportion_window,
            COPIED: 2 * self.proportion_window,
            MEAN: 2 * self.window,
            VARIANCE: 2 * self.window,
            SATURATION: 2 * self.window,
            STUCK: 2 * self.window,
            TONE: self.tone_spacing + STRETCH,
        }

    def feed(self, samples: RawSamples) -> tuple[Failure, ...]:
        """What these samples, with those before, fail: a chunk of any length, the longer the faster.

        Raises ParameterError on samples of another number of bits, and after a failure until restart().
        """
        if samples.bits != self.bits:
            raise ParameterError(f"samples must have {self.bits} bits, got {samples.bits}")
        if self.state == "failed":
            raise ParameterError("samples are not tested after a failure: restart first")
        counts, start = self._kernel.count(samples.values), self.n_samples
        found = []
        if counts.repetition is not None:
            words = f"{self.repetition_cutoff} equal samples in a row"
            found.append(Failure(REPETITION, start + counts.repetition, words))
        if counts.proportion is not None:
            words = f"the first of {self.proportion_window} samples came {self.proportion_cutoff} times"
            found.append(Failure(PROPORTION, start + counts.proportion, words))
        if counts.copied is not None and self._copies:
            words = f"{self.proportion_window} samples are those of an earlier window"
            found.append(Failure(COPIED, start + counts.copied, words))
        found += self._windows(counts.rows, start)
        tone = self._tone.feed(samples.values, start)
        if tone is not None:
            words = f"line {tone[1]} of {STRETCH} is {tone[2]:.4g} times its expectation, may be {self._tone.most:.4g}"
            found.append(Failure(TONE, tone[0], words))
        self.n_samples += len(samples)
        if found:
            self.state = "failed"
        elif self.n_samples >= self.start_up:
            self.state = "healthy"
        return tuple(Failure(f.test, f.sample_number, f"{f.test}: {f.detail}") for f in found)

    def _windows(self, rows: NDArray[np.int64], start: int) -> list[Failure]:
        """The first window that fails each test of a window."""
        n, of, off, found = self.window, self.statistics, self._mean_off, dict[str, Failure]()
        for number, (total, squares, lowest, highest, toggled) in enumerate(rows.tolist(), start // n + 1):
            mean = total / n - off
            variance = (squares - 2.0 * off * total) / n + off**2 - of.variance
            saturated, still = lowest + highest, self._toggling & ~toggled
            failures = []  # words are made only where they are needed: they take longer than the tests
            if abs(mean) > self.most_off_mean:
                failures.append((MEAN, f"{mean:.4g}, may be {self.most_off_mean:.4g}, off {of.mean:.6g}"))
            if abs(variance) > self.most_off_variance:
                failures.append(
                    (VARIANCE, f"{variance:.4g}, may be {self.most_off_variance:.4g}, off {of.variance:.6g}")
                )
            if saturated > self.most_saturated:
                failures.append((SATURATION, f"{saturated} samples at the ends, {self.most_saturated:.4g} may be,"))
            if still:
                failures.append((STUCK, f"bits {still:b} never changed"))
            for test, words in failures:
                found.setdefault(test, Failure(test, number * n - 1, f"{words} in {n} samples"))
        return list(found.values())


def _power_of_two(wanted: float, least: int, most: int) -> int:
    """The greatest that is not above, within these."""
    return int(2 ** int(math.log2(min(max(least, wanted), most))))


def health_tests(entropy: EntropySource, false_alarms_per_hour: float = FALSE_ALARMS_PER_HOUR) -> HealthTests:
    """Of a source's samples. A bit's chance of being guessed, not its bound, is what the standard's tests take."""
    statistics, bits = entropy.source.statistics(entropy.parameters), int(entropy.parameters.bits)
    clock_hz = float(entropy.parameters.clock_hz)
    return HealthTests(statistics, bits, sample_min_entropy(entropy), clock_hz, false_alarms_per_hour)


def sample_min_entropy(entropy: EntropySource) -> float:
    """Of a sample when the one before is known, as the model of good samples has it, or at the least the bound."""
    statistics, bits = entropy.source.statistics(entropy.parameters), int(entropy.parameters.bits)
    if bits > 1:
        return max(entropy.randomness().min_entropy_per_sample, 2.0**-10)
    most = max(statistics.mean, 1.0 - statistics.mean)
    near = max(0.0, *(abs(lag) for lag in statistics.autocorrelation[:1]), 0.0)
    return max(-math.log2(min(1.0, most + (1.0 - most) * near)), 2.0**-10)
