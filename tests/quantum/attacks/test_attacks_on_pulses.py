"""Attacks on decoy BB84: expected and sampled counts agree, and each attack against something outside of haris."""

from dataclasses import replace
from math import exp, factorial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qkd import attacks as peer
from scipy import stats

from haris.nouns.counts import DecoyCounts
from haris.nouns.errors import ParameterError
from haris.quantum.attacks.attacked import ATTACKS, attacked
from haris.quantum.attacks.beam_splitting import BeamSplitting
from haris.quantum.attacks.efficiency_mismatch import EfficiencyMismatch
from haris.quantum.attacks.intercept_resend import InterceptResend
from haris.quantum.attacks.laser_seeding import LaserSeeding
from haris.quantum.attacks.photon_number_splitting import PhotonNumberSplitting
from haris.quantum.attacks.pulses import counts_under, sifted_counts
from haris.quantum.attacks.trojan_horse import TrojanHorse, raised_phase_error
from haris.quantum.emulate.clicks import class_rates
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import Security
from haris.quantum.security.ma2005 import rate_per_pulse

LINKS = Path(__file__).parents[3] / "examples" / "links"
FALSE_ALARM = 1e-6

LINK = Link(
    Source(1e9, (0.5, 0.15, 0.01), (0.6, 0.25, 0.15)),
    Fibre(20e3, 0.2, 1.0, 0.06),
    Detector(0.4, 1e-4, dead_time_s=20e-9, p_afterpulse=0.1, afterpulse_time_s=3e-9),
    DecoyBB84(0.7, 10**9),
    Security("lim2014"),
)
SETTINGS = [
    InterceptResend(0.4),
    PhotonNumberSplitting(),
    PhotonNumberSplitting(0.3),
    BeamSplitting(),
    TrojanHorse(1e-5),
    EfficiencyMismatch(0.3),
    EfficiencyMismatch(0.5, hidden=False),
    LaserSeeding(3.0),
    LaserSeeding(3.0, hidden=False),
]


def cells(counts: DecoyCounts):
    return np.concatenate([(counts.clicks - counts.errors).ravel(), counts.errors.ravel()]).astype(np.float64)


@pytest.mark.parametrize("attack", SETTINGS, ids=repr)
def test_sampled_counts_follow_the_expected_ones(attack):
    """Chi-square over 12 cells, false alarms 1e-6. Dead time makes counts more even than Poisson's, never less."""
    n_pulses = 10_000_000
    expected = cells(counts_under(attack, LINK, n_pulses, None))
    light = attacked(LINK, attack).emulate(n_pulses, seed=3)
    measured = cells(sifted_counts(LINK, *light, np.random.default_rng(5)))
    statistic = ((measured - expected) ** 2 / expected).sum()
    assert statistic < stats.chi2.isf(FALSE_ALARM, expected.size)


@pytest.mark.parametrize("attack", SETTINGS, ids=repr)
def test_the_same_seed_gives_the_same_light_and_alice_does_not_depend_on_eve(attack):
    alice, bob = attacked(LINK, attack).emulate(20_000, seed=9)
    again = attacked(LINK, attack).emulate(20_000, seed=9)[1]
    np.testing.assert_array_equal(bob.time_ps, again.time_ps)
    assert alice == LINK.emulate(20_000, seed=9)[0]


@pytest.mark.parametrize("attack", SETTINGS[1:], ids=repr)
def test_double_clicks_follow_the_expected_ones(attack):
    """Poisson at most, false alarms 1e-6: what is forwarded as one photon gives fewer of them than a faint pulse."""
    link = replace(LINK, detector=Detector(0.4, 0.01, 20e-9), channel=Fibre(1e3, 0.2, 0.0, 0.2))
    n_pulses = 3_000_000
    _, bob = attacked(link, attack).emulate(n_pulses, seed=8)
    double = (np.diff(np.floor(bob.time_ps / 1000.0)) == 0).sum()
    p_aligned = 0.7**2 + 0.3**2
    arrived = attack.arrivals(link.source, link.channel, link.detector)
    rates = class_rates(arrived, link.detector, 1e9, p_aligned)[0][..., 2].sum(axis=0)
    expected = n_pulses * (p_aligned * rates[0] + (1 - p_aligned) * rates[1])
    assert expected > 500
    assert stats.poisson.cdf(double, expected) > FALSE_ALARM
    assert stats.poisson.sf(double, expected) > FALSE_ALARM


