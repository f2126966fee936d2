import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.discrete_cv import DiscreteCV
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.key_length import Security

EXAMPLES = Path(__file__).parents[3] / "examples" / "links"

METRO = Link(
    ConstellationLaser(1e9, 3.0, 64, "maxwell-boltzmann", 0.28),
    NoisyFibre(25e3, 0.2, excess_noise_snu=0.01),
    CoherentReceiver("heterodyne", 0.6, 0.05),
    DiscreteCV(10**9, 0.95),
    Security("asymptotic"),
)

sources = st.one_of(
    st.builds(ConstellationLaser, st.just(1e9), st.floats(1e-3, 10.0), st.sampled_from([4, 16, 64, 256])),
    st.builds(
        ConstellationLaser,
        st.just(1e9),
        st.floats(1e-3, 5.0),
        st.sampled_from([4, 16, 64]),
        st.just("maxwell-boltzmann"),
        st.floats(0, 4),
    ),
)

links = st.builds(
    Link,
    sources,
    st.builds(
        NoisyFibre,
        st.just(0.0),
        st.floats(0.1, 0.3),
        st.floats(0, 10),
        st.just(0.0),
        st.floats(0, 0.3),
        st.floats(0, 0.1),
    ),
    st.builds(
        CoherentReceiver,
        st.sampled_from(["homodyne", "heterodyne"]),
        st.floats(1e-3, 1.0),
        st.floats(0, 1),
        st.booleans(),
    ),
    st.builds(
        DiscreteCV, st.integers(1, 10**13), st.floats(0, 1), st.floats(0, 0.99), st.floats(0, 0.99), st.floats(0, 0.9)
    ),
    st.just(Security("asymptotic")),
)


def gaussian(link):
    """The same link with Gaussian modulation."""
    p = link.protocol
    return Link(
        ModulatedLaser(link.source.clock_hz, link.source.modulation_variance_snu),
        link.channel,
        link.detector,
        GaussianCV(p.block_pulses, p.reconciliation_efficiency, p.frame_error_rate, p.p_estimation, p.p_reference),
        link.security,
    )


@settings(deadline=None, max_examples=75)
@given(links)
def test_rates_are_finite_and_at_most_those_of_gaussian_modulation(link):
    at_m = np.append(np.linspace(0.0, 3e5, 31), 1e7)
    rate, most = link.rate(at_m), gaussian(link).rate(at_m)
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse >= 0)
    assert np.all(rate.key.length_bits <= most.key.length_bits)
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all(np.isnan(rate.qber))
    assert rate.key.length_bits[-1] == 0


extremes = st.builds(
    Link,
    st.builds(
        ConstellationLaser,
        st.just(1e9),
        st.floats(1e-12, 20.0),
        st.sampled_from([4, 16, 64]),
        st.just("maxwell-boltzmann"),
        st.floats(0, 4),
    ).filter(lambda source: source.brightest_photons < 200),
    st.builds(
        NoisyFibre,
        st.just(0.0),
        st.floats(0, 10),
        st.floats(0, 100),
        st.just(0.0),
        st.floats(0, 1e6),
        st.floats(0, 1e6),
    ),
    st.builds(
        CoherentReceiver,
        st.sampled_from(["homodyne", "heterodyne"]),
        st.floats(1e-30, 1),
        st.floats(0, 1e6),
        st.booleans(),
    ),
    st.builds(DiscreteCV, st.integers(1, 10**15), st.floats(0, 1), st.floats(0, 0.999999), st.floats(0, 0.999999)),
    st.just(Security("asymptotic")),
)


@settings(deadline=None, max_examples=150)
@given(extremes)
def test_no_valid_setting_raises(link):
    rate = link.rate([0.0, 1.0, 2e4, 1e5, 1e7])
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse >= 0)
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)


@pytest.mark.parametrize("detection", ["homodyne", "heterodyne"])
@pytest.mark.parametrize("trusted", [True, False])
def test_256_states_come_within_a_few_per_cent_of_gaussian_modulation(detection, trusted):
    # Denys et al. 2021, abstract: 64 states already give nearly what Gaussian modulation gives.
    at_m = np.linspace(1e3, 30e3, 14)
    link = dataclasses.replace(
        METRO,
        source=ConstellationLaser(1e9, 3.0, 256, "maxwell-boltzmann", 0.2),
        channel=NoisyFibre(0.0, 0.2, excess_noise_snu=0.005),
        detector=CoherentReceiver(detection, 0.8, 0.002, trusted),
    )
    ours, most = link.rate(at_m).secret_bits_per_pulse, gaussian(link).rate(at_m).secret_bits_per_pulse
    assert np.all(most > 0)
    assert np.all(ours <= most)
    assert np.all(ours >= 0.97 * most)


