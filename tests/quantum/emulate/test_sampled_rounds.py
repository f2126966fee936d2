"""Sampled rounds of six-state, B92 and device-independent light against the expected counts, and what Eve leaves."""

import dataclasses
import os

import numpy as np
import pytest
from scipy.stats import chi2

from haris.nouns.errors import ParameterError
from haris.nouns.rounds import UNDECIDED, Rounds
from haris.quantum.emulate import sampled_gates
from haris.quantum.emulate.clicks import renewal
from haris.quantum.emulate.expected_gaussian import expected_channel
from haris.quantum.families import b92, diqkd, six_state
from haris.quantum.link import Link
from haris.quantum.optics.bell_receivers import BellReceivers
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.heralded_pairs import HeraldedPairs
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.single_photon_source import SinglePhotonSource
from haris.quantum.optics.source import Source
from haris.quantum.protocols.b92 import B92, conclusive_counts
from haris.quantum.protocols.diqkd import DIQKD, bell_counts
from haris.quantum.protocols.discrete_cv import DiscreteCV
from haris.quantum.protocols.six_state import SixState, basis_and_intensity
from haris.quantum.security.key_length import Security

FALSE_ALARM = 1e-6
ENDLESS = Security("asymptotic")
SIX_STATE = Link(
    Source(1e9, (0.8, 0.2, 0.01), (0.5, 0.3, 0.2)), Fibre(5e3, 0.2, 0.0, 0.03),
    Detector(0.6, 1e-3, dead_time_s=3e-9, p_afterpulse=0.1, afterpulse_time_s=4e-9), SixState(0.5, 10**6), ENDLESS,
)  # fmt: skip
NARROW = Link(
    SinglePhotonSource(1e9, 0.8), Fibre(5e3, 0.2, 0.0, 0.03), Detector(0.7, 1e-2, dead_time_s=5e-9), B92(0.6, 10**6),
    ENDLESS,
)  # fmt: skip
BELL = Link(
    HeraldedPairs(1e6, 0.2, 0.95), Fibre(5e3, 0.2, 0.0, 0.01), BellReceivers(0.9, 0.8), DIQKD(0.4, 10**6), ENDLESS
)


def chi_square(seen, mean):
    return float(np.sum((np.asarray(seen) - mean) ** 2 / mean))


def decided(half):
    return np.where(half.value == UNDECIDED, np.frombuffer(os.urandom(half.value.size), np.uint8) & 1, half.value)


def six_state_table(link, n_pulses, seed, eve_fraction=0.0):
    """Right and wrong bits by Alice's intensity and the basis of both, (k, 3, 2)."""
    alice, bob = link.emulate(n_pulses, seed, eve_fraction)
    basis, intensity = basis_and_intensity(alice.setting)
    same = basis == bob.setting
    table = np.zeros((len(link.source.intensities), 3, 2), dtype=int)
    np.add.at(table, (intensity[same], basis[same], (alice.value ^ decided(bob))[same]), 1)
    return table


@pytest.mark.parametrize("afterpulses", [0.0, 0.1])
def test_six_state_counts_are_the_expected_ones(afterpulses):
    detector = dataclasses.replace(SIX_STATE.detector, p_afterpulse=afterpulses)
    n, link = 3_000_000, dataclasses.replace(SIX_STATE, detector=detector)
    table = six_state_table(link, n, seed=5)
    mean = six_state.photon_counts(link, np.asarray(link.channel.length_m))
    key = np.array([mean.sifted - mean.errors, mean.errors]) * n / link.protocol.block_pulses
    assert chi_square(table[:, 0].sum(axis=0), key) < chi2.isf(FALSE_ALARM, 2)
    counts = six_state.expected_counts(link, n)
    of_bases = np.stack([counts.clicks - counts.errors, counts.errors], axis=-1)
    np.testing.assert_allclose(of_bases[0].sum(axis=0), key)
    assert chi_square(table[:, 0], of_bases[0]) < chi2.isf(FALSE_ALARM, 6)
    # The other two bases see the same channel, a quarter as often each.
    assert chi_square(table[:, 1], of_bases[1] / 2.0) < chi2.isf(FALSE_ALARM, 6)
    assert chi_square(table[:, 2], of_bases[1] / 2.0) < chi2.isf(FALSE_ALARM, 6)


