"""Where on-line health tests fail, from the probability with which a good source may."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import bdtrc

from haris.kernels.sample_health import LEAST_REPETITION_CUTOFF
from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError

MOST_FALSE_ALARM = 2.0**-20
"""Of one repetition count or window; SP 800-90B, 4.4, advises 2^-20 to 2^-40 for slow sources."""


def repetition_cutoff(min_entropy: float, false_alarm: float) -> int:
    """Equal samples in a row that fail, at least 4. min_entropy: bits a sample.

    Source: NIST SP 800-90B (2018), 4.4.1: 1 + ceil(-log2(alpha) / H).
    """
    _require(min_entropy, false_alarm)
    return max(LEAST_REPETITION_CUTOFF, 1 + math.ceil(-math.log2(false_alarm) / min_entropy))


def proportion_cutoff(min_entropy: float, false_alarm: float, window: int) -> int:
    """How often the first sample of a window comes in it, itself included, when it fails; window + 1: never.

    Source: NIST SP 800-90B (2018), 4.4.2, where the critical value is taken of the window - 1 samples that are left:
    the first one came for certain (comment 10b on the standard, and the cutoffs of jitterentropy).
    """
    _require(min_entropy, false_alarm)
    others = np.arange(window)
    beyond = bdtrc(others, window - 1, 2.0**-min_entropy)
    beyond[-1] = 0.0
    return 2 + int(np.argmax(beyond <= false_alarm))


def bernstein(variance: float, most: float, false_alarm: float) -> float:
    """What a sum of independent terms exceeds its mean by, up or down, with at most that probability.

    variance: of the sum. most: how far a term is from its mean at most.
    Source: Bernstein's inequality; Boucheron, Lugosi, Massart, Concentration Inequalities (2013), Eq. (2.10).
    """
    x = math.log(2.0 / false_alarm)
    return most * x / 3.0 + math.sqrt((most * x / 3.0) ** 2 + 2.0 * variance * x)


def _require(min_entropy: float, false_alarm: float) -> None:
    require_positive("min_entropy", min_entropy)
    if not 0.0 < false_alarm <= MOST_FALSE_ALARM:
        raise ParameterError(f"false_alarm must lie in (0, 2^-20], got {false_alarm}")