def one_photon(eta, wrong, p_dark):
    """Right and wrong bits of a gate that one photon enters, a double click being a coin: by cases."""
    right = bad = 0.0
    for where, p in ((0, eta * (1 - wrong)), (1, eta * wrong), (None, 1 - eta)):
        for dark in range(4):
            q = p * (p_dark if dark & 1 else 1 - p_dark) * (p_dark if dark & 2 else 1 - p_dark)
            clicks = [where == 0 or bool(dark & 1), where == 1 or bool(dark & 2)]
            if any(clicks):
                right += q * (0.5 if all(clicks) else float(clicks[0]))
                bad += q * (0.5 if all(clicks) else float(clicks[1]))
    return np.array([right, bad])


@pytest.mark.parametrize("length_m", [1e3, 30e3, 120e3])
def test_splitting_lets_through_what_a_sum_over_photon_numbers_says(length_m):
    detector = Detector(0.3, 1e-3)
    link = replace(LINK, channel=Fibre(length_m, 0.2, 0.5, 0.08), detector=detector)
    attack = PhotonNumberSplitting()
    counts = counts_under(attack, link, 1.0, None)
    honest = counts_under(BeamSplitting(), link, 1.0, None)
    single, several = attack.passed(link.source, link.channel, detector, None)
    for i, (mu, p) in enumerate(zip(link.source.intensities, link.source.p_intensities, strict=True)):
        expected = np.zeros(2)
        for n in range(25):
            passed = 0.0 if n == 0 else single if n == 1 else several
            arriving = passed * one_photon(0.3, 0.08, 1e-3) + (1 - passed) * one_photon(0.0, 0.0, 1e-3)
            expected += exp(-mu) * mu**n / factorial(n) * p * 0.49 * arriving
        assert counts.clicks[0, i] == pytest.approx(expected.sum(), rel=1e-12)
        assert counts.errors[0, i] == pytest.approx(expected[1], rel=1e-12)
    # The signals' clicks are what they were, wherever the loss can hide her. Single photons pass only near by.
    if length_m > 1e3:
        assert counts.clicks[:, 0] == pytest.approx(honest.clicks[:, 0], rel=1e-9)
    assert (single == 0.0) == (length_m > 100e3)


def test_splitting_shows_in_decoys_and_only_there():
    link = Link.read(LINKS / "metro_25km.toml")
    link = replace(link, detector=replace(link.detector, dead_time_s=0.0, p_afterpulse=0.0))  # rates of one intensity
    rate = attacked(link, PhotonNumberSplitting()).rate(np.array([25e3, 60e3]))
    by_name = {sign.name: sign for sign in rate.signs}
    assert np.all(by_name["key-basis clicks of intensity 0.13"].deviations < -50)
    assert np.all(np.abs(by_name["key-basis clicks of intensity 0.4"].deviations) < 1)
    assert np.all(rate.detected)
    assert np.all(rate.claimed_bits == 0)
    # At 60 km nothing is secret. Whoever takes clicks for single photons claims most of a bit each.
    term = {each.name: each.value for each in rate.secret.terms}
    assert term["signals_secret"][1] == 0.0
    assert term["signals_naive"][1] > 500_000
    assert np.all(term["signals_tagged"] <= term["signals_secret"])


