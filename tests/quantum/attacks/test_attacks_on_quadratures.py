"""Attacks on Gaussian modulation: sampled and expected moments agree, and each attack against something outside."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qkd import attacks as peer
from scipy.stats import chi2

from haris.nouns.errors import ParameterError
from haris.quantum.attacks.attacked import attacked
from haris.quantum.attacks.beam_splitting import BeamSplitting
from haris.quantum.attacks.entangling_cloner import EntanglingCloner
from haris.quantum.attacks.intercept_resend import InterceptResend
from haris.quantum.attacks.laser_seeding import LaserSeeding
from haris.quantum.attacks.lo_calibration import LoCalibration
from haris.quantum.attacks.quadratures import with_resent
from haris.quantum.attacks.trojan_horse import TrojanHorse
from haris.quantum.distill.estimate_channel import estimated_channel
from haris.quantum.emulate.expected_gaussian import expected_channel
from haris.quantum.families.coherent_hardware import estimated
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.holevo import holevo
from haris.quantum.security.key_length import Security
from haris.quantum.security.limits import plob, thermal_loss

LINKS = Path(__file__).parents[3] / "examples" / "links"
FALSE_ALARM = 1e-6

SOURCE, FIBRE = ModulatedLaser(1e8, 4.0), NoisyFibre(20e3, 0.2, 0.5, 0.0, 0.02, 0.01)
RECEIVERS = [CoherentReceiver("homodyne", 0.6, 0.1), CoherentReceiver("heterodyne", 0.7, 0.05)]
PROTOCOL = GaussianCV(10**9, 0.95, p_estimation=0.2)
SETTINGS = [
    InterceptResend(0.3),
    BeamSplitting(),
    LaserSeeding(1.5),
    LaserSeeding(1.5, hidden=False),
    EntanglingCloner(0.3),
    LoCalibration(0.8),
    LoCalibration(0.8, excess_noise_snu=0.0),
]


def a_link(receiver=RECEIVERS[1], bound="asymptotic", fibre=FIBRE):
    return Link(SOURCE, fibre, receiver, PROTOCOL, Security(bound))


@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda r: r.detection)
@pytest.mark.parametrize("attack", SETTINGS, ids=repr)
def test_sampled_values_follow_what_estimates_are_expected_to_be(attack, receiver):
    """Chi-square of the slope and of the noise, false alarms 1e-6 of each side."""
    link, n = a_link(receiver), 400_000
    alice, bob = (each.values.astype(np.float64) for each in attacked(link, attack).emulate(n, seed=3))
    seen = with_resent(attack.quadratures(expected_channel(SOURCE, FIBRE, receiver)).seen, attack.eve_fraction)
    slope, noise = np.sqrt(seen.gain * seen.transmittance), seen.value_noise_snu
    rest = bob - slope * alice
    # What is resent in part is a mixture of two normal laws: its squares spread by up to their fourth moment.
    wider = 1.0 if attack.eve_fraction == 0.0 else 1.5
    spread = np.sqrt(2.0 * wider / rest.size)
    assert abs((rest**2).mean() / noise - 1.0) < 5.0 * spread
    assert (rest * alice).sum() ** 2 / (rest.size * 4.0 * noise) < chi2.isf(FALSE_ALARM, 1)
    honest = link.emulate(n, seed=3)[0]
    np.testing.assert_array_equal(alice, honest.values)


@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda r: r.detection)
def test_bob_with_the_wrong_unit_estimates_what_volts_say(receiver):
    """From the physics, in volts: shot noise of 0.8 units where calibration says 1, electronics as in the dark.

    And PyPI qkd 0.2.0, calib_xi: the estimate of the noise at the input.
    """
    attack, n, rng = LoCalibration(0.8, excess_noise_snu=0.15), 2_000_000, np.random.default_rng(8)
    values = 2 if receiver.detection == "heterodyne" else 1
    gain = receiver.efficiency / values
    t = min(float(FIBRE.transmittance()) / 0.8, 1.0)
    sent = rng.normal(0.0, 2.0, n)
    at_bob = np.sqrt(t) * (sent + rng.normal(0.0, np.sqrt(0.02 + 0.15), n)) + rng.normal(0.0, np.sqrt(0.01 / 0.8), n)
    optical = np.sqrt(gain) * at_bob + rng.normal(0.0, 1.0, n)  # in true units of shot noise
    volts = np.sqrt(0.8) * optical + rng.normal(0.0, np.sqrt(receiver.electronic_noise_snu), n)
    slope = (sent * volts).sum() / (sent**2).sum()
    noise = ((volts - slope * sent) ** 2).mean()
    seen = attack.quadratures(expected_channel(SOURCE, FIBRE, receiver)).seen
    assert seen.transmittance == pytest.approx(slope**2 / gain, rel=5e-3)
    assert seen.value_noise_snu == pytest.approx(noise, rel=5 * np.sqrt(2 / n))
    true_xi = 0.15 + 0.02 + 0.01 / 0.8 / t
    xi = seen.noise_snu / seen.transmittance
    assert xi == pytest.approx(true_xi - 0.2 / (0.8 * gain * t))
    # The peer refers the noise to the input by the true transmittance, the users do so by what they estimate.
    assert xi * 0.8 == pytest.approx(peer.calib_xi(true_xi, 1 / 0.8, t, gain), rel=1e-9)


def test_a_hidden_cloner_leaves_every_estimate_as_it_was_and_no_key():
    link = Link.read(LINKS / "metro_cv_20km.toml")
    rate = attacked(link, LoCalibration(0.9)).rate(np.array([20e3, 40e3]))
    assert np.all(rate.deviations == 0.0)
    assert not np.any(rate.detected)
    np.testing.assert_array_equal(rate.claimed.key.length_bits, rate.honest.key.length_bits)
    assert np.all(rate.secret.at_least == 0.0)
    # At 40 km the hidden noise passes two units: what it breaks leaves no key for anyone.
    assert rate.secret.terms[0].value[1] > 2.0
    assert rate.secret.at_most[1] == 0.0
    assert rate.stolen_bits[1] == rate.claimed_bits[1] > 1e7
    alice, bob = attacked(link, LoCalibration(0.9)).emulate(2_000_000, seed=2)
    known = expected_channel(link.source, link.channel, link.detector)
    found = estimated_channel(alice, bob, known)
    assert found.transmittance == pytest.approx(known.transmittance, rel=5e-3)
    assert found.value_noise_snu == pytest.approx(known.value_noise_snu, rel=5e-3)


def test_a_wrong_unit_alone_shows_as_noise_below_the_vacuum():
    rate = attacked(a_link(), LoCalibration(0.9, excess_noise_snu=0.0)).rate()
    noise = rate.signs[1]
    assert noise.attacked < 1.05 < noise.honest
    assert rate.detected
    right = attacked(a_link(), LoCalibration(1.0)).rate()
    assert right.deviations == 0.0
    assert right.secret.at_least == right.claimed_bits


def symplectic(covariance):
    """Symplectic eigenvalues of quadratures in the order x1, p1, x2, p2..."""
    n = len(covariance) // 2
    form = np.kron(np.eye(n), np.array([[0.0, 1.0], [-1.0, 0.0]]))
    return np.sort(np.abs(np.linalg.eigvals(1j * form @ covariance)))[::2]


def entropy(covariance):
    nu = np.maximum(symplectic(covariance), 1.0 + 1e-13)
    a, b = (nu + 1) / 2, (nu - 1) / 2
    return float((a * np.log2(a) - b * np.log2(b)).sum())


def cloner_knows(channel):
    """Eve's information of one symbol, from her own two modes: the entropy of both, less that given Bob's values.

    Modes: Bob's light B, Eve's E1 (mixed into the fibre) and E2 (kept). The receiver's loss and noise are outside.
    """
    v, t, w = channel.modulation_variance_snu + 1.0, float(channel.transmittance), float(channel.noise_snu)
    own = 1.0 + w / (1.0 - t)
    c = np.sqrt(own**2 - 1.0)
    z, one = np.diag([1.0, -1.0]), np.eye(2)
    before = np.zeros((6, 6))
    before[:2, :2] = v * one
    before[2:4, 2:4] = before[4:, 4:] = own * one
    before[2:4, 4:] = before[4:, 2:4] = c * z
    split = np.eye(6)
    split[:2, :2] = split[2:4, 2:4] = np.sqrt(t) * one
    split[:2, 2:4], split[2:4, :2] = np.sqrt(1 - t) * one, -np.sqrt(1 - t) * one
    after = split @ before @ split.T
    bob, eve, cross = after[:2, :2], after[2:, 2:], after[2:, :2]
    if channel.heterodyne:
        # Two values, each behind half of the light: sqrt(gain) B + noise, the vacuum of the splitter included.
        noise = (1.0 - channel.gain + channel.electronic_noise_snu) / channel.gain
        given = eve - cross @ np.linalg.inv(bob + noise * one) @ cross.T
    else:
        noise = (1.0 - channel.gain + channel.electronic_noise_snu) / channel.gain
        given = eve - np.outer(cross[:, 0], cross[:, 0]) / (bob[0, 0] + noise)
    return entropy(eve) - entropy(given)


@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda r: r.detection)
def test_the_cloner_knows_what_its_two_modes_tell(receiver):
    """All the noise of the channel as one two-mode squeezed state's, and the Holevo quantity of her side of it."""
    rng = np.random.default_rng(12)
    for _ in range(200):
        fibre = replace(FIBRE, length_m=rng.uniform(0, 80e3), excess_noise_snu=0.0, output_noise_snu=0.0)
        source = ModulatedLaser(1e8, 10 ** rng.uniform(-0.5, 1.5))
        seen = replace(receiver, efficiency=rng.uniform(0.2, 1.0), electronic_noise_snu=rng.uniform(0, 0.3))
        attack = EntanglingCloner(10 ** rng.uniform(-3, 0))
        channel = attack.quadratures(expected_channel(source, fibre, seen)).true
        told = cloner_knows(channel)
        assert holevo(channel) == pytest.approx(told, rel=1e-6, abs=1e-7)
        link = Link(source, fibre, seen, PROTOCOL, Security("asymptotic"))
        assert attacked(link, attack).rate().secret.terms[0].value == pytest.approx(told, rel=1e-6, abs=1e-7)


