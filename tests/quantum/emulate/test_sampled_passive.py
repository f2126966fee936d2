"""Sampled and expected light of a thermal source agree; what is estimated of it is what was sampled."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import chi2

from haris.nouns.errors import ParameterError
from haris.quantum.distill.estimate_channel import estimated_channel
from haris.quantum.emulate.expected_passive import expected_passive_channel
from haris.quantum.emulate.sampled_passive import sampled_passive_symbols
from haris.quantum.link import Link
from haris.quantum.optics.oscillator_receiver import OscillatorReceiver
from haris.quantum.optics.split_fibre import SplitFibre
from haris.quantum.optics.thermal_source import ThermalSource
from haris.quantum.protocols.passive_cv import PassiveCV
from haris.quantum.security.key_length import Security

SOURCE = ThermalSource(1e9, 30.0, 8.0, 0.4, 0.6, 0.2, 0.9)  # dim, so that Alice misses much
FIBRE = SplitFibre(5e3, 0.2, 0.5, 0.0, 0.05, 0.01, users=2)
RECEIVERS = [
    OscillatorReceiver("homodyne", 0.6, 0.1, transmitted_oscillator=True, leaked_photons=0.02),
    OscillatorReceiver("heterodyne", 0.7, 0.05, trusted=False),
]
FALSE_ALARM = 1e-6  # of each side of each statistical test here


def within(statistic, freedom):
    return chi2.ppf(FALSE_ALARM, freedom) < statistic < chi2.isf(FALSE_ALARM, freedom)


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda r: r.detection)
def test_sampled_values_have_the_expected_moments(receiver, trusted):
    n, source = 500_000, dataclasses.replace(SOURCE, trusted=trusted)
    found = sampled_passive_symbols(source, FIBRE, receiver, n, seed=1)
    alice, bob = (each.values.astype(np.float64) for each in found)
    channel = expected_passive_channel(source, FIBRE, receiver)
    assert alice.shape == bob.shape == (n, channel.values_per_symbol)
    known, t = source.modulation_variance_snu, np.sqrt(channel.gain * channel.transmittance)
    assert within((alice**2).sum() / known, alice.size)
    assert within(((bob - t * alice) ** 2).sum() / channel.value_noise_snu, bob.size)
    for k in range(alice.shape[1]):  # each quadrature of Bob's follows its own of Alice's and no other
        for j in range(alice.shape[1]):
            excess = ((bob[:, k] - t * alice[:, k]) * alice[:, j]).sum()
            assert excess**2 / (n * known * channel.value_noise_snu) < chi2.isf(FALSE_ALARM, 1)


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda r: r.detection)
def test_estimates_spread_as_the_finite_bounds_take_them_to(receiver, trusted):
    n, blocks, source = 20_000, 100, dataclasses.replace(SOURCE, trusted=trusted)
    channel = expected_passive_channel(source, FIBRE, receiver)
    t, noise, m = np.sqrt(channel.gain * channel.transmittance), channel.value_noise_snu, n * channel.values_per_symbol
    halves = [sampled_passive_symbols(source, FIBRE, receiver, n, seed) for seed in range(blocks)]
    found = [estimated_channel(*each, channel) for each in halves]
    slopes = np.array([np.sqrt(each.gain * each.transmittance) for each in found])
    noises = np.array([each.value_noise_snu for each in found])
    assert within((((slopes - t) ** 2) * m * source.modulation_variance_snu / noise).sum(), blocks)
    assert within((((noises / noise - 1.0) ** 2) * m / 2.0).sum(), blocks)


def test_eve_who_resends_adds_two_units_of_noise_and_alice_does_not_see_it():
    receiver, n = RECEIVERS[1], 400_000
    channel = expected_passive_channel(SOURCE, FIBRE, receiver)
    honest, _ = sampled_passive_symbols(SOURCE, FIBRE, receiver, n, seed=3)
    alice, bob = sampled_passive_symbols(SOURCE, FIBRE, receiver, n, seed=3, eve_fraction=0.5)
    np.testing.assert_array_equal(alice.values, honest.values)
    found = estimated_channel(alice, bob, channel)
    added = (found.noise_snu - channel.noise_snu) / channel.transmittance
    deviation = np.sqrt(2 / (2 * n)) * channel.value_noise_snu / channel.gain / channel.transmittance
    assert added == pytest.approx(2.0 * 0.5, abs=8 * float(deviation))


def test_a_link_emulates_its_symbols_and_the_same_seed_gives_the_same():
    link = Link(SOURCE, FIBRE, RECEIVERS[0], PassiveCV(10**6, 0.95, p_reference=0.2), Security("asymptotic"))
    alice, bob = link.emulate(1000, seed=5)
    assert alice.n_symbols == bob.n_symbols == 800
    again = link.emulate(1000, seed=5)
    np.testing.assert_array_equal(alice.values, again[0].values)
    np.testing.assert_array_equal(bob.values, again[1].values)
    assert not np.array_equal(alice.values, link.emulate(1000, seed=6)[0].values)
    with pytest.raises(ParameterError, match=r"^eve_fraction"):
        link.emulate(1000, seed=5, eve_fraction=1.5)