def test_splitting_leaves_what_gllp_says_of_known_tags():
    """Without dark counts, only single photons that passed are secret: the printed rate of Ma et al. with those."""
    link = replace(LINK, channel=Fibre(10e3, 0.2, 0.0, 0.03), detector=Detector(0.1, 0.0))
    rate = attacked(link, PhotonNumberSplitting()).rate()
    single, _ = PhotonNumberSplitting().passed(link.source, link.channel, link.detector, None)
    assert 0.0 < single < 1.0
    left = sum(
        p * rate_per_pulse(0.0, 0.0, single * mu * exp(-mu) * 0.1, 0.03, 1.0, 1.0)
        for mu, p in zip(link.source.intensities, link.source.p_intensities, strict=True)
    )
    assert rate.secret.at_most == pytest.approx(1e9 * 0.49 * left, rel=1e-9)


def test_intercepted_pulses_are_wrong_a_quarter_of_the_time_and_leave_nothing():
    link = replace(LINK, channel=Fibre(20e3, 0.2), detector=Detector(0.3, 0.0))
    for fraction in (0.0, 0.2, 1.0):
        rate = attacked(link, InterceptResend(fraction)).rate()
        assert rate.claimed.qber == pytest.approx(fraction / 4, abs=1e-5)
        honest = attacked(link, InterceptResend(0.0)).rate().secret.at_most
        assert rate.secret.at_most == pytest.approx((1 - fraction) * honest)
    assert rate.claimed_bits == 0
    assert rate.detected


def test_beam_splitting_shows_nothing_and_is_paid_for():
    link = Link.read(LINKS / "metro_25km.toml")
    rate = attacked(link, BeamSplitting()).rate(np.linspace(0, 100e3, 5))
    assert np.all(rate.deviations == 0)
    np.testing.assert_array_equal(rate.claimed.key.length_bits, rate.honest.key.length_bits)
    assert np.all(rate.gap_bits == 0)
    assert np.all(rate.secret.at_most >= rate.claimed_bits)
    # Pulse by pulse: of those that Bob saw, in how many does Eve hold a photon?
    rng, mu, t, eta = np.random.default_rng(4), 0.5, 0.4, 0.3
    photons = rng.poisson(mu, 2_000_000)
    arrived = rng.binomial(photons, t)
    seen = rng.binomial(arrived, eta) > 0
    share = (photons[seen] > arrived[seen]).mean()
    link = replace(
        LINK, source=Source(1e9, (mu, 1e-4, 0.0), (0.9998, 1e-4, 1e-4)),
        channel=Fibre(0.0, 0.2, -10 * np.log10(t)), detector=Detector(eta, 0.0),
    )  # fmt: skip
    known = attacked(link, BeamSplitting()).rate().secret.terms[0].value
    assert known == pytest.approx(share, abs=5 * (0.25 / seen.sum()) ** 0.5)


def test_a_leak_raises_phase_errors_as_an_independent_code_has_it():
    """PyPI qkd 0.2.0, probe_phase. And the share of the rate that is kept at 100 km, .984, .945 and .316.

    The setting of those numbers is not at hand. This one was chosen to fit them, of several that do: 30 % efficiency,
    1e-6 dark counts, 1 % misalignment, 0.21 dB/km, mu 0.425, f 1.2.
    """
    rng = np.random.default_rng(6)
    for _ in range(500):
        phase, leak, single_yield = rng.uniform(0, 0.5), 10 ** rng.uniform(-9, 1), 10 ** rng.uniform(-7, 0)
        ours = raised_phase_error(phase, leak, single_yield)
        assert ours == pytest.approx(peer.probe_phase(phase, leak, single_yield), rel=1e-12)
    eta, y0, mu = 0.3 * 10**-2.1, 2e-6, 0.425
    gain, y1 = 1 - (1 - y0) * exp(-mu * eta), 1 - (1 - y0) * (1 - eta)
    error, e1 = (y0 / 2 + 0.01 * (gain - y0)) / gain, (y0 / 2 + 0.01 * (y1 - y0)) / y1
    rates = [
        rate_per_pulse(gain, error, mu * exp(-mu) * y1, raised_phase_error(e1, leak, y1), 1.2)
        for leak in (0.0, 1e-7, 1e-6, 1e-4)
    ]
    assert np.array(rates[1:]) / rates[0] == pytest.approx([0.984, 0.945, 0.316], abs=1e-3)


