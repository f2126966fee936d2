"""What the counts of any prepared or entangled block tell, and how those of its slots add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray


class BlockCounts(Protocol):
    """Measured or expected counts of a block; leading axes are a sweep."""

    @property
    def n_pulses(self) -> float:
        """Sent in the block."""

    @property
    def sifted_bits(self) -> NDArray[np.float64]:
        """Bits in equal bases, shape (...)."""

    @property
    def key_qber(self) -> NDArray[np.float64]:
        """Error rate of the key basis, shape (...)."""


T = TypeVar("T", bound=BlockCounts)


def joined(parts: Sequence[T]) -> T:
    """One block of several, whose counts have one shape: they add up."""
    sums: dict[str, Any] = {"n_pulses": sum(part.n_pulses for part in parts)}
    for each in fields(parts[0]):  # type: ignore[arg-type]
        if isinstance(getattr(parts[0], each.name), np.ndarray):
            sums[each.name] = np.sum([getattr(part, each.name) for part in parts], axis=0)
    return replace(parts[0], **sums)  # type: ignore[type-var]


def summed(counts: T) -> T:
    """One block of all slots, which lie along the first axis of the counts, n_pulses in each slot."""
    arrays = {each.name: getattr(counts, each.name) for each in fields(counts)}  # type: ignore[arg-type]
    sums = {name: value for name, value in arrays.items() if isinstance(value, np.ndarray)}
    n_slots = {len(value) for value in sums.values()}.pop()
    sums = {name: value.sum(axis=0) for name, value in sums.items()}
    return replace(counts, n_pulses=counts.n_pulses * n_slots, **sums)  # type: ignore[type-var]