def test_the_cloner_shows_as_noise_and_is_paid_for():
    rate = attacked(a_link(), EntanglingCloner(0.1)).rate(np.array([1e3, 20e3]))
    assert np.all(rate.detected)
    assert np.all(rate.gap_bits == 0.0)
    assert np.all(rate.claimed_bits < rate.honest.key.length_bits)
    assert np.all(rate.secret.at_most >= rate.claimed_bits)


def test_what_is_resent_has_two_units_of_noise_and_leaves_nothing():
    """PyPI qkd 0.2.0, resend_xi, after Jouguet et al. 2013, Eq. (7)."""
    for share in (0.01, 0.3, 1.0):
        rate = attacked(a_link(), InterceptResend(share)).rate()
        honest = expected_channel(SOURCE, FIBRE, RECEIVERS[1])
        t = honest.transmittance
        noise = (rate.signs[1].attacked - 1.0 - 0.05) / honest.gain / t
        assert noise == pytest.approx(peer.resend_xi(float(honest.noise_snu / t), share), rel=1e-9)
    assert rate.claimed_bits == rate.secret.at_most == 0.0


def test_the_light_split_off_tells_less_than_is_given_up():
    rate = attacked(a_link(), BeamSplitting()).rate(np.array([0.0, 20e3, 50e3]))
    assert np.all(rate.deviations == 0.0)
    known = rate.secret.terms[0].value
    conceded = rate.claimed.key.value("holevo")
    assert np.all(known < conceded)
    assert np.all(rate.gap_bits == 0.0)


