"""Links of continuous variables against PyPI qkd 0.2.0 (MIT) and against derivations of other kinds, 500 links each.

Where a peer differs, and who errs: docs/explanation/differences.md.
"""

import numpy as np
import pytest
import qkd._core as peer

from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.discrete_cv import DiscreteCV
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.key_length import Security

ASYMPTOTIC = Security("asymptotic")
BLOCK = 10**15  # whole bits of a block are then no rounding


def fibre_and_receiver(rng, detection=None, trusted=None, quiet=0.0):
    """quiet: decades by which all noise is less."""
    fibre = NoisyFibre(rng.uniform(100.0, 1e5), 0.2, excess_noise_snu=10 ** (rng.uniform(-4, -1) - quiet))
    receiver = CoherentReceiver(
        detection or str(rng.choice(["homodyne", "heterodyne"])),
        rng.uniform(0.2, 0.99),
        rng.uniform(1e-3, 0.2) / 10**quiet,
        bool(rng.integers(2)) if trusted is None else trusted,
    )
    return fibre, receiver


def gaussian_links(seed):
    rng = np.random.default_rng(seed)
    for _ in range(500):
        protocol = GaussianCV(BLOCK, rng.uniform(0.8, 1.0), p_estimation=0.0)
        yield Link(ModulatedLaser(1e8, 10 ** rng.uniform(-1, 2)), *fibre_and_receiver(rng), protocol, ASYMPTOTIC)


def qpsk_links(seed, detection="heterodyne", trusted=False):
    rng = np.random.default_rng(seed)
    for _ in range(500):
        laser = ConstellationLaser(1e8, 10 ** rng.uniform(-2, 0.0), 4)
        protocol = DiscreteCV(BLOCK, rng.uniform(0.8, 1.0), p_estimation=0.0)
        yield Link(laser, *fibre_and_receiver(rng, detection, trusted, 2.0), protocol, ASYMPTOTIC)


def entropy(covariance):
    half = len(covariance) // 2
    form = np.kron(np.eye(half), [[0.0, 1.0], [-1.0, 0.0]])
    spectrum = np.sort(np.abs(np.linalg.eigvals(form @ covariance).imag))[::2]
    photons = np.maximum(spectrum - 1.0, 1e-14) / 2.0
    return float(((photons + 1) * np.log2(photons + 1) - photons * np.log2(photons)).sum())


def rate_by_the_cloner(link):
    """beta I_AB - chi_BE of Eve's own two modes: half of an entangled pair into the line, what leaves it is kept."""
    v, beta = link.source.modulation_variance_snu, link.protocol.reconciliation_efficiency
    t, w = float(link.channel.transmittance()), float(link.channel.noise_snu())
    receiver = link.detector
    eta, noise, k = receiver.efficiency, receiver.electronic_noise_snu, 2 if receiver.detection == "heterodyne" else 1
    if not receiver.trusted:
        t, w, eta, noise = t * eta, eta * w + k * noise, 1.0, 0.0
    pair = 1.0 + w / (1.0 - t)  # variance of either of her modes, before the line
    z = np.diag([1.0, -1.0]) * np.sqrt(pair**2 - 1.0)
    caught = (1.0 - t) * (v + 1.0) + t * pair
    hers = np.block([[caught * np.eye(2), np.sqrt(t) * z], [np.sqrt(t) * z, pair * np.eye(2)]])
    common = np.sqrt(t * (1.0 - t)) * (pair - v - 1.0)
    cross = np.sqrt(eta / k) * np.vstack([common * np.eye(2), np.sqrt(1.0 - t) * z])[:, :k]
    alone = 1.0 + noise + eta / k * w
    value = alone + eta / k * t * v
    left = hers - cross @ cross.T / value
    return beta * k / 2 * np.log2(value / alone) - (entropy(hers) - entropy(left))


def test_gaussian_links_are_those_of_a_peer():
    with_key = 0
    for link in gaussian_links(51):
        source, receiver = link.source, link.detector
        settings = (source.modulation_variance_snu, float(link.channel.transmittance()), link.channel.excess_noise_snu)
        hardware = (receiver.efficiency, receiver.electronic_noise_snu, link.protocol.reconciliation_efficiency)
        flags = (receiver.detection == "homodyne", receiver.trusted)
        theirs = max(peer.cv_rate(*settings, *hardware, *flags)[2], 0.0)
        assert link.rate().secret_bits_per_pulse == pytest.approx(theirs, abs=3e-6)
        with_key += theirs > 0.0
    assert with_key > 100


def test_gaussian_links_are_those_of_an_entangling_cloner():
    with_key = 0
    for link in gaussian_links(52):
        theirs = max(rate_by_the_cloner(link), 0.0)
        assert link.rate().secret_bits_per_pulse == pytest.approx(theirs, abs=1e-8)
        with_key += theirs > 0.0
    assert with_key > 100


