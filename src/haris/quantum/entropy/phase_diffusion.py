"""Phase diffusion of a laser: spontaneous emission turns its phase, a delayed interferometer shows by how much."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.raw_samples import Codes, RawSamples, code_type
from haris.quantum.entropy.converter import (
    Converter,
    bit_shares,
    reach_sigma,
    require_bits,
    require_clock,
    require_volts,
)
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.source import Emission, SampleStatistics, Source
from haris.quantum.security.key_length import term

PROOF = Proof(
    theorem="chain rule of min-entropy over samples; of each, no phases of one code are likelier than the arc of their "
    "measure about the phase that is expected, and the first or last of the fringe has the longest arc (arcsine law: "
    "Abellan et al., Opt. Express 22, 1645 (2014))",
    attacks="classical side information: all noise, the interferometer's phase and all earlier phases of the laser, "
    "known exactly",
    finite=True,
    assumptions=(
        "spontaneous emission turns the phase by a Gaussian of at least the stated width between samples, "
        "independently (Henry, IEEE J. Quantum Electron. 18, 259 (1982)), and nobody else knows it",
        "detector and converter are trusted, and resolve each sample: nothing is left in them of the one before",
        "the width of the phase is at least, noise_rms_v and intensity_rms at most as stated; amplitude_v and offset_v "
        "are the device's own: a larger fringe, or one moved, has more of the first and last code than is allowed for",
        "classical noise of voltage and amplitude is Gaussian; it is known to the adversary, and not made by him",
    ),
)
LEAST_PHASE_RAD = 0.01
MOST_PHASE_RAD = 1e3
LEAST_OVERLAP, MOST_OVERLAP = 1e-6, 1e4
_LEAST_ANGLES, _ANGLES = 256, 4096
_SURE_SIGMA = 9.0
_HARMONICS = 12
_CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class PhaseDiffusion:
    """Parameters of a laser whose phase is compared with its own some time before, and of the converter behind.

    adc_bits: of a sample, 1 to 16. range_v: the converter takes voltages from -range_v to range_v. clock_hz: samples a
    second. amplitude_v: half of the fringe, from its mean to its maximum.
    noise_rms_v: standard deviation of all voltage that is not the fringe's.
    phase_rms_rad: of a pulsed (gain-switched) laser: standard deviation of the phase that spontaneous emission adds
    from one pulse to the next, a pulse a sample.
    linewidth_hz: of a continuous laser: the Lorentzian linewidth by spontaneous emission alone.
    delay_s: of the interferometer of a continuous laser; of this phase only what the sample before has not seen is new.
    intensity_rms: relative standard deviation of the amplitude. classical_phase_rad: of a sample's phase by all but
    spontaneous emission, for what samples look like; the bound holds for any. offset_v: mean of the fringe.
    bias_rad: phase of the interferometer, for emulated samples; the bound holds for any.
    dnl_lsb: differential nonlinearity: by how much of a step the converter's widest code exceeds it.
    Raises ParameterError where the noise is no less than the fringe, or half of the samples are clipped.
    """

    adc_bits: int
    range_v: float
    clock_hz: float
    amplitude_v: float
    noise_rms_v: float
    phase_rms_rad: float | None = None
    linewidth_hz: float | None = None
    delay_s: float | None = None
    intensity_rms: float = 0.0
    classical_phase_rad: float = 0.0
    offset_v: float = 0.0
    bias_rad: float = math.pi / 2
    dnl_lsb: float = 0.0

    def __post_init__(self) -> None:
        require_bits("adc_bits", self.adc_bits)
        for name in ("range_v", "amplitude_v"):
            require_volts(name, getattr(self, name))
        require_clock("clock_hz", self.clock_hz)
        for name in ("noise_rms_v", "intensity_rms", "classical_phase_rad"):
            require_not_negative(name, getattr(self, name))
        self._require_phase()
        if self.noise_rms_v >= self.amplitude_v / math.sqrt(2.0):
            raise ParameterError(
                f"noise_rms_v must be below the fringe's own {self.amplitude_v / math.sqrt(2.0):.6g}: electronic noise "
                f"above the signal; got {self.noise_rms_v}"
            )
        if self.classical_phase_rad > MOST_PHASE_RAD:
            raise ParameterError(
                f"classical_phase_rad must lie in [0, {MOST_PHASE_RAD:g}], got {self.classical_phase_rad}"
            )
        if self.intensity_rms >= 1.0:
            raise ParameterError(f"intensity_rms must be below 1, got {self.intensity_rms}")
        if not abs(self.offset_v) < self.range_v:
            raise ParameterError(f"offset_v must lie within range_v = {self.range_v}, got {self.offset_v}")
        if not abs(self.bias_rad) <= 100.0:
            raise ParameterError(f"bias_rad must lie in [-100, 100], got {self.bias_rad}")
        clipped = _saturated(self)
        if self.adc_bits > 1 and clipped >= 0.5:
            raise ParameterError(
                f"range_v must be wide enough for the fringe: {clipped:.0%} of the samples would be clipped; "
                f"got {self.range_v} for an amplitude of {self.amplitude_v}"
            )

    def _require_phase(self) -> None:
        if self.phase_rms_rad is not None:
            if self.linewidth_hz is not None or self.delay_s is not None:
                raise ParameterError("phase_rms_rad is of a pulsed laser: leave linewidth_hz and delay_s away")
        else:
            for name in ("linewidth_hz", "delay_s"):
                value = getattr(self, name)
                if value is None:
                    raise ParameterError(f"{name} is needed where there is no phase_rms_rad")
                require_positive(name, value)
        if not LEAST_OVERLAP <= self.overlap <= MOST_OVERLAP:
            raise ParameterError(
                f"delay_s must be {LEAST_OVERLAP:g} to {MOST_OVERLAP:g} samples at clock_hz, got {self.delay_s}"
            )
        name = "linewidth_hz" if self.phase_rms_rad is None else "phase_rms_rad"
        for rms in (self.new_phase_rad, self.phase_rad):
            if not LEAST_PHASE_RAD <= rms <= MOST_PHASE_RAD:
                raise ParameterError(
                    f"{name} must turn the phase by an rms of {LEAST_PHASE_RAD:g} to {MOST_PHASE_RAD:g} rad a sample, "
                    f"got {rms:.3g} rad"
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
    def overlap(self) -> float:
        """Delay of a continuous laser's interferometer in samples; 1 of a pulsed one's."""
        return 1.0 if self.delay_s is None else self.delay_s * self.clock_hz

    @property
    def phase_rad(self) -> float:
        """Standard deviation of the phase of a sample by spontaneous emission: 2 pi linewidth x delay, squared."""
        if self.linewidth_hz is None or self.delay_s is None:
            return self.phase_rms_rad or 0.0
        return math.sqrt(2.0 * math.pi * self.linewidth_hz * self.delay_s)

    @property
    def new_phase_rad(self) -> float:
        """Standard deviation of what earlier samples have not seen of it."""
        return self.phase_rad * math.sqrt(min(1.0, 1.0 / self.overlap))


def arc_probability(half_width_rad: float, phase_rad: float) -> float:
    """Probability that a Gaussian phase of this standard deviation lies within half_width_rad of its mean, mod 2 pi."""
    if half_width_rad >= math.pi:
        return 1.0
    if phase_rad > 2.0:  # Fourier series of the wrapped density: what follows the fifth term is below 1e-30
        decay = [math.exp(-0.5 * (order * phase_rad) ** 2) / order for order in range(1, 6)]
        series = math.fsum(part * math.sin(order * half_width_rad) for order, part in enumerate(decay, 1))
        return half_width_rad / math.pi + 2.0 / math.pi * series
    turns = 2.0 * math.pi * np.arange(-4, 5)
    return float(np.sum(ndtr((turns + half_width_rad) / phase_rad) - ndtr((turns - half_width_rad) / phase_rad)))


def worst_guess(parameters: PhaseDiffusion, k_sigma: float) -> float:
    """Largest probability of a code, whatever the interferometer's phase, the earlier phases, and the noise within k.

    The voltages of one code are a part of the fringe, a share of its amplitude; the arc of the phases there is longest
    at the fringe's top or bottom. A first or last code takes what lies beyond it, with the noise against it.
    """
    converter = parameters.converter
    least = parameters.amplitude_v * (1.0 - k_sigma * parameters.intensity_rms)
    most = parameters.amplitude_v * (1.0 + k_sigma * parameters.intensity_rms)
    if least <= 0.0:
        return 1.0
    first, last = converter.thresholds_v()[[0, -1]]
    reach = k_sigma * parameters.noise_rms_v
    beyond = max(first + reach - parameters.offset_v, parameters.offset_v + reach - last)
    shares = (
        converter.step_v * (1.0 + converter.dnl_lsb) / least,
        1.0 + beyond / most,
        1.0 + beyond / least,
    )
    share = min(2.0, max(0.0, *shares))
    return min(1.0, arc_probability(math.acos(1.0 - share), parameters.new_phase_rad))


def randomness(parameters: PhaseDiffusion, n_samples: int, epsilon: float, checks: None = None) -> Randomness:
    """Smooth min-entropy of n_samples, worst case: all of epsilon is that of noise beyond k standard deviations."""
    k_sigma = reach_sigma(2 * n_samples, epsilon)
    guess = worst_guess(parameters, k_sigma)
    bits = min(float(parameters.adc_bits), max(0.0, -math.log2(guess)))
    uniform = math.acos(1.0 - min(2.0, parameters.converter.step_v / parameters.amplitude_v)) / math.pi
    terms = (
        term("phase", parameters.phase_rad, "rad", "standard deviation of a sample's phase", "Henry 1982"),
        term("new phase", parameters.new_phase_rad, "rad", "of it, what earlier samples do not show", "Wiener process"),
        term("reach", k_sigma, "sigma", "noise stays within so many, all the block", "Gaussian tail"),
        term("epsilon of the reach", epsilon, "", "that a sample's noise lies beyond", "union over samples"),
        term("uniform-phase bits", -math.log2(uniform), "bits", "of any phase alike, without noise", "arcsine law"),
        term("guessing probability", guess, "", "of a sample, at worst", "rearrangement on the circle"),
        term("bits a sample", bits, "bits", "min-entropy, at worst", "rearrangement on the circle"),
    )
    return Randomness(n_samples, n_samples * bits, epsilon, terms, PROOF)


def _fringe(
    parameters: PhaseDiffusion, n_angles: int = _ANGLES
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean voltage, its deviation by noise, and weight, at phases all around the circle."""
    phase_rad = math.hypot(parameters.phase_rad, parameters.classical_phase_rad)
    angle = 2.0 * np.pi * np.arange(n_angles) / n_angles
    if phase_rad > 3.0:
        order = np.arange(1, 4)
        series = np.cos(np.outer(angle, order)) @ np.exp(-0.5 * (order * phase_rad) ** 2)
        weight = (1.0 + 2.0 * series) / n_angles
    else:
        turned = (angle[:, None] + np.pi) % (2.0 * np.pi) - np.pi + 2.0 * np.pi * np.arange(-3, 4)
        weight = np.exp(-0.5 * (turned / phase_rad) ** 2).sum(axis=1)
        weight /= weight.sum()
    volts = parameters.amplitude_v * np.cos(parameters.bias_rad + angle)
    spread = np.hypot(parameters.noise_rms_v, parameters.intensity_rms * volts)
    return parameters.offset_v + volts, np.maximum(spread, 1e-12 * parameters.amplitude_v), weight


