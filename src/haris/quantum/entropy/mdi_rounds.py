"""Rounds before a detector that nobody need trust: what was prepared, what was answered, and how they are counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

_TOGETHER = 2**18
"""Rounds that are counted together: they stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class TestCounts:
    """Scored rounds of one block by state and bit: ((both 0, both 1), (early 0, early 1), (late 0, late 1)).

    n_unscored: all others. Raises ParameterError on a negative count and on another shape.
    """

    __test__ = False  # no test class of pytest's
    counts: tuple[tuple[int, int], ...]
    n_unscored: int = 0

    def __post_init__(self) -> None:
        if [len(row) for row in self.counts] != [2, 2, 2] or min(map(min, self.counts)) < 0:
            raise ParameterError(f"counts must be three pairs of at least 0, got {self.counts}")
        if self.n_unscored < 0:
            raise ParameterError(f"n_unscored must be at least 0, got {self.n_unscored}")

    @property
    def n_rounds(self) -> int:
        """All of them."""
        return sum(map(sum, self.counts)) + self.n_unscored


@dataclass(frozen=True, slots=True)
class Rounds:
    """One block, as it was prepared and answered.

    bits: of each round, uint8 0 or 1, shape (n,). early, late: numbers of the rounds whose light was in that bin alone,
    int64, ascending; that of others was in both. Raises ParameterError on round numbers that the block has not.
    """

    bits: NDArray[np.uint8] = field(repr=False)
    early: NDArray[np.int64] = field(repr=False)
    late: NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("early", "late"):
            numbers = getattr(self, name)
            if len(numbers) and not 0 <= int(numbers[0]) <= int(numbers[-1]) < len(self.bits):
                raise ParameterError(f"{name} must be round numbers below {len(self.bits)}, ascending")

    def counted(self, detectors: int, blind_rounds: int) -> TestCounts:
        """Of detectors in turn. A round is not scored where one of blind_rounds before it, of its detector, had a 1.

        Which rounds are scored follows from the bits before each, and so is known to the device, too.
        """
        n_unscored, unscored_ones = self._unscored(detectors, blind_rounds)
        tests = [self._of_tests(numbers, detectors, blind_rounds) for numbers in (self.early, self.late)]
        scored = len(self.bits) - n_unscored
        scored_ones = int(np.count_nonzero(self.bits.view(np.bool_))) - unscored_ones
        both_1 = scored_ones - sum(one for _, one in tests)
        both_0 = scored - scored_ones - sum(zero for zero, _ in tests)
        return TestCounts(((both_0, both_1), *tests), n_unscored)

    def _unscored(self, detectors: int, blind_rounds: int) -> tuple[int, int]:
        """Rounds that are not scored, and their ones."""
        if not blind_rounds:
            return 0, 0
        unscored = ones = 0
        longest = detectors * blind_rounds
        for first in range(0, len(self.bits), _TOGETHER):
            last = min(first + _TOGETHER, len(self.bits))
            blind = np.zeros(last - first, np.uint8)
            for back in range(detectors, longest + 1, detectors):
                begin = max(first, back)
                if begin < last:
                    blind[begin - first :] |= self.bits[begin - back : last - back]
            unscored += int(np.count_nonzero(blind.view(np.bool_)))
            blind &= self.bits[first:last]
            ones += int(np.count_nonzero(blind.view(np.bool_)))
        return unscored, ones

    def _of_tests(self, numbers: NDArray[np.int64], detectors: int, blind_rounds: int) -> tuple[int, int]:
        """Zeros and ones of scored rounds among these."""
        scored = np.ones(len(numbers), np.bool_)
        for back in range(detectors, detectors * blind_rounds + 1, detectors):
            earlier = numbers - back
            scored &= (earlier < 0) | (self.bits[np.maximum(earlier, 0)] == 0)
        ones = int(np.count_nonzero(self.bits[numbers[scored]]))
        return int(np.count_nonzero(scored)) - ones, ones
