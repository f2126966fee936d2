"""Mode pairing: what both ends agree on before the first pulse, and which heralded windows make a pair."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError

MOST_INTERVAL = 10**15


@dataclass(frozen=True, slots=True)
class ModePairing:
    """Mode-pairing QKD by Zeng, Zhou, Wu, Ma, Nat. Commun. 13, 3903 (2022), with two decoys.

    block_pulses: windows of a block, fixed beforehand. max_interval_pulses: from one window of a pair to the other, at
    most. phase_slice_rad: full width of the slice in which the turns of two ends' phases must agree, or be opposite,
    to count in the test, above 0 and at most pi.
    Raises ParameterError on any other value.
    """

    block_pulses: int
    max_interval_pulses: int
    phase_slice_rad: float = pi / 8.0

    def __post_init__(self) -> None:
        require_positive("block_pulses", self.block_pulses)
        if not 1 <= self.max_interval_pulses <= MOST_INTERVAL:
            raise ParameterError(
                f"max_interval_pulses must lie in [1, {MOST_INTERVAL:g}], got {self.max_interval_pulses}"
            )
        if not 0.0 < self.phase_slice_rad <= pi:
            raise ParameterError(f"phase_slice_rad must lie in (0, pi], got {self.phase_slice_rad}")

    @property
    def p_in_slices(self) -> float:
        """Probability that two random turns of phase agree, or are opposite, within the slice."""
        return self.phase_slice_rad / pi


def pairing_rate(p_heralded: ArrayLike, max_interval: int) -> NDArray[np.float64]:
    """Pairs a window, where each is heralded with probability p (any shape): 1 / (1/p + 1/(p (1 - (1 - p)^l))).

    The first window of a pair comes after 1/p on average; from there on the gaps are geometric, 1/p each, and one after
    the other is tried until one is l at most.
    Source: Zeng, Zhou, Wu, Ma, Nat. Commun. 13, 3903 (2022), Eq. (3).
    """
    p = np.minimum(np.asarray(p_heralded, dtype=np.float64), 1.0)
    met = -np.expm1(max_interval * np.log1p(-np.minimum(p, 1.0 - 1e-16)))
    return np.asarray(p * met / (1.0 + met))


def paired(window: NDArray[np.int64], max_interval: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places in window (ascending numbers of the heralded ones) of the first and of the second of each pair.

    A window is paired with the next one heralded if that is max_interval later at most; otherwise it is left alone, and
    the next one waits for its own next. Whoever hears the announcements finds the same pairs.
    """
    if window.size == 0:
        return window[:0], window[:0]
    begins = np.concatenate([[True], np.diff(window) > max_interval])  # a run: each within reach of the one before
    first_of_run = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    even = (np.arange(window.size) - first_of_run) % 2 == 0
    first = np.flatnonzero(even[:-1] & ~begins[1:])
    return first, first + 1
