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


def summed(parts: Sequence[T]) -> T:
    """One block of all slots, which lie along the first axis of the counts of each part, n_pulses in each slot."""
    sums: dict[str, Any] = {}
    n_slots = [0] * len(parts)
    for each in fields(parts[0]):  # type: ignore[arg-type]
        values = [getattr(part, each.name) for part in parts]
        if isinstance(values[0], np.ndarray):
            n_slots = [len(value) for value in values]
            sums[each.name] = np.sum([value.sum(axis=0) for value in values], axis=0)
    n_pulses = sum(part.n_pulses * n for part, n in zip(parts, n_slots, strict=True))
    return replace(parts[0], n_pulses=n_pulses, **sums)  # type: ignore[type-var]
