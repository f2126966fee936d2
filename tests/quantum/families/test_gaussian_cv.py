import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.key_length import Security

EXAMPLES = Path(__file__).parents[3] / "examples" / "links"

METRO = Link(
    ModulatedLaser(100e6, 4.0),
    NoisyFibre(20e3, 0.2, excess_noise_snu=0.005),
    CoherentReceiver("heterodyne", 0.7, 0.05),
    GaussianCV(10**9, 0.95),
    Security("asymptotic"),
)

links = st.builds(
    Link,
    st.builds(ModulatedLaser, st.just(1e8), st.floats(1e-3, 1e3)),
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
        GaussianCV,
        st.integers(1, 10**13),
        st.floats(0, 1),
        st.floats(0, 0.99),
        st.floats(0.01, 0.99),
        st.floats(0, 0.9),
        st.integers(1, 8),
    ),
    st.builds(Security, st.sampled_from(["pirandola2021", "leverrier2010", "asymptotic"]), st.floats(1e-15, 1e-3)),
)


@settings(deadline=None, max_examples=300)
@given(links)
def test_rates_are_finite_below_plob_and_fall_with_distance(link):
    rate = link.rate(np.append(np.linspace(0.0, 3e5, 31), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse >= 0)
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all(np.isnan(rate.qber))
    assert rate.key.length_bits[-1] == 0
    assert np.all(np.diff(rate.key.length_bits) <= 0)


extremes = st.builds(
    Link,
    st.builds(ModulatedLaser, st.just(1e8), st.floats(1e-12, 1e8)),
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
    st.builds(
        GaussianCV,
        st.integers(1, 10**15),
        st.floats(0, 1),
        st.floats(0, 0.999999),
        st.floats(1e-30, 0.999999),
        st.floats(0, 0.999),
        st.integers(1, 16),
    ),
    st.builds(
        Security,
        st.sampled_from(["pirandola2021", "leverrier2010", "asymptotic"]),
        st.floats(1e-60, 1),
        st.just(1e-15),
    ),
)


@settings(deadline=None, max_examples=1000)
@given(extremes)
def test_no_valid_setting_raises(link):
    rate = link.rate([0.0, 1.0, 2e4, 1e5, 1e7])
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse >= 0)
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)


def test_lodewyck_2007_comes_back_to_its_printed_rate():
    rate = Link.read(EXAMPLES / "lodewyck2007_25km.toml").rate()
    assert rate.secret_bits_per_s == pytest.approx(12.3e3, rel=1e-3)  # printed: 12.3 kbit/s
    assert rate.key.value("information") * 350e3 == pytest.approx(365e3, rel=2e-3)  # printed: 365 kbit/s
    assert rate.key.value("holevo") * 350e3 == pytest.approx(316e3, rel=2e-3)  # printed: 316 kbit/s


def test_the_metropolitan_example_gives_key_by_every_bound():
    link = Link.read(EXAMPLES / "metro_cv_20km.toml")
    bounds = ("pirandola2021", "leverrier2010", "asymptotic")
    rates = [dataclasses.replace(link, security=Security(bound)).rate().secret_bits_per_s for bound in bounds]
    assert 1e6 < rates[0] < rates[1] < rates[2]


def test_what_is_disclosed_lost_or_reference_gives_no_key():
    whole = dataclasses.replace(METRO, protocol=GaussianCV(10**9, 0.95, p_estimation=0.0)).rate().key
    protocol = GaussianCV(10**9, 0.95, frame_error_rate=0.2, p_estimation=0.5, p_reference=0.25)
    part = dataclasses.replace(METRO, protocol=protocol).rate().key
    assert part.length_bits == pytest.approx(whole.length_bits * 0.8 * 0.5 * 0.75, rel=1e-6)


def test_noise_at_the_output_is_noise_at_the_input_over_the_transmittance():
    at_input = METRO.rate(30e3).key.length_bits
    noise = float(METRO.channel.transmittance(30e3)) * 0.005
    output = dataclasses.replace(METRO, channel=NoisyFibre(20e3, 0.2, output_noise_snu=noise))
    assert output.rate(30e3).key.length_bits == pytest.approx(int(at_input), abs=1)
    assert output.rate(60e3).key.length_bits < METRO.rate(60e3).key.length_bits


