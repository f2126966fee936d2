"""The two continuous health tests of NIST SP 800-90B, on chunks of samples that follow each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import Codes, RawSamples

START_UP_SAMPLES = 4096
"""SP 800-90B, 4.3: at least 1024."""


@dataclass(frozen=True, slots=True)
class ContinuousFailure:
    """test: its name in the standard. sample_number: at which it failed, from 0. detail: in words."""

    test: str
    sample_number: int
    detail: str


class ContinuousTests:
    """Repetition count (4.4.1) and adaptive proportion (4.4.2).

    min_entropy: bits a sample. false_alarm: probability with which a good source fails either at one sample or window.
    """

    def __init__(self, min_entropy: float, bits: int, false_alarm: float = 2.0**-60) -> None:
        if not 0.0 < min_entropy <= bits:
            raise ParameterError(f"min_entropy must lie in (0, {bits}], got {min_entropy}")
        if not 2.0**-200 <= false_alarm <= 2.0**-20:
            raise ParameterError(f"false_alarm must lie in [2^-200, 2^-20], got {false_alarm}")
        self.window = 1024 if bits == 1 else 512
        self.longest = 1 + math.ceil(-math.log2(false_alarm) / min_entropy)
        beyond = binom.sf(np.arange(self.window + 1), self.window, 2.0**-min_entropy)
        self.most = 1 + int(np.argmax(beyond <= false_alarm))
        self.n_samples = 0
        self._run, self._last = 0, -1
        self._rest: NDArray[Any] = np.empty(0, np.uint8)

    @property
    def started(self) -> bool:
        """Whether the start-up samples are passed."""
        return self.n_samples >= START_UP_SAMPLES

    def feed(self, samples: RawSamples) -> tuple[ContinuousFailure, ...]:
        """What these samples, with those before, fail."""
        values = samples.values
        found = (*self._repetition(values), *self._proportion(values))
        self.n_samples += len(values)
        return found

    def _repetition(self, values: Codes) -> tuple[ContinuousFailure, ...]:
        if not len(values):
            return ()
        starts = np.flatnonzero(np.diff(values)) + 1
        lengths: NDArray[np.int64] = np.diff(np.concatenate(([0], starts, [len(values)])))
        if int(values[0]) == self._last:
            lengths[0] += self._run
        self._run, self._last = int(lengths[-1]), int(values[-1])
        if lengths.max() < self.longest:
            return ()
        return (
            ContinuousFailure(
                "repetition count",
                self.n_samples,
                f"repetition count: {lengths.max()} equal samples in a row, at most {self.longest - 1} may be",
            ),
        )

    def _proportion(self, values: Codes) -> tuple[ContinuousFailure, ...]:
        joined = np.concatenate((self._rest, values)) if len(self._rest) else values
        n_whole = len(joined) // self.window
        windows = joined[: n_whole * self.window].reshape(n_whole, self.window)
        self._rest = joined[n_whole * self.window :].copy()
        counts = (windows == windows[:, :1]).sum(axis=1)
        if not n_whole or counts.max() < self.most:
            return ()
        return (
            ContinuousFailure(
                "adaptive proportion",
                self.n_samples,
                f"adaptive proportion: {counts.max()} of {self.window} samples are as the first, at most "
                f"{self.most - 1} may be",
            ),
        )
