import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.quantum.link import Link
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.oscillator_receiver import OscillatorReceiver
from haris.quantum.optics.split_fibre import SplitFibre
from haris.quantum.optics.thermal_source import ThermalSource
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.protocols.passive_cv import PassiveCV
from haris.quantum.security.key_length import Security

EXAMPLES = Path(__file__).parents[3] / "examples" / "links"
BOUNDS = ("pirandola2021", "leverrier2010", "asymptotic")

ACCESS = Link(
    ThermalSource(1e9, 1e3, 22.0),
    SplitFibre(5e3, 0.2, excess_noise_snu=0.005),
    OscillatorReceiver("heterodyne", 0.7, 0.02),
    PassiveCV(10**9, 0.95),
    Security("asymptotic"),
)


def with_source(link, **changes):
    return dataclasses.replace(link, source=dataclasses.replace(link.source, **changes))


def receivers(transmitted):
    return st.builds(
        OscillatorReceiver,
        st.sampled_from(["homodyne", "heterodyne"]),
        st.floats(1e-3, 1.0),
        st.floats(0, 1),
        st.booleans(),
        st.just(transmitted),
        st.floats(0, 0.1) if transmitted else st.just(0.0),
    )


shares = st.floats(1e-3, 1.0)
links = st.builds(
    Link,
    st.builds(
        ThermalSource,
        st.just(1e9),
        st.floats(1e-3, 1e9),
        st.floats(0, 100),
        st.floats(1e-3, 0.999),
        shares,
        st.floats(0, 10),
        shares,
        st.booleans(),
    ),
    st.builds(
        SplitFibre,
        st.just(0.0),
        st.floats(0.1, 0.3),
        st.floats(0, 10),
        st.just(0.0),
        st.floats(0, 0.3),
        st.floats(0, 0.1),
        st.integers(1, 128),
        st.floats(0, 3),
    ),
    st.booleans().flatmap(receivers),
    st.builds(
        PassiveCV,
        st.integers(1, 10**13),
        st.floats(0, 1),
        st.floats(0, 0.99),
        st.floats(0.01, 0.99),
        st.floats(0, 0.9),
        st.integers(1, 8),
    ),
    st.builds(Security, st.sampled_from(BOUNDS), st.floats(1e-15, 1e-3)),
)


