import dataclasses
from pathlib import Path

import numpy as np
import pytest
import qkd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.nouns.pulse_pairs import BOTH, BRIGHT_CLICK, DARK_CLICK, EARLY_CLICK, EMPTY, LATE, LATE_CLICK
from haris.quantum.families.cow import FAMILY, pair_counts
from haris.quantum.link import Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pulse_pair_source import PulsePairSource
from haris.quantum.optics.tapped_receiver import TappedReceiver
from haris.quantum.protocols.cow import Cow
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "cow_10km.toml"
FALSE_ALARM = 1e-6

links = st.builds(
    Link,
    st.builds(PulsePairSource, st.just(1e9), st.floats(1e-7, 1) | st.floats(1e-6, 100), st.none() | st.floats(0, 60)),
    st.builds(Fibre, st.floats(0, 1e5), st.floats(0.1, 0.3), st.floats(0, 10)),
    st.builds(TappedReceiver, st.floats(0, 1), st.floats(0, 1e-5) | st.floats(0, 1), st.floats(0.01, 0.99),
              st.floats(0.5, 1)),
    st.builds(Cow, st.floats(0.01, 0.9), st.floats(0.01, 0.09), st.integers(2, 10**15)),
    st.builds(Security, st.sampled_from(list(FAMILY.bounds)), st.floats(1e-20, 0.5), f_ec=st.floats(1, 2)),
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(links)
def test_no_link_raises_or_passes_the_capacity(link):
    rate = link.rate(np.append(np.linspace(0.0, 2e5, 9), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all((rate.qber >= 0) & (rate.qber <= 1))
    assert all(np.all(np.isfinite(term.value)) for term in rate.key.terms)
    assert rate.secret_bits_per_s[-1] == 0


def test_key_falls_with_the_square_of_the_transmittance():
    link = Link.read(EXAMPLE)
    link = dataclasses.replace(
        link, detector=TappedReceiver(0.8, 0.0, 0.8, 1.0), protocol=Cow(0.9, 0.05, 10**17),
        source=PulsePairSource(1e9, 0.004), security=Security("asymptotic", f_ec=1.16),
    )  # fmt: skip
    near, far = link.rate([50e3, 100e3], optimise=True).secret_bits_per_pulse
    assert near / far == pytest.approx(1e2, rel=0.1)  # 10 dB


@settings(deadline=None, max_examples=40)
@given(links)
def test_finite_is_below_asymptotic_and_near_it_for_long_blocks(link):
    lengths = [
        dataclasses.replace(link, security=dataclasses.replace(link.security, bound=bound))
        .rate([0.0, 1e4])
        .key.length_bits
        for bound in ("kato", "asymptotic")
    ]
    assert np.all(lengths[0] <= lengths[1])


def test_small_blocks_take_key():
    link = Link.read(EXAMPLE)
    endless = dataclasses.replace(link, security=Security("asymptotic", f_ec=1.16)).rate().secret_bits_per_pulse
    sizes = (10**8, 10**10, 10**12, 10**16)
    rates = [
        float(
            dataclasses.replace(link, protocol=dataclasses.replace(link.protocol, block_pulses=n))
            .rate()
            .secret_bits_per_pulse
        )
        for n in sizes
    ]
    assert rates == sorted(rates)
    assert rates[0] < 0.9 * endless
    assert rates[-1] == pytest.approx(float(endless), rel=1e-3)


def test_the_light_that_experiments_send_gives_no_key():
    # Stucki et al., New J. Phys. 11, 075003 (2009): 0.5 photons a pulse over 100 to 250 km, claimed secret.
    link = dataclasses.replace(Link.read(EXAMPLE), source=PulsePairSource(1e9, 0.5))
    assert np.all(link.rate([0.0, 10e3, 100e3, 250e3]).key.length_bits == 0)


def test_noise_takes_key_until_none_is_left():
    link = Link.read(EXAMPLE)
    for change in ({"p_dark": [0.0, 1e-9, 1e-7, 1e-5, 1e-3]}, {"visibility": [1.0, 0.99, 0.95, 0.9, 0.0]}):
        ((name, values),) = change.items()
        lengths = [
            int(
                dataclasses.replace(link, detector=dataclasses.replace(link.detector, **{name: v}))
                .rate()
                .key.length_bits
            )
            for v in values
        ]
        assert lengths == sorted(lengths, reverse=True)
        assert lengths[0] > 0 == lengths[-1]


@settings(deadline=None, max_examples=500)
@given(st.floats(1e-4, 1), st.floats(0, 60), st.floats(0.01, 1), st.floats(0.01, 0.99))
def test_data_line_agrees_with_qkd(intensity, extinction_db, eta, data_share):
    source = PulsePairSource(1e9, intensity, extinction_db)
    assert source.residual_intensity == pytest.approx(
        qkd._core.cow_residual(intensity, max(extinction_db, 1e-9)), rel=1e-6
    )
    link = Link(
        source, Fibre(0.0, 0.2), TappedReceiver(eta, 0.0, data_share), Cow(0.8, 0.1, 10**9), Security("asymptotic")
    )
    counts = pair_counts(link, np.float64(0.0))
    t = eta * data_share
    gain, error = qkd._core.cow_data(-np.expm1(-t * intensity), 0.0, source.residual_intensity, t)
    assert counts.kept / counts.sent[0] == pytest.approx(gain, rel=1e-9, abs=1e-14)
    assert counts.qber == pytest.approx(error, rel=1e-9, abs=1e-8)


def tally(alice, bob):
    """Right, wrong and double clicks of pairs with one pulse, and clicks of either port by what was sent."""
    early, late = bob & EARLY_CLICK > 0, bob & LATE_CLICK > 0
    data = alice <= LATE
    right = np.where(alice == LATE, late, early)
    wrong = np.where(alice == LATE, early, late)
    cells = [np.sum(data & right & ~wrong), np.sum(data & wrong & ~right), np.sum(data & right & wrong)]
    for kind in (data, alice == BOTH, alice == EMPTY):
        cells += [np.sum(kind & (bob & port > 0)) for port in (BRIGHT_CLICK, DARK_CLICK)]
    return np.array(cells)


def pair_by_pair(rng, link, n):
    """The same of n pairs, with amplitudes through coupler and interferometer, every detector drawn on its own."""
    source, receiver = link.source, link.detector
    eta = float(link.channel.transmittance()) * receiver.efficiency
    alice = rng.choice(4, n, p=link.protocol.p_kinds)
    on, off = np.sqrt(source.intensity), np.sqrt(source.residual_intensity)
    early = np.where((alice == LATE) | (alice == EMPTY), off, on) * np.sqrt(eta)
    late = np.where((alice == 0) | (alice == EMPTY), off, on) * np.sqrt(eta)
    tapped = np.sqrt(1 - receiver.data_share)
    # The first beam splitter halves the light; the early half goes the longer way, and the late one the shorter.
    a, b = tapped * early / np.sqrt(2), tapped * late / np.sqrt(2)
    bright, dark = ((a + sign * b) ** 2 / 2 for sign in (1, -1))
    leak = (1 - receiver.visibility) / 2
    means = [
        receiver.data_share * early**2, receiver.data_share * late**2,
        (1 - leak) * bright + leak * dark, (1 - leak) * dark + leak * bright,
    ]  # fmt: skip
    bob = np.zeros(n, dtype=int)
    for bit, mean in enumerate(means):
        bob |= ((rng.poisson(mean) > 0) | (rng.random(n) < receiver.p_dark)) << bit
    return tally(alice, bob)


def test_sampled_and_expected_counts_agree():
    """Chi-square of nine cells against Poisson means; false alarms 1e-6 each."""
    n = 1_000_000
    link = Link(
        PulsePairSource(1e9, 0.1, 15.0), Fibre(5e3, 0.2), TappedReceiver(0.6, 2e-3, 0.6, 0.9), Cow(0.6, 0.25, 2 * n),
        Security("asymptotic"),
    )  # fmt: skip
    counts = pair_counts(link, np.float64(5e3))
    alice, bob = link.emulate(2 * n + 1, seed=3)
    assert alice.n_pairs == n
    assert np.all(np.diff(alice.pair) > 0)
    assert np.array_equal(alice.pair, bob.pair)
    for seen in (tally(alice.symbol, bob.symbol), pair_by_pair(np.random.default_rng(5), link, n)):
        kept, errors = seen[:3].sum(), seen[1] + seen[2] / 2
        cells = np.array([kept - errors, errors, *seen[3:]])
        mean = np.array([counts.kept - counts.errors, counts.errors, *counts.monitored.ravel()])
        assert np.sum((cells - mean) ** 2 / mean) < chi2.isf(FALSE_ALARM, 8)
    assert np.array_equal(alice.symbol, link.emulate(2 * n + 1, seed=3)[0].symbol)
    caught = tally(*(half.symbol for half in link.emulate(2 * n, seed=4, eve_fraction=0.5)))
    assert caught[6] > 2 * counts.monitored[1, 1]  # pairs with both pulses, at the dark port
    assert caught[:3].sum() == pytest.approx(float(counts.kept), rel=0.02)


def test_the_example_gives_key():
    link = Link.read(EXAMPLE)
    assert link.family is FAMILY
    rate = link.rate()
    assert 1e7 < rate.key.length_bits < link.protocol.block_pulses * rate.plob_per_pulse
    assert rate.key.proof.finite
    assert link.rate([10e3], optimise=True).secret_bits_per_pulse[0] > rate.secret_bits_per_pulse


def test_what_does_not_fit_is_refused_and_what_is_ignored_is_told():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^p_data must lie strictly between 0 and 1"):
        Cow(1.0, 0.1, 100)
    with pytest.raises(ParameterError, match=r"^p_both must leave empty pairs"):
        Cow(0.6, 0.4, 100)
    with pytest.raises(ParameterError, match=r"^block_pulses must be at least 2"):
        Cow(0.6, 0.3, 1)
    with pytest.raises(ParameterError, match=r"^data_share must lie strictly"):
        TappedReceiver(0.5, 0.0, 1.0)
    with pytest.raises(ParameterError, match=r"^extinction_db must be"):
        PulsePairSource(1e9, 0.1, -1.0)
    with pytest.raises(ParameterError, match="pairs that click"):
        link.emulate(10**13, seed=1)
    with pytest.warns(ParameterWarning, match=r"^cow ignores channel.misalignment = 0.1"):
        dataclasses.replace(link, channel=Fibre(1e4, 0.2, misalignment=0.1))


@settings(max_examples=25)
@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
