"""Pairs of a block of mode pairing by kind, once both ends have told of each pair what they sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import PeerError
from haris.nouns.mode_windows import DECOY, NOTHING, SIGNAL, ModeWindows
from haris.quantum.protocols.mode_pairing import ModePairing, paired


@dataclass(frozen=True, slots=True)
class Tally:
    """Pairs by kind, int64, in the shapes and orders of ModePairCounts."""

    z: NDArray[np.int64]
    key_errors: NDArray[np.int64]
    lone: NDArray[np.int64]
    slice_clicks: NDArray[np.int64]
    slice_errors: NDArray[np.int64]


def tally(alice: ModeWindows, bob: ModeWindows, protocol: ModePairing) -> Tally:
    """Count pairs of windows by what both ends sent.

    Turns of phase that agree favour the same detector twice, opposite ones both. Whether a raw bit is wrong the ends
    know only after reconciliation. Raises PeerError when the ends do not speak of the same announcements.
    """
    same = alice.n_pulses == bob.n_pulses and np.array_equal(alice.window, bob.window)
    if not same or not np.array_equal(alice.detector, bob.detector):
        raise PeerError("the ends hold different announcements of the station")
    first, second = paired(alice.window, protocol.max_interval_pulses)
    once, twice, later = zip(*(_kinds(end, first, second) for end in (alice, bob)), strict=True)
    in_z = (once[0] <= NOTHING) & (once[1] <= NOTHING)
    z = np.bincount(once[0][in_z] * 3 + once[1][in_z], minlength=9).reshape(3, 3)
    key = (once[0] == SIGNAL) & (once[1] == SIGNAL)
    nothing = [each == NOTHING for each in once]
    both = twice[0] & twice[1]
    turns = [end.phase_rad[second].astype(np.float64) - end.phase_rad[first] for end in (alice, bob)]
    apart = np.cos(turns[0][both] - turns[1][both])
    edge = np.cos(protocol.phase_slice_rad / 2.0)
    agree, opposite = apart >= edge, apart <= -edge
    alike = (alice.detector[first] == alice.detector[second])[both]
    return Tally(
        z=z.astype(np.int64),
        key_errors=np.asarray(np.count_nonzero(key & (later[0] == later[1]))),
        lone=np.array([np.count_nonzero(nothing[0] & twice[1]), np.count_nonzero(twice[0] & nothing[1])]),
        slice_clicks=np.asarray(np.count_nonzero(agree | opposite)),
        slice_errors=np.asarray(np.count_nonzero(np.where(alike, opposite, agree))),
    )


def _kinds(
    end: ModeWindows, first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each pair: what this end sent once (NOTHING: not at all; above: it sent twice), whether nu twice, and whether
    in the second window."""
    one, two = end.intensity[first].astype(np.int64), end.intensity[second].astype(np.int64)
    sent_twice = (one != NOTHING) & (two != NOTHING)
    once = np.where(sent_twice, NOTHING + 1, np.minimum(one, two))
    return once, (one == DECOY) & (two == DECOY), two != NOTHING