@settings(deadline=None, max_examples=300)
@given(links)
def test_rates_are_finite_below_plob_and_fall_with_distance(link):
    rate = link.rate(np.append(np.linspace(0.0, 3e5, 16), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse >= 0)
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all(np.isnan(rate.qber))
    assert rate.key.length_bits[-1] == 0
    if link.security.bound == "asymptotic":  # finite bounds count no more bits than values are turned into: of light
        assert np.all(np.diff(rate.key.length_bits) <= 0)  # too bright for them, less can give more
    assert all(np.all(np.isfinite(term.value)) for term in rate.key.terms)


near_key = st.builds(
    lambda attenuation, overlap, noise, efficiency, electronic, detection, trusted, block: Link(
        ThermalSource(1e9, 1e4, attenuation, mode_overlap=overlap, trusted=trusted),
        SplitFibre(2e3, 0.2, excess_noise_snu=noise),
        OscillatorReceiver(detection, efficiency, electronic, trusted),
        PassiveCV(block, 0.95),
        Security("asymptotic"),
    ),
    st.floats(20, 45),
    st.floats(0.97, 1),
    st.floats(0, 0.05),
    st.floats(0.6, 1),
    st.floats(0, 0.1),
    st.sampled_from(["homodyne", "heterodyne"]),
    st.booleans(),
    st.integers(10**6, 10**12),
)


@settings(deadline=None, max_examples=100)
@given(near_key)
def test_finite_is_below_asymptotic_and_trust_and_less_noise_give_no_less(link):
    def bits(changed, bound="asymptotic"):
        return int(dataclasses.replace(changed, security=Security(bound)).rate().key.length_bits)

    most = bits(link)
    assert all(bits(link, bound) <= most for bound in BOUNDS)
    assert most <= bits(with_source(link, trusted=True))
    assert bits(with_source(link, mode_overlap=0.99 * link.source.mode_overlap)) <= most
    untrusted = with_source(link, trusted=False)
    noisier = with_source(untrusted, electronic_noise_snu=1.0)
    assert bits(noisier) <= bits(untrusted)
    receiver = dataclasses.replace(link.detector, transmitted_oscillator=True, leaked_photons=0.01)
    assert bits(dataclasses.replace(link, detector=receiver)) <= most


def test_bright_light_is_active_modulation():
    # Of endlessly bright light Alice knows all that leaves: the rate is that of gaussian-cv with this variance.
    bright = with_source(ACCESS, photons_per_mode=1e9, attenuation_db=82.0)
    active = Link(
        ModulatedLaser(1e9, bright.source.outgoing_variance_snu),
        NoisyFibre(5e3, 0.2, excess_noise_snu=0.005),
        bright.detector,
        GaussianCV(10**9, 0.95),
        Security("asymptotic"),
    )
    for bound in BOUNDS:
        security = Security(bound)
        ours, theirs = (
            dataclasses.replace(link, security=security).rate().key.length_bits for link in (bright, active)
        )
        assert ours == pytest.approx(int(theirs), rel=1e-6)


def test_what_alice_misses_falls_with_the_attenuation_whatever_the_brightness():
    # Of equal halves, an attenuation g and heterodyne detection of efficiency e: her vacuum, scaled by 2 g / e.
    source = ThermalSource(1e9, 1e6, 50.0, efficiency=0.5)
    assert source.preparation_noise_snu == pytest.approx(2 * 1e-5 / 0.5, rel=1e-4)
    louder = dataclasses.replace(source, electronic_noise_snu=0.25)
    assert louder.preparation_noise_snu == pytest.approx(1.25 * source.preparation_noise_snu, rel=1e-4)


def test_the_access_link_meets_both_printed_rates():
    link = Link.read(EXAMPLES / "ji2024_5km.toml")
    assert link.rate().secret_bits_per_s == pytest.approx(273.25e6, rel=2e-3)  # printed; a fit
    endless = dataclasses.replace(
        link, protocol=dataclasses.replace(link.protocol, p_estimation=0.0), security=Security("asymptotic")
    )
    assert endless.rate().secret_bits_per_s == pytest.approx(1.09e9, rel=2e-3)  # printed; a fit
    untrusted = dataclasses.replace(endless, detector=dataclasses.replace(link.detector, trusted=False))
    assert untrusted.rate().key.length_bits == 0


def test_users_behind_a_splitter_share_less_than_one_user_alone_has():
    link = Link.read(EXAMPLES / "passive_access_8_users.toml")
    rate = link.rate()
    assert 1e6 < rate.secret_bits_per_s < 1e9
    assert rate.key.value("users") == 8
    assert rate.key.value("all_users") == pytest.approx(8 * float(rate.secret_bits_per_s))
    alone = dataclasses.replace(link, channel=dataclasses.replace(link.channel, users=1))
    assert rate.key.value("all_users") < alone.rate().secret_bits_per_s
    assert "users" not in [term.name for term in alone.rate().key.terms]
    # A user sees a fibre with the splitter's loss, and nothing else.
    loss_db = 10 * np.log10(8)
    plain = dataclasses.replace(link.channel, users=1, fixed_loss_db=loss_db)
    theirs = dataclasses.replace(link, channel=plain).rate().key.length_bits
    assert rate.key.length_bits == pytest.approx(int(theirs), abs=2)


def test_a_transmitted_oscillator_weakens_with_the_signal_and_leaks():
    own, sent = OscillatorReceiver("homodyne", 0.7, 0.02), OscillatorReceiver("homodyne", 0.7, 0.02, True, True, 0.01)
    t = np.array([1.0, 0.1])
    np.testing.assert_allclose(own.noise_of_electronics_snu(t), [0.02, 0.02])
    np.testing.assert_allclose(sent.noise_of_electronics_snu(t), [0.02, 0.2])
    link = dataclasses.replace(ACCESS, detector=sent)
    quiet = dataclasses.replace(link, detector=dataclasses.replace(sent, leaked_photons=0.0))
    noisy = dataclasses.replace(quiet, channel=dataclasses.replace(link.channel, excess_noise_snu=0.005 + 2 * 0.01))
    assert link.rate().key.length_bits == pytest.approx(int(noisy.rate().key.length_bits), abs=1)
    assert link.rate().key.length_bits < quiet.rate().key.length_bits < ACCESS.rate().key.length_bits


def test_the_best_settings_give_no_less_and_fall_with_loss():
    at_m = np.linspace(0.0, 40e3, 9)
    best = ACCESS.rate(at_m, optimise=True)
    assert np.all(best.secret_bits_per_pulse >= ACCESS.rate(at_m).secret_bits_per_pulse)
    assert np.all(np.diff(best.secret_bits_per_pulse) <= 0)
    assert np.all(best.secret_bits_per_pulse <= best.plob_per_pulse)
    assert set(best.settings) >= {"attenuation", "p of estimation"}


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda: ThermalSource(1e9, 0.0, 20.0), "photons_per_mode must be finite and above 0, got 0"),
        (lambda: ThermalSource(1e9, 1e10, 20.0), "photons_per_mode must be at most 1e\\+09, got 1"),
        (lambda: ThermalSource(1e9, 1e3, -1.0), "attenuation_db must be finite and at least 0, got -1"),
        (lambda: ThermalSource(1e9, 1e3, 20.0, 0.0), "measured_share must be above 0: Alice would know nothing"),
        (lambda: ThermalSource(1e9, 1e3, 20.0, 1.0), "measured_share must be below 1: no light would leave"),
        (lambda: ThermalSource(1e9, 1e3, 20.0, efficiency=1.1), r"efficiency must lie in \[0, 1\], got 1.1"),
        (lambda: ThermalSource(1e9, 1e3, 20.0, mode_overlap=0.0), "mode_overlap must be above 0"),
        (lambda: SplitFibre(1e3, 0.2, users=0), r"users must lie in \[1, 1048576\], got 0"),
        (
            lambda: SplitFibre(1e3, 0.2, splitter_excess_db=-1.0),
            "splitter_excess_db must be finite and at least 0",
        ),
        (lambda: SplitFibre(1e3, 0.2, excess_noise_snu=-1.0), "excess_noise_snu must be finite and at least 0, got -1"),
        (
            lambda: OscillatorReceiver("homodyne", 0.5, leaked_photons=0.1),
            "leaked_photons must be 0 where the",
        ),
        (lambda: OscillatorReceiver("homodyne", 1.5), r"efficiency must lie in \[0, 1\], got 1.5"),
        (lambda: PassiveCV(10**6, 0.9, 1.0), "frame_error_rate must be below 1"),
        (
            lambda: dataclasses.replace(ACCESS, channel=NoisyFibre(1e3, 0.2)),
            "channel of passive-cv is a SplitFibre, got NoisyFibre",
        ),
        (
            lambda: dataclasses.replace(
                ACCESS, protocol=PassiveCV(10**6, 0.9, p_estimation=0.0), security=Security("leverrier2010")
            ),
            "p_estimation must be above 0 for bound 'leverrier2010'",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, wanted):
    with pytest.raises(ParameterError, match=f"^{wanted}"):
        make()


