"""Coincidence search between emulated recordings of two clocks, against what is true of them."""

from math import sqrt

import numpy as np
import pytest
from two_clocks import emulate

from haris.nouns.errors import ParameterError
from haris.nouns.time_tags import TimeTags
from haris.quantum.distill.clock_search import SearchRange, differences, find_clock
from haris.quantum.distill.clock_tracking import Clock, track
from haris.quantum.distill.coincidences import coincidences, events, sift

WINDOW_PS = 3000


def entropy(n):
    return np.random.default_rng(99).bytes(n)


def search(light, reach_ps=10**12, **known):
    """The range of a search whose guess is half a second off."""
    guess = int(light.bob.time_ps[0] - light.alice.time_ps[0]) + 500_000_000_000
    return find_clock(light.alice.time_ps, light.bob.time_ps, SearchRange(guess, reach_ps, **known))


def sifted(light, window_ps=WINDOW_PS, **known):
    clock = track(light.alice.time_ps, light.bob.time_ps, search(light, **known), window_ps)
    alice, bob = events(light.alice, window_ps, entropy), events(light.bob, window_ps, entropy)
    found = coincidences(alice.time_ps, bob.time_ps, clock, window_ps)
    return clock, alice, bob, found


def error_ps(fit, light):
    return fit.offset_ps + fit.residual_ps - light.offset_at(fit.time_ps)


@pytest.mark.parametrize(
    ("seed", "frequency_error", "offset_ps"),
    [(1, 1e-7, 3_210_987_654_321), (2, -1e-7, -2_000_000_000_777), (3, 0.0, 0), (4, 9e-7, 17 * 10**15 + 1)],
)
def test_offset_and_frequency_are_found_within_a_few_sigma(seed, frequency_error, offset_ps):
    light = emulate(seed, seconds=3.0, frequency_error=frequency_error, offset_ps=offset_ps)
    fit = search(light)
    assert abs(error_ps(fit, light)) < 5 * fit.offset_sigma_ps + 2  # offsets of 1e16 ps are known to 2 ps as floats
    assert abs(fit.frequency_error - frequency_error) < 5 * fit.frequency_sigma
    assert fit.offset_sigma_ps < 10.0
    assert fit.jitter_ps == pytest.approx(350 * sqrt(2), rel=0.05)
    assert fit.pairs_hz == pytest.approx(1e4, rel=0.1)


def test_standard_errors_are_what_they_say():
    # 12 recordings: the sum of their squared errors in sigma lies in these bounds but for 1e-4.
    fits = []
    for seed in range(12):
        light = emulate(seed, seconds=1.0, offset_ps=1000 * seed)
        fit = search(light)
        fits.append((error_ps(fit, light) / fit.offset_sigma_ps, (fit.frequency_error - 1e-7) / fit.frequency_sigma))
    assert np.all(np.abs((np.array(fits) ** 2).sum(axis=0) - 15.0) < 14.0)


@pytest.mark.parametrize("rates", [{"pairs_hz": 0.0}, {"pairs_hz": 0.0, "singles_hz": 1e3}, {"pairs_hz": 20.0}])
def test_no_correlation_is_refused_and_not_guessed(rates):
    with pytest.raises(ParameterError, match=r"^no correlation"):
        search(emulate(5, seconds=2.0, **rates))


def test_an_offset_outside_the_range_is_refused():
    light = emulate(6, seconds=6.0, offset_ps=0)
    with pytest.raises(ParameterError, match=r"no correlation between the recordings within 0.1 s of an offset"):
        search(light, reach_ps=10**11)


def test_singles_that_beat_alike_at_both_ends_are_no_correlation():
    # Lamps at 50 Hz make both rates rise and fall together by 30 %: a broad hump, and no peak.
    rng = np.random.default_rng(7)
    sites = []
    for _ in range(2):
        time = np.sort(rng.random(400_000) * 2e12)
        time = time[rng.random(len(time)) < (1.0 + 0.3 * np.sin(2 * np.pi * 50 * time / 1e12)) / 1.3]
        sites.append(time.astype(np.int64))
    with pytest.raises(ParameterError, match=r"^no correlation"):
        find_clock(*sites, SearchRange(0, 10**12))


def test_empty_recordings_are_refused():
    none = np.zeros(0, np.int64)
    with pytest.raises(ParameterError, match="0 time tags at Alice"):
        find_clock(none, np.arange(5), SearchRange(0))


@pytest.mark.parametrize("known", [{"reach_ps": 0}, {"frequency_error": 0.0}])
def test_ranges_are_positive(known):
    with pytest.raises(ParameterError, match="must be finite and above 0"):
        SearchRange(0, **known)


@pytest.mark.parametrize(("drift_per_s", "seconds"), [(0.0, 6.0), (1e-9, 12.0), (-2e-9, 12.0)])
def test_the_clock_is_tracked_over_the_whole_recording(drift_per_s, seconds):
    light = emulate(8, seconds=seconds, drift_per_s=drift_per_s)
    clock = track(light.alice.time_ps, light.bob.time_ps, search(light), WINDOW_PS)
    wrong = clock.residual_ps + clock.offset_ps - light.offset_at(clock.time_ps)
    assert np.abs(wrong).max() < 150.0  # 200 pairs a step: 35 ps of noise, half of which steers
    assert clock.time_ps[0] < light.alice.time_ps[0] + 5 * 10**10
    assert clock.time_ps[-1] > light.alice.time_ps[-1] - 5 * 10**10
    assert clock.frequency_drift_per_s == pytest.approx(drift_per_s, abs=2e-11)
    assert clock.frequency_error == pytest.approx(1e-7 + drift_per_s * seconds / 2, abs=5e-11)


