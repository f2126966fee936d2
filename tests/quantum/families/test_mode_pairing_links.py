"""Links of mode pairing: limits, monotony, files, and the example."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.quantum.link import Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pairing_source import PairingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.mode_pairing import ModePairing
from haris.quantum.security.key_length import Security
from haris.quantum.security.limits import single_repeater

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "mode_pairing_413km.toml"
AT_M = np.append(np.linspace(0.0, 9e5, 13), 1e7)


@st.composite
def sources(draw):
    mu = draw(st.floats(0.01, 1.0))
    weights = np.array([draw(st.floats(0.02, 1.0)) for _ in range(3)])
    return PairingSource(
        1e9,
        (mu, mu * draw(st.floats(0.01, 0.9))),
        tuple(weights / weights.sum()),
        draw(st.floats(0.0, 1e4)),
        draw(st.floats(0.0, 1e4)),
    )


links = st.builds(
    Link,
    sources(),
    st.builds(Fibre, st.floats(0, 9e5), st.floats(0.14, 0.3), st.floats(0, 10), st.floats(0, 0.3)),
    st.builds(Station, st.floats(0, 1), st.floats(0, 1), phase_drift_rad_per_s=st.floats(0, 1e4)),
    st.builds(ModePairing, st.integers(1, 10**16), st.integers(1, 10**8), st.floats(0.01, np.pi)),
    st.builds(
        Security, st.sampled_from(["mode-pairs", "mode-pairs-asymptotic"]), st.floats(1e-15, 1e-3), f_ec=st.floats(1, 2)
    ),
)


@settings(deadline=None, max_examples=150)
@given(links)
def test_rates_are_lawful(link):
    finite, endless = (
        replace(link, security=replace(link.security, bound=bound)).rate(AT_M)
        for bound in ("mode-pairs", "mode-pairs-asymptotic")
    )
    assert np.all(np.isfinite(endless.secret_bits_per_s))
    assert np.all(finite.secret_bits_per_s >= 0)
    assert np.all(finite.key.length_bits <= endless.key.length_bits)
    assert np.all(endless.secret_bits_per_pulse <= single_repeater(link.channel.transmittance(AT_M)))
    assert all(np.all(np.isfinite(term.value)) for term in (*finite.key.terms, *endless.key.terms))
    assert endless.secret_bits_per_s[-1] == 0


@settings(deadline=None, max_examples=40)
@given(links)
def test_key_falls_with_phase_noise(link):
    key = link.rate(AT_M).key.length_bits
    drifting = replace(link.detector, phase_drift_rad_per_s=link.detector.phase_drift_rad_per_s + 1e3)
    assert np.all(replace(link, detector=drifting).rate(AT_M).key.length_bits <= key)
    beating = replace(link.source, frequency_difference_hz=link.source.frequency_difference_hz + 1e3)
    assert np.all(replace(link, source=beating).rate(AT_M).key.length_bits <= key)
    wide = replace(link.source, linewidth_hz=link.source.linewidth_hz + 1e3)
    assert np.all(replace(link, source=wide).rate(AT_M).key.length_bits <= key)


def test_the_example_passes_plob_without_phase_locking():
    link = Link.read(EXAMPLE)
    rate = link.rate()
    assert rate.secret_bits_per_pulse > 1.5 * rate.plob_per_pulse
    assert 0.5 < rate.secret_bits_per_s / 590.61 < 2.0  # Zhou et al. 2023, with settings that we assumed
    assert rate.key.proof.finite
    drifting = replace(link, detector=replace(link.detector, phase_drift_rad_per_s=2e5))
    assert drifting.rate().key.length_bits == 0  # pairs are some 30 us apart: radians
    shorter = replace(link, protocol=replace(link.protocol, max_interval_pulses=1000))
    assert shorter.rate().key.value("sifted") < 0.2 * rate.key.value("sifted")


def test_noise_from_darkness_and_loss_ends_the_key():
    link = Link.read(EXAMPLE)
    at_m = np.linspace(2e5, 8e5, 13)
    key = link.rate(at_m).key.length_bits
    assert np.all(np.diff(key) <= 0)
    assert key[-1] == 0
    noisier = replace(link, detector=replace(link.detector, p_dark=1e-7))
    assert np.all(noisier.rate(at_m).key.length_bits <= key)


def test_the_best_settings_give_no_less():
    link = Link.read(EXAMPLE)
    at_m = np.array([200e3, 413e3])
    best, own = link.rate(at_m, optimise=True), link.rate(at_m)
    assert np.all(best.key.length_bits >= own.key.length_bits)
    assert best.settings["longest interval, pulses"][0] < best.settings["longest interval, pulses"][1]


def test_a_link_survives_its_file(tmp_path):
    link = Link.read(EXAMPLE)
    link.write(tmp_path / "link.toml")
    assert Link.read(tmp_path / "link.toml") == link


def test_parts_of_another_family_and_fields_without_use():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^bound must be one of mode-pairs, .* got 'aopp'"):
        replace(link, security=Security("aopp"))
    with pytest.raises(ParameterError, match=r"^detector of mode-pairing is a Station"):
        replace(link, detector=link.channel)
    with pytest.warns(ParameterWarning, match="mode-pairing ignores detector.reference_photons"):
        replace(link, detector=replace(link.detector, reference_photons=20.0))
