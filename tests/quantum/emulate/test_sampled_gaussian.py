"""Sampled and expected continuous variables agree; what is estimated of them is what was sampled."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import chi2

from haris.nouns.errors import ParameterError
from haris.nouns.symbols import Symbols
from haris.quantum.distill.estimate_channel import estimated_channel
from haris.quantum.emulate.expected_gaussian import expected_channel
from haris.quantum.emulate.sampled_gaussian import sampled_symbols
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.channel_confidence import channels_within
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.key_length import Security

SOURCE, FIBRE = ModulatedLaser(1e8, 4.0), NoisyFibre(20e3, 0.2, 0.5, 0.0, 0.05, 0.01)
RECEIVERS = [CoherentReceiver("homodyne", 0.6, 0.1), CoherentReceiver("heterodyne", 0.7, 0.05, trusted=False)]
FALSE_ALARM = 1e-6  # of each side of each statistical test here


def within(statistic, freedom):
    return chi2.ppf(FALSE_ALARM, freedom) < statistic < chi2.isf(FALSE_ALARM, freedom)


@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda r: r.detection)
def test_sampled_values_have_the_expected_moments(receiver):
    n = 1_000_000
    alice, bob = (each.values.astype(np.float64) for each in sampled_symbols(SOURCE, FIBRE, receiver, n, seed=1))
    channel = expected_channel(SOURCE, FIBRE, receiver)
    assert alice.shape == bob.shape == (n, channel.values_per_symbol)
    t = np.sqrt(channel.gain * channel.transmittance)
    assert within((alice**2).sum() / 4.0, alice.size)
    assert within(((bob - t * alice) ** 2).sum() / channel.value_noise_snu, bob.size)
    for k in range(alice.shape[1]):  # each quadrature of Bob's follows its own of Alice's and no other
        for j in range(alice.shape[1]):
            excess = ((bob[:, k] - (t * alice[:, k])) * alice[:, j]).sum()
            assert excess**2 / (n * 4.0 * channel.value_noise_snu) < chi2.isf(FALSE_ALARM, 1)


@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda r: r.detection)
def test_estimates_spread_as_the_finite_bounds_take_them_to(receiver):
    n, blocks = 20_000, 200
    channel = expected_channel(SOURCE, FIBRE, receiver)
    t, noise, m = np.sqrt(channel.gain * channel.transmittance), channel.value_noise_snu, n * channel.values_per_symbol
    found = [estimated_channel(*sampled_symbols(SOURCE, FIBRE, receiver, n, seed), channel) for seed in range(blocks)]
    slopes = np.array([np.sqrt(each.gain * each.transmittance) for each in found])
    noises = np.array([each.value_noise_snu for each in found])
    assert within((((slopes - t) ** 2) * m * 4.0 / noise).sum(), blocks)
    assert within((((noises / noise - 1.0) ** 2) * m / 2.0).sum(), blocks)
    # At two deviations 95.4 % of the intervals of t hold it, and 97.7 % of the upper ends of the noise.
    held_t = held_noise = 0
    for each in found:
        inside = channels_within(GaussianBlock(each, n, n, 0.95, 0.0, 1), 2.0)
        held_t += bool(inside.transmittance[0] <= channel.transmittance <= inside.transmittance[2])
        held_noise += bool(channel.noise_snu <= inside.noise_snu[0])
    assert held_t > 170  # of 200: below that with probability 1e-7
    assert held_noise > 180  # 1e-8


def test_eve_who_resends_adds_two_units_of_noise():
    receiver, n = RECEIVERS[1], 400_000
    channel = expected_channel(SOURCE, FIBRE, receiver)
    honest_alice, _ = sampled_symbols(SOURCE, FIBRE, receiver, n, seed=3)
    alice, bob = sampled_symbols(SOURCE, FIBRE, receiver, n, seed=3, eve_fraction=0.5)
    np.testing.assert_array_equal(alice.values, honest_alice.values)
    found = estimated_channel(alice, bob, channel)
    added = (found.noise_snu - channel.noise_snu) / channel.transmittance
    deviation = np.sqrt(2 / (2 * n)) * channel.value_noise_snu / channel.gain / channel.transmittance
    assert added == pytest.approx(2.0 * 0.5, abs=8 * deviation)


def test_a_link_emulates_its_symbols_and_the_same_seed_gives_the_same():
    link = Link(SOURCE, FIBRE, RECEIVERS[0], GaussianCV(10**6, 0.95, p_reference=0.2), Security("asymptotic"))
    alice, bob = link.emulate(1000, seed=5)
    assert alice.n_symbols == bob.n_symbols == 800
    again = link.emulate(1000, seed=5)
    np.testing.assert_array_equal(bob.values, again[1].values)
    assert not np.array_equal(bob.values, link.emulate(1000, seed=6)[1].values)
    with pytest.raises(ParameterError, match=r"^eve_fraction"):
        link.emulate(1000, seed=5, eve_fraction=1.5)
    standard = bob.standardised(1.0).values
    assert standard.mean() == pytest.approx(0.0, abs=1e-6)
    assert standard.std() == pytest.approx(1.0, abs=1e-6)


def test_what_cannot_be_estimated_is_refused():
    channel = expected_channel(SOURCE, FIBRE, RECEIVERS[0])
    one, two = (Symbols(np.ones((4, k), np.float32)) for k in (1, 2))
    with pytest.raises(ParameterError, match=r"^disclosed values must be 1 a symbol"):
        estimated_channel(two, two, channel)
    with pytest.raises(ParameterError, match="without a disclosed symbol"):
        estimated_channel(one.part(0, 0), one.part(0, 0), channel)
    with pytest.raises(ParameterError, match=r"^values must be float32 of shape"):
        Symbols(np.ones(4, np.float32))
    with pytest.raises(ParameterError, match="all alike"):
        one.standardised(1.0)
    negative = dataclasses.replace(one, values=-one.values)
    assert estimated_channel(one, negative, channel).transmittance == 0.0
