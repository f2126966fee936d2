"""The Shannon entropy of one sample: no block has more smooth min-entropy a sample than that."""

from __future__ import annotations

import math

import numpy as np

from haris.nouns.raw_samples import RawSamples

DEVIATIONS = 5.0
"""Standard deviations by which the limit lies above the estimate."""


def most_shannon_bits(samples: RawSamples) -> float:
    """Upper confidence limit on the Shannon entropy of a sample, bits, whatever is known of earlier ones; at most bits.

    A bound on the smooth min-entropy of a long block that is above it times the samples contradicts the recording. For
    samples that are independent it may come near it (asymptotic equipartition), and so lie above the min-entropy
    of one sample, which is what SP 800-90B estimates.
    The plug-in estimate, with the bias of Miller (1955) added, and five standard deviations.
    """
    n = len(samples)
    counts = np.bincount(samples.values)
    p = counts[counts > 0] / n
    surprise = -np.log2(p)
    estimate = float(p @ surprise)
    spread = math.sqrt(max(0.0, float(p @ surprise**2) - estimate**2) / n)
    bias = (len(p) - 1) / (2.0 * n * math.log(2.0))
    return min(float(samples.bits), estimate + bias + DEVIATIONS * spread)
