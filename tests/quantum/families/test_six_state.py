import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.families.six_state import FAMILY, photon_counts
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.protocols.six_state import SixState
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "six_state_100km.toml"

links = st.builds(
    Link,
    st.sampled_from([Source(1e9, (0.5,), (1.0,)), Source(2.5e9, (0.6, 0.2, 0.0), (0.5, 0.3, 0.2))]),
    st.builds(Fibre, st.floats(0, 4e5), st.floats(0.1, 0.3), st.floats(0, 10), st.floats(0, 0.5)),
    st.builds(Detector, st.floats(0, 1), st.floats(0, 1e-2) | st.floats(0, 1), st.floats(0, 1e-6), st.floats(0, 0.2)),
    st.builds(SixState, st.floats(0.05, 0.95), st.integers(1, 10**13)),
    st.builds(Security, st.just("asymptotic"), f_ec=st.floats(1.0, 2.2)),
)


@settings(deadline=None)
@given(links)
def test_no_link_raises_or_passes_the_capacity(link):
    rate = link.rate(np.append(np.linspace(0.0, 6e5, 13), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all((rate.qber >= 0) & (rate.qber <= 0.5 + 1e-9))
    assert all(np.all(np.isfinite(term.value)) for term in rate.key.terms)
    assert rate.secret_bits_per_s[-1] == 0
    if link.detector.dead_time_s == 0 and link.detector.p_afterpulse == 0:
        assert np.all(np.diff(rate.key.length_bits) <= 0)


@settings(deadline=None)
@given(links, st.floats(1.0, 100.0))
def test_dark_counts_and_misalignment_never_help(link, more):
    link = dataclasses.replace(link, detector=Detector(link.detector.efficiency, min(link.detector.p_dark, 1e-3)))
    here = link.rate().key.length_bits
    darker = dataclasses.replace(link.detector, p_dark=link.detector.p_dark * more)
    assert dataclasses.replace(link, detector=darker).rate().key.length_bits <= here
    turned = dataclasses.replace(link.channel, misalignment=min(0.5, link.channel.misalignment * more))
    assert dataclasses.replace(link, channel=turned).rate().key.length_bits <= here


def test_it_bears_more_errors_than_bb84_on_the_same_hardware():
    six = dataclasses.replace(
        Link.read(EXAMPLE),
        source=Source(1e9, (0.2, 0.05, 0.0), (0.8, 0.1, 0.1)),
        security=Security("asymptotic", f_ec=1.0),
    )

    def most_misaligned(protocol):
        rates = [
            dataclasses.replace(
                six, protocol=protocol, channel=dataclasses.replace(six.channel, misalignment=wrong)
            ).rate().key.length_bits
            for wrong in np.arange(0.08, 0.13, 0.001)
        ]  # fmt: skip
        return np.count_nonzero(rates)

    assert most_misaligned(SixState(0.8, 10**13)) > most_misaligned(DecoyBB84(0.8, 10**13)) > 0


def test_a_sweep_equals_its_points():
    link = Link.read(EXAMPLE)
    distances_m = np.array([[0.0, 10e3], [40e3, 500e3]])
    sweep = link.rate(distances_m)
    assert photon_counts(link, distances_m).of_photons.shape == (2, 2, 1)
    for index, d in np.ndenumerate(distances_m):
        assert link.rate(d).key.length_bits == sweep.key.length_bits[index]


def test_the_example_gives_key_and_its_settings_can_be_chosen():
    link = Link.read(EXAMPLE)
    assert link.family is FAMILY
    rate = link.rate()
    assert 1e5 < rate.key.length_bits < link.protocol.block_pulses * rate.plob_per_pulse
    assert not rate.key.proof.finite
    best = link.rate([100e3], optimise=True)
    assert best.secret_bits_per_pulse[0] > rate.secret_bits_per_pulse
    assert 0.4 < best.settings["intensity 1"][0] < 1.0


@pytest.mark.parametrize("k", [2, 3])
def test_a_finite_key_tends_to_that_of_bb84_from_below(k):
    source = {2: Source(1e9, (0.5, 0.1), (0.7, 0.3)), 3: Source(1e9, (0.5, 0.1, 0.0), (0.6, 0.3, 0.1))}[k]
    six = Link(source, Fibre(20e3, 0.2, 0.0, 0.01), Detector(0.5, 1e-6), SixState(0.7, 10**9), Security())
    shares = []
    for n in (10**7, 10**9, 10**11, 10**16):
        each, two = (dataclasses.replace(six, protocol=protocol(0.7, n)) for protocol in (SixState, DecoyBB84))
        finite, endless = (
            dataclasses.replace(link, security=Security(bound)).rate().key.length_bits
            for link, bound in ((each, "variable-length"), (two, "asymptotic"))
        )
        # Half of BB84's test rounds are left, and all of its key rounds.
        assert finite <= two.rate().key.length_bits
        shares.append(finite / endless)
        assert finite <= dataclasses.replace(each, security=Security("asymptotic")).rate().key.length_bits
    assert shares == sorted(shares)
    assert 0.99 < shares[-1] <= 1.0


def test_a_finite_key_needs_decoys():
    with pytest.raises(ParameterError, match="2 or 3 intensities"):
        Link(Source(1e9, (0.5,), (1.0,)), Fibre(1e3, 0.2), Detector(0.5, 1e-6), SixState(0.7, 10**9), Security())


def test_what_does_not_fit_is_refused():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^intensities must begin with a signal above 0"):
        dataclasses.replace(link, source=Source(1e9, (0.0,), (1.0,)))
    with pytest.raises(ParameterError, match=r"^gate_s must not pass the period"):
        dataclasses.replace(link, detector=Detector(0.5, 1e-7, gate_s=2e-9))
    with pytest.raises(ParameterError, match=r"^p_key_basis must leave every basis some pulses"):
        SixState(1.0, 1)


@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