def _saturated(parameters: PhaseDiffusion) -> float:
    """Probability of the first and the last code together."""
    volts, spread, weight = _fringe(parameters)
    thresholds = parameters.converter.thresholds_v()
    return float(weight @ (ndtr((thresholds[0] - volts) / spread) + ndtr((volts - thresholds[-1]) / spread)))


def statistics(parameters: PhaseDiffusion) -> SampleStatistics:
    """Of the codes: the fringe averaged over the phase; neighbours share what the delay overlaps."""
    volts, spread, weight = _fringe(parameters, _enough_angles(parameters))
    thresholds = parameters.converter.thresholds_v()
    code, above = np.zeros(len(volts)), np.zeros(len(thresholds) + 1)
    lower, upper = (np.searchsorted(thresholds, volts + reach * spread) for reach in (-_SURE_SIGMA, _SURE_SIGMA))
    for angle, (first, last) in enumerate(zip(lower, upper, strict=True)):  # all before are exceeded, none from last on
        beyond = ndtr((volts[angle] - thresholds[first:last]) / spread[angle])
        above[first:last] += weight[angle] * beyond
        code[angle] = first + float(beyond.sum())
    above += np.cumsum(np.bincount(lower, weight, len(above))[::-1])[::-1] - np.bincount(lower, weight, len(above))
    above = np.minimum(above[:-1], 1.0)
    mean = float(above.sum())
    variance = float((2.0 * np.arange(len(above)) + 1.0) @ above) - mean * mean
    lags = (
        tuple(min(1.0, max(-1.0, lag / variance)) for lag in _covariances(parameters, code)) if variance > 0.0 else ()
    )
    share: NDArray[np.float64] = -np.diff(np.concatenate([[1.0], above, [0.0]]))
    return SampleStatistics(mean, variance, float(1.0 - above[0] + above[-1]), lags, bit_shares(share))


