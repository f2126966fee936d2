"""The settings that give most key in a pass, or in several: intensities, probabilities, bases, and what of it is used.

A link's optimum (families.optimum) tries a setting at many distances in one call. A pass has one loss, and its counts
are sums over slots, so here many settings are tried in one call, over few groups of slots; the key that is told is
computed from all slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import DecoyCounts
from haris.quantum.optics.detector import Detector
from haris.quantum.security.bounds import key_length
from haris.quantum.security.key_length import Security, unrounded_bits
from haris.quantum.space.climb import climb
from haris.quantum.space.pass_settings import n_knobs, place_of, settings_at
from haris.quantum.space.slot_counts import Settings, slot_counts

Floats = NDArray[np.float64]

GROUPS = 16
"""Of slots, of one pass in the search: clicks are nearly linear in transmittance, so that its mean stands for many."""
CUTS = 8
"""Of a pass, between which a window is first looked for; then at every slot."""
N_START, N_CLIMBED, APART = 192, 3, 0.25
"""Settings of the start, and how many of the best are climbed from, so far apart."""
MOST_PASSES, FEWER_PASSES = 4096.0, 4.0
"""Alike, in one block: where even that many give no key, none is sought. Where one gives none at the start's settings,
the search goes from more passes to fewer, for the settings of key lie about those of more key."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a pass's light meets, slot by slot, float64 (t,): gates sent, transmittance and sky, detectors apart."""

    n_gates: Floats
    transmittance: Floats
    background: Floats

    def grouped(self, n: int) -> Course:
        """In at most n groups of neighbouring slots, each with its means by gates."""
        edges = np.unique(np.linspace(0, self.n_gates.size, n + 1).round().astype(int))[:-1]
        gates = np.add.reduceat(self.n_gates, edges)
        means = (np.add.reduceat(self.n_gates * of, edges) / gates for of in (self.transmittance, self.background))
        return Course(gates, *means)

    def part(self, window: slice) -> Course:
        """Of some slots."""
        return Course(self.n_gates[window], self.transmittance[window], self.background[window])


@dataclass(frozen=True, slots=True)
class Receiver:
    """What stays as it is while settings are sought."""

    clock_hz: float
    misalignment: float
    detector: Detector
    security: Security

    def counts(self, course: Course, settings: Settings) -> tuple[Floats, Floats]:
        """Clicks and errors in each slot, (..., t, 2, k)."""
        gates, eta, sky = course.n_gates, course.transmittance, course.background
        return slot_counts(settings, self.detector, self.clock_hz, self.misalignment, gates, eta, sky)

    def lengths(self, settings: Settings, clicks: Floats, errors: Floats) -> Floats:
        """Real lengths of blocks, (...), from clicks and errors (..., 2, k); below 0 where there is no key."""
        counts = DecoyCounts(float("nan"), settings.intensities, settings.p_intensities, clicks, errors)
        return unrounded_bits(key_length(counts, self.security))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settings, and of each pass the slots to use, with its key's real length: below 0 where there is none."""

    settings: Settings
    windows: tuple[slice, ...]
    lengths: tuple[float, ...]

    @property
    def bits(self) -> float:
        """Of all passes that give key."""
        return sum(max(each, 0.0) for each in self.lengths)


def optimum(courses: Sequence[Course], receiver: Receiver, own: Settings) -> Chosen:
    """Settings with most key, summed over the courses of passes, each with a slot at least, and each one block.

    own: the settings to begin with, each a number; their last of three intensities stays. The same arguments give the
    same answer, which is never below what own gives with all slots.
    """
    whole = tuple(slice(0, course.n_gates.size) for course in courses)
    best = _chosen(courses, whole, receiver, own)
    search = _Search(courses, receiver, own)
    place, n_passes, windows = search.start()
    if place is None:
        return best
    while n_passes > 1.0:
        n_passes = max(n_passes / FEWER_PASSES, 1.0)
        place = search.climbed(place[None], windows, n_passes)
        windows = search.windows(place, n_passes)
    for _ in range(3):
        found = _chosen(courses, windows, receiver, search.settings(place))
        if not found.bits > best.bits:
            break
        best = found
        windows = search.windows(place)
        if windows == found.windows:
            break
        place = search.climbed(place[None], windows)
    return best


@dataclass(slots=True)
class _Search:
    courses: Sequence[Course]
    receiver: Receiver
    own: Settings
    n_groups: int = field(init=False)

    def __post_init__(self) -> None:
        self.n_groups = max(GROUPS // len(self.courses), 4)

    def settings(self, place: Floats) -> Settings:
        """At one place."""
        found = self._at(place[None])
        pick = lambda values: tuple(float(np.ravel(v)[0]) for v in values)  # noqa: E731
        return Settings(pick(found.intensities), pick(found.p_intensities), float(np.ravel(found.p_key_basis)[0]))
