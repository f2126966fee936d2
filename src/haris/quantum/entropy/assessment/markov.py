"""The Markov Estimate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.assessment.estimate import Estimate

LENGTH = 128


def markov(bits: NDArray[np.uint8]) -> Estimate:
    """Min-entropy a bit of a first-order Markov chain, over 128 bits. SP 800-90B, 6.3.3.

    bits: uint8 of 0 and 1, shape (n,).
    """
    counts = np.bincount(2 * bits[:-1] + bits[1:], minlength=4).tolist()
    zeros = len(bits) - int(np.count_nonzero(bits))
    p = {"0": zeros / len(bits), "1": 1.0 - zeros / len(bits)}
    for first in (0, 1):
        seen = counts[2 * first] + counts[2 * first + 1]
        p[f"{first}0"] = counts[2 * first] / seen if seen else 0.0
        p[f"{first}1"] = 1.0 - p[f"{first}0"] if seen else 0.0
    half = LENGTH // 2
    likeliest: list[dict[str, int]] = [
        {"0": 1, "00": LENGTH - 1},
        {"0": 1, "01": half, "10": half - 1},
        {"0": 1, "01": 1, "11": LENGTH - 2},
        {"1": 1, "10": 1, "00": LENGTH - 2},
        {"1": 1, "10": half, "01": half - 1},
        {"1": 1, "11": LENGTH - 1},
    ]
    bits_of = [
        -sum(n * math.log2(p[step]) for step, n in steps.items()) for steps in likeliest if all(p[s] > 0 for s in steps)
    ]
    least = min([float(LENGTH), *bits_of])
    return Estimate(least / LENGTH, {**{f"p_{s}": value for s, value in p.items()}, "p_hat_max": 2.0**-least})
