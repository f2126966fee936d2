"""The least correlation against Fock space, the Gram matrix of the states, and PyPI qkd (MIT)."""

import numpy as np
import pytest
import qkd._core as peer
from hypothesis import given
from hypothesis import strategies as st

from haris.quantum.emulate.expected_constellation import constellation_of
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.security.constellation_moments import Moments, constellation_moments
from haris.quantum.security.denys2021 import as_correlated, least_correlation
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo

PHOTONS = 40
LOWERING = np.diag(np.sqrt(np.arange(1.0, PHOTONS)), 1)


def channel(modulation, t, noise, heterodyne=True, efficiency=1.0, electronic=0.0, trusted=True):
    return GaussianChannel(modulation, np.asarray(t), np.asarray(noise), heterodyne, efficiency, electronic, trusted)


def states(laser):
    levels, p = laser.levels_snu / 2.0, laser.probabilities
    return (levels[:, None] + 1j * levels).ravel(), np.outer(p, p).ravel()


def coherent(alpha, photons=PHOTONS):
    """By the recurrence of its amplitudes."""
    ket = np.zeros(photons, complex)
    ket[0] = np.exp(-(abs(alpha) ** 2) / 2.0)
    for n in range(1, photons):
        ket[n] = ket[n - 1] * alpha / np.sqrt(n)
    return ket


def root_and_inverse(tau, least=1e-9):
    values, vectors = np.linalg.eigh(tau)
    kept = values > least
    values, vectors = values[kept], vectors[:, kept]
    return (vectors * np.sqrt(values)) @ vectors.conj().T, (vectors / np.sqrt(values)) @ vectors.conj().T


def moments_by_gram_matrix(laser):
    """In the basis of the states: with G their Gram matrix and D their amplitudes, a_tau becomes G D G^-1."""
    alpha, p = states(laser)
    overlap = np.exp(alpha.conj()[:, None] * alpha - (np.abs(alpha) ** 2)[:, None] / 2.0 - np.abs(alpha) ** 2 / 2.0)
    gram = np.sqrt(np.outer(p, p)) * overlap
    values, vectors = np.linalg.eigh(gram)

    def power(x):
        return (vectors * values**x) @ vectors.conj().T

    lowering = power(0.5) @ np.diag(alpha) @ power(-0.5)
    correlation = np.trace(power(0.5) @ lowering @ power(0.5) @ lowering.conj().T).real
    moved = power(0.5) @ lowering
    kets = power(0.5) / np.sqrt(p)
    means = np.sum(kets.conj() * moved, axis=0)
    return correlation, float(np.sum(np.abs(moved) ** 2) - np.sum(np.abs(means) ** 2))


@pytest.mark.parametrize("alpha", [0.1, 0.35, 0.6, 1.0, 1.8])
def test_moments_of_qpsk_are_those_of_a_peer(alpha):
    ours = constellation_moments(constellation_of(ConstellationLaser(1e9, 2.0 * alpha**2, 4)))
    _, z, w, _ = peer.dm_moments(4, alpha)
    assert 2.0 * ours.correlation == pytest.approx(z, rel=1e-12)
    assert ours.excess == pytest.approx(w, rel=1e-9)


@pytest.mark.parametrize(
    "laser",
    [
        ConstellationLaser(1e9, 3.0, 16),
        ConstellationLaser(1e9, 10.0, 16, "maxwell-boltzmann", 0.3),
        ConstellationLaser(1e9, 30.0, 64),
        ConstellationLaser(1e9, 40.0, 64, "maxwell-boltzmann", 0.3),
    ],
)
def test_moments_of_qam_follow_from_the_overlaps_of_the_states(laser):
    ours = constellation_moments(constellation_of(laser))
    correlation, w = moments_by_gram_matrix(laser)
    assert ours.correlation == pytest.approx(correlation, rel=1e-8)
    assert ours.excess == pytest.approx(w, rel=1e-6)