def test_brighter_states_are_hidden_and_the_claim_is_too_long():
    link = a_link(bound="pirandola2021")
    rate = attacked(link, LaserSeeding(1.3)).rate(10e3)
    assert rate.deviations == 0.0
    assert 0.0 < rate.secret.at_least < rate.claimed_bits
    known = Link(
        replace(SOURCE, modulation_variance_snu=5.2),
        replace(FIBRE, fixed_loss_db=0.5 + 10 * np.log10(1.3), excess_noise_snu=0.02 * 1.3),
        link.detector,
        PROTOCOL,
        link.security,
    )
    assert known.rate(10e3).key.length_bits == pytest.approx(float(rate.secret.at_least), abs=2.0)


def test_thermal_noise_lowers_what_a_lossy_channel_can_give():
    """At no noise that of pure loss; with noise w and no loss w' ln 2 - 1 - ln w' nats, w' = w/2; 0 beyond breaking."""
    eta = np.array([0.01, 0.3, 0.9])
    assert thermal_loss(eta, np.zeros(3)) == pytest.approx(plob(eta))
    w = np.array([0.1, 0.5, 1.5])
    assert thermal_loss(np.ones(3), w) == pytest.approx((w / 2 - 1 - np.log(w / 2)) / np.log(2), rel=1e-5)
    assert np.all(thermal_loss(eta, 2 * eta) == 0.0)
    assert np.all(thermal_loss(eta, 1.99 * eta) > 0.0)
    # Gaussian modulation with perfect devices stays below it, and reaches within two bits.
    for t, noise in ((0.5, 0.01), (0.1, 0.001), (0.9, 0.2)):
        fibre = NoisyFibre(0.0, 0.2, -10 * np.log10(t), output_noise_snu=noise)
        channel = expected_channel(ModulatedLaser(1e8, 1e4), fibre, CoherentReceiver("homodyne", 1.0))
        assert channel.mutual_information - holevo(channel) < thermal_loss(t, noise)


