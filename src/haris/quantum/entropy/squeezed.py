"""Squeezed light from an untrusted source: one quadrature gives bits, the squeezed one is checked at random times."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from haris.nouns.checks import require_not_negative
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.raw_samples import Codes, RawSamples, code_type
from haris.quantum.entropy.converter import Converter, require_bits, require_clock, require_volts
from haris.quantum.entropy.frames import TURN_BITS
from haris.quantum.entropy.overlap import quadrature_overlap
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.shot_noise import least_power, least_vacuum_v2, require_calibration
from haris.quantum.entropy.source import Emission, SampleStatistics, Source
from haris.quantum.entropy.unsampled_mean import best_stake, unsampled_mean
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import term

FURRER = "Furrer, Berta, Tomamichel, Scholz, Christandl, J. Math. Phys. 55, 122205 (2014)"
PROOF = Proof(
    theorem=f"entropic uncertainty relation of two digitised quadratures, {FURRER}, as used by Marangon, Vallone, "
    "Villoresi, PRL 118, 060503 (2017), here with a cost for each outcome of the check; sampling without replacement",
    attacks="coherent: the adversary makes all the light beforehand and keeps quantum memory of it; she knows the "
    "detector's noise and the local oscillator's power, and, in the end, all of other blocks",
    finite=True,
    assumptions=(
        "each sample is of a mode of its own, whose quadratures are measured by an ideal homodyne detector; whatever "
        "is lost before it is the adversary's",
        "noise of the detector and the oscillator does not depend on which quadrature is measured",
        "quadratures, and turns of the rows of a frame, are chosen with fresh random bits that are not known when the "
        "light is made",
        "signal_rms_v and dark_rms_v are of as many uncorrelated samples as calibration_samples says, with nothing at "
        "the signal port",
        "the local oscillator's power is Gaussian of relative deviation oscillator_rms",
        "a block with a first or last code among its samples is thrown away",
    ),
)
MOST_SQUEEZING_DB = 30.0
MOST_ANTISQUEEZING_DB = 60.0
MOST_FRAME_BLOCKS = 2**24
P_OUT = 2.0**-5
_TILTS = tuple(np.linspace(0.05, 0.95, 10))
_CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class SqueezedLight:
    """Parameters of a squeezed-light source. A raw sample is a code of the antisqueezed quadrature.

    adc_bits: of a sample, 2 to 16. range_v: the converter takes voltages from -range_v to range_v.
    round_hz: samples a second of both quadratures. signal_rms_v: standard deviation with the local oscillator on and
    the signal port empty. dark_rms_v: with it off. calibration_samples: how many uncorrelated samples each is from.
    p_check: that a round measures the check quadrature, above 0 and at most 1/2.
    squeezing_db, antisqueezing_db: variance of the check quadrature below the vacuum's, and of the other above it, as
    they are expected at the detector; the bound takes the former from the checks.
    frame_blocks: blocks that share the checks of one frame. 1: a block is a frame. More: sample r of a block is from
    row r of the frame, each row of frame_blocks samples in sequence turned by a random number of places. A power of 2.
    dnl_lsb: by how much of a step the widest code exceeds it. oscillator_rms: relative, of the oscillator's power.
    misalignment_rad: by how much the two quadratures may miss a right angle.
    """

    adc_bits: int
    range_v: float
    round_hz: float
    signal_rms_v: float
    dark_rms_v: float
    calibration_samples: int
    p_check: float
    squeezing_db: float
    antisqueezing_db: float
    frame_blocks: int = 1
    dnl_lsb: float = 0.0
    oscillator_rms: float = 0.0
    misalignment_rad: float = 0.0

    def __post_init__(self) -> None:
        require_bits("adc_bits", self.adc_bits)
        if self.adc_bits < 2:
            raise ParameterError(f"adc_bits must be at least 2: first and last codes tell nothing, got {self.adc_bits}")
        require_clock("round_hz", self.round_hz)
        require_volts("range_v", self.range_v)
        require_calibration(self.signal_rms_v, self.dark_rms_v, self.calibration_samples)
        require_not_negative("oscillator_rms", self.oscillator_rms)
        if not 1e-9 <= self.p_check <= 0.5:
            raise ParameterError(f"p_check must lie in [1e-9, 0.5], got {self.p_check}")
        if not 0.0 <= self.squeezing_db <= MOST_SQUEEZING_DB:
            raise ParameterError(f"squeezing_db must lie in [0, {MOST_SQUEEZING_DB:g}], got {self.squeezing_db}")
        if not self.squeezing_db <= self.antisqueezing_db <= MOST_ANTISQUEEZING_DB:
            raise ParameterError(
                f"antisqueezing_db must lie in [squeezing_db = {self.squeezing_db}, {MOST_ANTISQUEEZING_DB:g}]: no "
                f"state is narrower in both quadratures; got {self.antisqueezing_db}"
            )
        if not 1 <= self.frame_blocks <= MOST_FRAME_BLOCKS or self.frame_blocks.bit_count() > 1:
            raise ParameterError(f"frame_blocks must be a power of 2 up to 2^24, got {self.frame_blocks}")
        if not 0.0 <= self.misalignment_rad < math.pi / 2.0:
            raise ParameterError(f"misalignment_rad must lie in [0, pi/2), got {self.misalignment_rad}")
        _ = self.converter

    @property
    def bits(self) -> int:
        """Of a raw sample."""
        return self.adc_bits

    @property
    def clock_hz(self) -> float:
        """Raw samples a second: rounds that are not checks."""
        return self.round_hz * (1.0 - self.p_check)

    @property
    def converter(self) -> Converter:
        """What digitises."""
        return Converter(self.adc_bits, self.range_v, self.dnl_lsb)

    @property
    def vacuum_v2(self) -> float:
        """Variance of the vacuum, as calibrated."""
        return self.signal_rms_v**2 - self.dark_rms_v**2

    @property
    def check_rms_v(self) -> float:
        """Standard deviation that is expected of a check."""
        return math.sqrt(self.vacuum_v2 * 10.0 ** (-self.squeezing_db / 10.0) + self.dark_rms_v**2)

    @property
    def sample_rms_v(self) -> float:
        """Standard deviation that is expected of a raw sample."""
        return math.sqrt(self.vacuum_v2 * 10.0 ** (self.antisqueezing_db / 10.0) + self.dark_rms_v**2)


@dataclass(frozen=True, slots=True)
class QuadratureChecks:
    """What the checks of a frame told, and one block's own saturation.

    counts: of each code of the check quadrature in the frame, shape (2^adc_bits,). saturated: first and last codes
    among the samples of the block. Raises ParameterError on negative counts.
    """

    counts: NDArray[np.int64] = field(repr=False)
    saturated: int = 0

    def __post_init__(self) -> None:
        if self.counts.ndim != 1 or np.any(self.counts < 0) or self.saturated < 0:
            raise ParameterError("counts must be one row and not negative, nor may saturated be")

    def of_frame(self) -> QuadratureChecks:
        """The same for a block that is kept."""
        return QuadratureChecks(self.counts)


def check_probabilities(parameters: SqueezedLight) -> NDArray[np.float64]:
    """Of each code of the check quadrature, as expected: those of a Gaussian voltage."""
    below = ndtr(parameters.converter.thresholds_v() / parameters.check_rms_v)
    return np.diff(np.concatenate([[0.0], below, [1.0]]))


def outcome_costs(parameters: SqueezedLight, overlap: float) -> NDArray[np.float64]:
    """Bits that each code of a check takes off the min-entropy of a block, shape (2^adc_bits,); most are below 0.

    A block's min-entropy is minus the sum of the costs of its check outcomes, had it been checked (see randomness):
    the length of the outcome's word in a code fixed beforehand, and log2 of the overlap, 0 for a first or last code,
    which is a half line. The word's length is that of the Gaussian that is expected. Outcomes so far out that this
    exceeds 5 bits more than the overlap allows are one word together, of 5 bits and overlap 1.
    """
    p = check_probabilities(parameters)
    with np.errstate(divide="ignore"):
        costs = math.log2(overlap) - np.log2((1.0 - P_OUT) * p)
    costs[[0, -1]] = np.inf
    return np.asarray(np.minimum(costs, -math.log2(P_OUT)))


@dataclass(frozen=True, slots=True)
class Plan:
    """How costs are summed; fixed by the parameters, before any check.

    tilt: of the exponential moment by which one of several blocks is bounded; 0: the mean. stake: see unsampled_mean.
    """

    costs: NDArray[np.float64]
    tilt: float
    stake: float

    def scores(self) -> NDArray[np.float64]:
        """Costs, or their exponential, as numbers from 0 to 1."""
        least, most = float(self.costs.min()), float(self.costs.max())
        if most <= least:
            return np.ones(len(self.costs))
        share = (self.costs - least) / (most - least)
        exponent = self.tilt * (most - least) * math.log(2.0)
        return share if not self.tilt else np.expm1(exponent * share) / math.expm1(exponent)

    def cost_bits(self, mean_score: float, n_samples: int, doubt_bits: float) -> float:
        """Sum of the costs of a block, given its frame's mean score; more with probability at most 2^-doubt_bits."""
        least, most = float(self.costs.min()), float(self.costs.max())
        if not self.tilt:
            return n_samples * (least + (most - least) * mean_score)
        exponent = self.tilt * (most - least) * math.log(2.0)
        moment = math.log1p(mean_score * math.expm1(exponent)) / math.log(2.0)
        return min(n_samples * most, n_samples * least + (n_samples * moment + doubt_bits) / self.tilt)