def test_the_six_states_photons_come_with_their_intensities_and_eve_errs_a_third_of_the_time():
    link = dataclasses.replace(
        SIX_STATE, channel=Fibre(0.0, 0.2), detector=Detector(0.1, 0.0), source=Source(1e9, (0.01,), (1.0,))
    )
    table = six_state_table(link, 60_000_000, seed=1, eve_fraction=1.0).sum(axis=(0, 1))
    share, n = table[1] / table.sum(), table.sum()
    assert share == pytest.approx(1 / 3, abs=5 * (2 / 9 / n) ** 0.5)
    assert six_state_table(link, 10_000_000, seed=1)[..., 1].sum() == 0


def test_b92_counts_are_the_expected_ones():
    n = 2_000_000
    counts = conclusive_counts(*NARROW.emulate(n, seed=7), os.urandom)
    mean = b92.conclusive_counts(NARROW, np.asarray(NARROW.channel.length_m))
    scale = n / NARROW.protocol.block_pulses
    parts = [[c.errors, c.conclusive - c.errors, c.clicks - c.conclusive] for c in (counts, mean)]
    # Dead time makes the number of clicks vary less than a Poissonian one.
    assert chi_square(np.array(parts[0]), np.array(parts[1]) * scale) < chi2.isf(FALSE_ALARM, 3)


def test_eve_in_b92_errs_where_she_was_fooled():
    perfect = Link(SinglePhotonSource(1e9), Fibre(0.0, 0.2), Detector(1.0, 0.0), B92(0.6, 10**6), ENDLESS)
    honest = conclusive_counts(*perfect.emulate(200_000, seed=3), os.urandom)
    assert honest.errors == 0
    assert honest.conclusive / honest.clicks == pytest.approx((1 - 0.36) / 2, abs=0.01)
    counts = conclusive_counts(*perfect.emulate(200_000, seed=3, eve_fraction=1.0), os.urandom)
    # She is fooled with probability overlap^2 / 2; then what Bob finds conclusive is wrong.
    assert counts.qber == pytest.approx(0.18, abs=0.01)
    assert b92.FAMILY.name == "b92"


@pytest.mark.parametrize("receivers", [BellReceivers(), BellReceivers(0.9, 0.8), BellReceivers(0.5, 1.0)])
def test_bell_rounds_are_the_expected_ones(receivers):
    n, link = 2_000_000, dataclasses.replace(BELL, detector=receivers)
    counts, mean = bell_counts(*link.emulate(n, seed=9)), diqkd.bell_counts(link, n)
    seen, expected = (
        np.concatenate(
            [[c.key_errors, c.key_rounds - c.key_errors], c.agreements.ravel(), (c.test_rounds - c.agreements).ravel()]
        )
        for c in (counts, mean)
    )
    assert chi_square(seen, expected) < chi2.isf(FALSE_ALARM, 10)
    assert counts.chsh == pytest.approx(mean.chsh, abs=0.05)


def test_eve_ends_the_violation():
    link = dataclasses.replace(BELL, source=HeraldedPairs(1e6, 1.0), channel=Fibre(0.0, 0.2), detector=BellReceivers())
    counts = bell_counts(*link.emulate(400_000, seed=2, eve_fraction=1.0))
    assert counts.chsh == pytest.approx(2**0.5, abs=0.03)
    assert counts.qber == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("states", [4, 64])
