"""Counts of rounds and clicks of blind detectors, each against a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.entropy import mdi_rounds
from haris.quantum.entropy.dead_time import DeadTime
from haris.quantum.entropy.mdi_rounds import Rounds


@given(
    draw=st.integers(0, 2**32),
    n=st.integers(0, 300),
    ones=st.floats(0, 1),
    detectors=st.integers(1, 4),
    blind=st.integers(0, 5),
    together=st.integers(1, 400),
)
@settings(max_examples=100, deadline=None)
def test_rounds_are_counted_as_a_loop_does(draw, n, ones, detectors, blind, together):
    rng = np.random.default_rng(draw)
    bits, states = (rng.random(n) < ones).astype(np.uint8), rng.integers(0, 3, n)
    wanted, unscored = np.zeros((3, 2), int), 0
    for i in range(n):
        if any(i >= k * detectors and bits[i - k * detectors] for k in range(1, blind + 1)):
            unscored += 1
        else:
            wanted[states[i], bits[i]] += 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mdi_rounds, "_TOGETHER", together)
        found = Rounds(bits, np.flatnonzero(states == 1), np.flatnonzero(states == 2)).counted(detectors, blind)
    assert np.array_equal(found.counts, wanted)
    assert (found.n_unscored, found.n_rounds) == (unscored, n)


@given(
    draw=st.integers(0, 2**32),
    n=st.integers(0, 300),
    ones=st.floats(0, 1),
    detectors=st.integers(1, 4),
    blind=st.integers(0, 5),
    cuts=st.lists(st.integers(0, 300), max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_blind_detectors_click_as_a_loop_says(draw, n, ones, detectors, blind, cuts):
    would = np.random.default_rng(draw).random(n) < ones
    wanted, ready = np.zeros(n, np.bool_), [0] * detectors
    for i in np.flatnonzero(would):
        if i >= ready[i % detectors]:
            wanted[i] = True
            ready[i % detectors] = i + (blind + 1) * detectors
    dead_time = DeadTime(detectors, blind)
    parts = [dead_time.clicks(part) for part in np.split(would, sorted(min(cut, n) for cut in cuts))]
    assert np.array_equal(np.concatenate(parts), wanted)


def test_rounds_that_the_block_has_not_are_refused():
    with pytest.raises(ParameterError, match="late"):
        Rounds(np.zeros(5, np.uint8), np.array([1]), np.array([5]))