@st.composite
def links(draw):
    detection = draw(st.sampled_from(["homodyne", "heterodyne"]))
    receiver = CoherentReceiver(detection, draw(st.floats(0.01, 1.0)), draw(st.floats(0.0, 1.0)), draw(st.booleans()))
    fibre = NoisyFibre(
        draw(st.floats(0.0, 3e5)),
        0.2,
        draw(st.floats(0.0, 5.0)),
        excess_noise_snu=draw(st.floats(0.0, 1.0)),
        output_noise_snu=draw(st.floats(0.0, 0.1)),
    )
    protocol = GaussianCV(
        10 ** draw(st.integers(3, 12)), draw(st.floats(0.0, 1.0)), draw(st.floats(0.0, 0.9)), draw(st.floats(0.01, 0.9))
    )
    bound = draw(st.sampled_from(["pirandola2021", "leverrier2010", "asymptotic"]))
    return Link(ModulatedLaser(1e8, draw(st.floats(0.01, 100.0))), fibre, receiver, protocol, Security(bound))


ANY = st.one_of(
    st.builds(InterceptResend, st.floats(0.0, 1.0)),
    st.builds(BeamSplitting),
    st.builds(LaserSeeding, st.floats(1.0, 100.0), st.booleans()),
    st.builds(EntanglingCloner, st.floats(0.0, 10.0)),
    st.builds(LoCalibration, st.floats(1e-3, 1.0), st.none() | st.floats(0.0, 10.0)),
)
PROVED = (InterceptResend, BeamSplitting, EntanglingCloner)


