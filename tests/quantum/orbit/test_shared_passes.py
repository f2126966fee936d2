"""Passes that two stations share: against a look at every second, and where there are none."""

from dataclasses import replace

import numpy as np
import pytest

from haris.quantum.orbit.elements import DAY_S, Elements
from haris.quantum.orbit.passes import passes
from haris.quantum.orbit.propagation import states
from haris.quantum.orbit.shared_passes import shared_passes
from haris.quantum.orbit.station import Station, sight
from haris.quantum.orbit.tle import read_tle

(MICIUS,) = read_tle(
    "1 41731U 16051A   16353.90152003  .00000364  00000-0  17957-4 0  9993\n"
    "2 41731  97.3699 267.4500 0013200 178.5836 246.0824 15.23915303 19063"
)
DELINGHA = Station("Delingha", 37.379008, 97.726947, 3153.0)
NANSHAN = Station("Nanshan", 43.475461, 87.176686, 2028.0)
START_S = MICIUS.epoch_s


def test_shared_passes_are_those_of_a_look_at_every_second():
    times = START_S + np.arange(0.0, DAY_S)
    seen = [sight(each, states([MICIUS], times)).part(0) for each in (DELINGHA, NANSHAN)]
    lower = np.minimum(*(each.elevation_deg for each in seen))
    edges = np.flatnonzero(np.diff((lower >= 10.0).astype(int)))
    found = shared_passes([MICIUS], (DELINGHA, NANSHAN), START_S, START_S + DAY_S, 10.0)
    assert len(found) == len(edges) // 2 >= 2
    for each, first, last in zip(found, edges[::2], edges[1::2], strict=True):
        assert each.rise_s == pytest.approx(times[first], abs=1.0)
        assert each.set_s == pytest.approx(times[last], abs=1.0)
        part = slice(first + 1, last + 1)
        # The lower of two elevations has an edge at its top, which a second may miss.
        assert 0.0 <= each.max_elevation_deg - lower[part].max() < 0.3
        assert each.culmination_s == pytest.approx(times[part][np.argmax(lower[part])], abs=1.0)
        farther = np.maximum(*(of.range_m[part] for of in seen))
        assert 0.0 <= farther.min() - each.min_range_m < 4e3
        assert each.where == "Delingha + Nanshan"
        assert each.is_whole


def test_of_several_peaks_of_an_eccentric_orbit_the_highest_is_told():
    eccentric = Elements("eccentric", 0, START_S, 2.006, 0.72, 63.4, 120.0, 270.0, 0.0)
    times = START_S + np.arange(0.0, DAY_S, 10.0)
    seen = [sight(each, states([eccentric], times)).part(0) for each in (DELINGHA, NANSHAN)]
    lower, farther = np.minimum(*(each.elevation_deg for each in seen)), np.maximum(*(each.range_m for each in seen))
    found = shared_passes([eccentric], (DELINGHA, NANSHAN), START_S, START_S + DAY_S, 10.0)
    assert found
    for each in found:
        part = (times >= each.rise_s) & (times <= each.set_s)
        assert 0.0 <= each.max_elevation_deg - lower[part].max() < 0.5
        assert 0.0 <= farther[part].min() - each.min_range_m < 1e5


def test_two_equal_places_share_every_pass():
    twin = replace(NANSHAN, name="twin")
    shared = shared_passes([MICIUS], (NANSHAN, twin), START_S, START_S + DAY_S)
    alone = passes([MICIUS], NANSHAN, START_S, START_S + DAY_S)
    assert [each.rise_s for each in shared] == [each.rise_s for each in alone]
    for one, other in zip(shared, alone, strict=True):
        assert one.max_elevation_deg == pytest.approx(other.max_elevation_deg, abs=1e-6)
        assert one.min_range_m == pytest.approx(other.min_range_m, abs=0.01)


def test_places_that_are_too_far_apart_share_none():
    south = Station("Neumayer", -70.67, -8.27)
    assert shared_passes([MICIUS], (NANSHAN, south), START_S, START_S + DAY_S) == ()


def test_a_pass_that_lasts_at_the_end_is_cut():
    (first, *_) = shared_passes([MICIUS], (DELINGHA, NANSHAN), START_S, START_S + DAY_S)
    (cut, *_) = shared_passes([MICIUS], (DELINGHA, NANSHAN), START_S, first.culmination_s)
    assert cut.set_s == pytest.approx(first.culmination_s)
    assert not cut.is_whole
