"""Samples that were there before, at whatever place: a device that plays a recording again, from start to start."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from haris.nouns.raw_samples import Codes, RawSamples

WINDOW_BITS = 128
"""Min-entropy of a window, by the model of good samples: a window of theirs is the same as another by no chance."""
PIECE, ALWAYS = 2**20, 2**14
"""Samples of a piece at most, and so few of them that each is searched."""
SEARCHED_EVERY, SEARCHED_FIRST = 1024, 4
"""Longer pieces of which one is searched, and how many at each start are."""
REMEMBERED = 2**14
"""Pieces, the newest."""
_MARK_BITS = 6
_MARKS = 16
_BASE = 0x9E3779B97F4A7C15
_STEP = 2**15


class Repeats:
    """Remembers a window of each piece of samples, and finds it again at any offset. min_entropy: of a sample, above 0.

    A window is marked where its polynomial hash of 64 bits begins with six zeros, one in 64: which are marked follows
    from the samples alone. The first marked one at the front of a piece is remembered. A piece that is searched is
    compared by all its marked windows with what is remembered. So a copy of samples that were fed within the last
    REMEMBERED pieces is found within two pieces of a start, later within SEARCHED_EVERY, where pieces are as long as
    those that were copied, and the copy is that long.
    """

    def __init__(self, min_entropy: float) -> None:
        self._window = max(8, math.ceil(WINDOW_BITS / min_entropy))
        self._front = self._window + (_MARKS << _MARK_BITS)
        self._known: dict[int, bytes] = {}  # in their order
        step = max(_STEP, 2 * self._window)
        self._powers = _powers(_BASE, step + self._window)
        self._inverse = _powers(pow(_BASE, -1, 2**64), step)
        self.restart()

    def restart(self) -> None:
        """Samples are fed anew; what is remembered stays."""
        self._held: list[Codes] = []
        self._tail: Codes = np.empty(0, np.uint8)
        self._n_pieces = 0

    def copied(self, samples: RawSamples) -> bool:
        """Whether these samples, with those fed since restart, hold a window of before."""
        return any(self._seen(samples.values[first : first + PIECE]) for first in range(0, len(samples), PIECE))

    def _seen(self, values: Codes) -> bool:
        self._held.append(values)
        if sum(map(len, self._held)) < 2 * self._front:  # else its front would be part of its own tail
            self._held[-1] = values.copy()
            return False
        piece: Codes = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)  # type: ignore[assignment]
        self._held = []
        short, first = len(piece) <= ALWAYS, self._n_pieces < SEARCHED_FIRST
        searched = short or first or self._n_pieces % SEARCHED_EVERY == 0
        found = searched and self._search(np.concatenate([self._tail.astype(piece.dtype), piece]))
        self._n_pieces += 1
        self._tail = piece[-self._front :].copy()
        self._remember(piece[: self._front])
        return found

    def _search(self, values: Codes) -> bool:
        for hashed, at in self._marked(values):
            if hashed in self._known and self._known[hashed] == self._digest(values, at):
                return True
        return False

    def _remember(self, values: Codes) -> None:
        hashed, at = next(self._marked(values), (None, 0))
        if hashed is None:
            return
        self._known[hashed] = self._digest(values, at)
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def _digest(self, values: Codes, at: int) -> bytes:
        return hashlib.blake2b(values[at : at + self._window].tobytes(), digest_size=16).digest()

    def _marked(self, values: Codes) -> Iterator[tuple[int, int]]:
        """Hash and place of the marked windows."""
        step = len(self._inverse)
        for first in range(0, len(values) - self._window + 1, step):
            part = values[first : first + step + self._window - 1].astype(np.uint64) + np.uint64(1)
            sums = np.zeros(len(part) + 1, np.uint64)
            np.cumsum(part * self._powers[: len(part)], out=sums[1:])
            hashes = sums[self._window :] - sums[: -self._window]
            hashes *= self._inverse[: len(hashes)]
            places = np.flatnonzero(hashes < np.uint64(1 << (64 - _MARK_BITS)))
            yield from zip(hashes[places].tolist(), (first + places).tolist(), strict=True)


def _powers(base: int, n: int) -> NDArray[np.uint64]:
    """base^0 to base^(n - 1), modulo 2^64."""
    powers = np.full(n, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)