def test_qpsk_links_are_those_of_a_peer():
    """Eve's knowledge as theirs; for what Alice knows, theirs takes the Gaussian capacity and tells both."""
    with_key = 0
    for link in qpsk_links(53):
        alpha, receiver = np.sqrt(link.source.modulation_variance_snu / 2.0), link.detector
        t, xi, beta = float(link.channel.transmittance()), link.channel.excess_noise_snu, 0.9
        capacity, eve, _, _ = peer.dm_rate(4, alpha, t, xi, receiver.efficiency, receiver.electronic_noise_snu, beta)
        through = receiver.efficiency * t
        information, _ = peer.dm_info(4, alpha, through, xi + 2.0 * receiver.electronic_noise_snu / through)
        key = link.rate().key
        assert key.value("holevo") == pytest.approx(eve, abs=1e-7)
        assert key.value("information") == pytest.approx(information, abs=1e-9)
        assert information <= capacity + 1e-12
        with_key += int(key.length_bits) > 0
    assert with_key > 30


def rate_in_fock_space(link, photons=24):
    """Z* from the density matrix of the constellation, entropies from the covariance matrix with the receiver in it."""
    v, beta = link.source.modulation_variance_snu, link.protocol.reconciliation_efficiency
    t, w, receiver = float(link.channel.transmittance()), float(link.channel.noise_snu()), link.detector
    eta, noise = receiver.efficiency, receiver.electronic_noise_snu
    alphas = np.sqrt(v / 2.0) * np.exp(1j * np.pi * np.array([0.25, 0.75, 1.25, 1.75]))
    numbers = np.arange(photons)
    sizes = np.exp(-v / 4.0) / np.sqrt(np.cumprod(np.maximum(numbers, 1.0)))
    kets = alphas[:, None] ** numbers * sizes
    weight, basis = np.linalg.eigh(np.einsum("ki,kj->ij", kets, kets.conj()) / 4.0)
    keep = weight > 1e-13
    root = (basis[:, keep] * np.sqrt(weight[keep])) @ basis[:, keep].conj().T
    inverse = (basis[:, keep] / np.sqrt(weight[keep])) @ basis[:, keep].conj().T
    lowered = root @ np.diag(np.sqrt(numbers[1:]), 1) @ inverse
    means = np.einsum("ki,ij,kj->k", kets.conj(), lowered, kets)
    c1 = (means.conj() * alphas).real.mean()
    excess = (np.linalg.norm(kets @ lowered.T, axis=1) ** 2 - np.abs(means) ** 2).mean()
    z = max(2.0 * np.sqrt(t) * c1 - 2.0 * np.sqrt(w / 2.0 * max(excess, 0.0)), 0.0)
    a, b, flip = v + 1.0, t * v + 1.0 + w, np.diag([1.0, -1.0])
    lossy = 1.0 + 2.0 * noise / (1.0 - eta)  # the receiver's own mode, and its partner
    link_ = np.sqrt(lossy**2 - 1.0) * flip
    ab = np.block([[a * np.eye(2), z * flip], [z * flip, b * np.eye(2)]])
    whole = np.zeros((8, 8))
    whole[:4, :4] = ab
    whole[4:, 4:] = np.block([[lossy * np.eye(2), link_], [link_, lossy * np.eye(2)]])
    mix = np.eye(8)
    mix[2:4, 2:4] = mix[4:6, 4:6] = np.sqrt(eta) * np.eye(2)
    mix[2:4, 4:6], mix[4:6, 2:4] = np.sqrt(1.0 - eta) * np.eye(2), -np.sqrt(1.0 - eta) * np.eye(2)
    whole = mix @ whole @ mix.T
    rest = [0, 1, 4, 5, 6, 7]
    cross = whole[np.ix_(rest, [2, 3])]
    left = whole[np.ix_(rest, rest)] - cross @ cross.T / (whole[2, 2] + 1.0)
    return beta, entropy(ab) - entropy(left), np.sqrt(eta * t * v / 2.0 / (1.0 + noise + eta / 2.0 * w))


def test_qpsk_links_are_those_of_fock_space():
    y = np.linspace(-12.0, 12.0, 2401)
    for link in qpsk_links(54, "heterodyne", trusted=True):
        beta, eve, level = rate_in_fock_space(link)
        density = (np.exp(-((y - level) ** 2) / 2) + np.exp(-((y + level) ** 2) / 2)) / np.sqrt(8.0 * np.pi)
        mixed = -(density * np.log2(np.maximum(density, 1e-300))).sum() * (y[1] - y[0])
        information = 2.0 * (mixed - 0.5 * np.log2(2.0 * np.pi * np.e))
        rate = link.rate()
        assert rate.key.value("holevo") == pytest.approx(eve, abs=2e-5)
        assert rate.key.value("information") == pytest.approx(information, abs=1e-8)
        assert rate.secret_bits_per_pulse == pytest.approx(max(beta * information - eve, 0.0), abs=2e-5)
