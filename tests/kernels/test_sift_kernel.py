"""The kernels of sifting are their specifications, on random and on adversarial tags and octets."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels import ascending, reference_ascending, reference_sift, sift
from haris.nouns.errors import ParameterError

PERIODS = (4.0, 400.0, 1000.0, 1e12 / 2.4999e9, 333.25)


def assert_same(ours, theirs):
    for field in fields(ours):
        mine, specified = getattr(ours, field.name), getattr(theirs, field.name)
        assert np.array_equal(mine, specified), field.name
        assert mine.dtype == specified.dtype


@given(
    times=st.lists(st.integers(-5000, 60_000), max_size=300),
    seed=st.integers(0, 2**32),
    period_ps=st.sampled_from(PERIODS),
    gate=st.floats(0, 0.5),
    n_pulses=st.integers(0, 60),
    hold_off=st.integers(0, 5),
)
@settings(max_examples=400, deadline=None)
def test_gates_are_those_of_the_specification(times, seed, period_ps, gate, n_pulses, hold_off):
    time_ps = np.array(sorted(times), np.int64)
    channel = np.random.default_rng(seed).integers(0, 4, len(times), dtype=np.uint8)
    arguments = (time_ps, channel, period_ps, gate * period_ps, n_pulses, hold_off)
    for portable in (False, True):
        assert_same(sift.click_gates(*arguments, portable=portable), reference_sift.click_gates(*arguments))


@pytest.mark.parametrize("period_ps", PERIODS)
def test_tags_at_the_edges_of_gates_fall_as_in_the_specification(period_ps):
    edges = np.floor(np.arange(20_000) * period_ps / 2)
    time_ps = np.sort(np.concatenate([edges + d for d in (-1, 0, 1)])).astype(np.int64)
    time_ps = np.concatenate([[-(2**63)], time_ps, [2**52, 2**63 - 1]])
    channel = np.resize(np.arange(4, dtype=np.uint8), len(time_ps))
    for half_gate_ps in (0.0, period_ps / 4, period_ps / 2):
        arguments = (time_ps, channel, period_ps, half_gate_ps, 9_000, 0)
        for portable in (False, True):
            assert_same(sift.click_gates(*arguments, portable=portable), reference_sift.click_gates(*arguments))


def test_other_tags_are_refused():
    time_ps, channel = np.zeros(3, np.int64), np.zeros(3, np.uint8)
    for arguments in (
        (time_ps.astype(float), channel, 400.0, 200.0, 9, 0),
        (time_ps, channel + np.uint8(4), 400.0, 200.0, 9, 0),
        (time_ps[:2], channel, 400.0, 200.0, 9, 0),
        (time_ps, channel, 0.0, 200.0, 9, 0),
        (time_ps, channel, 3.9, 1.0, 9, 0),
        (time_ps, channel, 400.0, -1.0, 9, 0),
        (time_ps, channel, 400.0, 200.0, -1, 0),
        (time_ps, channel, 400.0, 200.0, 9, 2**62),
    ):
        with pytest.raises(ParameterError):
            sift.click_gates(*arguments)


@given(
    gaps=st.one_of(
        st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**42 - 1)), max_size=60),
        st.lists(st.integers(0, 130), max_size=60),  # runs of short gaps are taken together
    )
)
@settings(max_examples=200, deadline=None)
def test_numbers_are_packed_and_unpacked_as_in_the_specification(gaps):
    numbers = np.cumsum(np.array(gaps, np.int64) + 1) - 1
    octets = ascending.pack_ascending(numbers)
    assert octets == reference_ascending.pack_ascending(numbers)
    below = int(numbers[-1]) + 1 if len(numbers) else 1
    got, n_octets = ascending.unpack_ascending(octets, len(numbers), below)
    assert np.array_equal(got, numbers)
    assert n_octets == len(octets)


@given(
    octets=st.one_of(
        st.lists(st.one_of(st.integers(0, 255), st.sampled_from([0, 0x7F, 0x80, 0xFF])), max_size=40),
        st.lists(st.integers(0, 0x81), max_size=40),
    ).map(bytes),
    count=st.integers(0, 50),
    below=st.sampled_from([1, 100, 10_000, 2**42]),
)
@settings(max_examples=500, deadline=None)
def test_any_octets_are_read_as_in_the_specification(octets, count, below):
    ours, theirs = (each.unpack_ascending(octets, count, below) for each in (ascending, reference_ascending))
    assert np.array_equal(ours[0], theirs[0])
    assert ours[1] == theirs[1]


def test_numbers_near_the_end_of_int64_are_not_unpacked():
    octets = ascending.pack_ascending(np.array([5, 9], np.int64))
    assert ascending.unpack_ascending(octets, 2, 2**62)[1] == len(octets)
    with pytest.raises(ParameterError):
        ascending.unpack_ascending(octets, 2, 2**62 + 1)


@pytest.mark.parametrize("numbers", [[-1], [3, 3], [5, 4], [2**42], [-(2**63), 2**63 - 1], [0, 2**43]])
def test_numbers_that_do_not_ascend_are_refused(numbers):
    with pytest.raises(ParameterError, match="must ascend strictly"):
        ascending.pack_ascending(np.array(numbers, np.int64))


def test_numbers_of_another_type_are_refused():
    for numbers in (np.zeros(2), np.zeros((1, 1), np.int64)):
        with pytest.raises(ParameterError, match="one row of int64"):
            ascending.pack_ascending(numbers)
