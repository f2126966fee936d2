"""Finite bounds on continuous variables: against PyPI qkd (MIT), dense grids, and what must hold."""

from dataclasses import replace

import numpy as np
import pytest
import qkd._core as peer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, norm

from haris.quantum.security.channel_confidence import channels_within, worst_holevo
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_bounds import PROOFS, gaussian_key_length
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo
from haris.quantum.security.key_length import Security


def block(
    modulation=4.0,
    t=0.1,
    noise=1e-3,
    heterodyne=False,
    efficiency=0.6,
    electronic=0.05,
    trusted=True,
    n=1e9,
    p_estimation=0.5,
    beta=0.95,
    fer=0.0,
    bits=1,
):
    t = np.asarray(t, float)
    channel = GaussianChannel(modulation, t, np.full_like(t, noise), heterodyne, efficiency, electronic, trusted)
    return GaussianBlock(channel, n * (1 - p_estimation), n * p_estimation, beta, fer, bits)


blocks = st.builds(
    block,
    st.floats(0.01, 100),
    st.floats(0, 1),
    st.floats(0, 0.1),
    st.booleans(),
    st.floats(0.05, 1),
    st.floats(0, 1),
    st.booleans(),
    st.floats(1e3, 1e13),
    st.floats(0.01, 0.99),
    st.floats(0.5, 1),
    st.floats(0, 0.9),
    st.integers(1, 6),
)


def test_estimates_and_penalty_are_those_of_a_peer():
    # qkd 0.2.0 follows Leverrier et al. 2010 with all epsilons alike; it tries the least transmittance alone, and
    # counts symbols where we count values, of which heterodyne detection gives two.
    rng = np.random.default_rng(3)
    eps, agree = 1e-10, 0
    for _ in range(500):
        b = block(
            10 ** rng.uniform(-0.5, 1.5),
            10 ** rng.uniform(-2, -0.05),
            10 ** rng.uniform(-4, -2),
            bool(rng.integers(2)),
            rng.uniform(0.2, 1),
            rng.uniform(0, 0.2),
            bool(rng.integers(2)),
            10 ** rng.uniform(7, 11),
            rng.uniform(0.1, 0.9),
        )
        c = b.channel
        n = c.values_per_symbol * (b.n_key + b.n_estimation)
        plain = (c.modulation_variance_snu, float(c.transmittance), float(c.noise_snu / c.transmittance))
        receiver = (c.efficiency, c.electronic_noise_snu, 0.95, not c.heterodyne, c.trusted)
        share = b.n_estimation / (b.n_key + b.n_estimation)
        _, eve, _, t_min, noise_max, delta = peer.cv_finite(*plain, *receiver, n, share, eps, eps, eps)
        w, m = float(norm.isf(eps / 2)), c.values_per_symbol * b.n_estimation
        noise, t = c.value_noise_snu, np.sqrt(c.gain * c.transmittance)
        spread, most = w * np.sqrt(noise / (m * c.modulation_variance_snu)), noise * (1 + w * np.sqrt(2 / m))
        dark = 1 + c.electronic_noise_snu
        printed = replace(c, transmittance=(t - spread) ** 2 / c.gain, noise_snu=(most - dark) / c.gain)
        if c.trusted:
            assert printed.transmittance == pytest.approx(t_min, rel=1e-8)
            assert printed.noise_snu / printed.transmittance == pytest.approx(noise_max, rel=1e-6)
        assert holevo(printed) == pytest.approx(eve, abs=3e-6)
        # The true noise, and not its estimate, has the spread: a little more of it, and of t.
        ours = channels_within(b, w)
        more = m / (m - 1) / (1 - w * np.sqrt(2 / (m - 1)))
        assert t - np.sqrt(c.gain * ours.transmittance[0]) == pytest.approx(spread * np.sqrt(more), rel=1e-6)
        assert c.gain * ours.noise_snu[0] + dark == pytest.approx(noise * more, rel=1e-12)
        least = holevo(ours)[0]
        assert worst_holevo(b, float(norm.isf(eps / 2))) >= least
        agree += worst_holevo(b, float(norm.isf(eps / 2))) == pytest.approx(least, rel=1e-5)
        smoothing = gaussian_key_length(b, Security("leverrier2010", 4 * eps, eps)).value("smoothing")
        values = (1 - share) * n
        assert (smoothing + 2 * np.log2(1 / eps)) / values == pytest.approx(delta, rel=1e-9)
    assert 0 < agree < 250  # mostly the least transmittance is not the worst


