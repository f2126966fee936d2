"""Counts of a block of sending-or-not-sending, once both ends have compared what they sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import PeerError
from haris.nouns.sns_windows import DARK, EMPTY, SENT, STRONG, WEAK, SnsWindows


@dataclass(frozen=True, slots=True)
class Tally:
    """Heralded windows by kind, int64: decoys (5), signal (4), and the clicks and errors of the slices, of shape ()."""

    decoys: NDArray[np.int64]
    signal: NDArray[np.int64]
    slice_clicks: NDArray[np.int64]
    slice_errors: NDArray[np.int64]


def tally(alice: SnsWindows, bob: SnsWindows, phase_slice_rad: float) -> Tally:
    """Count heralded windows by what both ends sent, in the orders of SnsCounts.

    A signal window that did not send counts as an empty pulse where the other end has a decoy window. In a slice,
    phases that agree favour detector 0 and opposite ones detector 1. The ends know who sent in a signal window only
    after reconciliation. Raises PeerError when the ends do not speak of the same announcements.
    """
    same = alice.n_pulses == bob.n_pulses and np.array_equal(alice.window, bob.window)
    if not same or not np.array_equal(alice.detector, bob.detector):
        raise PeerError("the ends hold different announcements of the station")
    a, b = alice.setting, bob.setting
    pairs = np.zeros((5, 5), dtype=np.int64)
    np.add.at(pairs, (a, b), 1)
    empty_a, empty_b = pairs[EMPTY] + pairs[DARK], pairs[:, EMPTY] + pairs[:, DARK]
    vacuum = empty_a[EMPTY] + pairs[EMPTY, DARK]
    decoys = [vacuum, empty_a[WEAK], empty_b[WEAK], empty_a[STRONG], empty_b[STRONG]]
    signal = [pairs[DARK, DARK], pairs[SENT, DARK], pairs[DARK, SENT], pairs[SENT, SENT]]
    both = (a == WEAK) & (b == WEAK)
    difference = alice.phase_rad[both].astype(np.float64) - bob.phase_rad[both]
    agree = np.cos(difference) >= np.cos(phase_slice_rad / 2.0)
    opposite = np.cos(difference) <= -np.cos(phase_slice_rad / 2.0)
    errors = np.where(alice.detector[both] == 0, opposite, agree)
    return Tally(
        decoys=np.array(decoys),
        signal=np.array(signal),
        slice_clicks=np.asarray(np.count_nonzero(agree | opposite)),
        slice_errors=np.asarray(np.count_nonzero(errors)),
    )
