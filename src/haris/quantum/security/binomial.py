"""The tail of a binomial distribution whose probability is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr

BISECTIONS = 60
"""Of a share in [0, 1]: more would be below the digits of a float."""


def most_successes(n: ArrayLike, p: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """A number that Binomial(n, p) passes with probability at most epsilon; at least n p, at most n; broadcast shape.

    The share f > p at which n D(f || p) = ln(1/epsilon), D being the relative entropy.
    Source: Chernoff, Ann. Math. Stat. 23, 493 (1952); Hoeffding, J. Am. Stat. Assoc. 58, 13 (1963), theorem 1.
    """
    n, p = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(p, dtype=np.float64))
    each = np.divide(-np.log(epsilon), n, out=np.full(n.shape, np.inf), where=n > 0.0)
    low, high = p, np.ones_like(p)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        likely = rel_entr(middle, p) + rel_entr(1.0 - middle, 1.0 - p) < each
        low, high = np.where(likely, middle, low), np.where(likely, high, middle)
    return np.asarray(n * high)
