"""The settings that give most key in a pass, or in several: intensities, probabilities, bases, and what of it is used.

A link's optimum (families.optimum) tries a setting at many distances in one call. A pass has one loss, and its counts
are sums over slots, so here many settings are tried in one call, over few groups of slots; the key that is told is
computed from all slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import DecoyCounts, by_intensity
from haris.quantum.optics.detector import Detector
from haris.quantum.security.bounds import key_length
from haris.quantum.security.key_length import Security, unrounded_bits
from haris.quantum.space.climb import FIRST_RADIUS, climb
from haris.quantum.space.pass_settings import likely, place_of, settings_at
from haris.quantum.space.slot_counts import Settings, by_basis, slot_counts

Floats = NDArray[np.float64]
Windows = tuple[slice, ...]

GROUPS, LEAST_GROUPS = 16, 4
"""Of slots, of one pass in the search: clicks are nearly linear in transmittance, so that its mean stands for many."""
CUTS = 8
"""Of a pass, between which a window is first looked for; then at every slot as far from its ends as the next cut."""
N_START, N_ANYWHERE, N_CLIMBED, APART = 160, 64, 2, 0.15
"""Settings of the start, some of them anywhere, and how many of the best are climbed from, so far apart."""
MOST_PASSES, FEWER_PASSES = 4096.0, 4.0
"""Alike, in one block: where even that many give no key, none is sought. Where one gives none at the start's settings,
the search goes from more passes to fewer, for the settings of key lie about those of more key."""

NEAR_RADIUS, LEAST_GAIN, ROUGH_GAIN = 0.04, 1e-7, 1e-2
MOST_TURNS = 3
"""Of settings for a window, and a window for settings."""
WINDOW_GAIN = 1e-4
"""Of a window, below which settings for it would gain a hundredth of that and less."""


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
        """Right and wrong bits in each slot, were all bases equal, (..., t, k)."""
        gates, eta, sky = course.n_gates, course.transmittance, course.background
        return slot_counts(settings, self.detector, self.clock_hz, self.misalignment, gates, eta, sky)

    def lengths(self, settings: Settings, right: Floats, wrong: Floats) -> Floats:
        """Real lengths of blocks, (...), from right and wrong bits (..., k); below 0 where there is no key."""
        clicks, errors = by_basis(settings, right, wrong)
        counts = DecoyCounts(float("nan"), settings.intensities, settings.p_intensities, clicks, errors)
        return unrounded_bits(key_length(counts, self.security))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settings, and of each pass the slots to use, with its key's real length: below 0 where there is none."""

    settings: Settings
    windows: Windows
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
    search = _Search(courses, receiver, own)
    best = search.chosen(own, search.whole)
    used, n_passes, places = search.start()
    if not len(places):
        return best
    place, bits = search.climbed(places, used, n_passes, ROUGH_GAIN)
    while n_passes > 1.0 and bits > 0.0:
        used = search.windows(search.settings(place), n_passes)
        n_passes = max(n_passes / FEWER_PASSES, 1.0)
        place, bits = search.climbed(place[None], used, n_passes, ROUGH_GAIN)
    if n_passes > 1.0:
        return best
    for turn in range(1 + MOST_TURNS):
        settings = search.settings(place)
        windows = search.windows(settings)
        found = search.chosen(settings, windows)
        best = max(best, found, key=lambda each: each.bits)
        settled = turn > 0 and (windows == used or found.bits <= bits * (1.0 + WINDOW_GAIN))
        if settled or turn == MOST_TURNS or not found.bits > 0.0:
            break
        used = windows
        place, bits = search.climbed(place[None], used, 1.0, LEAST_GAIN)
    return best


