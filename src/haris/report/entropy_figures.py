"""What samples of a noise source look like beside their model, and how tests of bits came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy import dieharder
from haris.quantum.entropy.source import SampleStatistics
from haris.quantum.entropy.sp800_22 import verdict as sp800_22
from haris.report.axes import DATA, GREY, LIMIT, MODEL, legend, one_axes, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 128
N_LAGS = 50
BAND = 1e-3
"""Probability that white samples leave the band of the autocorrelation, over all lags together."""
SEGMENT = 1024


def histogram_figure(samples: RawSamples, model: RawSamples) -> Figure:
    """Share of each code, or of neighbours together, in the samples and in emulated ones."""
    figure, axes = one_axes(2.9)
    per_bar = max(1, (1 << samples.bits) // MOST_BARS)
    edges = np.arange(0, (1 << samples.bits) + 1, per_bar) - 0.5
    shares = [np.histogram(each.values, edges)[0] / len(each) for each in (samples, model)]
    axes.stairs(shares[0], edges, fill=True, color=DATA, alpha=0.55, label="samples")
    axes.stairs(shares[1], edges, color=MODEL, linewidth=1.3, label="model")
    if samples.bits <= 3:
        axes.set_xticks(range(1 << samples.bits))
    axes.set(xlabel="code", ylabel="share" if per_bar == 1 else f"share of {per_bar} codes", xlim=(edges[0], edges[-1]))
    legend(axes)
    return figure


def autocorrelation(values: NDArray[np.float64], n_lags: int) -> NDArray[np.float64]:
    """Normalised autocorrelation at lags 1 to n_lags: shape (n_lags,); 0 of samples that are all equal.

    values: shape (n,), n above n_lags. By the Fourier transform of blocks that overlap by n_lags.
    """
    centred = values - values.mean()
    energy = float(centred @ centred)
    if energy == 0.0:
        return np.zeros(n_lags)
    products = np.zeros(n_lags)
    size = 1 << 16
    for first in range(0, len(centred), size):
        part, longer = centred[first : first + size], centred[first : first + size + n_lags]
        n = 2 * size
        products += irfft(np.conj(rfft(part, n)) * rfft(longer, n), n)[1 : n_lags + 1]
    return products / energy


def autocorrelation_figure(samples: RawSamples, model: SampleStatistics) -> Figure:
    """Normalised autocorrelation beside the model's, with the band in which that of white samples lies."""
    from scipy.stats import norm

    figure, axes = one_axes(2.6)
    lags = np.arange(1, N_LAGS + 1)
    expected = np.zeros(N_LAGS)
    known = np.array(model.autocorrelation[:N_LAGS])
    expected[: len(known)] = known
    band = float(norm.isf(BAND / (2 * N_LAGS)) / np.sqrt(len(samples)))
    axes.axhspan(-band, band, color=GREY, alpha=0.25, linewidth=0, label="white samples")
    axes.vlines(
        lags, 0, autocorrelation(samples.values.astype(np.float64), N_LAGS), color=DATA, linewidth=3, label="samples"
    )
    axes.plot(lags, expected, "o", color=MODEL, markersize=3.5, label="model")
    axes.set(xlabel="lag (samples)", ylabel="autocorrelation", xlim=(0, N_LAGS + 1))
    legend(axes)
    return figure


def spectrum_figure(samples: RawSamples, model: SampleStatistics) -> Figure:
    """Power spectral density beside the model's; white noise of the same variance is 0 dB."""
    from scipy.signal import welch

    figure, axes = one_axes(2.6)
    values = samples.values.astype(np.float64)
    at, power = welch(values, nperseg=min(SEGMENT, len(values)), detrend="constant")
    rho = np.array(model.autocorrelation)
    expected = 1.0 + 2.0 * np.cos(2 * np.pi * np.outer(at, np.arange(1, len(rho) + 1))) @ rho
    scale, unit = (samples.clock_hz / 1e6, "MHz") if samples.clock_hz else (1.0, "of the clock")
    inner = slice(2, -1)  # the last of a one-sided density counts half, and the mean is taken off
    white = max(float(values.var()), 1e-300) * 2
    axes.plot(at[inner] * scale, _decibel(power[inner] / white), color=DATA, linewidth=0.9, label="samples")
    axes.plot(at[inner] * scale, _decibel(expected[inner]), color=MODEL, linewidth=1.3, label="model")
    axes.set(xlabel=f"frequency ({unit})", ylabel="density (dB)", xlim=(0, 0.5 * scale))
    legend(axes)
    return figure


def sp800_22_figure(verdict: sp800_22.Verdict) -> Figure:
    """Share of sequences that pass each of 188 tests, and how even their P-values are, with the family's thresholds."""
    from matplotlib.figure import Figure
    from scipy.stats import binom

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True)
    at = np.arange(1, len(verdict.rows) + 1)
    tested = np.array([max(row.n_tested, 1) for row in verdict.rows])
    failed = np.array([row.n_failed for row in verdict.rows])
    half = verdict.threshold / 2
    most = binom.isf(half, tested, sp800_22.SIGNIFICANCE) + 0.5
    upper.step(at, 1 - most / tested, where="mid", color=LIMIT, linewidth=1, label="threshold of the family")
    upper.axhline(1 - sp800_22.SIGNIFICANCE, color=GREY, linewidth=1)
    upper.plot(at, 1 - failed / tested, ".", color=DATA, markersize=4)
    upper.set(ylabel="share that passes")
    legend(upper)
    even = np.array([np.nan if row.uniformity is None else max(row.uniformity, 1e-12) for row in verdict.rows])
    lower.semilogy(at, even, ".", color=DATA, markersize=4)
    lower.axhline(verdict.threshold, color=LIMIT, linewidth=1)
    lower.set(ylabel="P of uniformity", xlabel="test, in the order of the appendix", xlim=(0, len(at) + 1))
    for axes in (upper, lower):
        plain(axes)
    return figure


def dieharder_figure(verdict: dieharder.Verdict) -> Figure:
    """P-values in order beside those of ideal bits: a line."""
    figure, axes = one_axes(2.8)
    p_values = np.sort([p for result in verdict.results for p in result.p_values])
    ideal = (np.arange(len(p_values)) + 0.5) / max(len(p_values), 1)
    axes.plot([0, 1], [0, 1], color=MODEL, linewidth=1.2, label="ideal bits, on average")
    axes.plot(ideal, p_values, ".", color=DATA, markersize=5, label="P-values")
    axes.set(xlabel="share of the P-values", ylabel="P-value", xlim=(0, 1), ylim=(0, 1))
    legend(axes)
    return figure


def _decibel(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return 10.0 * np.log10(np.maximum(power, 1e-12))
