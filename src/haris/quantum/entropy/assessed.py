"""A noise source of which no model is known, only what its samples were assessed at: a maker's device, an appliance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.raw_samples import RawSamples, code_type
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.source import Emission, SampleStatistics, Source
from haris.quantum.security.key_length import term

PROOF = Proof(
    theorem="none: the min-entropy of a sample is stated",
    attacks="who knows no more of a sample than the assessment's estimators found",
    finite=False,
    assumptions=(
        "each sample has the stated min-entropy, whatever those before it are (NIST SP 800-90B, or the maker's word)",
        "the device is trusted, and stays as it was when it was assessed",
    ),
)


@dataclass(frozen=True, slots=True)
class AssessedSource:
    """Parameters of a source that was assessed.

    bits: of a sample, 1 to 16. min_entropy: bits a sample, such as `haris entropy assess` gives them; at most bits.
    clock_hz: samples a second.
    """

    bits: int
    min_entropy: float
    clock_hz: float

    def __post_init__(self) -> None:
        code_type(self.bits)
        require_positive("clock_hz", self.clock_hz)
        if not 0.0 < self.min_entropy <= self.bits:
            raise ParameterError(f"min_entropy must lie in (0, bits = {self.bits}], got {self.min_entropy}")


def randomness(parameters: AssessedSource, n_samples: int, epsilon: float, checks: object = None) -> Randomness:
    """The stated min-entropy of every sample, added: nothing is estimated, so that epsilon is not used up."""
    total = n_samples * parameters.min_entropy
    stated = term("bits a sample", parameters.min_entropy, "bits", "min-entropy as assessed", "the parameters")
    return Randomness(n_samples, total, 0.0, (stated,), PROOF)


def emulate(parameters: AssessedSource, n_samples: int, seed: int) -> Emission:
    """Independent samples of just this min-entropy: code 0 has its probability, the others share the rest."""
    rng = np.random.default_rng(seed)
    wanted = code_type(parameters.bits)
    others = rng.integers(1, 1 << parameters.bits, n_samples).astype(wanted)
    values = np.where(rng.random(n_samples) < 2.0**-parameters.min_entropy, wanted(0), others)
    return Emission(RawSamples(values, parameters.bits, parameters.clock_hz))


def statistics(parameters: AssessedSource) -> SampleStatistics:
    """Nothing is known of a real device's samples but what is stated: any variance, any share at the ends may be good.

    The mean is that of `emulate`.
    """
    rest = 1.0 - 2.0**-parameters.min_entropy
    return SampleStatistics(rest * 2.0**parameters.bits / 2.0, math.inf, 1.0)


ASSESSED = Source(
    name="assessed",
    title="a source of which only an assessment is known; trusted",
    parameters=AssessedSource,
    randomness=randomness,
    emulate=emulate,
    statistics=statistics,
    proof=PROOF,
)
