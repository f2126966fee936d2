"""The samples that are assessed: as they are, and as a string of bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

MOST_BITS = 8


@dataclass(frozen=True)
class Samples:
    """Samples of a noise source. values: uint8, shape (n,), each below 2^bits; bits 1 to 8.

    Raises ParameterError for another shape, a sample outside the width, or samples that are all equal: such data have
    no entropy, and no estimate.
    Source: NIST SP 800-90B (2018), 3.1.2 (at most 8 bits a sample), 3.1.3.
    """

    values: NDArray[np.uint8]
    bits: int

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MOST_BITS:
            raise ParameterError(f"bits of a sample must lie in [1, {MOST_BITS}] as SP 800-90B has it, got {self.bits}")
        if self.values.dtype != np.uint8 or self.values.ndim != 1 or len(self.values) < 2:
            raise ParameterError(
                f"samples are one row of at least 2 uint8, got {self.values.dtype} of shape {self.values.shape}"
            )
        outside = np.flatnonzero(self.values >> self.bits) if self.bits < MOST_BITS else np.empty(0, np.int64)
        if len(outside):
            at = int(outside[0])
            raise ParameterError(
                f"sample {at} is {self.values[at]}, which {self.bits} bits do not hold ({len(outside)} such samples)"
            )
        if (self.values == self.values[0]).all():
            raise ParameterError(f"all {len(self.values)} samples are {self.values[0]}: no entropy")

    @cached_property
    def alphabet(self) -> NDArray[np.uint8]:
        """The distinct values, ascending."""
        return np.flatnonzero(np.bincount(self.values, minlength=256)).astype(np.uint8)

    @cached_property
    def symbols(self) -> NDArray[np.uint8]:
        """The samples as indices of the alphabet."""
        return self.translated(self.values)

    def translated(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Values of the alphabet as its indices: uint8, in the shape of values; themselves where they are that."""
        if int(self.alphabet[-1]) + 1 == len(self.alphabet):
            return values
        translation = np.zeros(256, np.uint8)
        translation[self.alphabet] = np.arange(len(self.alphabet))
        return translation[values]

    @cached_property
    def mean(self) -> float:
        """Mean of the values."""
        return float(np.sum(self.values, dtype=np.int64)) / len(self.values)

    @cached_property
    def median_symbol(self) -> float:
        """Median of the symbols; one half where there are two (SP 800-90B, 5.1.5)."""
        return 0.5 if len(self.alphabet) == 2 else float(np.median(self.symbols))

    @cached_property
    def bitstring(self) -> NDArray[np.uint8]:
        """Every sample's bits, the highest first: uint8 of 0 and 1, shape (n * bits,)."""
        if self.bits == MOST_BITS:
            return np.unpackbits(self.values)
        return np.ascontiguousarray(np.unpackbits(self.values[:, None], axis=1)[:, MOST_BITS - self.bits :].reshape(-1))
