"""A Bell-state measurement by formulas, by brute force on four detectors, by Fock states, and by a peer."""

from itertools import product

import numpy as np
import pytest
import qkd._core as peer
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.quantum.emulate.bell_gains import diagonal, rectilinear, single_photons

STATES = {
    "rectilinear": {0: np.array([1.0, 0.0]), 1: np.array([0.0, 1.0])},
    "diagonal": {0: np.array([1.0, 1.0]) / np.sqrt(2), 1: np.array([1.0, -1.0]) / np.sqrt(2)},
}
GAINS = {"rectilinear": rectilinear, "diagonal": diagonal}

mean_photons = st.floats(0.0, 3.0)
efficiencies = st.floats(0.0, 1.0)
darks = st.sampled_from([0.0, 1e-7, 1e-3, 0.2, 1.0])
misalignments = st.floats(0.0, 0.5)


def at_detectors(jones_a, jones_b):
    """Amplitudes in (port, polarisation) behind a half beam splitter, and the losses that complete them."""
    return np.concatenate([(jones_a + jones_b), (jones_a - jones_b)]) / np.sqrt(2)


def announced(pattern):
    """The Bell state of four detectors (cH, cV, dH, dV) that clicked or not: psi+, psi- or none."""
    return {(1, 1, 0, 0): "psi+", (0, 0, 1, 1): "psi+", (1, 0, 0, 1): "psi-", (0, 1, 1, 0): "psi-"}.get(pattern)


def is_error(basis, bell, bit_a, bit_b):
    """psi states have opposite rectilinear bits; of diagonal ones psi+ has equal, and psi- opposite ones."""
    return bit_a != bit_b if (basis, bell) == ("diagonal", "psi+") else bit_a == bit_b


def by_amplitudes(basis, photons_a, photons_b, p_dark, misalignment, phases=400):
    """Average over every bit, every pattern of clicks, and the phase between the pulses."""
    gain = wrong = 0.0
    for bit_a, bit_b in product((0, 1), repeat=2):
        for phase in np.arange(phases) * 2.0 * np.pi / phases:
            a = np.sqrt(photons_a) * STATES[basis][bit_a]
            b = np.sqrt(photons_b) * np.exp(1j * phase) * STATES[basis][bit_b]
            click = 1.0 - (1.0 - p_dark) * np.exp(-(np.abs(at_detectors(a, b)) ** 2))
            for pattern in product((0, 1), repeat=4):
                if (bell := announced(pattern)) is None:
                    continue
                p = np.prod(np.where(pattern, click, 1.0 - click)) / 4.0 / phases
                gain += p
                flip = misalignment if not is_error(basis, bell, bit_a, bit_b) else 1.0 - misalignment
                wrong += p * flip
    return gain, wrong


def by_fock_states(basis, efficiency_a, efficiency_b, p_dark, misalignment):
    """The same of two single photons: amplitudes of both ways to fill a pair of modes interfere."""
    gain = wrong = 0.0
    for bit_a, bit_b in product((0, 1), repeat=2):
        zero = np.zeros(2)
        a = np.append(at_detectors(STATES[basis][bit_a], zero) * np.sqrt(efficiency_a), [np.sqrt(1 - efficiency_a), 0])
        b = np.append(at_detectors(zero, STATES[basis][bit_b]) * np.sqrt(efficiency_b), [0, np.sqrt(1 - efficiency_b)])
        for i in range(6):
            for j in range(i, 6):
                amplitude = a[i] * b[j] + a[j] * b[i] if i != j else np.sqrt(2) * a[i] * b[i]
                lit = [mode in (i, j) for mode in range(4)]
                click = np.where(lit, 1.0, p_dark)
                for pattern in product((0, 1), repeat=4):
                    if (bell := announced(pattern)) is None:
                        continue
                    p = abs(amplitude) ** 2 * np.prod(np.where(pattern, click, 1.0 - click)) / 4.0
                    gain += p
                    flip = misalignment if not is_error(basis, bell, bit_a, bit_b) else 1.0 - misalignment
                    wrong += p * flip
    return gain, wrong