def _mean_score(plan: Plan, counts: NDArray[np.float64], n_frame: int, doubt_bits: float) -> float:
    """Of a frame's samples, had they been checked. The last is no matter of chance: it ends the frame."""
    others = unsampled_mean(plan.scores(), counts, n_frame - 1, plan.stake, doubt_bits)
    return ((n_frame - 1) * others + 1.0) / n_frame


@functools.lru_cache(maxsize=16)
def plan(parameters: SqueezedLight, overlap: float, n_samples: int, doubt_bits: float) -> Plan:
    """The plan that is best for the checks that are expected."""
    costs, p = outcome_costs(parameters, overlap), check_probabilities(parameters)
    n_frame = n_samples * parameters.frame_blocks
    n_checks = n_frame * parameters.p_check / (1.0 - parameters.p_check)
    best, least = Plan(costs, 0.0, 1.0), math.inf
    for tilt in _TILTS if parameters.frame_blocks > 1 else (0.0,):
        scores = Plan(costs, tilt, 1.0).scores()
        tried = Plan(costs, tilt, best_stake(scores, p, n_checks, doubt_bits))
        found = tried.cost_bits(_mean_score(tried, n_checks * p, n_frame, doubt_bits), n_samples, doubt_bits)
        if found < least:
            best, least = tried, found
    return best