def test_the_best_settings_give_no_less_and_fall_with_loss():
    untrusted = dataclasses.replace(METRO, detector=CoherentReceiver("homodyne", 0.7, 0.01, trusted=False))
    at_m = np.linspace(0.0, 60e3, 13)
    best = untrusted.rate(at_m, optimise=True)
    assert np.all(best.secret_bits_per_pulse >= untrusted.rate(at_m).secret_bits_per_pulse)
    assert np.all(np.diff(best.secret_bits_per_pulse) <= 0)
    assert np.all(best.secret_bits_per_pulse <= best.plob_per_pulse)
    assert set(best.settings) >= {"modulation", "p of estimation"}


def test_an_untrusted_receiver_gives_less():
    untrusted = dataclasses.replace(METRO, detector=CoherentReceiver("heterodyne", 0.7, 0.05, trusted=False))
    assert 0 <= untrusted.rate().key.length_bits < METRO.rate().key.length_bits


def test_what_is_ignored_is_told():
    with pytest.warns(ParameterWarning, match="gaussian-cv ignores security.f_ec = 1.1"):
        dataclasses.replace(METRO, security=Security("asymptotic", f_ec=1.1))
    with pytest.warns(ParameterWarning, match=r"gaussian-cv ignores channel.misalignment = 0.01"):
        dataclasses.replace(METRO, channel=NoisyFibre(20e3, 0.2, misalignment=0.01))


def test_what_does_not_fit_together_is_told_with_its_line(tmp_path):
    text = (EXAMPLES / "metro_cv_20km.toml").read_text().replace("p_estimation = 0.2", "p_estimation = 0.0")
    path = tmp_path / "link.toml"
    path.write_text(text)
    line = text.splitlines().index("p_estimation = 0.0") + 1
    with pytest.raises(ParameterError, match=rf"link\.toml:{line}: p_estimation must be above 0 for bound"):
        Link.read(path)


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda: ModulatedLaser(1e8, 0.0), "modulation_variance_snu must be finite and above 0, got 0"),
        (lambda: CoherentReceiver("polarimeter", 0.5), 'detection must be "homodyne" or "heterodyne", got \'polar'),
        (lambda: CoherentReceiver("homodyne", 0.0), "efficiency must be above 0, got 0"),
        (lambda: CoherentReceiver("homodyne", 0.5, -1.0), "electronic_noise_snu must be finite and at least 0, got -1"),
        (lambda: NoisyFibre(1e3, 0.2, excess_noise_snu=-0.1), "excess_noise_snu must be finite and at least 0, got -0"),
        (lambda: NoisyFibre(-1.0, 0.2), "length_m must be finite and at least 0, got -1"),
        (lambda: GaussianCV(10**6, 1.1), r"reconciliation_efficiency must lie in \[0, 1\], got 1.1"),
        (lambda: GaussianCV(10**6, 0.9, 1.0), "frame_error_rate must be below 1"),
        (lambda: GaussianCV(0, 0.9), "block_pulses must be finite and above 0, got 0"),
        (lambda: GaussianCV(10**6, 0.9, bits_per_value=0), r"bits_per_value must lie in \[1, 16\], got 0"),
        (
            lambda: dataclasses.replace(METRO, channel=Fibre(1e3, 0.2)),
            "channel of gaussian-cv is a NoisyFibre, got Fibre",
        ),
        (
            lambda: dataclasses.replace(
                METRO, protocol=GaussianCV(10**6, 0.9, p_estimation=0.0), security=Security("leverrier2010")
            ),
            "p_estimation must be above 0 for bound 'leverrier2010'",
        ),
        (
            lambda: dataclasses.replace(METRO, security=Security("best")),
            "bound must be one of pirandola2021, leverrier2010, asymptotic",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, wanted):
    with pytest.raises(ParameterError, match=f"^{wanted}"):
        make()


def test_a_link_survives_its_file(tmp_path):
    METRO.write(tmp_path / "link.toml")
    assert Link.read(tmp_path / "link.toml") == METRO
