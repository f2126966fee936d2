"""The closed forms against covariance matrices diagonalised numerically, and against PyPI qkd (MIT)."""

import numpy as np
import pytest
import qkd._core as peer
from gaussian_matrices import entropy, joined, measured, mixed, squeezed_pair
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo


def channel(modulation, t, noise, heterodyne, efficiency=1.0, electronic=0.0, trusted=True):
    t, noise = np.asarray(t, float), np.asarray(noise, float)
    return GaussianChannel(modulation, t, noise, heterodyne, efficiency, electronic, trusted)


def random_channels(n, seed):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        yield channel(
            10 ** rng.uniform(-2, 2),
            10 ** rng.uniform(-4, 0),
            rng.choice([0.0, 10 ** rng.uniform(-5, -0.3)]),
            bool(rng.integers(2)),
            rng.uniform(0.05, 0.99),
            rng.choice([0.0, 10 ** rng.uniform(-3, 0)]),
            bool(rng.integers(2)),
        )


def holevo_by_matrices(c):
    """Eve's entropy less what is left of it: of Alice's and Bob's modes, the receiver's parts included."""
    if not c.trusted:
        noise = c.efficiency * c.noise_snu + (2 if c.heterodyne else 1) * c.electronic_noise_snu
        c = channel(c.modulation_variance_snu, c.efficiency * c.transmittance, noise, c.heterodyne)
    a = c.modulation_variance_snu + 1.0
    pair = squeezed_pair(a)
    attenuate = np.diag([1.0, 1.0, np.sqrt(c.transmittance), np.sqrt(c.transmittance)])
    extra = np.diag([0.0, 0.0, 1.0, 1.0]) * (1.0 - c.transmittance + c.noise_snu)
    ab = attenuate @ pair @ attenuate + extra
    whole = ab
    if c.efficiency < 1.0:
        electronic = c.electronic_noise_snu * (2.0 if c.heterodyne else 1.0)
        whole = mixed(joined(ab, squeezed_pair(1.0 + electronic / (1.0 - c.efficiency))), 1, 2, c.efficiency)
    if not c.heterodyne:
        return entropy(ab) - entropy(measured(whole, [2]))
    n = len(whole)
    whole = mixed(joined(whole, np.eye(2)), 1, n // 2, 0.5)
    return entropy(ab) - entropy(measured(whole, [2, n + 1]))


def test_closed_forms_are_what_matrices_give():
    for c in random_channels(600, seed=1):
        assert holevo(c) == pytest.approx(holevo_by_matrices(c), abs=2e-9), c


def test_closed_forms_are_those_of_a_peer():
    # qkd 0.2.0: lodewyck and fossier forms, T and input noise in place of ours
    for c in random_channels(1000, seed=2):
        at_input = c.noise_snu / c.transmittance
        information, eve, _ = peer.cv_rate(
            c.modulation_variance_snu,
            float(c.transmittance),
            float(at_input),
            c.efficiency,
            c.electronic_noise_snu,
            0.95,
            not c.heterodyne,
            c.trusted,
        )
        assert c.mutual_information == pytest.approx(information, abs=1e-9), c
        assert holevo(c) == pytest.approx(eve, abs=3e-6), c


def test_a_pure_loss_channel_tells_eve_what_the_lost_light_holds():
    # Without noise Eve holds one thermal mode of variance 1 + (1 - T) V; heterodyne leaves her a smaller one.
    v, t = 3.0, 0.4
    held = 1.0 + (1.0 - t) * v
    left = 1.0 + (1.0 - t) * v - t * (1.0 - t) * v**2 / (t * v + 2.0)
    expected = entropy(held * np.eye(2)) - entropy(left * np.eye(2))
    assert holevo(channel(v, t, 0.0, True)) == pytest.approx(expected, abs=1e-12)


def test_no_digit_is_lost_where_all_eigenvalues_come_near_1():
    # Of weak light through much loss, twice the loss halves what Eve knows, far below the rounding of entropies
    # of eigenvalues that are differences of near numbers.
    t = np.array([1e-7, 5e-8])
    for heterodyne in (False, True):
        eve = holevo(channel(0.1, t, 0.0, heterodyne, 0.6, 0.01))
        assert eve[1] / eve[0] == pytest.approx(0.5, rel=1e-5)


@settings(max_examples=300, deadline=None)
@given(
    st.floats(1e-3, 1e3),
    st.floats(0.0, 1.0),
    st.floats(0.0, 10.0),
    st.booleans(),
    st.floats(1e-3, 1.0),
    st.floats(0.0, 3.0),
    st.booleans(),
)
def test_what_eve_knows_grows_with_the_noise_and_with_distrust(v, t, w, heterodyne, efficiency, electronic, trusted):
    noise = np.array([w, 1.1 * w, 1.1 * w + 1e-4])
    c = channel(v, np.full(3, t), noise, heterodyne, efficiency, electronic, trusted)
    eve = holevo(c)
    assert np.all(np.isfinite(eve))
    assert np.all(eve >= -1e-12)
    assert np.all(np.diff(eve) >= -1e-11)
    distrusted = channel(v, np.full(3, t), noise, heterodyne, efficiency, electronic, False)
    assert np.all(holevo(distrusted) >= eve - 1e-11)
