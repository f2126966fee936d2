"""Qubits from an untrusted source: bits in one basis, and now and then a check in the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.converter import require_clock
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.source import Emission, SampleStatistics, Source
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import term
from haris.quantum.security.tails import unsampled_errors

CAO = "Cao, Zhou, Yuan, Ma, PRX 6, 011020 (2016)"
PROOF = Proof(
    theorem=f"{CAO}: bits of one basis are worth what errors of the other leave; entropic uncertainty relation, "
    "Tomamichel and Renner, PRL 106, 110506 (2011), with the hypergeometric tail of errors in the unchecked rounds",
    attacks="coherent: the adversary makes all the light beforehand and keeps quantum memory of it",
    finite=True,
    assumptions=(
        "detection squashes to a qubit: active choice of the basis, one efficiency for both detectors and bases, and a "
        "random bit where both click",
        "bases are chosen with fresh random bits that are not known when the light is made",
        "the bases are at most misalignment_rad off an angle of 90 degrees on the Poincare sphere",
    ),
)
MOST_MISALIGNMENT_RAD = math.pi / 2.0


@dataclass(frozen=True, slots=True)
class SourceIndependent:
    """Parameters of a source-independent qubit source. A raw sample is the bit of a click in the generation basis.

    pulse_hz: rounds a second. p_click: that a round gives a click. p_check: that a round is measured in the check
    basis, above 0 and at most 1/2. check_error: share of errors that is expected there.
    p_double: share of clicks of which both detectors click, for which a random bit is drawn, in both bases.
    misalignment_rad: of the bases, on the Poincare sphere.
    """

    pulse_hz: float
    p_click: float
    p_check: float
    check_error: float
    p_double: float = 0.0
    misalignment_rad: float = 0.0

    def __post_init__(self) -> None:
        require_clock("pulse_hz", self.pulse_hz)
        for name, most in (("p_click", 1.0), ("p_check", 0.5)):
            if not 1e-12 <= getattr(self, name) <= most:
                raise ParameterError(f"{name} must lie in [1e-12, {most:g}], got {getattr(self, name)}")
        require_probability("check_error", self.check_error)
        require_probability("p_double", self.p_double)
        require_not_negative("misalignment_rad", self.misalignment_rad)
        if self.misalignment_rad > MOST_MISALIGNMENT_RAD:
            raise ParameterError(f"misalignment_rad must be at most pi/2, got {self.misalignment_rad}")

    @property
    def bits(self) -> int:
        """Of a raw sample."""
        return 1

    @property
    def clock_hz(self) -> float:
        """Raw bits a second."""
        return self.pulse_hz * self.p_click * (1.0 - self.p_check)

    @property
    def overlap(self) -> float:
        """Largest overlap of two vectors of the bases: c of the uncertainty relation, 1/2 at 90 degrees."""
        return 0.5 * (1.0 + math.sin(self.misalignment_rad))


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """Clicks in the check basis of one block. A double click is an error if the bit that is drawn for it is one.

    rounds, doubles: of the block, in both bases; None: as many as the parameters let one expect.
    Raises ParameterError unless 0 <= errors <= clicks <= rounds, and doubles lie in [0, rounds].
    """

    clicks: int
    errors: int
    rounds: int | None = None
    doubles: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.errors <= self.clicks:
            raise ParameterError(f"errors must lie in [0, clicks = {self.clicks}], got {self.errors}")
        if self.rounds is not None and self.rounds < self.clicks:
            raise ParameterError(f"rounds must be at least clicks = {self.clicks}, got {self.rounds}")
        if self.doubles is not None and not 0 <= self.doubles <= (self.rounds or self.doubles):
            raise ParameterError(f"doubles must lie in [0, rounds = {self.rounds}], got {self.doubles}")


def randomness(
    parameters: SourceIndependent, n_samples: int, epsilon: float, checks: CheckCounts | None = None
) -> Randomness:
    """Smooth min-entropy of n_samples bits that come while the check rounds are made among them.

    Had all rounds been measured in the check basis, at most k errors would be among those that were not, except with
    probability delta = (epsilon / 2)^2: a state without the rest is sqrt(delta) off, twice. Words with at most k errors
    are no more than 2^(n h(k/n)), so the bits have n (log2(1/c) - h(k/n)) left. A block ends with a bit, which is not
    sampled by chance and is taken for an error.
    """
    if checks is None:
        clicks = math.ceil(n_samples * parameters.p_check / (1.0 - parameters.p_check))
        checks = CheckCounts(clicks, math.ceil(clicks * parameters.check_error))
    delta = (epsilon / 2.0) ** 2
    share = 1.0  # where delta is too small for a number
    if delta > 0.0:
        errors = 1.0 + float(unsampled_errors(checks.errors, checks.clicks, n_samples - 1, delta))
        share = min(1.0, errors / n_samples)
    per_bit = max(0.0, -math.log2(parameters.overlap) - float(binary_entropy(min(share, 0.5))))
    clicks = n_samples + checks.clicks
    rounds = clicks / parameters.p_click if checks.rounds is None else float(checks.rounds)
    bases = rounds * float(binary_entropy(parameters.p_check))
    doubles = clicks * parameters.p_double if checks.doubles is None else float(checks.doubles)
    seen = checks.errors / checks.clicks if checks.clicks else 1.0
    terms = (
        term("check clicks", checks.clicks, "", "in the check basis", ""),
        term("errors seen", seen, "", "share of the check clicks", ""),
        term("errors at most", share, "", "share of the bits, had they been checked", "hypergeometric tail"),
        term("delta", delta, "", "probability that there are more", ""),
        term("overlap", parameters.overlap, "", "of the bases", "Maassen, Uffink 1988"),
        term("bits spent on bases", bases, "bits", "a biased coin a round, with or without a click", ""),
        term("bits spent on double clicks", doubles, "bits", "one each", ""),
        term("bits a sample", per_bit, "bits", "smooth min-entropy of the block, shared out", CAO),
    )
    return Randomness(n_samples, n_samples * per_bit, epsilon, terms, PROOF, spent_bits=bases + doubles)


def statistics(parameters: SourceIndependent) -> SampleStatistics:
    """Of the bits: a fair coin's. A bit has only a lowest and a highest code: all are saturated."""
    return SampleStatistics(0.5, 0.25, 1.0)


def emulate(parameters: SourceIndependent, n_samples: int, seed: int) -> Emission:
    """Bits of a source that does as it should, and the check clicks that come among them."""
    rng = np.random.Generator(np.random.SFC64(seed))
    bits = rng.integers(0, 2, n_samples, dtype=np.uint8)
    clicks = int(rng.negative_binomial(n_samples, 1.0 - parameters.p_check))
    return Emission(
        RawSamples(bits, 1, parameters.clock_hz),
        CheckCounts(clicks, int(rng.binomial(clicks, parameters.check_error))),
    )


SOURCE_INDEPENDENT = Source(
    "source-independent",
    "qubits of any source, checked in a second basis; source-independent",
    SourceIndependent,
    randomness,
    emulate,
    statistics,
    PROOF,
)
