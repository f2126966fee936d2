"""Clicks of detectors that are blind for a while after each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class DeadTime:
    """Detectors that take rounds in turn, each blind for blind_rounds of its own after a click, and ready at first."""

    def __init__(self, detectors: int, blind_rounds: int) -> None:
        self._blind = blind_rounds
        self._n_rounds = 0
        self._ready = [0] * detectors  # the round of its own in which each can click again

    def clicks(self, would: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The clicks of the next rounds, from those that detectors without dead time would give."""
        detectors, n = len(self._ready), len(would)
        if not self._blind:
            return would
        kept = np.zeros(n, np.bool_)
        for detector in range(detectors):
            first = (detector - self._n_rounds) % detectors
            own = (self._n_rounds + first) // detectors
            at = own + np.flatnonzero(would[first::detectors])
            chosen = at[_greedy(at, self._blind, self._ready[detector])]
            kept[first + detectors * (chosen - own)] = True
            if len(chosen):
                self._ready[detector] = int(chosen[-1]) + self._blind + 1
        self._n_rounds += n
        return kept


def _greedy(at: NDArray[np.int64], blind: int, ready: int) -> NDArray[np.bool_]:
    """Which of these ascending rounds click: each that is at least `ready`, and more than `blind` after the last."""
    kept = np.zeros(len(at) + 1, np.bool_)
    at_ready = int(np.searchsorted(at, ready))
    # A round without another within `blind` before it clicks whatever came earlier: from all of these on at once.
    alone = np.ones(len(at) + 1, np.bool_)
    alone[1:-1] = np.diff(at) > blind
    alone[:at_ready] = False
    alone[at_ready] = True
    following = np.append(np.searchsorted(at, at + blind, side="right"), len(at))
    followed = np.flatnonzero(alone)
    while len(followed):
        kept[followed] = True
        followed = following[followed]
        followed = followed[~alone[followed]]
    return kept[:-1]