def test_more_states_give_more_key_and_none_gives_it_without_light():
    rates = [
        dataclasses.replace(METRO, source=ConstellationLaser(1e9, 0.4, n)).rate().secret_bits_per_pulse
        for n in (4, 16, 64, 256)
    ]
    assert np.all(np.diff(rates) > 0)
    assert dataclasses.replace(METRO, channel=NoisyFibre(25e3, 0.2, 100.0)).rate().key.length_bits == 0


def test_rates_fall_with_distance_and_with_noise():
    key = METRO.rate(np.linspace(0.0, 2e5, 101)).key.length_bits
    assert key[0] > 0
    assert np.all(np.diff(key) <= 0)
    noisy = dataclasses.replace(METRO, channel=NoisyFibre(25e3, 0.2, excess_noise_snu=0.03))
    assert 0 < noisy.rate().key.length_bits < METRO.rate().key.length_bits


def test_an_untrusted_receiver_gives_less():
    untrusted = dataclasses.replace(METRO, detector=CoherentReceiver("heterodyne", 0.6, 0.005, trusted=False))
    trusted = dataclasses.replace(METRO, detector=CoherentReceiver("heterodyne", 0.6, 0.005))
    assert 0 < untrusted.rate().key.length_bits < trusted.rate().key.length_bits


def test_what_is_disclosed_lost_or_reference_gives_no_key():
    whole = dataclasses.replace(METRO, protocol=DiscreteCV(10**9, 0.95, p_estimation=0.0)).rate().key
    part = dataclasses.replace(METRO, protocol=DiscreteCV(10**9, 0.95, 0.2, 0.5, 0.25)).rate().key
    assert part.length_bits == pytest.approx(whole.length_bits * 0.8 * 0.5 * 0.75, rel=1e-6)


def test_the_best_modulation_gives_no_less_and_falls_with_loss():
    at_m = np.linspace(0.0, 40e3, 5)
    link = dataclasses.replace(METRO, source=ConstellationLaser(1e9, 0.9, 16))
    best = link.rate(at_m, optimise=True)
    assert np.all(best.secret_bits_per_pulse >= link.rate(at_m).secret_bits_per_pulse)
    assert np.all(np.diff(best.secret_bits_per_pulse) <= 0)
    assert set(best.settings) >= {"modulation"}


def test_the_example_gives_key_and_says_that_it_is_asymptotic():
    rate = Link.read(EXAMPLES / "qam64_cv_25km.toml").rate()
    assert 3e7 < rate.secret_bits_per_s < 7e7
    assert not rate.key.proof.finite
    assert rate.key.proof.attacks == "collective"


def test_levels_have_the_stated_variance_and_binomial_ones_are_fair_coins():
    for states in (4, 16, 64, 256):
        source = ConstellationLaser(1e9, 2.5, states)
        assert source.probabilities @ source.levels_snu**2 == pytest.approx(2.5, rel=1e-12)
        assert source.probabilities.sum() == pytest.approx(1.0, rel=1e-12)
    assert ConstellationLaser(1e9, 1.0, 16).probabilities == pytest.approx([1 / 8, 3 / 8, 3 / 8, 1 / 8])
    alike = ConstellationLaser(1e9, 1.0, 16, "maxwell-boltzmann", 0.0)
    assert alike.probabilities == pytest.approx([0.25] * 4)
    assert ConstellationLaser(1e9, 2.0, 4).brightest_photons == pytest.approx(1.0)  # |alpha|^2 of QPSK: half of V


def test_what_is_ignored_is_told():
    with pytest.warns(ParameterWarning, match="discrete-cv ignores security.f_ec = 1.1"):
        dataclasses.replace(METRO, security=Security("asymptotic", f_ec=1.1))


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda: ConstellationLaser(1e9, 0.0), "modulation_variance_snu must be finite and above 0, got 0"),
        (lambda: ConstellationLaser(1e9, 1.0, 32), "states must be one of 4, 16, 64, 256, got 32"),
        (lambda: ConstellationLaser(1e9, 1.0, 16, "gaussian"), 'shaping must be "binomial" or "maxwell-boltzmann"'),
        (lambda: ConstellationLaser(1e9, 1.0, 16, "binomial", 0.1), "shape must be 0 for binomial"),
        (lambda: ConstellationLaser(1e9, 1.0, 16, "maxwell-boltzmann", 5.0), "shape must be 0 for binomial and at mos"),
        (
            lambda: ConstellationLaser(1e9, 60.0, 256),
            "modulation_variance_snu must leave the brightest state at most 4",
        ),
        (lambda: DiscreteCV(10**6, 0.9, p_estimation=1.0), "p_estimation must be below 1"),
        (lambda: dataclasses.replace(METRO, security=Security("leverrier2010")), "bound must be one of asymptotic"),
    ],
)
def test_what_cannot_be_is_refused(make, wanted):
    with pytest.raises(ParameterError, match=f"^{wanted}"):
        make()


def test_a_link_survives_its_file(tmp_path):
    METRO.write(tmp_path / "link.toml")
    assert Link.read(tmp_path / "link.toml") == METRO
