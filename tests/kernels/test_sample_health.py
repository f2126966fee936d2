"""Counts for health tests on every path against their specification, for streams cut anywhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels import reference_sample_health as reference
from haris.kernels.sample_health import DIGEST_SLOTS, SampleHealth, paths
from haris.nouns.errors import ParameterError

PATHS = pytest.mark.parametrize("path", paths())


def stream(draw, n, bits, spread):
    rng = np.random.default_rng(draw)
    middle = 2 ** (bits - 1)
    codes = np.clip(np.rint(rng.normal(middle, spread * middle, n)), 0, 2**bits - 1)
    return codes.astype(np.uint8 if bits <= 8 else np.uint16)


@given(
    draw=st.integers(0, 2**32),
    n=st.integers(0, 6000),
    bits=st.integers(1, 16),
    spread=st.sampled_from([1e-4, 0.02, 0.3, 2.0]),
    cuts=st.lists(st.integers(0, 6000), max_size=4),
    repetition_cutoff=st.integers(4, 200),
    proportion_cutoff=st.integers(1, 300),
    proportion_window=st.sampled_from([128, 256, 512, 1024]),
    windows=st.integers(1, 3),
)
@settings(max_examples=150, deadline=None)
def test_all_paths_equal_the_specification(
    draw, n, bits, spread, cuts, repetition_cutoff, proportion_cutoff, proportion_window, windows
):
    codes, window = stream(draw, n, bits, spread), windows * proportion_window
    ends = sorted({min(cut, n) for cut in cuts} | {n})
    for path in paths():
        health = SampleHealth(
            bits,
            repetition_cutoff=repetition_cutoff,
            proportion_cutoff=proportion_cutoff,
            proportion_window=proportion_window,
            window=window,
            path=path,
        )
        rows, repetition, proportion, start = [], None, None, 0
        for end in ends:
            counts = health.count(codes[start:end])
            rows.append(counts.rows)
            if repetition is None and counts.repetition is not None:
                repetition = start + counts.repetition
            if proportion is None and counts.proportion is not None:
                proportion = start + counts.proportion
            start = end
        assert np.array_equal(np.concatenate(rows), reference.rows(codes, bits, window))
        assert repetition == reference.repetition(codes, repetition_cutoff)
        assert proportion == reference.proportion(codes, proportion_cutoff, proportion_window)


@PATHS
@given(
    draw=st.integers(0, 2**32),
    change=st.sampled_from([0.001, 0.01, 0.1, 0.5]),
    cut=st.integers(0, 20_000),
    repetition_cutoff=st.integers(100, 1500),
    proportion_cutoff=st.integers(200, 1025),
    proportion_window=st.sampled_from([128, 1024]),
)
@settings(max_examples=60, deadline=None)
def test_bits_in_long_runs_equal_the_specification(
    path, draw, change, cut, repetition_cutoff, proportion_cutoff, proportion_window
):
    codes = (np.cumsum(np.random.default_rng(draw).random(20_000) < change) & 1).astype(np.uint8)
    health = SampleHealth(
        1,
        repetition_cutoff=repetition_cutoff,
        proportion_cutoff=proportion_cutoff,
        proportion_window=proportion_window,
        window=2 * proportion_window,
        path=path,
    )
    first, second = health.count(codes[:cut]), health.count(codes[cut:])
    rows = np.concatenate([first.rows, second.rows])
    assert np.array_equal(rows, reference.rows(codes, 1, 2 * proportion_window))
    for name, found in (
        ("repetition", reference.repetition(codes, repetition_cutoff)),
        ("proportion", reference.proportion(codes, proportion_cutoff, proportion_window)),
    ):
        one, two = getattr(first, name), getattr(second, name)
        assert (one if one is not None else None if two is None else cut + two) == found


@PATHS
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_extreme_codes_do_not_overflow(bits, path):
    codes = np.tile(np.array([0, 2**bits - 1], np.uint8 if bits <= 8 else np.uint16), 2**16)
    health = SampleHealth(
        bits, repetition_cutoff=4, proportion_cutoff=512, proportion_window=512, window=2**17, path=path
    )
    counts = health.count(codes)
    assert counts.rows.tolist() == reference.rows(codes, bits, 2**17).tolist()
    assert counts.rows[0, 1] == 2**16 * ((2 ** (bits - 1)) ** 2 + (2 ** (bits - 1) - 1) ** 2)


@PATHS
@pytest.mark.parametrize("bits", [8, 10])
def test_a_copied_window_is_found_where_its_copy_ends(bits, path):
    codes = stream(1, 512 * 400, bits, 0.3)
    health = SampleHealth(
        bits, repetition_cutoff=30, proportion_cutoff=300, proportion_window=512, window=2**16, path=path
    )
    assert health.count(codes).copied is None
    copy = np.concatenate([stream(2, 512 * 3, bits, 0.3), codes[512 * 399 :]])
    assert health.count(copy).copied == 4 * 512 - 1


def test_a_window_is_forgotten_when_its_slot_is_taken():
    health = SampleHealth(8, repetition_cutoff=30, proportion_cutoff=128, proportion_window=128, window=128)
    first = stream(3, 128, 8, 0.3)
    health.count(first)
    for draw in range(8):
        health.count(stream(draw + 4, 128 * DIGEST_SLOTS, 8, 0.3))
    assert health.count(first).copied is None


def test_settings_are_checked():
    good = {"repetition_cutoff": 4, "proportion_cutoff": 1, "proportion_window": 128, "window": 128}
    SampleHealth(8, **good)
    for wrong in [{"repetition_cutoff": 3}, {"proportion_cutoff": 0}, {"proportion_window": 100}, {"window": 200}]:
        with pytest.raises(ParameterError, match=next(iter(wrong)).split("_")[-1]):
            SampleHealth(8, **good | wrong)
    with pytest.raises(ParameterError, match="bits"):
        SampleHealth(17, **good)
    with pytest.raises(ParameterError, match="path"):
        SampleHealth(8, **good, path="abacus")
