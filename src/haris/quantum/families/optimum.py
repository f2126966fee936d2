"""The settings that give most key at each distance: intensities, probabilities, choice of bases, by the family's knobs.

Every setting that is tried is evaluated at all distances of the search, and the answer is the best of them at each. So
the search may stop anywhere and still be right: it is deterministic, no distance gets less than the link's own settings
give, and a distance never gets less than a farther one, whose loss an attenuator before the detectors can restore.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.families.family import Family, Parts, Rate
from haris.quantum.families.joining import CHUNK, in_chunks, joined, picked
from haris.quantum.security.limits import plob

Array = NDArray[np.float64]
Place = tuple[float, ...]

MOST_SEARCHED = 33
"""Distances of the search; where more are asked for, its winners are tried at all of them."""
ANCHORS = (1.0, 0.95, 0.85, 0.7, 0.5, 0.25, 0.0)
"""Shares of the reach at which the best settings are looked for; distances between live on what is found."""
STEPS = (0.12, 0.04, 0.012, 0.004)
"""Of the search around the best place so far, as shares of a knob's range."""
N_START = 48
LEAST = 1e-300
"""Of a transmittance that has a logarithm."""


def optimum(family: Family, parts: Parts, at_m: Array) -> Rate:
    """The best rate at each distance (any shape), with the settings that give it in Rate.settings.

    Raises ParameterError when the family has no knobs.
    """
    if not family.knobs:
        raise ParameterError(f"optimise: {family.name} has no settings to choose")
    distances = np.unique(at_m)
    searched = distances[np.unique(np.linspace(0, distances.size - 1, MOST_SEARCHED).round().astype(int))]
    search = _Search(family, parts, searched)
    search.run()
    winners = search.winners()
    best, which = _best_of(family, winners, distances)
    near = _never_worse(best)
    taken = _assembled(family, winners, distances[near], which[near])
    passed = parts.channel.transmittance(distances)
    added_db = 10.0 * np.log10(np.maximum(passed, LEAST) / np.maximum(passed[near], LEAST))
    here = replace(
        taken,
        distance_m=distances,
        plob_per_pulse=plob(passed),  # of the distance's own loss
        settings={**taken.settings, "added loss, dB": added_db},
    )
    return picked(here, np.searchsorted(distances, at_m))


@dataclass(slots=True)
class _Search:
    family: Family
    parts: Parts
    at_m: Array
    tried: dict[Place, Array] = field(default_factory=dict)

    def run(self) -> None:
        """Start anywhere; then settle at a few distances, each from the best that is known there."""
        n_knobs = len(self.family.knobs)
        self._try(self._own())
        for place in _spread(N_START, n_knobs):
            self._try(place)
        for anchor in self._anchors():
            self._settle(anchor)

    def winners(self) -> list[Parts]:
        """The settings that are the best somewhere, each once, in the order in which they were tried."""
        table = np.array(list(self.tried.values()))
        places = list(self.tried)
        return [self._turned(places[i]) for i in np.unique(np.argmax(table, axis=0))]

    def _anchors(self) -> list[int]:
        """Far ones first: how far there is key at all is found on the way."""
        alive = np.flatnonzero(np.max(list(self.tried.values()), axis=0) > 0.0)
        last = int(alive[-1]) if alive.size else 0
        beyond = min(last + 1, self.at_m.size - 1)
        return list(dict.fromkeys([beyond, *(round(share * last) for share in ANCHORS)]))

    def _settle(self, at: int) -> None:
        place = max(self.tried, key=lambda each: (self.tried[each][at], self.tried[each].sum()))
        best = self.tried[place][at]
        for step in STEPS:
            moved = True
            while moved:
                moved = False
                for knob in range(len(place)):
                    for sign in (1.0, -1.0):
                        shifted = min(max(place[knob] + sign * step, 0.0), 1.0)
                        other = (*place[:knob], shifted, *place[knob + 1 :])
                        value = self._try(other)[at]
                        if value > best:
                            place, best, moved = other, value, True
                            break

    def _try(self, place: Place) -> Array:
        place = tuple(round(share, 6) for share in place)
        if place not in self.tried:
            try:
                rate = self.family.rate(self._turned(place), self.at_m).secret_bits_per_pulse
            except ParameterError:  # knobs that do not fit together
                rate = np.full(self.at_m.shape, -1.0)
            self.tried[place] = rate
        return self.tried[place]

    def _own(self) -> Place:
        values = self.family.settings(self.parts)
        return tuple(knob.share(values[knob.name]) for knob in self.family.knobs)

    def _turned(self, place: Place) -> Parts:
        values = {knob.name: knob.value(share) for knob, share in zip(self.family.knobs, place, strict=True)}
        if place == tuple(round(share, 6) for share in self._own()):
            return self.parts  # to the last bit what the user wrote
        return self.family.turned(self.parts, values)


def _spread(n: int, n_knobs: int) -> list[Place]:
    """n places that fill the unit cube evenly: the R sequence of Roberts (2018), from the generalised golden ratio."""
    phi = 2.0
    for _ in range(40):
        phi = (1.0 + phi) ** (1.0 / (n_knobs + 1))
    steps = np.array([phi ** -(k + 1) for k in range(n_knobs)])
    return [tuple((0.5 + (i + 1) * steps) % 1.0) for i in range(n)]


def _best_of(family: Family, winners: list[Parts], at_m: Array) -> tuple[Array, NDArray[np.int64]]:
    best, which = np.full(at_m.shape, -np.inf), np.zeros(at_m.shape, np.int64)
    for begin in range(0, at_m.size, CHUNK):
        part = slice(begin, begin + CHUNK)
        for i, winner in enumerate(winners):
            rate = family.rate(winner, at_m[part]).secret_bits_per_pulse
            better = rate > best[part]
            best[part][better] = rate[better]
            which[part][better] = i
    return best, which


def _never_worse(best: Array) -> NDArray[np.int64]:
    """For each ascending distance the nearest one, at or beyond it, that gives most."""
    near = np.arange(best.size)
    for i, j in pairwise(range(best.size - 1, -1, -1)):
        if best[near[i]] > best[j]:
            near[j] = near[i]
    return near


def _assembled(family: Family, winners: list[Parts], at_m: Array, which: NDArray[np.int64]) -> Rate:
    """One Rate of what each winner gives where it was chosen."""
    places = [np.flatnonzero(which == i) for i in range(len(winners))]
    rates = []
    for winner, place in zip(winners, places, strict=True):
        if place.size:
            rate = in_chunks(partial(family.rate, winner), at_m[place])
            values = family.settings(winner)
            chosen = {knob.name: np.full(place.size, values[knob.name]) for knob in family.knobs}
            rates.append(replace(rate, settings=chosen))
    return picked(joined(rates), np.argsort(np.concatenate(places), kind="stable"))