@settings(max_examples=300, deadline=None)
@given(links(), ANY)
def test_any_valid_setting_has_an_answer(link, attack):
    check(link, attack)


def check(link, attack):
    rate = attacked(link, attack).rate(np.array([link.channel.length_m, 0.0, 1e6]))
    for value in (rate.secret.at_least, rate.secret.at_most, rate.claimed_bits):
        assert np.all(np.isfinite(value))
        assert np.all(value >= 0.0)
    assert np.all(rate.secret.at_least <= rate.claimed_bits)
    assert np.all(rate.secret.at_least <= rate.secret.at_most * (1 + 1e-9) + 1)
    if isinstance(attack, PROVED):  # a proof never overstates what it covers
        assert np.all(rate.claimed_bits == rate.secret.at_least)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: EntanglingCloner(-0.1), "excess_noise_snu"),
        (lambda: LoCalibration(0.0), "shot_noise_ratio"),
        (lambda: LoCalibration(1.2), "shot_noise_ratio"),
        (lambda: LoCalibration(0.9, -1.0), "excess_noise_snu"),
    ],
)
def test_settings_outside_their_range_are_refused(make, field):
    with pytest.raises(ParameterError, match=f"^{field} must"):
        make()


def test_attacks_on_pulses_are_refused():
    with pytest.raises(ParameterError, match="trojan-horse is known of decoy-bb84, got a link of gaussian-cv"):
        attacked(a_link(), TrojanHorse()).emulate(10, 1)


@pytest.mark.parametrize("attack", [*SETTINGS, LoCalibration(0.97)], ids=repr)
def test_discrete_modulation_is_attacked_alike(attack):
    """Nearly as Gaussian modulation is, where the levels are many and have the shape of a bell; and so is its light."""
    link = Link.read(LINKS / "qam64_cv_25km.toml")
    rate = attacked(link, attack).rate(np.array([0.0, 25e3]))
    values = rate.claimed_bits, rate.secret.at_least, rate.secret.at_most
    assert all(np.all(np.isfinite(value)) and np.all(value >= 0.0) for value in values)
    assert np.all(rate.secret.at_least <= rate.claimed_bits)
    if isinstance(attack, PROVED):
        assert np.all(rate.gap_bits == 0.0)
        assert np.all(rate.claimed_bits <= rate.secret.at_most)
    alice, bob = attacked(link, attack).emulate(200_000, seed=3)
    np.testing.assert_array_equal(alice.values, link.emulate(200_000, seed=3)[0].values)
    honest, _ = estimated(link, np.asarray(link.channel.length_m))
    seen = with_resent(attack.quadratures(honest).seen, attack.eve_fraction)
    x, y = (each.values.astype(np.float64) for each in (alice, bob))
    slope = np.sqrt(seen.gain * seen.transmittance)
    assert ((y - slope * x) ** 2).mean() == pytest.approx(seen.value_noise_snu, rel=5 * np.sqrt(3.0 / x.size))
    assert (x * y).sum() / (x * x).sum() == pytest.approx(slope, abs=5 * np.sqrt(seen.value_noise_snu / (x * x).sum()))


def test_a_brighter_constellation_is_what_a_user_who_knew_would_ask_of():
    link = Link.read(LINKS / "qam64_cv_25km.toml")
    source, fibre = link.source, link.channel
    known = replace(
        link,
        source=replace(source, modulation_variance_snu=1.1 * source.modulation_variance_snu),
        channel=replace(
            fibre,
            fixed_loss_db=fibre.fixed_loss_db + 10 * np.log10(1.1),
            excess_noise_snu=1.1 * fibre.excess_noise_snu,
        ),
    )
    rate = attacked(link, LaserSeeding(1.1)).rate()
    assert rate.deviations == 0.0
    assert rate.secret.at_least == pytest.approx(float(known.rate().key.length_bits), rel=1e-9)
    assert 0.0 < rate.secret.at_least < rate.claimed_bits == rate.honest.key.length_bits