@pytest.mark.parametrize("detection", ["homodyne", "heterodyne"])
def test_constellations_are_sent_and_measured_as_expected(states, detection):
    source = ConstellationLaser(1e8, 2.0, states)
    link = Link(
        source, NoisyFibre(10e3, 0.2, 0.0, 0.0, 0.02), CoherentReceiver(detection, 0.7, 0.1), DiscreteCV(10**6, 0.95),
        ENDLESS,
    )  # fmt: skip
    n = 300_000
    alice, bob = (half.values.astype(np.float64) for half in link.emulate(n, seed=4))
    levels = source.levels_snu
    which = np.abs(alice[..., None] - levels).argmin(axis=-1)
    np.testing.assert_allclose(alice, levels[which], rtol=1e-6)
    seen = np.bincount(which.ravel(), minlength=levels.size)
    assert chi_square(seen, alice.size * source.probabilities) < chi2.isf(FALSE_ALARM, levels.size - 1)
    channel = expected_channel(source, link.channel, link.detector)
    rest = bob - np.sqrt(channel.gain * channel.transmittance) * alice
    deviation = (rest**2).sum() / channel.value_noise_snu
    assert chi2.ppf(FALSE_ALARM, rest.size) < deviation < chi2.isf(FALSE_ALARM, rest.size)


def test_gates_follow_the_renewal_and_repeat():
    rng = [np.random.default_rng(8) for _ in range(2)]
    law = {"hold_off_gates": 7, "p_afterpulse": 0.3, "p_release": 0.2}
    gates, released = sampled_gates.clicking_gates(rng[0], 4_000_000, 0.01, **law)
    np.testing.assert_array_equal(gates, sampled_gates.clicking_gates(rng[1], 4_000_000, 0.01, **law)[0])
    rates = renewal(np.asarray(0.01), **law)
    # Waits vary less than those of a Poissonian process with a few after-pulses more.
    assert gates.size == pytest.approx(4e6 * rates.clicks, abs=7 * (4e6 * rates.clicks) ** 0.5)
    assert released.sum() == pytest.approx(4e6 * rates.releases, abs=7 * (4e6 * rates.releases) ** 0.5)
    assert np.diff(gates).min() > 7
    assert gates[0] >= 0


@pytest.mark.parametrize("link", [SIX_STATE, NARROW, BELL], ids=["six-state", "b92", "diqkd"])
def test_what_cannot_be_sampled_is_refused_and_seeds_repeat(link):
    for n, eve, words in ((-1, 0.0, "n_pulses"), (10**17, 0.0, "n_pulses"), (10, 2.0, "eve_fraction")):
        with pytest.raises(ParameterError, match=words):
            link.emulate(n, 1, eve)
    with pytest.raises(ParameterError, match="n_pulses must make at most"):
        link.emulate(10**14, 1)
    one, two, other = (link.emulate(10_000, seed) for seed in (1, 1, 2))
    for half, same, else_ in zip(one, two, other, strict=True):
        np.testing.assert_array_equal(half.value, same.value)
        assert half.value.size != else_.value.size or np.any(half.value != else_.value)
    dark = dataclasses.replace(link, channel=Fibre(1e9, 0.2))
    if link is not BELL:
        dark = dataclasses.replace(dark, detector=Detector(0.5, 0.0))
    assert dark.emulate(10**12, 1)[0].index.size == 0


def test_halves_that_do_not_belong_together_are_refused():
    alice, bob = BELL.emulate(1000, seed=1)
    with pytest.raises(ParameterError, match="not of the same rounds"):
        bell_counts(alice, dataclasses.replace(bob, n_pulses=2000))
    with pytest.raises(ParameterError, match="Bob takes setting 0"):
        bell_counts(alice, dataclasses.replace(bob, setting=np.ones_like(bob.setting)))
    with pytest.raises(ParameterError, match="Bob's 0 and 1"):
        bell_counts(alice, dataclasses.replace(bob, setting=bob.setting + np.uint8(2)))
    one = np.zeros(1, np.uint8)
    for index, setting, value, words in (
        (np.array([5]), one, one, "ascend"),
        (np.array([0]), one, one + np.uint8(3), "values lie in"),
        (np.array([0]), one + np.uint8(16), one, "settings lie in"),
        (np.array([0], np.int32), one, one, "index is int64"),
        (np.array([0]), one, np.zeros(2, np.uint8), "1"),
    ):
        with pytest.raises(ParameterError, match=words):
            Rounds(5, index, setting, value)