CASES = [
    (0.3, 0.2, 1e-3, 0.02),
    (2.5, 0.4, 1e-5, 0.0),
    (1e-2, 3e-3, 0.1, 0.3),
    (0.5, 0.0, 1e-4, 0.01),
    (9.0, 8.0, 0.0, 0.1),
]


@pytest.mark.parametrize("basis", GAINS)
@pytest.mark.parametrize("case", CASES)
def test_formulas_equal_the_average_over_phases_and_clicks(basis, case):
    gain, wrong = GAINS[basis](*case)
    assert (gain, wrong) == pytest.approx(by_amplitudes(basis, *case), rel=1e-9)


@given(efficiencies, efficiencies, darks, misalignments)
def test_single_photons_by_fock_states(efficiency_a, efficiency_b, p_dark, misalignment):
    announced_share, error = single_photons(efficiency_a, efficiency_b, p_dark, misalignment)
    gain, wrong = by_fock_states("diagonal", efficiency_a, efficiency_b, p_dark, misalignment)
    assert announced_share == pytest.approx(gain, rel=1e-9, abs=1e-14)
    assert announced_share * error == pytest.approx(wrong, rel=1e-9, abs=1e-14)
    # The station cannot tell the bases of single photons apart.
    assert by_fock_states("rectilinear", efficiency_a, efficiency_b, p_dark, misalignment)[0] == pytest.approx(
        gain, rel=1e-9, abs=1e-14
    )


@settings(max_examples=500, deadline=None)
@given(st.floats(1e-3, 3.0), st.floats(1e-3, 3.0), st.floats(1e-3, 1.0), st.floats(1e-8, 1e-2), misalignments)
def test_a_peer_says_the_same(mu_a, mu_b, efficiency, p_dark, misalignment):
    # PyPI qkd 0.2.0, an independent transcription of Ma and Razavi (2012).
    for mine, its in ((rectilinear, peer.mdi_rect), (diagonal, peer.mdi_diag)):
        gain, wrong = mine(mu_a * efficiency, mu_b * efficiency, p_dark, misalignment)
        its_gain, its_qber = its(mu_a, mu_b, efficiency, efficiency, p_dark, misalignment)
        assert gain == pytest.approx(its_gain, rel=1e-6)
        assert wrong / gain == pytest.approx(its_qber, rel=1e-6)
    assert single_photons(efficiency, efficiency / 3, p_dark, misalignment) == pytest.approx(
        peer.mdi_yield(efficiency, efficiency / 3, p_dark, misalignment)
    )


def test_limits_of_ma_and_razavi():
    # Printed limits without dark counts, for weak pulses: their section on limiting cases.
    eta_a, eta_b, e_d, mu = 1e-2, 3e-2, 0.015, 1e-4
    yield_11, e11 = single_photons(eta_a, eta_b, 0.0, e_d)
    assert yield_11 == pytest.approx(eta_a * eta_b / 2)
    assert e11 == pytest.approx(e_d)
    z, z_wrong = rectilinear(mu * eta_a, mu * eta_a, 0.0, e_d)
    x, x_wrong = diagonal(mu * eta_a, mu * eta_a, 0.0, e_d)
    assert z_wrong / z == pytest.approx(e_d)
    assert x_wrong / x == pytest.approx(0.25 + e_d / 2, rel=1e-4)
    assert x / z == pytest.approx(2.0, rel=1e-4)


@given(st.floats(0.0, 1e4), st.floats(0.0, 1e4), darks, misalignments)
def test_any_light_gives_probabilities(photons_a, photons_b, p_dark, misalignment):
    for gains in GAINS.values():
        gain, wrong = gains(photons_a, photons_b, p_dark, misalignment)
        assert 0.0 <= wrong <= gain * (1 + 1e-12)
        assert gain <= 1.0


@pytest.mark.parametrize("tiny", [1e-6, 1e-9, 1e-12])
def test_no_digits_are_lost_where_little_light_arrives(tiny):
    # Without dark counts gains go with the square of the light: Q_Z = a b / 4, and Q_X twice that for equal arms.
    assert rectilinear(tiny, tiny, 0.0, 0.0)[0] == pytest.approx(tiny**2 / 2, rel=1e-5)
    assert diagonal(tiny, tiny, 0.0, 0.0)[0] == pytest.approx(tiny**2, rel=1e-5)