def randomness(
    parameters: SqueezedLight, n_samples: int, epsilon: float, checks: QuadratureChecks | None = None
) -> Randomness:
    """Smooth min-entropy of a block of n_samples of the antisqueezed quadrature.

    Half of epsilon is the smoothing, 2 sqrt(delta) with delta the probability that the costs of the block's outcomes,
    had it been checked, are more than the checks of its frame say; a quarter each the calibration's and the
    oscillator's. A block of a frame of several is a random one: in each row all samples are equally likely to be its
    own, so that the exponential moment of its sum is at most the frame's mean moment to the power of n_samples.
    """
    doubt_bits = 1.0 - 2.0 * math.log2(epsilon / 4.0)  # half of delta for the frame, half for the block
    converter, n_frame = parameters.converter, n_samples * parameters.frame_blocks
    vacuum_v2 = least_vacuum_v2(
        parameters.signal_rms_v, parameters.dark_rms_v, parameters.calibration_samples, converter, epsilon / 4.0
    )
    power = least_power(parameters.oscillator_rms, n_samples, epsilon / 4.0)
    width_v = converter.step_v * (1.0 + converter.dnl_lsb)
    unit_v2 = 2.0 * vacuum_v2 * power * math.cos(parameters.misalignment_rad)
    area = width_v**2 / unit_v2 if unit_v2 > 1e-18 * width_v**2 else math.inf
    overlap = quadrature_overlap(area)
    chosen = plan(parameters, overlap, n_samples, doubt_bits)
    if checks is None:
        expected = n_frame * parameters.p_check / (1.0 - parameters.p_check)
        counts = expected * check_probabilities(parameters)
    else:
        counts = checks.counts.astype(np.float64)
        if len(counts) != 2**parameters.adc_bits:
            raise ParameterError(f"counts must be of {2**parameters.adc_bits} codes, got {len(counts)}")
    score = _mean_score(chosen, counts, n_frame, doubt_bits)
    cost = chosen.cost_bits(score, n_samples, doubt_bits)
    kept = checks is None or not checks.saturated
    bits = min(float(n_samples * parameters.adc_bits), max(0.0, -cost)) if kept else 0.0
    n_checks = float(counts.sum())
    seen = -float(np.sum(counts * chosen.costs)) / n_checks if n_checks else 0.0
    bases = (n_frame + n_checks) * float(binary_entropy(parameters.p_check)) / parameters.frame_blocks
    turns = n_samples * float(TURN_BITS) / parameters.frame_blocks if parameters.frame_blocks > 1 else 0.0
    terms = (
        term("code area", area, "", "product of both quadratures' code widths; hbar = 1", ""),
        term("overlap", overlap, "", "of two codes: c of the uncertainty relation", "Slepian, Pollak 1961"),
        term("local oscillator", power, "", "its least power over the mean, all the block", "Gaussian tail"),
        term("epsilon of the calibration", epsilon / 4.0, "", "that the vacuum's variance is less", "Laurent, Massart"),
        term("epsilon of the oscillator", epsilon / 4.0, "", "that its power is less", "union over samples"),
        term("log2 delta", 1.0 - doubt_bits, "", "delta: that outcomes cost more than checks say", "Maclaurin, Markov"),
        term("checks", n_checks, "", "of a frame", ""),
        term("checked bits a sample", seen, "bits", "min-entropy, were checks without end", FURRER),
        term("tilt", chosen.tilt, "", "of the moment that bounds one block of a frame; 0: the mean", "Chernoff"),
        term(
            "saturation",
            parameters.converter.saturation(0.0, parameters.sample_rms_v),
            "",
            "a sample, as expected; it costs its block",
            "",
        ),
        term("bits spent on quadratures", bases, "bits", "a biased coin a round", ""),
        term("bits spent on turns", turns, "bits", "of the frame's rows, the block's share", ""),
        term("bits a sample", bits / n_samples, "bits", "smooth min-entropy of the block, shared out", FURRER),
    )
    return Randomness(n_samples, bits, epsilon, terms, PROOF, spent_bits=bases + turns)