def _enough_angles(parameters: PhaseDiffusion) -> int:
    """Around the circle, for means over it: sums over equal steps of half the noise, or of half the phase's own
    deviation, miss the integral of a Gaussian by exp(-8 pi^2) of it."""
    phase_rad = math.hypot(parameters.phase_rad, parameters.classical_phase_rad)
    finest = min(phase_rad, max(parameters.noise_rms_v / parameters.amplitude_v, 1e-6))
    return min(_ANGLES, max(_LEAST_ANGLES, 1 << math.ceil(math.log2(4.0 * math.pi / finest))))


def _covariances(parameters: PhaseDiffusion, code: NDArray[np.float64]) -> list[float]:
    """Covariance of two samples at lags 1, 2, ..., from the mean code at each phase around the circle.

    Harmonics of the code meet as their two Gaussian phases do, whose correlation is the overlap of their delays.
    """
    order = np.arange(-_HARMONICS, _HARMONICS + 1)
    part = np.fft.fft(code)[order] / len(code)
    weight = (part[:, None] * part.conj()).real
    half = 0.5 * parameters.phase_rad**2
    squares = (half + 0.5 * parameters.classical_phase_rad**2) * (order[:, None] ** 2 + order**2)
    products = 2.0 * half * np.outer(order, order)
    apart = float(np.sum(weight * np.exp(-squares)))
    return [
        float(np.sum(weight * np.exp(products * (1.0 - lag / parameters.overlap) - squares))) - apart
        for lag in range(1, math.ceil(parameters.overlap))
    ]


