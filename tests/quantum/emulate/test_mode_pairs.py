"""Expected pairs of mode pairing: against windows drawn and paired one by one, and photons at a beam splitter."""

from dataclasses import replace
from itertools import product
from math import comb, exp, factorial, sqrt

import numpy as np
import pytest
from scipy.stats import chi2

from haris.nouns.errors import ParameterError
from haris.quantum.emulate.mode_pairs import CELLS, expected_counts, mean_turns
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pairing_source import PairingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.mode_pairing import ModePairing, paired, pairing_rate

SOURCE = PairingSource(1e9, (0.7, 0.3), (0.3, 0.35, 0.35), 4e6, 1e6)
FIBRE = Fibre(30e3, 0.2, 2.0, misalignment=0.04)
STATION = Station(0.7, 3e-3, phase_drift_rad_per_s=1e7)
PROTOCOL = ModePairing(10**9, 12, phase_slice_rad=1.2)


def paired_one_by_one(window, most):
    """The rule as it is told: wait for the next; too late, and that one waits instead."""
    waiting, pairs = None, []
    for place, when in enumerate(window):
        if waiting is not None and when - window[waiting] <= most:
            pairs.append((waiting, place))
            waiting = None
        else:
            waiting = place
    return pairs


@pytest.mark.parametrize(("p", "most"), [(0.02, 1), (0.1, 7), (0.03, 40), (0.6, 3), (0.01, 1000)])
def test_pairing_is_that_of_windows_one_by_one_and_as_frequent(p, most):
    rng, n = np.random.default_rng(3), 400_000
    window = np.flatnonzero(rng.random(n) < p)
    first, second = paired(window, most)
    assert list(zip(first, second, strict=True)) == paired_one_by_one(window, most)
    assert first.size == pytest.approx(n * pairing_rate(p, most), abs=5 * sqrt(first.size))  # fails once in 1e6


def test_pairing_of_few_windows():
    for few in ([], [5], [5, 9]):
        assert paired(np.array(few, dtype=np.int64), 3)[0].size == 0
    assert pairing_rate(0.0, 10) == 0.0
    assert pairing_rate(1.0, 1) == pytest.approx(0.5)


def drawn_pairs(rng, n):
    """Counts of n windows by the rules of the protocol: z, key errors, lone, and right and wrong clicks of slices."""
    mu, nu = SOURCE.intensities
    kind = rng.choice(3, (2, n), p=SOURCE.p_intensities)
    sent = np.array([mu, nu, 0.0])[kind]
    told = rng.uniform(0.0, 2 * np.pi, (2, n))
    arm = STATION.efficiency * 10 ** (-(30 * 0.2 + 2.0) / 20)
    psi = rng.uniform(0.0, 2 * np.pi, n)  # of the fields that meet; what is told differs by the phase of the channel
    swing = (1 - 2 * FIBRE.misalignment) * np.sqrt(sent[0] * sent[1]) * np.cos(psi)
    click = np.array([rng.poisson(arm * np.maximum(sent.sum(axis=0) / 2 + side * swing, 0.0)) > 0 for side in (1, -1)])
    click |= rng.random((2, n)) < STATION.p_dark
    window = np.flatnonzero(click[0] != click[1])
    pairs = np.array(paired_one_by_one(window, PROTOCOL.max_interval_pulses))
    i, j = window[pairs].T
    # The channel's phase at i is any; at j it has turned.
    age_s = (j - i) / SOURCE.clock_hz
    turn = 2 * np.pi * rng.normal(0.0, SOURCE.frequency_difference_hz, i.size) * age_s
    turn += rng.normal(0.0, STATION.phase_drift_rad_per_s, i.size) * age_s
    turn += rng.normal(0.0, np.sqrt(2 * np.pi * SOURCE.linewidth_hz * age_s))
    told[1, i] = told[0, i] - psi[i]
    told[1, j] = told[0, j] - psi[j] + turn

    z, errors, lone, slices = np.zeros((3, 3)), 0, np.zeros(2), np.zeros(2)
    for a, b, c, d, first, second in zip(kind[0, i], kind[0, j], kind[1, i], kind[1, j], i, j, strict=True):
        if 2 in (a, b) and 2 in (c, d):
            z[min(a, b), min(c, d)] += 1
            errors += (a, b) == (c, d) and (min(a, b), min(c, d)) == (0, 0)
        if (a, b, c, d) == (2, 2, 1, 1):
            lone[0] += 1
        if (a, b, c, d) == (1, 1, 2, 2):
            lone[1] += 1
        if a == b == c == d == 1:
            apart = np.cos((told[0, second] - told[0, first]) - (told[1, second] - told[1, first]))
            if abs(apart) >= np.cos(PROTOCOL.phase_slice_rad / 2):
                slices[int((click[0, first] == click[0, second]) != (apart > 0))] += 1
    return np.array([*(z.ravel() - [errors, *[0] * 8]), errors, *lone, *slices])