def test_a_leak_shows_nothing_and_costs_the_proof():
    link = Link.read(LINKS / "metro_25km.toml")
    leaks = [0.0, 1e-9, 1e-7, 1e-5, 1e-3, 0.1, 10.0]
    rates = [attacked(link, TrojanHorse(leak)).rate() for leak in leaks]
    assert all(rate.deviations == 0 for rate in rates)
    kept = [float(rate.secret.at_least) for rate in rates]
    assert kept[0] == rates[0].claimed_bits
    assert np.all(np.diff(kept) <= 0)
    assert kept[-1] == 0
    most = [float(rate.secret.at_most) for rate in rates]
    assert np.all(np.diff(most) <= 0)
    assert most[-1] == pytest.approx(0, abs=1e-6 * most[0])
    assert rates[-1].stolen_bits > 0


def test_a_shift_leaves_what_independent_codes_say():
    """PyPI qkd 0.2.0: shift_bound h(r/(1 + r)) of faint light without errors, Qi et al. Eq. (4)."""
    source = replace(LINK.source, intensities=(1e-3, 1e-4, 0.0))
    link = replace(LINK, source=source, channel=Fibre(60e3, 0.2), detector=Detector(0.3, 0.0))
    for r in (0.05, 0.3, 0.8, 1.0):
        attack = EfficiencyMismatch(r)
        rate = attacked(link, attack).rate()
        p = 0.7**2 + 0.3**2
        arrived = attack.arrivals(link.source, link.channel, link.detector)
        sifted = 1e9 * 0.49 * class_rates(arrived, link.detector, 1e9, p)[0][:, 0].sum()
        assert rate.secret.at_most / sifted == pytest.approx(peer.shift_bound(r), rel=1e-4)
        untagged = next(term.value for term in rate.secret.terms)
        assert r <= untagged <= peer.shift_bound(r) + 1e-12  # what is proved is no more than there is
        assert untagged * (1 - binary_entropy(0.02)) == pytest.approx(
            peer.mismatch_rate(1.0, r, 0.02, 0.02, discard=True) + untagged * binary_entropy(0.02), rel=1e-9
        )


def eve_lacks(weights, r):
    """H(A|E) of a click in Alice's basis and the error rate in the other, by state vectors.

    A Bell state through a Pauli channel of these weights, all that it leaves outside in Eve's hands; Bob's detectors
    of efficiencies 1 and r, the better one either of them, and Eve knows which.
    """
    paulis = [np.eye(2), np.diag([1.0, -1.0]), np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [-1.0, 0.0]])]
    bell = np.eye(2) / np.sqrt(2.0)  # [alice, bob]
    pure = np.stack([np.sqrt(w) * bell @ pauli.T for w, pauli in zip(weights, paulis, strict=True)], axis=-1)
    efficiency = np.array([1.0, r])
    clicked = pure * np.sqrt(efficiency)[None, :, None]
    known = [np.einsum("be,bf->ef", clicked[a], clicked[a]) for a in (0, 1)]
    total = np.trace(known[0] + known[1])

    def entropy(state):
        p = np.linalg.eigvalsh(state / total)
        return -sum(x * np.log2(x) for x in p if x > 1e-15)

    lacks = sum(map(entropy, known)) - entropy(known[0] + known[1])
    turn = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2.0)
    other = (np.abs(np.einsum("xa,yb,abe->xye", turn, turn, pure)) ** 2).sum(axis=-1) * efficiency
    return lacks, (other[0, 1] + other[1, 0]) / other.sum()


