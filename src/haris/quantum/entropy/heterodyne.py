"""Heterodyne detection of untrusted light: no state foretells both quadratures, so that nothing need be checked."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from haris.nouns.checks import require_not_negative
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.raw_samples import Codes, RawSamples, code_type
from haris.quantum.entropy.converter import Converter, require_bits, require_clock, require_volts
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.shot_noise import least_power, least_vacuum_v2, require_calibration
from haris.quantum.entropy.source import Emission, SampleStatistics, Source
from haris.quantum.security.key_length import term

AVESANI = "Avesani, Marangon, Vallone, Villoresi, Nat. Commun. 9, 5365 (2018)"
NICOLA = "Nicola, Tilli, Invent. Math. 230, 1 (2022)"
PROOF = Proof(
    theorem=f"norm of the measurement operators, {AVESANI}; that of an area A of phase space is at most "
    f"1 - exp(-A / pi), {NICOLA}; products over samples",
    attacks="coherent: the adversary makes the light and keeps quantum memory of it; she knows all noise of the "
    "detector and the local oscillator's power",
    finite=True,
    assumptions=(
        "the detector measures both quadratures of a mode of its own for each pair of samples (an ideal hybrid); "
        "whatever is lost before it is the adversary's",
        "noise of the detector and the oscillator does not depend on the light",
        "signal_rms_v and dark_rms_v are of as many uncorrelated samples as calibration_samples says, with nothing at "
        "the signal port",
        "the local oscillator's power is Gaussian of relative deviation oscillator_rms",
        "a block with a first or last code among its samples is thrown away",
    ),
)
MOST_THERMAL_PHOTONS = 1e6
_CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class Heterodyne:
    """Parameters of a heterodyne source. Samples are codes of Re, Im, Re, Im, ... of the field's amplitude.

    adc_bits: of a sample, 2 to 16. range_v: both converters take voltages from -range_v to range_v. clock_hz: samples
    a second; twice that of pairs. signal_rms_v: standard deviation with the local oscillator on and the signal port
    empty. dark_rms_v: with it off. calibration_samples: how many uncorrelated samples each of these is from.
    dnl_lsb: by how much of a step the widest code exceeds it. oscillator_rms: relative, of the oscillator's power.
    thermal_photons: mean number of the light that is expected, per mode; the bound does not ask for it.
    Raises ParameterError where dark noise is no less than the signal.
    """

    adc_bits: int
    range_v: float
    clock_hz: float
    signal_rms_v: float
    dark_rms_v: float
    calibration_samples: int
    dnl_lsb: float = 0.0
    oscillator_rms: float = 0.0
    thermal_photons: float = 0.0

    def __post_init__(self) -> None:
        require_bits("adc_bits", self.adc_bits)
        if self.adc_bits < 2:
            raise ParameterError(f"adc_bits must be at least 2: first and last codes tell nothing, got {self.adc_bits}")
        require_clock("clock_hz", self.clock_hz)
        require_volts("range_v", self.range_v)
        require_calibration(self.signal_rms_v, self.dark_rms_v, self.calibration_samples)
        require_not_negative("oscillator_rms", self.oscillator_rms)
        if not 0.0 <= self.thermal_photons <= MOST_THERMAL_PHOTONS:
            raise ParameterError(
                f"thermal_photons must lie in [0, {MOST_THERMAL_PHOTONS:g}], got {self.thermal_photons}"
            )
        _ = self.converter

    @property
    def bits(self) -> int:
        """Of a raw sample."""
        return self.adc_bits

    @property
    def converter(self) -> Converter:
        """What digitises."""
        return Converter(self.adc_bits, self.range_v, self.dnl_lsb)

    @property
    def vacuum_v2(self) -> float:
        """Variance of the vacuum, as calibrated."""
        return self.signal_rms_v**2 - self.dark_rms_v**2

    @property
    def sample_rms_v(self) -> float:
        """Standard deviation that is expected of a sample."""
        return math.sqrt(self.vacuum_v2 * (1.0 + self.thermal_photons) + self.dark_rms_v**2)


def pair_guess(code: float) -> float:
    """Largest probability of one pair of codes, whatever the state.

    code: width of a code in units of the amplitude alpha, in which the vacuum's Re and Im have variance 1/2 each.
    The operator of a set of outcomes is the integral of |alpha><alpha| / pi over it. Of all sets of that area the disc
    has the largest norm, 1 - exp(-area / pi) (Nicola and Tilli 2022, Theorem 1.1), which is below area / pi.
    """
    return -math.expm1(-code * code / math.pi)


def randomness(parameters: Heterodyne, n_samples: int, epsilon: float, checks: int | None = None) -> Randomness:
    """Min-entropy of n_samples, half as many pairs; an odd sample is worth nothing.

    checks: first and last codes among the samples; 0 unless there are none. A first or last code belongs to a half
    plane, whose operator has norm 1. The state of the other blocks is that without them, not normalised, and its
    min-entropy is no less. None: none expected. Half of epsilon is the calibration's, half the local oscillator's.
    """
    converter = parameters.converter
    vacuum_v2 = least_vacuum_v2(
        parameters.signal_rms_v, parameters.dark_rms_v, parameters.calibration_samples, converter, epsilon / 2.0
    )
    power = least_power(parameters.oscillator_rms, n_samples, epsilon / 2.0)
    unit_v = math.sqrt(2.0 * vacuum_v2 * power)
    width_v = converter.step_v * (1.0 + converter.dnl_lsb)
    code = width_v / unit_v if unit_v > 1e-9 * width_v else math.inf
    guess = max(pair_guess(code), 2.0 ** (-2 * parameters.adc_bits))
    bits = min(2.0 * parameters.adc_bits, max(0.0, -math.log2(guess)))
    kept = not checks
    terms = (
        term("code", code, "", "largest width, in units of which the vacuum's variance is 1/2", ""),
        term("local oscillator", power, "", "its least power over the mean, all the block", "Gaussian tail"),
        term("epsilon of the calibration", epsilon / 2.0, "", "that the vacuum's variance is less", "Laurent, Massart"),
        term("epsilon of the oscillator", epsilon / 2.0, "", "that its power is less", "union over samples"),
        term(
            "saturation",
            parameters.converter.saturation(0.0, parameters.sample_rms_v),
            "",
            "a sample, as expected; it costs its block",
            "",
        ),
        term("guessing probability", guess, "", "of a pair, whatever the light", NICOLA),
        term("bits a pair", bits, "bits", "min-entropy", AVESANI),
    )
    return Randomness(n_samples, (n_samples // 2) * bits if kept else 0.0, epsilon, terms, PROOF)


def statistics(parameters: Heterodyne) -> SampleStatistics:
    """Of the codes: those of a Gaussian voltage, of the light that is expected."""
    return parameters.converter.gaussian_statistics(0.0, parameters.sample_rms_v)


def saturated(samples: RawSamples) -> int:
    """First and last codes among the samples: the checks of the bound."""
    return int(np.count_nonzero((samples.values == 0) | (samples.values == 2**samples.bits - 1)))


def emulate(parameters: Heterodyne, n_samples: int, seed: int) -> Emission:
    """Codes of thermal light (vacuum, where there are no photons) under an oscillator of noisy power."""
    rng = np.random.Generator(np.random.SFC64(seed))
    codes: Codes = np.empty(n_samples, code_type(parameters.adc_bits))  # type: ignore[assignment]
    light_v = math.sqrt(parameters.vacuum_v2 * (1.0 + parameters.thermal_photons))
    for first in range(0, n_samples, _CHUNK):
        part = codes[first : first + _CHUNK]
        volts = light_v * rng.standard_normal(len(part))
        if parameters.oscillator_rms:
            power = 1.0 + parameters.oscillator_rms * rng.standard_normal(-(-len(part) // 2))
            volts *= np.sqrt(np.maximum(power, 0.0)).repeat(2)[: len(part)]
        volts += parameters.dark_rms_v * rng.standard_normal(len(part))
        part[:] = parameters.converter.digitise(volts)
    samples = RawSamples(codes, parameters.adc_bits, parameters.clock_hz)
    return Emission(samples, saturated(samples))


HETERODYNE = Source(
    "heterodyne",
    "heterodyne detection of any light; source-independent",
    Heterodyne,
    randomness,
    emulate,
    statistics,
    PROOF,
    samples_tell=saturated,
)