def emulate(parameters: PhaseDiffusion, n_samples: int, seed: int) -> Emission:
    """Codes of the fringe at a phase that walks at random, with Gaussian noise of amplitude and voltage."""
    rng = np.random.Generator(np.random.SFC64(seed))
    codes: Codes = np.empty(n_samples, code_type(parameters.adc_bits))  # type: ignore[assignment]
    phases = _phases(parameters, rng)
    for first in range(0, n_samples, _CHUNK):
        phase = next(phases) + np.float32(parameters.bias_rad)
        if parameters.classical_phase_rad:
            phase += parameters.classical_phase_rad * rng.standard_normal(_CHUNK, np.float32)
        signal = np.cos(phase)
        if parameters.intensity_rms:
            signal *= 1.0 + parameters.intensity_rms * rng.standard_normal(_CHUNK, np.float32)
        if parameters.noise_rms_v:
            signal += parameters.noise_rms_v / parameters.amplitude_v * rng.standard_normal(_CHUNK, np.float32)
        part = codes[first : first + _CHUNK]
        part[:] = parameters.converter.digitise(signal[: len(part)], parameters.amplitude_v, parameters.offset_v)
    return Emission(RawSamples(codes, parameters.adc_bits, parameters.clock_hz))


def _phases(parameters: PhaseDiffusion, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
    """Phases by spontaneous emission, float32 (_CHUNK,), chunk after chunk."""
    if parameters.overlap <= 1.0:
        while True:
            yield parameters.phase_rad * rng.standard_normal(_CHUNK, np.float32)
    # A delay is whole steps from sample to sample, and the late part of the step before them.
    whole = math.floor(parameters.overlap)
    part = parameters.overlap - whole
    step_rad = parameters.phase_rad / math.sqrt(parameters.overlap)
    early_rad, late_rad = step_rad * math.sqrt(1.0 - part), step_rad * math.sqrt(part)
    late = late_rad * rng.standard_normal(whole)
    steps = late + early_rad * rng.standard_normal(whole)
    while True:
        fresh = late_rad * rng.standard_normal(_CHUNK)
        late = np.concatenate([late, fresh])
        steps = np.concatenate([steps, fresh + early_rad * rng.standard_normal(_CHUNK)])
        sums = np.concatenate([[0.0], np.cumsum(steps)])
        yield (sums[whole + 1 :] - sums[1 : _CHUNK + 1] + late[:_CHUNK]).astype(np.float32)
        late, steps = late[_CHUNK:], steps[_CHUNK:]


PHASE_DIFFUSION = Source(
    "phase-diffusion",
    "phase diffusion of a laser, delayed interferometer; trusted",
    PhaseDiffusion,
    randomness,
    emulate,
    statistics,
    PROOF,
)
