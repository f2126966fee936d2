"""One end's half of a block in which only some rounds count: those that clicked, or that a signal told of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

UNDECIDED = 2
"""Value of a round in which a device gave no single answer: two detectors clicked, or it answered nothing."""
MOST_SETTING = 15


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds that count, in ascending order, and what this end chose and found in them.

    n_pulses: rounds of the block. index: int64, which of them count; the same at both ends. setting: uint8, the choice
    of basis or state, and of intensity, as the protocol numbers them, at most 15. value: uint8, a bit that was sent or
    found, or UNDECIDED.
    Raises ParameterError on other types, rows of different length, values outside their range, or rounds that do not
    ascend within the block.
    """

    n_pulses: int
    index: NDArray[np.int64]
    setting: NDArray[np.uint8] = field(repr=False)
    value: NDArray[np.uint8] = field(repr=False)

    def __post_init__(self) -> None:
        if self.index.dtype != np.int64 or self.setting.dtype != np.uint8 or self.value.dtype != np.uint8:
            raise ParameterError(
                f"index is int64, setting and value uint8, got {self.index.dtype}, {self.setting.dtype} and "
                f"{self.value.dtype}"
            )
        if not self.index.shape == self.setting.shape == self.value.shape or self.index.ndim != 1:
            raise ParameterError(f"{self.index.shape} rounds, {self.setting.shape} settings, {self.value.shape} values")
        for name, row, most in (("settings", self.setting, MOST_SETTING), ("values", self.value, UNDECIDED)):
            if (greatest := int(row.max(initial=0))) > most:
                raise ParameterError(f"{name} lie in 0..{most}, got {greatest}")
        if self.index.size and (
            np.any(self.index[1:] <= self.index[:-1]) or self.index[0] < 0 or self.index[-1] >= self.n_pulses
        ):
            raise ParameterError(f"rounds must ascend within [0, {self.n_pulses})")


def require_one_block(alice: Rounds, bob: Rounds) -> None:
    """Raise ParameterError unless both halves are of the same rounds of a block of one length."""
    if alice.n_pulses != bob.n_pulses or not np.array_equal(alice.index, bob.index):
        raise ParameterError("the two halves are not of the same rounds")
