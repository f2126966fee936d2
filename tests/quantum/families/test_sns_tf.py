"""Links of sending-or-not-sending: limits, monotony, files, and the example."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.emulate.sns import interference_error
from haris.quantum.link import Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.sending_source import SendingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.sns import SendingOrNot
from haris.quantum.security.key_length import Security
from haris.quantum.security.limits import plob, single_repeater

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "sns_502km.toml"
AT_M = np.append(np.linspace(0.0, 9e5, 19), 1e7)


@st.composite
def sources(draw):
    strong = draw(st.floats(0.1, 1.0))
    weights = np.array([draw(st.floats(0.05, 1.0)) for _ in range(3)])
    return SendingSource(
        1e9,
        draw(st.floats(0.05, 1.0)),
        (strong, strong * draw(st.floats(0.05, 0.9))),
        draw(st.floats(0.1, 0.99)),
        draw(st.floats(0.05, 0.95)),
        tuple(weights / weights.sum()),
        draw(st.floats(0.0, 1e4)),
        draw(st.floats(0.0, 1e4)),
    )


links = st.builds(
    Link,
    sources(),
    st.builds(Fibre, st.floats(0, 9e5), st.floats(0.14, 0.3), st.floats(0, 10), st.floats(0, 0.3)),
    st.builds(Station, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1e-3), st.floats(1, 1e3), st.floats(0, 1e4)),
    st.builds(SendingOrNot, st.integers(1, 10**15), st.floats(0.01, np.pi)),
    st.builds(
        Security,
        st.sampled_from(["aopp", "aopp-asymptotic", "sns-asymptotic"]),
        st.floats(1e-15, 1e-3),
        f_ec=st.floats(1, 2),
    ),
)


@settings(deadline=None, max_examples=200)
@given(links)
def test_rates_are_finite_and_below_the_limit_of_one_station(link):
    rate = link.rate(AT_M)
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_s >= 0)
    assert np.all(rate.secret_bits_per_pulse <= single_repeater(link.channel.transmittance(AT_M)))
    assert all(np.all(np.isfinite(term.value)) for term in rate.key.terms)
    assert rate.secret_bits_per_s[-1] == 0


@settings(deadline=None, max_examples=100)
@given(links)
def test_a_finite_key_is_no_longer_than_its_asymptotic_one(link):
    finite = replace(link, security=replace(link.security, bound="aopp")).rate(AT_M)
    asymptotic = replace(link, security=replace(link.security, bound="aopp-asymptotic")).rate(AT_M)
    assert np.all(finite.key.length_bits <= asymptotic.key.length_bits)


@settings(deadline=None, max_examples=100)
@given(links, st.floats(0, 1e-6))
def test_key_falls_with_distance_with_noise_and_with_phase_noise(link, p_dark):
    link = replace(link, detector=replace(link.detector, p_dark=p_dark))
    link = replace(link, channel=replace(link.channel, fixed_loss_db=20.0))  # nearer, double clicks cost more than loss
    key = link.rate(AT_M).key.length_bits
    assert np.all(np.diff(key) <= 0)
    noisier = replace(link.detector, p_dark=3.0 * p_dark + 1e-9)
    assert np.all(replace(link, detector=noisier).rate(AT_M).key.length_bits <= key)
    drifting = replace(link.detector, phase_drift_rad_per_s=link.detector.phase_drift_rad_per_s + 1e3)
    assert np.all(replace(link, detector=drifting).rate(AT_M).key.length_bits <= key)
    beating = replace(link.source, frequency_difference_hz=link.source.frequency_difference_hz + 1e3)
    assert np.all(replace(link, source=beating).rate(AT_M).key.length_bits <= key)


@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link


def test_the_example_passes_plob_between_lasers_without_a_common_reference():
    link = Link.read(EXAMPLE)
    assert link.source.frequency_difference_hz > 0
    assert 0.02 < interference_error(link.source, link.channel, link.detector) < 0.06
    rate = link.rate()
    assert rate.secret_bits_per_pulse > 10 * rate.plob_per_pulse
    assert 50 < rate.secret_bits_per_s < 500  # other experiments at 500 km: 338 bit/s at 505 km (published.toml)
    assert rate.key.proof.finite
    apart = replace(link, source=replace(link.source, frequency_difference_hz=60e3))
    assert apart.rate().key.length_bits == 0  # the phase turns by radians from one reference to the next


def test_optimised_settings_give_no_less():
    link = Link.read(EXAMPLE)
    at_m = np.array([300e3, 502e3])
    best, own = link.rate(at_m, optimise=True), link.rate(at_m)
    assert np.all(best.key.length_bits >= own.key.length_bits)
    assert best.key.length_bits[0] > 1.05 * own.key.length_bits[0]


def test_the_limit_of_one_station_is_that_of_half_the_way():
    at_m = np.array([50e3, 502e3])
    fibre = Fibre(502e3, 0.165)
    assert single_repeater(fibre.transmittance(at_m)) == pytest.approx(plob(fibre.transmittance(at_m / 2)))


def test_parts_of_another_family_are_refused():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^bound must be one of aopp, .* got 'lim2014'"):
        replace(link, security=Security("lim2014"))
    with pytest.raises(ParameterError, match=r"^detector of sns-tf is a Station"):
        replace(link, detector=link.channel)
