import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.nouns.relayed_symbols import RelayedSymbols
from haris.quantum.emulate.expected_relay import expected_relay_channel
from haris.quantum.families.cv_mdi import FAMILY
from haris.quantum.link import Link
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.quadrature_relay import QuadratureRelay
from haris.quantum.protocols.cv_mdi import CvMdi
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "cv_mdi_10km.toml"
FALSE_ALARM = 1e-6

links = st.builds(
    Link,
    st.builds(ModulatedLaser, st.just(1e8), st.floats(0.1, 1e3)),
    st.builds(NoisyFibre, st.floats(0, 2e4), st.floats(0.1, 0.3), st.floats(0, 3), st.just(0.0), st.floats(0, 0.1),
              st.floats(0, 0.1)),
    st.builds(QuadratureRelay, st.floats(0.1, 1), st.floats(0, 0.1), st.floats(0, 1),
              st.sampled_from(["worst", "none"])),
    st.builds(CvMdi, st.integers(1, 10**15), st.floats(0, 1)),
    st.builds(Security, st.just("asymptotic")),
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(links)
def test_no_link_raises_or_passes_the_capacity(link):
    rate = link.rate(np.append(np.linspace(0.0, 4e4, 9), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert all(np.all(np.isfinite(term.value)) for term in rate.key.terms)
    assert rate.secret_bits_per_s[-1] == 0


@settings(deadline=None)
@given(links, st.floats(1.0, 10.0))
def test_noise_and_its_correlation_never_help(link, more):
    here = int(link.rate().key.length_bits)
    noisier = dataclasses.replace(
        link.detector, electronic_noise_snu=link.detector.electronic_noise_snu * more, correlation="worst"
    )
    assert (
        int(dataclasses.replace(link, detector=noisier).rate().key.length_bits)
        <= here + 1 + 1e-9 * link.protocol.block_pulses
    )


def test_symmetric_links_end_within_ten_kilometres_and_asymmetric_ones_do_not():
    link = dataclasses.replace(
        Link.read(EXAMPLE), channel=NoisyFibre(0.0, 0.2), detector=QuadratureRelay(1.0), protocol=CvMdi(10**9, 1.0)
    )
    # Pirandola et al. 2015: 3.8 km from either end to the relay with 0.2 dB/km.
    found = link.rate([7.0e3, 8.0e3], optimise=True).key.length_bits > 0
    assert found.tolist() == [True, False]
    by_alice = dataclasses.replace(link, detector=QuadratureRelay(1.0, share=0.0))
    assert by_alice.rate(100e3, optimise=True).key.length_bits > 0


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_sampled_and_expected_outcomes_agree(share):
    """Chi-square of six moments of independent normal values; false alarms 1e-6."""
    n = 200_000
    link = dataclasses.replace(
        Link.read(EXAMPLE), channel=NoisyFibre(10e3, 0.2, 0.0, 0.0, 0.05, 0.01),
        detector=QuadratureRelay(0.8, 0.05, share),
    )  # fmt: skip
    channel = expected_relay_channel(link.source, link.channel, link.detector)
    alice, bob = link.emulate(n, seed=3)
    assert np.array_equal(alice.announced, bob.announced)
    sign = np.array([-1.0, 1.0])
    v = link.source.modulation_variance_snu
    clean = alice.announced - np.sqrt(channel.bob / 2) * bob.values - sign * np.sqrt(channel.alice / 2) * alice.values
    noise = 1.0 + float(channel.noise_snu)
    moments = [
        (np.sum(clean**2, axis=0) / noise - n) / np.sqrt(2 * n),
        np.sum(clean * alice.values, axis=0) / np.sqrt(n * noise * v),
        np.sum(clean * bob.values, axis=0) / np.sqrt(n * noise * v),
    ]
    assert np.sum(np.square(moments)) < chi2.isf(FALSE_ALARM, 6)
    assert np.array_equal(alice.values, link.emulate(n, seed=3, eve_fraction=0.5)[0].values)
    _, seen = link.emulate(n, seed=3, eve_fraction=0.5)
    assert np.var(seen.announced) > np.var(bob.announced)


def test_the_example_gives_key():
    link = Link.read(EXAMPLE)
    assert link.family is FAMILY
    rate = link.rate()
    assert 1e8 < rate.key.length_bits < link.protocol.block_pulses * rate.plob_per_pulse
    assert not rate.key.proof.finite
    assert link.rate([10e3], optimise=True).secret_bits_per_pulse[0] >= rate.secret_bits_per_pulse


def test_what_does_not_fit_is_refused_and_what_is_ignored_is_told():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^efficiency must be above 0"):
        QuadratureRelay(0.0)
    with pytest.raises(ParameterError, match=r"^correlation must be"):
        QuadratureRelay(0.5, correlation="some")
    with pytest.raises(ParameterError, match=r"^reconciliation_efficiency must lie in"):
        CvMdi(100, 1.1)
    with pytest.raises(ParameterError, match=r"shape \(n, 2\)"):
        RelayedSymbols(np.zeros((2, 2), np.float32), np.zeros((1, 2), np.float32))
    with pytest.warns(ParameterWarning, match=r"^cv-mdi ignores channel.misalignment = 0.1"):
        dataclasses.replace(link, channel=NoisyFibre(1e4, 0.2, misalignment=0.1))


@settings(max_examples=25)
@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