@pytest.mark.parametrize("n_sample", [300, 1e4, 1e6, 1e9])
@pytest.mark.parametrize("epsilon", [0.05, 1e-4, 1e-10])
def test_a_small_sample_seldom_hides_noise(n_sample, epsilon):
    # Of n values with one slope fitted, the sum of squares over the true variance is chi-squared.
    estimated = block(n=n_sample, p_estimation=1.0)
    most = channels_within(estimated, float(norm.isf(epsilon))).noise_snu[0]
    c = estimated.channel
    allowed = (1.0 + c.electronic_noise_snu + c.gain * most) / float(c.value_noise_snu)
    missed = chi2.cdf(n_sample / allowed, n_sample - 1)
    assert 1e-6 * epsilon < missed <= epsilon


def test_beyond_3_db_the_greatest_transmittance_is_the_worst():
    b = block(t=0.3, n=1e9)
    eve = holevo(channels_within(b, 6.5))
    assert np.argmax(eve) == 2
    assert eve[2] > eve[0]
    assert np.argmax(holevo(channels_within(block(t=0.8, n=1e9), 6.5))) == 0


@settings(max_examples=200, deadline=None)
@given(blocks)
@example(block(5.4535, 0.6918, 0.0, False, 0.801284, 0.05, True, 6.27e6, 5.43e-4, 1.0, 0.0, 3))
def test_no_channel_on_a_dense_grid_is_worse(b):
    inside = channels_within(b, 6.5)
    low, high = (np.sqrt(inside.transmittance[i]) for i in (0, 2))
    t = np.linspace(low, high, 4001) ** 2
    c = b.channel
    dense = GaussianChannel(
        c.modulation_variance_snu,
        t,
        np.full_like(t, inside.noise_snu[0]),
        c.heterodyne,
        c.efficiency,
        c.electronic_noise_snu,
        c.trusted,
    )
    worst = worst_holevo(b, 6.5)
    assert holevo(dense).max() <= worst * (1.0 + 1e-12) + 1e-12
    assert worst <= holevo(dense).max() * 1.01 + 1e-6  # and little is given away, at the edge of what can arrive too


@settings(max_examples=300, deadline=None)
@given(blocks, st.floats(1e-15, 1e-3))
def test_finite_is_below_asymptotic_and_grows_with_the_block(b, epsilon):
    most = gaussian_key_length(b, Security("asymptotic", epsilon))
    larger = GaussianBlock(b.channel, 10 * b.n_key, 10 * b.n_estimation, b.reconciliation_efficiency, 0.0, 1)
    smaller = GaussianBlock(b.channel, b.n_key, b.n_estimation, b.reconciliation_efficiency, 0.0, 1)
    for bound in PROOFS:
        key = gaussian_key_length(b, Security(bound, epsilon))
        assert 0 <= key.length_bits <= most.length_bits
        assert all(np.all(np.isfinite(term.value)) for term in key.terms)
        lengths = [int(gaussian_key_length(each, Security(bound, epsilon)).length_bits) for each in (smaller, larger)]
        assert 10 * lengths[0] <= lengths[1] + 10


def test_finite_bounds_tend_to_the_asymptotic_one():
    b = block(n=1e18, p_estimation=0.5)
    most = int(gaussian_key_length(b, Security("asymptotic")).length_bits)
    for bound in ("leverrier2010", "pirandola2021"):
        assert gaussian_key_length(b, Security(bound)).length_bits == pytest.approx(most, rel=1e-3)


def test_pirandola_as_printed():
    # Delta_aep and Theta as three independent programs have them (softquanta/homCVQKD and others), by hand.
    b = block(t=0.3, n=1e8, fer=0.1, bits=5)
    security = Security("pirandola2021", 4e-10, 1e-10)
    key = gaussian_key_length(b, security)
    delta = 4 * np.log2(2 * np.sqrt(2**5) + 1) * np.sqrt(np.log2(18 / (0.9**2 * (1e-10) ** 4)))
    theta = np.log2(0.9 * (1 - 1e-20 / 3)) + 2 * np.log2(np.sqrt(2) * 2e-10)
    n = b.n_key
    rate = key.value("secret") - delta / np.sqrt(n) + theta / n - np.log2(2e10) / n
    assert key.length_bits == pytest.approx(0.9 * n * rate, abs=1.0)
    assert key.value("deviations") == pytest.approx(np.sqrt(2 * np.log(1 / 0.5e-10)))


def test_a_value_tells_no_more_than_its_bits():
    b = block(modulation=1e3, t=1.0, noise=0.0, n=1e12)
    assert b.channel.mutual_information > 3
    assert b.reconciled == 1.0
    assert gaussian_key_length(b, Security("leverrier2010")).length_bits <= b.n_key