def test_a_large_constellation_comes_near_to_gaussian_modulation():
    gaussian = np.sqrt(0.9 / 2.0 * (0.9 / 2.0 + 1.0))
    near = [constellation_moments(constellation_of(ConstellationLaser(1e9, 0.9, n))) for n in (4, 16, 64, 256)]
    assert np.all(np.diff([each.correlation for each in near]) > 0)
    assert np.all(np.diff([each.excess for each in near]) < 0)
    assert near[-1].correlation == pytest.approx(gaussian, rel=1e-4)
    fine = constellation_of(ConstellationLaser(1e9, 0.9, 256, "maxwell-boltzmann", 0.3))
    assert constellation_moments(fine).correlation == pytest.approx(gaussian, rel=1e-11)


@given(
    st.sampled_from([4, 16, 64]),
    st.sampled_from(["binomial", "maxwell-boltzmann"]),
    st.floats(0, 4),
    st.floats(1e-6, 15),
)
def test_no_constellation_passes_gaussian_modulation(n, shaping, shape, modulation):
    shape = 0.0 if shaping == "binomial" else shape
    laser = ConstellationLaser(1e9, modulation, n, shaping, shape)
    moments = constellation_moments(constellation_of(laser))
    photons = modulation / 2.0
    assert moments.excess >= 0.0
    assert moments.correlation <= np.sqrt(photons * (photons + 1.0)) * (1.0 + 1e-12)


def sent_through(kraus, alpha, p):
    """c1, n_B - c2^2 / <n>, w and the true correlation, of a channel that is given by its operators on Fock space."""
    kets = np.array([coherent(a) for a in alpha]).T
    root, inverse = root_and_inverse((kets * p) @ kets.conj().T)
    lowered = root @ LOWERING @ inverse
    photons = LOWERING.conj().T @ LOWERING

    def out(operator):
        return sum(k @ operator @ k.conj().T for k in kraus)

    outputs = [out(np.outer(ket, ket.conj())) for ket in kets.T]
    beta = np.array([np.trace(LOWERING @ rho) for rho in outputs])
    n_b = float(p @ [np.trace(photons @ rho).real for rho in outputs])
    means = np.sum(kets.conj() * (lowered @ kets), axis=0)
    c1 = float(np.real(p @ (means.conj() * beta)))
    c2 = float(np.real(p @ (alpha.conj() * beta)))
    w = float(p @ (np.sum(np.abs(lowered @ kets) ** 2, axis=0) - np.abs(means) ** 2))
    z = 2.0 * np.trace(LOWERING @ out(root @ LOWERING.conj().T @ root)).real
    return c1, n_b - c2**2 / float(p @ np.abs(alpha) ** 2), w, z


def loss(t):
    """Operators of a beam splitter with the vacuum."""
    shrunk = np.diag(t ** (np.arange(PHOTONS) / 2.0))
    kraus, lost = [], np.eye(PHOTONS)
    for n in range(1, 30):
        kraus.append(shrunk @ lost)
        lost = lost @ LOWERING * np.sqrt((1.0 - t) / n)
    return kraus


def random_channel(rng, near, out=12, environment=4):
    """A random isometry from the photons that matter to few of Bob's and an environment, near the identity or far."""
    size = 14
    wild = rng.normal(size=(out * environment, size)) + 1j * rng.normal(size=(out * environment, size))
    straight = np.zeros_like(wild)
    straight[np.arange(out) * environment, np.arange(out)] = 1.0
    isometry, _ = np.linalg.qr(straight + near * wild + 1e-12 * wild)
    phases = np.diag(isometry.conj().T @ straight)
    isometry = isometry * np.where(np.abs(phases) > 1e-9, phases / np.maximum(np.abs(phases), 1e-9), 1.0)
    kraus = []
    for e in range(environment):
        operator = np.zeros((PHOTONS, PHOTONS), complex)
        operator[:out, :size] = isometry[e::environment]
        kraus.append(operator)
    return kraus