def test_tracking_ends_where_pairs_end_and_bridges_a_gap():
    light = emulate(9, seconds=6.0)
    dark = light.alice.time_ps - light.alice.time_ps[0]
    kept = (dark < 4_000_000_000_000) & ~((dark > 1_000_000_000_000) & (dark < 1_200_000_000_000))
    lone = np.sort(np.random.default_rng(1).integers(0, 6 * 10**12, 20_000)) + light.alice.time_ps[0]
    alice = np.sort(np.concatenate([light.alice.time_ps[kept], lone]))
    clock = track(alice, light.bob.time_ps, search(light), WINDOW_PS)
    assert clock.span_ps == pytest.approx(4e12, rel=0.02)
    assert clock.time_ps[0] < alice[0] + 5 * 10**10


def test_pairs_are_unique_and_wrong_ones_as_many_as_chance_has_it():
    light = emulate(10, seconds=10.0)
    _, alice, bob, found = sifted(light)
    assert np.all(np.diff(found.alice) > 0)
    assert np.all(np.diff(found.bob) > 0)
    numbers = [
        number[np.searchsorted(tags.time_ps, site.time_ps[at])]
        for number, tags, site, at in (
            (light.pair_alice, light.alice, alice, found.alice),
            (light.pair_bob, light.bob, bob, found.bob),
        )
    ]
    true = (numbers[0] == numbers[1]) & (numbers[0] >= 0)
    n_pairs = int(light.pair_alice.max()) + 1
    rate = WINDOW_PS * len(bob.time_ps) / 1e13
    # A lone click of Alice's meets any of Bob's; a pair's click meets an earlier one in half of the window.
    expected = rate * (len(alice.time_ps) - n_pairs / 2)
    assert abs((~true).sum() - expected) < 5 * sqrt(expected)
    assert found.by_chance == pytest.approx(rate * len(alice.time_ps), rel=5 / sqrt(6 * expected))
    assert true.sum() == pytest.approx(n_pairs * 0.9976, rel=0.004)  # 3 ns are +-3.03 sigma


def test_qber_is_the_emulated_one_and_half_of_the_chance_pairs():
    light = emulate(11, seconds=10.0, qber=0.04)
    clock, alice, bob, found = sifted(light)
    pairs = sift(alice, bob, found, clock.span_ps / WINDOW_PS)
    n, errors = pairs.counts.coincidences.sum(), pairs.counts.errors.sum()
    chance = found.by_chance / len(found.alice)
    expected = 0.04 * (1 - chance) + 0.5 * chance
    assert abs(errors - expected * n) < 5 * sqrt(expected * n)
    assert n == pytest.approx(len(found.alice) / 2, rel=0.02)
    assert np.array_equal(pairs.alice.basis, pairs.bob.basis)
    assert errors == (pairs.alice.bit != pairs.bob.bit).sum()
    assert pairs.counts.coincidences.tolist() == np.bincount(pairs.alice.basis).tolist()


def test_clicks_of_one_window_are_one_event_with_a_random_bit_where_they_disagree():
    n = 2000
    time = np.repeat(np.arange(n) * 10_000, 2) + np.tile([0, 500], n)
    for channels, basis_mean, bit_mean in (((2, 2), 1.0, 0.0), ((0, 1), 0.0, 0.5), ((0, 3), 0.5, 0.5)):
        found = events(TimeTags(time, np.tile(np.array(channels, np.uint8), n)), 1000, entropy)
        assert found.time_ps.tolist() == (np.arange(n) * 10_000).tolist()
        assert found.basis.mean() == pytest.approx(basis_mean, abs=0.06)  # 5 sigma of 2000 coins
        assert found.bit.mean() == pytest.approx(bit_mean, abs=0.06)
    assert events(TimeTags(np.zeros(0, np.int64), np.zeros(0, np.uint8)), 1000, entropy).bit.size == 0


def test_partners_lie_within_half_a_window_of_the_clock():
    clock = Clock(1000, np.array([0, 100_000]), np.array([0.0, 100.0]))
    alice, bob = np.array([10_000, 50_000, 90_000, 200_000]), np.array([11_009, 51_151, 91_039, 201_200])
    found = coincidences(alice, bob, clock, 100)
    assert found.alice.tolist() == [0]  # 1, 101 and -51 ps from the clock; the last is beyond what was tracked
    assert found.bob.tolist() == [0]
    assert coincidences(alice, bob, clock, 104).alice.tolist() == [0, 2]
    with pytest.raises(ParameterError, match="window_ps"):
        coincidences(alice, bob, clock, 0)


def test_differences_are_all_of_them():
    rng = np.random.default_rng(12)
    alice, bob = (np.sort(rng.integers(0, 10_000, 300)) for _ in range(2))
    which, late = differences(alice, bob, 50)
    brute = sorted((i, b - a) for i, a in enumerate(alice) for b in bob if abs(b - a) <= 50)
    assert sorted(zip(which.tolist(), late.tolist(), strict=True)) == brute
