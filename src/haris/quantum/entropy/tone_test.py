"""A tone among samples: periodograms of stretches of a stream against the spectrum that the source should have."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from haris.nouns.raw_samples import Codes
from haris.quantum.entropy.source import SampleStatistics

STRETCH = 4096


class ToneTest:
    """Takes a stretch of 4096 samples at every multiple of `spacing` and compares each line of its periodogram.

    Over its expectation, a line of a Gaussian process is exponential of mean 1, and of bounded independent samples
    nearly so; the expectation is exact for the stated autocorrelation. The largest of the 2047 lines between zero and
    half the clock may exceed `most` with probability false_alarm.
    Source: Brockwell and Davis, Time Series: Theory and Methods (1991), Theorem 10.3.2, with a union over lines.
    """

    def __init__(self, statistics: SampleStatistics, spacing: int, false_alarm: float) -> None:
        self.spacing = spacing
        self.most = math.log((STRETCH // 2 - 1) / false_alarm)
        lags = np.arange(1, min(len(statistics.autocorrelation), STRETCH - 1) + 1)
        weights = (1.0 - lags / STRETCH) * np.array(statistics.autocorrelation[: len(lags)])
        both = np.zeros(STRETCH)
        both[0] = 1.0
        both[lags] += weights
        both[-lags] += weights
        expected = STRETCH * statistics.variance * np.fft.rfft(both).real[1:-1]
        self._mean, self._scale = np.float32(statistics.mean), (1.0 / np.maximum(expected, 1e-300)).astype(np.float32)
        self._tail: NDArray[np.unsignedinteger] = np.empty(0, np.uint16)
        self._next = 0

    def feed(self, codes: Codes, start: int) -> tuple[int, int, float] | None:
        """The first stretch that fails: its last sample's number, its line (of 4096), and that over its expectation.

        start: the number of the first of these codes in the stream.
        """
        first = start - len(self._tail)
        end, starts = start + len(codes), []
        while self._next + STRETCH <= end:
            starts.append(self._next)
            self._next += self.spacing
        found = None
        if starts:
            stretches = np.empty((len(starts), STRETCH), np.float32)
            for row, at in zip(stretches, starts, strict=True):
                head = self._tail[at - first :] if at < start else self._tail[:0]
                row[: len(head)] = head
                row[len(head) :] = codes[max(0, at - start) : at + STRETCH - start]
            stretches -= self._mean
            lines = rfft(stretches, axis=1)[:, 1:-1]
            power = (lines.real**2 + lines.imag**2) * self._scale
            worst = power.max(axis=1)
            failed = np.flatnonzero(worst > self.most)
            if len(failed):
                at = int(failed[0])
                found = starts[at] + STRETCH - 1, 1 + int(power[at].argmax()), float(worst[at])
        kept = np.concatenate([self._tail, codes[-(STRETCH - 1) :]])[-(STRETCH - 1) :]
        self._tail = kept
        return found
