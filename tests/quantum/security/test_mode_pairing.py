"""Bounds of mode pairing: between linear programmes over photon numbers and the truth of photons at a beam splitter."""

from dataclasses import replace
from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from haris.nouns.errors import ParameterError
from haris.quantum.emulate.mode_pairs import expected_counts
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pairing_source import PairingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.mode_pairing import ModePairing
from haris.quantum.security.key_length import Security
from haris.quantum.security.mode_pairing import key_length, phase_errors, single_pairs, z_bounds

N = 9
"""Photon numbers in the programmes; what more photons add to a count is at least nothing and at most all of them."""

intensities = st.tuples(st.floats(0.3, 0.8), st.floats(0.02, 0.2))


def counts_at(loss_db, mu_nu, p_dark=1e-7, turn=0.0, misalignment=0.0, n_pulses=1e14):
    source = PairingSource(1e9, mu_nu, (0.3, 0.2, 0.5), turn)
    fibre = Fibre(0.0, 0.2, loss_db, misalignment)
    return expected_counts(source, fibre, Station(1.0, p_dark), ModePairing(10**14, 10**6, 0.3), n_pulses)


@settings(max_examples=500, deadline=None)
@given(intensities, st.floats(0, 80))
def test_single_photons_are_bracketed_by_a_linear_programme(mu_nu, loss_db):
    # Over all yields of n and m photons that meet the nine gains: none has fewer single photons than the bound says.
    counts = counts_at(loss_db, mu_nu)
    low, _ = z_bounds(counts, 1.0)
    values = (*mu_nu, 0.0)
    power = np.array([[a**n / factorial(n) for n in range(N)] for a in values])
    top = low.max() + 1e-300
    lines = [np.append(np.outer(power[i], power[j]).ravel(), np.eye(9)[3 * i + j]) for i in range(3) for j in range(3)]
    # The rest of a gain, of more photons, up to the share of pulses that have them, were each announced.
    rest = [exp(a + b) - power[i].sum() * power[j].sum() for i, a in enumerate(values) for j, b in enumerate(values)]
    most = 4.0 * counts.n_pulses / top
    found = linprog(
        np.eye(N * N + 9)[N + 1],
        A_eq=np.array(lines),
        b_eq=low.ravel() / top,
        bounds=[(0.0, None)] * (N * N) + [(0.0, most * r) for r in rest],
    )
    assert found.success
    weight = counts.p_intensities[0] * counts.p_intensities[2] * exp(-mu_nu[0]) * mu_nu[0]
    ours = float(single_pairs(counts, 1.0)) / weight**2 / top
    assert ours <= found.fun * (1 + 1e-6) + 1e-9
    assert ours >= 0.45 * found.fun


def truth(loss_db, mu_nu, p_dark, turn_mean):
    """Pairs a heralded pair in which both ends sent mu once, one photon each, and phase errors among those.

    Amplitudes of one photon from each end in two windows: |i j>, |j i> meet the same detector twice as (1 + w)/2 of
    them, w the mean cosine of what the phases turn by; |i i>, |j j> leave a window to the dark.
    """
    arm = 10 ** (-loss_db / 20)
    live, d = 1 - p_dark, p_dark
    one = live * (arm / 2 + (1 - arm) * d)  # a given detector clicks alone, of one photon in the window
    none = live * d
    both = live * (arm * (2 - arm) / 2 + (1 - arm) ** 2 * d)  # two photons leave by the same port
    apart = 2 * 2 * one**2  # same detector or not, each; without interference
    waves = 2 * (live * arm / 2) ** 2 * turn_mean
    together = 2 * 2 * both * none
    yield_11 = (2 * (2 * one) ** 2 + 2 * 2 * both * 2 * none) / 4
    wrong = (apart - 2 * waves + together) / 4
    return yield_11, wrong


@settings(max_examples=500, deadline=None)
@given(intensities, st.floats(0, 70), st.floats(1e-9, 1e-5), st.floats(0, 0.1))
def test_bounds_hold_for_the_truth_of_photons(mu_nu, loss_db, p_dark, misalignment):
    counts = counts_at(loss_db, mu_nu, p_dark, misalignment=misalignment)
    visibility = 1 - 2 * misalignment
    slices = np.sinc(0.3 / (2 * np.pi)) * visibility**2
    yield_11, wrong = truth(loss_db, mu_nu, p_dark, slices)
    pairs = counts.z[2, 2] / counts.p_intensities[2] ** 4 / (2 * (1 - p_dark) * p_dark) ** 2
    weight = (counts.p_intensities[0] * counts.p_intensities[2] * exp(-mu_nu[0]) * mu_nu[0]) ** 2 * 4
    single, errors = single_pairs(counts, 1.0), phase_errors(counts, 1.0)
    assert single <= pairs * weight * yield_11 * (1 + 1e-6)
    assert errors >= pairs * weight * wrong * (1 - 1e-6)


