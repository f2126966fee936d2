"""Binary digits of e and of square roots, which the standard prints P-values of."""

import functools
import json
import math
from pathlib import Path

import numpy as np

N = 1_000_000
NIST = json.loads((Path(__file__).parents[3] / "vectors" / "sp800_22.json").read_text())


@functools.cache
def digits(name):
    number = _e() if name == "e" else math.isqrt(int(name.removeprefix("sqrt")) << (2 * (N - 1)))
    return np.unpackbits(np.frombuffer(number.to_bytes(N // 8, "big"), np.uint8))


def _e():
    """e = 1 + sum of 1/k!, by halves, as so many bits."""
    n_terms = 1
    while math.lgamma(n_terms + 1) < (N + 64) * math.log(2):
        n_terms += 1000
    top, bottom = _halves(0, n_terms)
    return ((top + bottom) << (N - 2)) // bottom


def _halves(first, last):
    if last - first == 1:
        return 1, last
    middle = (first + last) // 2
    (p1, q1), (p2, q2) = _halves(first, middle), _halves(middle, last)
    return p1 * q2 + p2, q1 * q2