@dataclass(frozen=True, slots=True)
class _Search:
    courses: Sequence[Course]
    receiver: Receiver
    own: Settings

    @property
    def whole(self) -> Windows:
        """All slots of each pass."""
        return tuple(slice(0, course.n_gates.size) for course in self.courses)

    def settings(self, place: Floats) -> Settings:
        """At one place, as numbers."""
        found = self._at(place[None])
        mu, p = by_intensity(found.intensities)[0], by_intensity(found.p_intensities)[0]
        return Settings(tuple(mu.tolist()), tuple((p / p.sum()).tolist()), float(np.ravel(found.p_key_basis)[0]))

    def chosen(self, settings: Settings, windows: Windows) -> Chosen:
        """What a setting gives, slot by slot."""
        lengths = []
        for course, used in zip(self.courses, windows, strict=True):
            right, wrong = self.receiver.counts(course.part(used), settings)
            lengths.append(float(self.receiver.lengths(settings, right.sum(axis=0), wrong.sum(axis=0))))
        return Chosen(settings, windows, tuple(lengths))

    def windows(self, settings: Settings, n_passes: float = 1.0) -> Windows:
        """The best of each pass by itself."""
        return tuple(best_window(course, self.receiver, settings, n_passes) for course in self.courses)

    def climbed(self, places: Floats, windows: Windows, n_passes: float, least_gain: float) -> tuple[Floats, float]:
        """The best place from some, or, with a small step, from one that is nearly right; and its value."""
        grouped = self._grouped(windows)
        radius = FIRST_RADIUS if n_passes > 1.0 or len(places) > 1 else NEAR_RADIUS
        return climb(lambda at: self._values(at, grouped, n_passes), places, radius, least_gain)

    def start(self) -> tuple[Windows, float, Floats]:
        """Where to climb from: windows, how many passes alike make a block, and places; no place is hopeless."""
        box = likely(len(self.own.intensities))
        spread = np.random.default_rng(0).random((N_START, len(box)))
        spread[N_ANYWHERE:] = box[:, 0] + (box[:, 1] - box[:, 0]) * spread[N_ANYWHERE:]
        places = np.concatenate([place_of(self.own)[None], box.mean(axis=1)[None], spread])
        grouped = self._grouped(self.whole)
        values = self._values(places, grouped, 1.0)
        if values.max() > 0.0:
            return self.whole, 1.0, _apart(places[np.argsort(-values, kind="stable")])
        # Perhaps only a part of it is dark: what gives key at all is told apart by many passes in one block.
        tried = [self.windows(self.settings(place), MOST_PASSES) for place in places[:2]]
        windows = max(tried, key=lambda each: self._values(places[:2], self._grouped(each), MOST_PASSES).max())
        n_passes = 1.0
        while True:
            values = self._values(places, self._grouped(windows), n_passes)
            if values.max() > 0.0:
                return windows, n_passes, _apart(places[np.argsort(-values, kind="stable")])
            if n_passes >= MOST_PASSES:
                return windows, 1.0, places[:0]
            n_passes *= FEWER_PASSES

    def _at(self, places: Floats) -> Settings:
        return settings_at(places, len(self.own.intensities), float(np.asarray(self.own.intensities[-1])))

    def _grouped(self, windows: Windows) -> list[Course]:
        n = max(GROUPS // len(self.courses), LEAST_GROUPS)
        return [course.part(used).grouped(n) for course, used in zip(self.courses, windows, strict=True)]

    def _values(self, places: Floats, grouped: list[Course], n_passes: float) -> Floats:
        """Of each place the length of all passes that give key; where none does, of the one that lacks least."""
        settings = self._at(places)
        joined = Course(
            np.concatenate([course.n_gates for course in grouped]) * n_passes,
            np.concatenate([course.transmittance for course in grouped]),
            np.concatenate([course.background for course in grouped]),
        )
        firsts = np.cumsum([0, *(course.n_gates.size for course in grouped[:-1])])
        right, wrong = (
            np.moveaxis(np.add.reduceat(of, firsts, axis=-2), -2, 0) for of in self.receiver.counts(joined, settings)
        )
        lengths = self.receiver.lengths(settings, right, wrong)
        gained = np.maximum(lengths, 0.0).sum(axis=0)
        return np.asarray(np.where(gained > 0.0, gained, lengths.max(axis=0)))


def best_window(course: Course, receiver: Receiver, settings: Settings, n_passes: float = 1.0) -> slice:
    """The neighbouring slots that give most key by one setting; all of them where no fewer give more.

    n_passes: alike, in one block; of several, the window is sought roughly.
    """
    counted = np.stack(receiver.counts(course, settings), axis=1) * n_passes
    since = np.concatenate([np.zeros_like(counted[:1]), np.cumsum(counted, axis=0)])
    n = course.n_gates.size
    begin, end, best = 0, n, -np.inf
    edges = np.unique(np.linspace(0, n, CUTS + 1).round().astype(int))
    first, last = np.triu_indices(edges.size, 1)
    step, turns = (1, MOST_TURNS) if n_passes == 1.0 else (n // CUTS**2 + 1, 1)
    near = step * np.arange(-(n // CUTS) // step - 1, (n // CUTS) // step + 2)
    for turn in range(1 + 2 * turns):
        if turn == 0:
            begins, ends = np.append(0, edges[first]), np.append(n, edges[last])
        elif turn % 2:
            begins = begin + near[(begin + near >= 0) & (begin + near < end)]
            ends = np.full(begins.size, end)
        else:
            ends = end + near[(end + near > begin) & (end + near <= n)]
            begins = np.full(ends.size, begin)
        inside = np.maximum(since[ends] - since[begins], 0.0)
        lengths = receiver.lengths(settings, inside[:, 0], inside[:, 1])
        top = int(np.argmax(lengths))
        if lengths[top] > best:
            begin, end, best = int(begins[top]), int(ends[top]), lengths[top]
        elif turn > 1:
            break
    return slice(begin, end)


def _apart(places: Floats) -> Floats:
    """The first of some places, and those that lie apart from each that was taken."""
    taken: list[Floats] = []
    for place in places[: 4 * N_CLIMBED]:
        if all(np.linalg.norm(place - other) > APART for other in taken):
            taken.append(place)
    return np.array(taken[:N_CLIMBED])