def test_expected_counts_are_those_of_drawn_windows():
    # A chi-square over the 14 kinds of pair: fails once in 1e4 by chance; the seed is fixed.
    n = 1_200_000
    drawn = drawn_pairs(np.random.default_rng(8), n)
    counts = expected_counts(SOURCE, FIBRE, STATION, PROTOCOL, n)
    z = counts.z.ravel() - [counts.key_errors, *[0.0] * 8]
    right = counts.slice_clicks - counts.slice_errors
    expected = np.array([*z, counts.key_errors, *counts.lone, right, counts.slice_errors])
    assert ((drawn - expected) ** 2 / expected).sum() < chi2.isf(1e-4, 14)
    assert counts.slice_errors / counts.slice_clicks > 0.3  # a quarter without any turn, dark counts or misalignment
    assert counts.qber == pytest.approx(drawn[9] / (drawn[0] + drawn[9]), rel=0.2)


def lone_click_of_photons(n, m, efficiency, p_dark):
    """Probability that n and m photons at a beam splitter, of one mode, make exactly one detector click."""
    quiet = np.zeros(2)
    both = (1 - efficiency) ** (n + m)
    for k in range(n + m + 1):  # photons at detector 0
        amplitude = sum(
            comb(n, i) * comb(m, k - i) * (-1) ** (m - k + i) for i in range(max(0, k - m), min(n, k) + 1)
        ) * sqrt(factorial(k) * factorial(n + m - k) / (factorial(n) * factorial(m) * 2.0 ** (n + m)))
        quiet += amplitude**2 * (1 - efficiency) ** np.array([k, n + m - k])
    return (1 - p_dark) * quiet.sum() - 2 * (1 - p_dark) ** 2 * both


def test_pairs_are_those_of_photon_numbers():
    # Without misalignment; what more than 7 photons of a pulse add is below 1e-8.
    at, still = replace(FIBRE, misalignment=0.0), replace(STATION, p_dark=1e-2)
    counts = expected_counts(SOURCE, at, still, PROTOCOL, 1.0)
    arm = still.efficiency * 10 ** (-8 / 20)
    yields = np.array([[lone_click_of_photons(n, m, arm, still.p_dark) for m in range(8)] for n in range(8)])
    shares = np.array([[exp(-a) * a**n / factorial(n) for n in range(8)] for a in (*SOURCE.intensities, 0.0)])
    sent = np.outer(SOURCE.p_intensities, SOURCE.p_intensities) * (shares @ yields @ shares.T)
    share = sent / sent.sum()
    pairs = pairing_rate(sent.sum(), PROTOCOL.max_interval_pulses)
    z = np.zeros((3, 3))
    for a, b, c, d in product(range(3), repeat=4):
        if 2 in (a, b) and 2 in (c, d):
            z[min(a, b), min(c, d)] += pairs * share[a, c] * share[b, d]
    assert counts.z == pytest.approx(z, rel=1e-5)
    assert counts.lone == pytest.approx(pairs * np.array([share[2, 1] ** 2, share[1, 2] ** 2]), rel=1e-5)


@pytest.mark.parametrize("most", [1, CELLS, 50_000])
@pytest.mark.parametrize("p", [1e-6, 1e-3, 0.4])
def test_turns_are_averaged_over_the_gaps(p, most):
    source, protocol = replace(SOURCE, frequency_difference_hz=2e3, linewidth_hz=1e3), ModePairing(1, most)
    station = Station(0.7, 0.0, phase_drift_rad_per_s=5e3)
    gap = np.arange(1, most + 1)
    weight = (1 - p) ** (gap - 1.0)
    t = gap / source.clock_hz
    variance = ((2 * np.pi * 2e3) ** 2 + 5e3**2) * t**2 + 2 * np.pi * 1e3 * t
    for n in (1, 2):
        exact = (weight * np.exp(-(n**2) * variance / 2)).sum() / weight.sum()
        assert 1 - mean_turns(source, station, protocol, p)[n - 1] == pytest.approx(1 - exact, rel=3e-3, abs=1e-12)


def test_counts_have_the_shape_of_the_distances():
    at_m = np.array([[0.0, 1e4], [1e5, 1e9]])
    counts = expected_counts(SOURCE, FIBRE, STATION, PROTOCOL, 1e12, at_m)
    assert counts.z.shape == (2, 2, 3, 3)
    assert counts.lone.shape == (2, 2, 2)
    assert counts.slice_errors[1, 1] == pytest.approx(counts.slice_clicks[1, 1] / 2)
    with pytest.raises(ParameterError, match="n_pulses"):
        expected_counts(SOURCE, FIBRE, STATION, PROTOCOL, -1.0)
    with pytest.raises(ParameterError, match="do not go with"):
        replace(counts, lone=np.zeros(2))
    with pytest.raises(ParameterError, match="slice_errors must lie"):
        replace(counts, slice_errors=counts.slice_clicks + 1.0)


@pytest.mark.parametrize(("field", "value"), [("max_interval_pulses", 0), ("phase_slice_rad", 4.0)])
def test_settings_that_cannot_be_are_refused(field, value):
    with pytest.raises(ParameterError, match=f"^{field}"):
        replace(PROTOCOL, **{field: value})


@pytest.mark.parametrize(
    ("field", "value"), [("intensities", (0.1, 0.2)), ("p_intensities", (0.5, 0.5)), ("linewidth_hz", -1.0)]
)
def test_sources_that_cannot_be_are_refused(field, value):
    with pytest.raises(ParameterError, match=f"^{field}"):
        replace(SOURCE, **{field: value})
