"""Random excursions variant test: all visits to a state. SP 800-22, 2.15."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from haris.quantum.entropy.sp800_22.cumulative_sums import walk
from haris.quantum.entropy.sp800_22.random_excursions import enough_cycles

MOST_STATE = 9
STATES = tuple(x for x in range(-MOST_STATE, MOST_STATE + 1) if x)


def random_excursions_variant(bits: NDArray[np.uint8]) -> NDArray[np.float64]:
    """P-value of each of eighteen states, shape (18,); NaN where the cycles are too few. bits: 0 or 1, shape (n,)."""
    visits, n_cycles = visit_counts(bits)
    if not enough_cycles(n_cycles, len(bits)):
        return np.full(len(STATES), np.nan)
    states = np.abs(STATES)
    return np.asarray(erfc(np.abs(visits - n_cycles) / np.sqrt(2 * n_cycles * (4 * states - 2))))


def visit_counts(bits: NDArray[np.uint8]) -> tuple[NDArray[np.int64], int]:
    """Visits to each of the eighteen states, shape (18,), and the cycles of the walk."""
    at = walk(bits)
    near = at[np.abs(at) <= MOST_STATE]
    counts = np.bincount(near + MOST_STATE, minlength=2 * MOST_STATE + 1)
    return np.delete(counts, MOST_STATE), int(counts[MOST_STATE]) + int(at[-1] != 0)
