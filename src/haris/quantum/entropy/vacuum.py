"""Vacuum fluctuations: homodyne detection of the empty port of a beam splitter, and a real converter behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, ndtr

from haris.nouns.checks import require_not_negative, require_positive, require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.raw_samples import Codes, RawSamples, code_type
from haris.quantum.entropy.calibration import innovation, spectrum_bounds
from haris.quantum.entropy.converter import Converter, reach_sigma, require_bits, require_clock, require_volts
from haris.quantum.entropy.correlation import LEAST_POWER, WHITE, Correlation, low_pass, measured
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.source import Emission, SampleStatistics, Source
from haris.quantum.security.key_length import term

HAW = "Haw et al., PR Applied 3, 054004 (2015)"
PROOF = Proof(
    theorem="chain rule of min-entropy over samples; each by Haw et al., PR Applied 3, 054004 (2015), at worst, with "
    "the variance that is left when all earlier samples are known (Kolmogorov, Szego)",
    attacks="classical side information: all noise but the vacuum's, and all earlier samples, known exactly",
    finite=True,
    assumptions=(
        "the signal port is empty: the vacuum is pure, so that nobody is correlated with it",
        "the detector is trusted, and linear until the converter",
        "noise is Gaussian and stationary; what is not the vacuum's is known to the adversary, and not made by him",
        "what the local oscillator adds has the spectrum of the signal less that of the dark noise",
        "signal_rms_v, dark_rms_v, offset_v and autocorrelation are of as many samples as calibration_samples says",
        "samples correlate as bandwidth_hz or autocorrelation says, and not at all where neither is stated; those of "
        "the dark noise do as dark_autocorrelation says, and as the signal's where it is left away; excess_share and "
        "dnl_lsb are at least the device's",
    ),
)
LEAST_BANDWIDTH = 0.01
"""Of the clock."""
_CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class VacuumFluctuations:
    """Parameters of a vacuum noise source: its converter, and how it was calibrated.

    adc_bits: of a sample, 1 to 16. range_v: the converter takes voltages from -range_v to range_v. clock_hz: samples
    a second. signal_rms_v: standard deviation with the local oscillator on, of the voltage before it is clipped.
    dark_rms_v: with it off. offset_v: mean.
    calibration_samples: how many samples each of these is from.
    excess_share: share of what the local oscillator adds to the variance that is not the vacuum's, such as its own
    intensity noise that is left by the balance.
    bandwidth_hz: of a first-order low pass, at the least; None: samples do not correlate.
    autocorrelation: of the signal, measured, normalised, at lags 1, 2, ..., 0 beyond; in place of bandwidth_hz.
    dark_autocorrelation: the same with the local oscillator off; as the signal's where it is left away.
    dnl_lsb: differential nonlinearity: by how much of a step the converter's widest code exceeds it.
    Raises ParameterError where dark noise is no less than the signal, or half of the samples are clipped.
    """

    adc_bits: int
    range_v: float
    clock_hz: float
    signal_rms_v: float
    dark_rms_v: float
    calibration_samples: int
    offset_v: float = 0.0
    excess_share: float = 0.0
    bandwidth_hz: float | None = None
    autocorrelation: tuple[float, ...] = ()
    dark_autocorrelation: tuple[float, ...] = ()
    dnl_lsb: float = 0.0

    def __post_init__(self) -> None:
        require_bits("adc_bits", self.adc_bits)
        for name in ("range_v", "signal_rms_v"):
            require_volts(name, getattr(self, name))
        require_clock("clock_hz", self.clock_hz)
        require_positive("calibration_samples", self.calibration_samples)
        require_not_negative("dark_rms_v", self.dark_rms_v)
        require_probability("excess_share", self.excess_share)
        if self.dark_rms_v >= self.signal_rms_v:
            raise ParameterError(
                f"dark_rms_v must be below signal_rms_v = {self.signal_rms_v}: electronic noise above the signal "
                f"leaves nothing quantum; got {self.dark_rms_v}"
            )
        if not abs(self.offset_v) < self.range_v:
            raise ParameterError(f"offset_v must lie within range_v = {self.range_v}, got {self.offset_v}")
        if self.bandwidth_hz is not None:
            if self.autocorrelation:
                raise ParameterError("autocorrelation and bandwidth_hz say the same: state one of them")
            require_positive("bandwidth_hz", self.bandwidth_hz)
            if self.bandwidth_hz < LEAST_BANDWIDTH * self.clock_hz:
                raise ParameterError(
                    f"bandwidth_hz must be at least {LEAST_BANDWIDTH:g} of clock_hz: samples are copies of their "
                    f"neighbours; got {self.bandwidth_hz}"
                )
        self._require_spectrum()
        ends = self.converter.thresholds_v()[[0, -1]]
        clipped = ndtr((ends[0] - self.offset_v) / self.signal_rms_v) + ndtr(
            (self.offset_v - ends[1]) / self.signal_rms_v
        )
        if self.adc_bits > 1 and clipped >= 0.5:
            raise ParameterError(
                f"range_v must be wide enough for the signal: {clipped:.0%} of the samples would be clipped; "
                f"got {self.range_v} for an rms of {self.signal_rms_v}"
            )

    def _require_spectrum(self) -> None:
        correlation(self)
        if self.dark_autocorrelation:
            if not self.autocorrelation:
                raise ParameterError("dark_autocorrelation needs the signal's autocorrelation beside it")
            signal = self.signal_rms_v**2 * correlation(self).spectrum()
            if np.any(self.dark_rms_v**2 * dark_correlation(self).spectrum() >= signal):
                raise ParameterError(
                    "dark_autocorrelation must leave the dark noise's spectrum below the signal's at every frequency"
                )

    @property
    def bits(self) -> int:
        """Of a raw sample."""
        return self.adc_bits

    @property
    def converter(self) -> Converter:
        """What digitises."""
        return Converter(self.adc_bits, self.range_v, self.dnl_lsb)

    @property
    def clearance_db(self) -> float:
        """Variance of the vacuum over all other noise, in dB (Haw's QCNR); infinite where there is none."""
        quantum = (self.signal_rms_v**2 - self.dark_rms_v**2) * (1.0 - self.excess_share)
        rest = self.signal_rms_v**2 - quantum
        return 10.0 * math.log10(quantum / rest) if rest > 0.0 < quantum else math.copysign(math.inf, quantum - rest)


def correlation(parameters: VacuumFluctuations) -> Correlation:
    """How samples correlate. Raises ParameterError where no noise has that autocorrelation."""
    if parameters.bandwidth_hz is not None:
        return low_pass(parameters.bandwidth_hz, parameters.clock_hz)
    return measured(parameters.autocorrelation) if parameters.autocorrelation else WHITE


def dark_correlation(parameters: VacuumFluctuations) -> Correlation:
    """How samples correlate with the local oscillator off."""
    lags = parameters.dark_autocorrelation
    return measured(lags, "dark_autocorrelation") if lags else correlation(parameters)


def vacuum_spectrum_v2(parameters: VacuumFluctuations) -> NDArray[np.float64]:
    """The vacuum's own spectrum, as calibrated: what the local oscillator adds, less its excess."""
    signal = parameters.signal_rms_v**2 * correlation(parameters).spectrum()
    dark = parameters.dark_rms_v**2 * dark_correlation(parameters).spectrum()
    return np.asarray((signal - dark) * (1.0 - parameters.excess_share))


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What calibration lets one say, except with its epsilon.

    new_least_v2, new_most_v2: variance of the vacuum's part of a sample when all earlier ones are known.
    total_most_v2: of the whole signal. offset_error_v: of the mean.
    """

    new_least_v2: float
    new_most_v2: float
    total_most_v2: float
    offset_error_v: float


def calibrated(parameters: VacuumFluctuations, epsilon: float) -> Calibrated:
    """Bounds on what was calibrated that fail, all together, with probability at most epsilon.

    A converter adds a twelfth of its step's square to the signal, and may lose 0.03 of it of dark noise that stays
    within a code: an eighth is taken off the vacuum's.
    """
    n_lags = len(parameters.autocorrelation), len(parameters.dark_autocorrelation)
    x = math.log((6.0 + 4.0 * sum(n_lags)) / epsilon) / parameters.calibration_samples
    signal = spectrum_bounds(parameters.signal_rms_v, correlation(parameters), n_lags[0], x)
    dark = spectrum_bounds(parameters.dark_rms_v, dark_correlation(parameters), n_lags[1], x)
    if signal is None or dark is None:
        return Calibrated(0.0, math.inf, math.inf, math.inf)
    unresolved = (parameters.converter.step_v * (1.0 + parameters.dnl_lsb)) ** 2 / 8.0
    quantum = 1.0 - parameters.excess_share
    least = (signal.least_v2 - dark.most_v2 - unresolved) * quantum
    most = (signal.most_v2 - np.maximum(dark.least_v2, 0.0)) * quantum
    offset_error_v = math.sqrt(2.0 * signal.total_most_v2 * signal.peak * x)
    return Calibrated(innovation(least, LEAST_POWER), innovation(most, 0.0), signal.total_most_v2, offset_error_v)


def randomness(parameters: VacuumFluctuations, n_samples: int, epsilon: float, checks: None = None) -> Randomness:
    """Smooth min-entropy of n_samples of vacuum noise, worst case.

    The adversary knows of each sample everything but the part of the vacuum that earlier samples do not tell. What he
    knows lies within k standard deviations of its own, except with half of epsilon in the whole block; the other half
    is that of the calibration.
    """
    converter = parameters.converter
    bound = calibrated(parameters, epsilon / 2.0)
    k_sigma = reach_sigma(n_samples, epsilon / 2.0)
    known_v = math.sqrt(max(0.0, bound.total_most_v2 - bound.new_least_v2))
    reach_v = k_sigma * known_v + bound.offset_error_v
    guess, best = 1.0, []
    if bound.new_least_v2 > 0.0:
        guess = converter.worst_guess(
            math.sqrt(bound.new_least_v2),
            math.sqrt(bound.new_most_v2),
            parameters.offset_v - reach_v,
            parameters.offset_v + reach_v,
        )
        if parameters.adc_bits > 1:
            best_v = optimal_range_v(parameters.adc_bits, math.sqrt(bound.new_least_v2), reach_v, parameters.offset_v)
            best.append(term("best range", best_v, "V", "range_v with the most bits of a sample", HAW))
    bits = min(float(parameters.adc_bits), max(0.0, -math.log2(guess)))
    terms = (
        term("clearance", parameters.clearance_db, "dB", "vacuum over all other noise", HAW),
        term("innovation", new_share(parameters), "", "share of a sample that earlier ones do not tell", "Kolmogorov"),
        term("least innovation", math.sqrt(bound.new_least_v2), "V", "its standard deviation after calibration", ""),
        term("known part", known_v, "V", "standard deviation of what the adversary knows", "Laurent and Massart 2000"),
        term("reach", k_sigma, "sigma", "what he knows stays within so many, all the block", "Gaussian tail"),
        term("epsilon of the reach", epsilon / 2.0, "", "probability that a sample lies beyond", "union over samples"),
        term("epsilon of the calibration", epsilon / 2.0, "", "that a calibrated value is outside its bounds", ""),
        term("guessing probability", guess, "", "of a sample, at worst", HAW),
        term(
            "average-case bits",
            average_bits(parameters),
            "bits",
            "of uncorrelated samples, if calibration is exact",
            HAW,
        ),
        *best,
        term("bits a sample", bits, "bits", "min-entropy, at worst", HAW),
    )
    return Randomness(n_samples, n_samples * bits, epsilon, terms, PROOF)


def new_share(parameters: VacuumFluctuations) -> float:
    """Share of the vacuum's variance that earlier samples do not tell, as calibrated."""
    vacuum_v2 = vacuum_spectrum_v2(parameters)
    mean = float(np.mean(vacuum_v2))
    return innovation(vacuum_v2, LEAST_POWER) / mean if mean > 0.0 else 0.0


def average_bits(parameters: VacuumFluctuations) -> float:
    """Average-case conditional min-entropy of a sample alone, as calibrated. Source: Haw et al. 2015."""
    quantum_v2 = float(np.mean(vacuum_spectrum_v2(parameters)))
    if not quantum_v2 > 0.0:
        return 0.0
    classical_v = math.sqrt(max(0.0, parameters.signal_rms_v**2 - quantum_v2))
    guess = parameters.converter.average_guess(math.sqrt(quantum_v2), parameters.offset_v, classical_v)
    return max(0.0, -math.log2(guess))


def optimal_range_v(bits: int, quantum_rms_v: float, reach_v: float, offset_v: float = 0.0) -> float:
    """The converter's range R at which the worst-case min-entropy is largest: the last code is as likely as the widest.

    bits: at least 2. quantum_rms_v: of what is not known. reach_v: what is known lies within so much of the offset.
    Source: Haw et al. 2015: both terms of the worst-case guessing probability are equal there.
    """
    from scipy.optimize import brentq

    known_v = reach_v + abs(offset_v)

    def excess(range_v: float) -> float:
        step = 2.0 * range_v / 2.0**bits
        last = ndtr((known_v - range_v + 1.5 * step) / quantum_rms_v)
        return float(last - erf(step / (math.sqrt(8.0) * quantum_rms_v)))

    return float(brentq(excess, 1e-9 * quantum_rms_v, 40.0 * quantum_rms_v + 4.0 * known_v, xtol=1e-12 * quantum_rms_v))


def statistics(parameters: VacuumFluctuations) -> SampleStatistics:
    """Of the codes: those of a Gaussian voltage of the calibrated variance, offset and correlation."""
    return parameters.converter.gaussian_statistics(
        parameters.offset_v, parameters.signal_rms_v, correlation(parameters).lags
    )


def emulate(parameters: VacuumFluctuations, n_samples: int, seed: int) -> Emission:
    """Codes of filtered Gaussian noise: the vacuum's and all other, which pass one filter and sum to one Gaussian."""
    rng = np.random.Generator(np.random.SFC64(seed))
    noise, converter = correlation(parameters), parameters.converter
    codes: Codes = np.empty(n_samples, code_type(parameters.adc_bits))  # type: ignore[assignment]
    state: NDArray[np.float32] = noise.start(rng)
    for first in range(0, n_samples, _CHUNK):
        part = codes[first : first + _CHUNK]
        values, state = noise.colour(rng.standard_normal(len(part), np.float32), state)
        part[:] = converter.digitise(values, parameters.signal_rms_v, parameters.offset_v)
    return Emission(RawSamples(codes, parameters.adc_bits, parameters.clock_hz))


VACUUM = Source(
    "vacuum",
    "vacuum fluctuations, homodyne detection; trusted",
    VacuumFluctuations,
    randomness,
    emulate,
    statistics,
    PROOF,
)
