"""Public permutations that are computed where they are needed and stored nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Words = NDArray[np.uint32]

_CHUNK = 1 << 15


def depth_of(n_bits: int) -> int:
    """Levels of the tree over n_bits positions."""
    return max(n_bits - 1, 1).bit_length()


@dataclass(frozen=True, slots=True)
class Permutation:
    """The permutation of one pass of Cascade; pass 0 changes no order.

    Four rounds of an odd multiplication, an addition and a folded shift, each a bijection of depth-bit words, repeated
    while the word is no bit of the block (cycle walking, as in format-preserving encryption). rounds: factor and
    summand of each. It need only spread errors, not hide anything.
    """

    n_bits: int
    rounds: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, n_bits: int, seed: bytes, number: int) -> Self:
        """The permutation of pass `number`, its constants drawn from SHAKE-256."""
        if number == 0:
            return cls(n_bits, ())
        drawn = np.frombuffer(hashlib.shake_256(seed + bytes([number])).digest(32), "<u4").reshape(4, 2)
        return cls(n_bits, tuple((int(factor) | 1, int(summand)) for factor, summand in drawn))

    def indices(self) -> Words:
        """Index of the bit at every position, uint32."""
        words = np.arange(self.n_bits, dtype=np.uint32)
        for start in range(0, self.n_bits, _CHUNK):  # as many as stay in the cache
            self._walk(words[start : start + _CHUNK], self._mix)
        return words

    def index(self, position: Indices) -> Indices:
        """Index of the bits at some positions."""
        return self._walk(position.astype(np.uint32), self._mix).astype(np.int64)

    def position(self, index: Indices) -> Indices:
        """Positions of some bits."""
        return self._walk(index.astype(np.uint32), self._unmix).astype(np.int64)

    def _walk(self, words: Words, step: Callable[[Words], None]) -> Words:
        step(words)
        while len(outside := np.flatnonzero(words >= self.n_bits)):
            strays = words[outside]
            step(strays)
            words[outside] = strays
        return words

    def _mix(self, words: Words) -> None:
        mask, shift = self._mask, self._shift
        for factor, summand in self.rounds:
            words *= np.uint32(factor)
            words += np.uint32(summand)
            words &= mask
            words ^= words >> shift

    def _unmix(self, words: Words) -> None:
        mask, shift = self._mask, self._shift
        for factor, summand in reversed(self.rounds):
            words ^= words >> shift  # its own inverse: the shift is at least half a word
            words -= np.uint32(summand)
            words *= np.uint32(pow(factor, -1, 1 << 32))
            words &= mask

    @property
    def _mask(self) -> np.uint32:
        return np.uint32((1 << depth_of(self.n_bits)) - 1)

    @property
    def _shift(self) -> np.uint32:
        return np.uint32((depth_of(self.n_bits) + 1) // 2)