def statistics(parameters: SqueezedLight) -> SampleStatistics:
    """Of the codes: those of a Gaussian voltage, of the light that is expected."""
    return parameters.converter.gaussian_statistics(0.0, parameters.sample_rms_v)


def measured_codes(parameters: SqueezedLight, n: int, gain_db: float, rng: np.random.Generator) -> Codes:
    """Codes of a quadrature of that many decibels over the vacuum, under an oscillator of noisy power."""
    codes: Codes = np.empty(n, code_type(parameters.adc_bits))  # type: ignore[assignment]
    light_v = math.sqrt(parameters.vacuum_v2 * 10.0 ** (gain_db / 10.0))
    for first in range(0, n, _CHUNK):
        part = codes[first : first + _CHUNK]
        volts = light_v * rng.standard_normal(len(part))
        if parameters.oscillator_rms:
            volts *= np.sqrt(np.maximum(1.0 + parameters.oscillator_rms * rng.standard_normal(len(part)), 0.0))
        volts += parameters.dark_rms_v * rng.standard_normal(len(part))
        part[:] = parameters.converter.digitise(volts)
    return codes


def emulate(parameters: SqueezedLight, n_samples: int, seed: int) -> Emission:
    """Samples of the antisqueezed quadrature, and the checks that come among them."""
    rng = np.random.Generator(np.random.SFC64(seed))
    samples = measured_codes(parameters, n_samples, parameters.antisqueezing_db, rng)
    n_checks = int(rng.negative_binomial(n_samples, 1.0 - parameters.p_check))
    checks = measured_codes(parameters, n_checks, -parameters.squeezing_db, rng)
    last = 2**parameters.adc_bits - 1
    return Emission(
        RawSamples(samples, parameters.adc_bits, parameters.clock_hz),
        QuadratureChecks(
            np.bincount(checks, minlength=last + 1).astype(np.int64),
            int(np.count_nonzero((samples == 0) | (samples == last))),
        ),
    )


SQUEEZED = Source(
    "squeezed",
    "squeezed light, its squeezed quadrature checked; semi-device-independent",
    SqueezedLight,
    randomness,
    emulate,
    statistics,
    PROOF,
    deals=True,
)
