"""Random excursions test: visits to a state in each cycle of the walk. SP 800-22, 2.14."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.sp800_22.chi_square import chi_square_p_value
from haris.quantum.entropy.sp800_22.cumulative_sums import walk

STATES = (-4, -3, -2, -1, 1, 2, 3, 4)
MOST_VISITS = 5
LEAST_CYCLES = 500


def enough_cycles(n_cycles: int, n: int) -> bool:
    """Whether a walk of n steps came back to 0 often enough to be tested (2.14.4, step 4)."""
    return n_cycles >= max(LEAST_CYCLES, 0.005 * math.sqrt(n))


def random_excursions(bits: NDArray[np.uint8]) -> NDArray[np.float64]:
    """P-value of each of the eight states, shape (8,); NaN where the cycles are too few. bits: 0 or 1, shape (n,)."""
    counts = excursion_counts(bits)
    if not enough_cycles(int(counts[0].sum()), len(bits)):
        return np.full(len(STATES), np.nan)
    return np.array([chi_square_p_value(c, visit_probabilities(x)) for x, c in zip(STATES, counts, strict=True)])


def excursion_counts(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Cycles with 0, 1, ..., 5 or more visits to each state: shape (8, 6)."""
    at = walk(bits)
    back = at == 0
    n_cycles = int(np.count_nonzero(back)) + int(at[-1] != 0)
    near = np.flatnonzero(np.abs(at) <= STATES[-1])
    at, cycle = at[near], np.cumsum(back[near])
    return np.array([_visits(cycle[at == state], n_cycles) for state in STATES])


def visit_probabilities(state: int) -> NDArray[np.float64]:
    """Of 0, 1, ..., 5 or more visits in one cycle (3.14): shape (6,)."""
    stay = 1 - 1 / (2 * abs(state))
    between = [stay ** (k - 1) / (4 * state**2) for k in range(1, MOST_VISITS)]
    return np.array([stay, *between, (1 - stay) * stay ** (MOST_VISITS - 1)])


def _visits(cycle: NDArray[np.int64], n_cycles: int) -> NDArray[np.int64]:
    visits = np.bincount(cycle, minlength=n_cycles)
    return np.bincount(np.minimum(visits, MOST_VISITS), minlength=MOST_VISITS + 1)