def test_what_is_proved_of_unequal_detectors_is_less_than_eve_lacks():
    """Of 300 Pauli channels and ratios; the shift is as likely the other way round, which changes neither number."""
    rng, closest = np.random.default_rng(2), np.inf
    for _ in range(300):
        weights = rng.dirichlet([20.0, 1.0, 1.0, 1.0])
        r = rng.uniform(0.2, 1.0)
        lacks, phase = eve_lacks(weights, r)
        proved = r * (1.0 - binary_entropy(min(phase / r, 0.5)))
        assert proved <= lacks + 1e-9
        closest = min(closest, lacks - proved)
    assert closest < 0.1
    lacks, phase = eve_lacks([0.9, 0.1, 0.0, 0.0], 1.0)
    assert lacks == pytest.approx(1.0 - binary_entropy(phase))  # and the whole of it of equal detectors


def test_the_light_that_comes_back_is_read_as_well_as_can_be():
    """I(A;B|E) summed over bits, Eve's guess being wrong as often as Helstrom says of two coherent states."""
    link = replace(LINK, detector=Detector(0.3, 1e-3), channel=Fibre(10e3, 0.2, 0.0, 0.05))
    leak = 0.05
    alpha = np.sqrt(leak)
    n = np.arange(40)
    state = np.exp(-leak / 2) * alpha**n / np.sqrt([float(factorial(k)) for k in n])
    two = [np.outer(x, x) for x in (state, state * (-1.0) ** n)]
    wrong = (1.0 - np.abs(np.linalg.eigvalsh(two[0] - two[1])).sum() / 2.0) / 2.0
    counts = counts_under(TrojanHorse(leak), link, 1e9, None)
    expected = 0.0
    for clicks, errors in zip(counts.clicks[0], counts.errors[0], strict=True):
        e = errors / clicks
        joint = np.array(
            [
                [[0.5 * (wrong if g != a else 1 - wrong) * (e if b != a else 1 - e) for b in (0, 1)] for g in (0, 1)]
                for a in (0, 1)
            ]
        )  # alice, eve, bob

        def entropy(p):
            return -(p * np.log2(p)).sum()

        shared = entropy(joint.sum(axis=2)) + entropy(joint.sum(axis=0)) - entropy(joint.sum(axis=(0, 2)))
        expected += clicks * (shared - entropy(joint))
    assert attacked(link, TrojanHorse(leak)).rate().secret.at_most == pytest.approx(expected, rel=1e-9)


def test_a_shift_is_hidden_by_more_light():
    link = Link.read(LINKS / "metro_25km.toml")
    hidden, seen = (attacked(link, EfficiencyMismatch(0.2, hidden)).rate(25e3) for hidden in (True, False))
    assert not hidden.detected
    assert seen.detected
    assert hidden.claimed_bits > 0
    assert hidden.secret.at_least < hidden.claimed_bits
    equal = attacked(link, EfficiencyMismatch(1.0)).rate(25e3)
    assert equal.secret.at_least == equal.claimed_bits == equal.honest.key.length_bits


def test_brighter_pulses_are_hidden_and_the_claim_is_too_long():
    link = Link.read(LINKS / "metro_25km.toml")
    gains = [1.0, 1.2, 2.0, 4.0, 100.0]
    rates = [attacked(link, LaserSeeding(gain)).rate() for gain in gains]
    assert all(rate.deviations == 0 for rate in rates)
    kept = np.array([float(rate.secret.at_least) for rate in rates])
    assert kept[0] == rates[0].claimed_bits
    assert np.all(np.diff(kept) <= 0)
    assert kept[-1] == 0
    # A user who knew would have asked the same bound with the true intensities.
    known = replace(link, source=replace(link.source, intensities=tuple(2.0 * mu for mu in link.source.intensities)),
                    channel=replace(link.channel, fixed_loss_db=3.0 + 10 * np.log10(2.0)))  # fmt: skip
    assert kept[2] == pytest.approx(float(known.rate().key.length_bits), rel=1e-9)
    assert attacked(link, LaserSeeding(2.0, hidden=False)).rate().detected


