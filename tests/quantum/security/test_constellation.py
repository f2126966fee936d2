"""What a discrete constellation tells over a noisy channel, against direct integrals and PyPI qkd (MIT)."""

from itertools import pairwise

import numpy as np
import pytest
import qkd._core as peer
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from haris.quantum.emulate.expected_constellation import constellation_of
from haris.quantum.optics.constellation_laser import ConstellationLaser

lasers = st.one_of(
    st.builds(ConstellationLaser, st.just(1e9), st.floats(1e-3, 20.0), st.sampled_from([4, 16, 64, 256])),
    st.builds(
        ConstellationLaser,
        st.just(1e9),
        st.floats(1e-3, 10.0),
        st.sampled_from([4, 16, 64]),
        st.just("maxwell-boltzmann"),
        st.floats(0.0, 1.0),
    ),
)


def entropy(p):
    return -float(np.sum(p * np.log2(p)))


def information_by_densities(constellation, snr):
    """Entropy of the received density less that of the noise, piece by piece."""
    p = np.asarray(constellation.probabilities)
    levels = np.asarray(constellation.levels_snu) * np.sqrt(snr / constellation.modulation_variance_snu)

    def lost(y):
        density = float(np.exp(-((y - levels) ** 2) / 2.0) @ p) / np.sqrt(2.0 * np.pi)
        return -density * np.log2(density) if density > 0.0 else 0.0

    ends = [levels[0] - 12.0, *levels, levels[-1] + 12.0]
    whole = sum(quad(lost, a, b, epsabs=1e-13, epsrel=1e-13, limit=200)[0] for a, b in pairwise(ends))
    return whole - 0.5 * np.log2(2.0 * np.pi * np.e)


@pytest.mark.parametrize("states", [4, 16, 64])
@pytest.mark.parametrize("shape", [None, 0.0, 0.4])
def test_information_is_the_entropy_that_noise_does_not_explain(states, shape):
    laser = ConstellationLaser(1e9, 2.0, states)
    if shape is not None:
        laser = ConstellationLaser(1e9, 2.0, states, "maxwell-boltzmann", shape)
    constellation = constellation_of(laser)
    snr = np.array([1e-3, 0.1, 1.0, 5.0, 30.0, 300.0])
    expected = [information_by_densities(constellation, each) for each in snr]
    assert constellation.information(snr) == pytest.approx(expected, abs=3e-11)


def test_information_of_qpsk_is_that_of_a_peer():
    for alpha, t, xi in ((0.4, 0.5, 0.01), (0.9, 1.0, 0.1), (0.2, 0.01, 0.05), (1.5, 0.8, 0.0)):
        constellation = constellation_of(ConstellationLaser(1e9, 2.0 * alpha**2, 4))
        snr = 0.5 * t * 2.0 * alpha**2 / (1.0 + 0.5 * t * xi)
        assert 2.0 * constellation.information(snr) == pytest.approx(peer.dm_info(4, alpha, t, xi)[0], abs=2e-10)


def test_information_ends_at_the_entropy_of_the_levels():
    laser = ConstellationLaser(1e9, 2.0, 64)
    assert constellation_of(laser).information(1e6) == pytest.approx(entropy(laser.probabilities), abs=1e-11)
    assert constellation_of(laser).information(0.0) == 0.0


@given(lasers, st.floats(0.0, 1e6))
def test_information_grows_and_stays_below_the_capacity_and_the_entropy(laser, snr):
    bits = constellation_of(laser).information([snr, 1.1 * snr + 1e-3])
    assert 0.0 <= bits[0] <= 0.5 * np.log2(1.0 + snr)
    assert bits[1] >= bits[0] - 2e-12
    assert bits[1] <= entropy(laser.probabilities)