def test_what_is_ignored_is_told():
    with pytest.warns(ParameterWarning, match=r"passive-cv ignores channel.misalignment = 0.01"):
        dataclasses.replace(ACCESS, channel=SplitFibre(5e3, 0.2, misalignment=0.01))


def test_a_link_survives_its_file(tmp_path):
    link = dataclasses.replace(ACCESS, detector=OscillatorReceiver("homodyne", 0.7, 0.02, True, True, 0.01))
    link.write(tmp_path / "link.toml")
    assert Link.read(tmp_path / "link.toml") == link


def test_key_at_ten_thousand_kilometres_is_right_where_the_fibre_loses_only_100_db():
    quiet = Link(
        ThermalSource(1e9, 1e3, 22.0, measured_share=0.9, trusted=True),
        SplitFibre(5e3, 0.01),
        OscillatorReceiver("heterodyne", 1.0, 0.0),
        PassiveCV(10**15, 1.0),
        Security("asymptotic"),
    )
    near, far, hopeless = quiet.rate([6e6, 1e7, 1e9]).secret_bits_per_pulse
    # Without noise of the channel each photon that arrives is worth the same, at 60 dB as at 100: a share of PLOB.
    assert far / 1e-10 == pytest.approx(near / 1e-6, rel=1e-3)
    assert 0.05 < far * np.log(2.0) / 1e-10 < 0.5
    assert hopeless == 0.0
    noisy = dataclasses.replace(quiet, channel=SplitFibre(5e3, 0.01, output_noise_snu=1e-3))
    assert noisy.rate(1e7).secret_bits_per_pulse == 0.0
    sized = [dataclasses.replace(quiet, security=Security(bound)).rate(1e7) for bound in BOUNDS[:2]]
    assert [float(each.secret_bits_per_pulse) for each in sized] == [0.0, 0.0]