def test_shapes_follow_the_distances():
    at_m = np.array([[0.0, 1e4, 5e4], [1e5, 3e5, 1e7]])
    for attack in SETTINGS:
        rate = attacked(LINK, attack).rate(at_m)
        for value in (rate.secret.at_least, rate.secret.at_most, rate.gap_bits, rate.detected, rate.claimed.qber):
            assert value.shape == at_m.shape
        alone = attacked(LINK, attack).rate(5e4)
        assert alone.secret.at_least == rate.secret.at_least[0, 2]
        assert alone.secret.at_most == pytest.approx(rate.secret.at_most[0, 2])


@st.composite
def links(draw):
    bound = draw(st.sampled_from(["variable-length", "lim2014", "rusca2018", "asymptotic"]))
    two = bound != "rusca2018"
    mu1 = draw(st.floats(0.02, 1.5))
    mu2 = mu1 * draw(st.floats(0.05, 0.5))
    mu = (mu1, mu2, mu2 * draw(st.floats(0.0, 0.5))) if two else (mu1, mu2)
    p = np.array([draw(st.floats(0.05, 1.0)) for _ in mu])
    detector = Detector(
        draw(st.floats(0.0, 1.0)),
        draw(st.sampled_from([0.0, 1e-7, 1e-4, 0.1])),
        draw(st.sampled_from([0.0, 1e-7])),
        draw(st.sampled_from([0.0, 0.05])),
    )
    fibre = Fibre(draw(st.floats(0.0, 4e5)), 0.2, draw(st.floats(0.0, 5.0)), draw(st.floats(0.0, 0.5)))
    protocol = DecoyBB84(draw(st.floats(0.05, 0.95)), 10 ** draw(st.integers(3, 12)))
    return Link(Source(1e9, mu, tuple(p / p.sum())), fibre, detector, protocol, Security(bound))


ANY = st.one_of(
    st.builds(InterceptResend, st.floats(0.0, 1.0)),
    st.builds(PhotonNumberSplitting, st.floats(0.0, 1.0)),
    st.builds(BeamSplitting),
    st.builds(TrojanHorse, st.floats(0.0, 100.0)),
    st.builds(EfficiencyMismatch, st.floats(1e-9, 1.0), st.booleans()),
    st.builds(LaserSeeding, st.floats(1.0, 100.0), st.booleans()),
)
PROVED = (InterceptResend, PhotonNumberSplitting, BeamSplitting)


@settings(max_examples=300, deadline=None)
@given(links(), ANY)
def test_any_valid_setting_has_an_answer(link, attack):
    check(link, attack)


def check(link, attack):
    rate = attacked(link, attack).rate(np.array([link.channel.length_m, 0.0, 1e6]))
    secret = rate.secret
    for value in (secret.at_least, secret.at_most, rate.claimed_bits):
        assert np.all(np.isfinite(value))
        assert np.all(value >= 0.0)
    assert np.all(secret.at_least <= rate.claimed_bits)
    if isinstance(attack, PROVED):  # a proof never overstates what it covers
        assert np.all(rate.claimed_bits <= secret.at_most * (1 + 1e-9) + 1)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: InterceptResend(1.1), "fraction"),
        (lambda: PhotonNumberSplitting(-0.1), "fraction"),
        (lambda: TrojanHorse(-1e-9), "mean_photons"),
        (lambda: TrojanHorse(float("nan")), "mean_photons"),
        (lambda: EfficiencyMismatch(0.0), "efficiency_ratio"),
        (lambda: EfficiencyMismatch(1.5), "efficiency_ratio"),
        (lambda: LaserSeeding(0.9), "gain"),
        (lambda: LaserSeeding(float("inf")), "gain"),
    ],
)
def test_settings_outside_their_range_are_refused(make, field):
    with pytest.raises(ParameterError, match=f"^{field} must"):
        make()


def test_an_attack_on_another_family_is_refused():
    link = Link.read(LINKS / "six_state_100km.toml")
    with pytest.raises(ParameterError, match="trojan-horse is known of decoy-bb84, got a link of six-state"):
        attacked(link, TrojanHorse()).rate()
    assert all(name == attack.NAME for name, attack in ATTACKS.items())