def test_bounds_come_near_the_truth():
    counts = counts_at(50.0, (0.4, 0.02), 1e-8)
    pairs = counts.z[2, 2] / counts.p_intensities[2] ** 4 / (2 * (1 - 1e-8) * 1e-8) ** 2
    weight = (counts.p_intensities[0] * counts.p_intensities[2] * exp(-0.4) * 0.4) ** 2 * 4
    yield_11, wrong = truth(50.0, (0.4, 0.02), 1e-8, np.sinc(0.3 / (2 * np.pi)))
    assert single_pairs(counts, 1.0) > 0.97 * pairs * weight * yield_11
    assert phase_errors(counts, 1.0) / single_pairs(counts, 1.0) - wrong / yield_11 < 0.03


def test_errors_of_the_slices_are_the_most_that_a_linear_programme_finds():
    # Clicks of no photon at one end err half the time; of the rest nothing is known but that errors are not negative.
    counts = counts_at(50.0, (0.4, 0.05), 1e-6, misalignment=0.02)
    (mu, nu), (p_mu, p_nu, p_none) = counts.intensities, counts.p_intensities
    twice = p_nu**2 * exp(-2 * nu)
    size = N * N  # errors by photon numbers of either end, with their shares; of none at one end: half of their clicks
    lone_b, lone_a, empty = (np.zeros(size) for _ in range(3))
    lone_b[:N], lone_a[::N], empty[0] = 2.0, 2.0, 2.0
    values = [
        float(counts.slice_errors / (counts.p_slice * twice**2)),
        *(counts.lone / (p_none**2 * twice)),
        counts.z[2, 2] / p_none**4,
    ]
    top = values[0]
    lines = [np.ones(size), lone_b, lone_a, empty]
    found = linprog(-np.eye(size)[N + 1], A_eq=lines, b_eq=np.array(values) / top)
    assert found.success
    weight = (p_mu * p_none * exp(-mu) * mu) ** 2 / nu**2
    assert phase_errors(counts, 1.0) == pytest.approx(-found.fun * top * weight, rel=1e-6)


def test_a_station_that_destroys_the_turns_leaves_no_key():
    lost = counts_at(40.0, (0.4, 0.02), 1e-9, turn=1e9)
    assert key_length(lost, Security("mode-pairs")).value("phase_error") == pytest.approx(0.5, abs=0.01)
    assert key_length(lost, Security("mode-pairs")).length_bits == 0


def test_deviations_fall_with_the_block_and_the_key_tends_to_its_limit():
    security = Security("mode-pairs", f_ec=1.1)
    blocks = [counts_at(60.0, (0.4, 0.03), 1e-9, n_pulses=n) for n in (1e9, 1e12, 1e14, 1e17)]
    share = [float(key_length(each, security).length_bits / each.n_pulses) for each in blocks]
    limit = key_length(blocks[-1], replace(security, bound="mode-pairs-asymptotic")).length_bits / 1e17
    assert share == sorted(share)
    assert share[0] == 0.0
    assert 0.98 * limit < share[-1] <= limit


def test_drawn_counts_rarely_pass_the_bounds():
    # Poisson counts about their means: at 1e-3 a bound, 13 of them, fewer than 26 of 2000 blocks may be passed.
    counts = counts_at(40.0, (0.4, 0.05), 1e-6, n_pulses=1e12)
    rng, passed = np.random.default_rng(5), 0
    single, errors = float(single_pairs(counts, 1.0)), float(phase_errors(counts, 1.0))
    for _ in range(2000):
        z = rng.poisson(counts.z)
        wrong = np.asarray(rng.poisson(counts.slice_errors))
        drawn = replace(
            counts,
            z=z,
            key_errors=np.minimum(rng.poisson(counts.key_errors), z[0, 0]),
            lone=rng.poisson(counts.lone),
            slice_errors=wrong,
            slice_clicks=wrong + rng.poisson(counts.slice_clicks - counts.slice_errors),
        )
        passed += single_pairs(drawn, 1e-3) > single or phase_errors(drawn, 1e-3) < errors
    assert passed <= 26


def test_empty_counts_give_no_key_and_other_bounds_are_refused():
    empty = counts_at(40.0, (0.4, 0.05), n_pulses=0.0)
    for bound in ("mode-pairs", "mode-pairs-asymptotic"):
        assert key_length(empty, Security(bound)).length_bits == 0
    with pytest.raises(ParameterError, match="bound must be one of mode-pairs"):
        key_length(empty, Security("lim2014"))
