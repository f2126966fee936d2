"""Coincidences: from two recordings of time tags to sifted bits at both ends.

Who looks for coincidences knows when the other site's detectors clicked, never which. Clicks of one site less than a
window apart are one event, so that an event has at most one partner; what several detectors say becomes a random bit,
as the proof of threshold detectors wants it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_positive
from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.sifted_bits import SiftedBits
from haris.nouns.time_tags import TimeTags
from haris.quantum.distill.clock_search import Times
from haris.quantum.distill.clock_tracking import Clock

Indices = NDArray[np.int64]

SHIFTS = 3
"""Displaced windows on either side in which chance coincidences are counted."""


@dataclass(frozen=True, slots=True)
class Events:
    """One site's clicks, less than a window apart taken together. time_ps: of the first; basis, bit: uint8 0/1."""

    time_ps: Times
    basis: NDArray[np.uint8]
    bit: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Coincidences:
    """Events with a partner: which of Alice's and which of Bob's, int64, ascending. by_chance: how many of them are
    expected to be no pair, from windows beside the true one."""

    alice: Indices
    bob: Indices
    by_chance: float


def events(tags: TimeTags, window_ps: int, entropy: Callable[[int], bytes]) -> Events:
    """A site's events. Clicks of both detectors of a basis are a random bit, of both bases a random basis, too.

    entropy: decides them; public it must not be. Raises ParameterError on a window that is not positive.
    """
    require_positive("window_ps", window_ps)
    new = np.diff(tags.time_ps, prepend=tags.time_ps[:1] - window_ps) >= window_ps
    start = np.flatnonzero(new)
    if not len(start):
        return Events(tags.time_ps, tags.channel, tags.channel)
    channels = np.bitwise_or.reduceat(np.left_shift(1, tags.channel).astype(np.uint8), start)
    basis, bit = _BASIS[channels], _BIT[channels]
    several = np.flatnonzero((basis > 1) | (bit > 1))
    coin = np.frombuffer(entropy(len(several)), np.uint8)
    bit[several] = coin & 1
    basis[several] = np.where(basis[several] > 1, coin >> 1 & 1, basis[several])
    return Events(tags.time_ps[start], basis, bit)


def coincidences(alice: Times, bob: Times, clock: Clock, window_ps: int) -> Coincidences:
    """Partners among events of both sites, at most one for each, where the clocks are known.

    alice, bob: int64, ascending, by their own clocks. window_ps: whole width.
    Raises ParameterError on a window that is not positive.
    """
    require_positive("window_ps", window_ps)
    known = np.flatnonzero(clock.knows(alice))
    opens = clock.at_bob(alice[known]) - window_ps // 2
    ours, theirs = _partners(opens, bob, window_ps)
    shifts = [side * (4 + 2 * k) * window_ps for k in range(SHIFTS) for side in (-1, 1)]
    beside = [len(_partners(opens + shift, bob, window_ps)[0]) for shift in shifts]
    return Coincidences(known[ours], theirs, by_chance=float(np.mean(beside)))


def sift(alice: Events, bob: Events, found: Coincidences, n_windows: float) -> SiftedPairs:
    """Coincidences measured in one basis, with what both ends count.

    n_windows: coincidence windows of the tracked time, to which rates relate.
    """
    basis = alice.basis[found.alice]
    kept = basis == bob.basis[found.bob]
    basis, ours, theirs = basis[kept], alice.bit[found.alice[kept]], bob.bit[found.bob[kept]]
    wrong = ours != theirs
    n, errors = (
        np.array([(here & (basis == b)).sum() for b in (KEY_BASIS, TEST_BASIS)], np.int64)
        for here in (np.ones_like(wrong), wrong)
    )
    return SiftedPairs(SiftedBits(basis, ours), SiftedBits(basis, theirs), CoincidenceCounts(n_windows, n, errors))


@dataclass(frozen=True, slots=True)
class SiftedPairs:
    """Both ends' sifted bits, and their counts. Who holds both ends is an emulation or an analysis, not a site."""

    alice: SiftedBits
    bob: SiftedBits
    counts: CoincidenceCounts


def _partners(opens: Times, bob: Times, window_ps: int) -> tuple[Indices, Indices]:
    """Which windows hold an event of Bob's, and which it is; each event belongs to the first window that holds it."""
    at = np.searchsorted(bob, opens)
    inside = np.flatnonzero(at < len(bob))
    inside = inside[bob[at[inside]] < opens[inside] + window_ps]
    theirs = at[inside]
    first = np.diff(theirs, prepend=-1) > 0
    return inside[first].astype(np.int64), theirs[first].astype(np.int64)


def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Basis and bit by the set of detectors that clicked; 2 where the set does not say."""
    basis, bit = np.full(16, 2, np.uint8), np.full(16, 2, np.uint8)
    for channels in range(1, 16):
        said = [c for c in range(4) if channels >> c & 1]
        if len({c >> 1 for c in said}) == 1:
            basis[channels] = said[0] >> 1
        if len(said) == 1:
            bit[channels] = said[0] & 1
    return basis, bit


_BASIS, _BIT = _tables()