LASERS = [ConstellationLaser(1e9, v, 4) for v in (0.245, 0.6)]
LASERS += [ConstellationLaser(1e9, 0.4, 16), ConstellationLaser(1e9, 0.5, 16, "maxwell-boltzmann", 0.3)]


@pytest.mark.parametrize("laser", LASERS)
@pytest.mark.parametrize("t", [0.9, 0.3])
def test_pure_loss_meets_the_least_correlation(laser, t):
    c1, spread, w, z = sent_through(loss(t), *states(laser))
    assert spread == pytest.approx(0.0, abs=1e-12)
    assert z == pytest.approx(2.0 * c1, rel=1e-9)
    moments = constellation_moments(constellation_of(laser))
    assert c1 == pytest.approx(np.sqrt(t) * moments.correlation, rel=1e-5)
    attacked = as_correlated(channel(laser.modulation_variance_snu, t, 0.0), moments)
    v = laser.modulation_variance_snu
    assert np.sqrt(attacked.transmittance * v * (v + 2.0)) == pytest.approx(z, rel=1e-5)
    assert w == pytest.approx(moments.excess, rel=2e-3)


@pytest.mark.parametrize("laser", LASERS)
def test_no_channel_is_less_correlated_than_the_bound(laser):
    rng = np.random.default_rng(540)
    nearest = np.inf
    for _ in range(60):
        c1, spread, w, z = sent_through(random_channel(rng, 10 ** rng.uniform(-2.5, 0.0)), *states(laser))
        least = float(least_correlation(c1, max(spread, 0.0), w))
        assert z >= least - 1e-9
        nearest = min(nearest, z - least)
    assert nearest < 0.05  # some come near, so the test can fail


def test_what_eve_may_know_is_what_a_peer_says():
    # qkd 0.2.0, with noise at the channel's input
    for alpha, t, xi in ((0.35, 0.9, 0.01), (0.4, 0.25, 0.005), (0.6, 0.5, 0.05), (0.3, 0.05, 0.002)):
        v = 2.0 * alpha**2
        moments = constellation_moments(constellation_of(ConstellationLaser(1e9, v, 4)))
        c = channel(v, t, t * xi)
        _, eve, _, z = peer.dm_rate(4, alpha, t, xi, 1.0, 0.0, 0.95)
        ours = as_correlated(c, moments)
        assert np.sqrt(ours.transmittance * v * (v + 2.0)) == pytest.approx(z, rel=1e-9)
        assert holevo(ours) == pytest.approx(eve, abs=1e-9)
        behind = channel(v, t, t * xi, efficiency=0.6, electronic=0.05, trusted=False)
        _, eve, _, _ = peer.dm_rate(4, alpha, t, xi, 0.6, 0.05, 0.95)
        assert holevo(as_correlated(behind, moments)) == pytest.approx(eve, abs=1e-9)


@given(
    st.floats(1e-3, 20.0),
    st.floats(1e-4, 1.0),
    st.floats(0.0, 1.0),
    st.booleans(),
    st.floats(0.05, 1.0),
    st.floats(0.0, 0.5),
    st.booleans(),
)
def test_eve_may_know_the_more_the_less_the_correlation(v, t, noise, heterodyne, efficiency, electronic, trusted):
    c = channel(v, t, noise, heterodyne, efficiency, electronic, trusted)
    most = np.sqrt(v / 2.0 * (v / 2.0 + 1.0))
    eve = [float(holevo(as_correlated(c, Moments(share * most, 0.0)))) for share in (1.0, 0.9, 0.5, 0.1, 0.0)]
    assert np.all(np.diff(eve) >= -1e-11)
    assert eve[0] == pytest.approx(float(holevo(c)), abs=1e-11)
    assert float(holevo(as_correlated(c, Moments(most, 1e9)))) <= eve[-1] + 1e-11
