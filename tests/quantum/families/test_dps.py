import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.quantum.families.dps import FAMILY, packet_counts
from haris.quantum.link import Link
from haris.quantum.optics.delay_interferometer import DelayInterferometer
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pulse_train import PulseTrain
from haris.quantum.protocols.dps import Dps
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "dps_30km.toml"
FALSE_ALARM = 1e-6

links = st.builds(
    Link,
    st.builds(PulseTrain, st.just(1e9), st.floats(1e-7, 1) | st.floats(1e-6, 100)),
    st.builds(Fibre, st.floats(0, 1e5), st.floats(0.1, 0.3), st.floats(0, 10)),
    st.builds(DelayInterferometer, st.floats(0, 1), st.floats(0, 1e-4) | st.floats(0, 1), st.floats(0.5, 1)),
    st.builds(Dps, st.floats(0.01, 0.99), st.integers(3, 10**15)),
    st.builds(
        Security, st.sampled_from(list(FAMILY.bounds)), st.floats(1e-20, 0.5), st.floats(1e-24, 0.5), st.floats(1, 2)
    ),
)


@settings(deadline=None, max_examples=300)
@given(links)
def test_no_link_raises_or_passes_the_capacity(link):
    rate = link.rate(np.append(np.linspace(0.0, 2e5, 9), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all((rate.qber >= 0) & (rate.qber <= 1))
    assert all(np.all(np.isfinite(term.value)) for term in rate.key.terms)
    assert rate.secret_bits_per_s[-1] == 0


@settings(deadline=None, max_examples=40)
@given(links)
def test_finite_is_below_asymptotic_and_tightening_adds(link):
    lengths = [
        link_of.rate([0.0, 3e4]).key.length_bits
        for bound in ("mizutani2023", "tightened", "asymptotic")
        for link_of in [dataclasses.replace(link, security=dataclasses.replace(link.security, bound=bound))]
    ]
    assert np.all(lengths[0] <= lengths[1])
    assert np.all(lengths[1] <= lengths[2])


def test_noise_loss_and_small_blocks_take_key():
    link = Link.read(EXAMPLE)
    lengths = [
        int(dataclasses.replace(link, detector=DelayInterferometer(0.7, p, 0.99)).rate().key.length_bits)
        for p in (0.0, 1e-9, 1e-7, 1e-6, 1e-5)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 0 == lengths[-1]
    best = link.rate(np.linspace(0, 2e5, 5), optimise=True).secret_bits_per_pulse
    assert np.all(np.diff(best) <= 0)
    assert best[0] > 0
    rates = [
        dataclasses.replace(link, protocol=Dps(0.9, n)).rate().secret_bits_per_pulse for n in (10**10, 10**12, 10**14)
    ]
    assert rates == sorted(rates)
    assert rates[-1] > 0


def test_key_falls_with_the_square_of_the_transmittance():
    # Mizutani and Tsurumaru, arXiv:2405.10033: for packets of three pulses no analysis can do better.
    link = Link.read(EXAMPLE)
    link = dataclasses.replace(
        link, detector=DelayInterferometer(0.7, 0.0, 0.99), protocol=Dps(0.99, 3 * 10**17),
        security=Security("asymptotic", f_ec=1.16),
    )  # fmt: skip
    near, far = link.rate([100e3, 150e3], optimise=True).secret_bits_per_pulse
    assert near / far == pytest.approx(1e2, rel=0.15)  # 10 dB


def tally(alice, bob):
    wrong = alice != bob
    return np.array([np.sum(wrong), np.sum(~wrong)])


def photon_by_photon(rng, link, n):
    """Kept wrong and right of n packets, every period and detector drawn on its own."""
    receiver = link.detector
    mean = link.source.intensity * float(link.channel.transmittance()) * receiver.efficiency
    phase = rng.integers(0, 2, (n, 3)) * 2 - 1
    early, late = np.zeros((n, 4)), np.zeros((n, 4))
    early[:, :3], late[:, 1:] = phase, phase
    cross = receiver.visibility * early * late
    ports = [((early**2 + late**2 + sign * 2 * cross) * mean / 4)[:, 1:3] for sign in (1, -1)]
    counts = [rng.poisson(port) + (rng.random(port.shape) < receiver.p_dark) for port in ports]
    row = np.flatnonzero((counts[0] + counts[1]).sum(axis=1) == 1)
    period = np.argmax(counts[0] + counts[1], axis=1)[row]
    same = phase[row, period] == phase[row, period + 1]
    bright = counts[0][row, period] == 1
    return np.array([np.sum(same != bright), np.sum(same == bright)])


def test_sampled_and_expected_counts_agree():
    """Chi-square, four cells against Poisson means, and two; false alarms 1e-6 each."""
    n = 400_000
    link = Link(
        PulseTrain(1e9, 0.2), Fibre(5e3, 0.2), DelayInterferometer(0.5, 4e-3, 0.9), Dps(0.8, 3 * n),
        Security("asymptotic"),
    )  # fmt: skip
    key, test = packet_counts(link, np.float64(5e3))
    alice, bob = link.emulate(3 * n + 2, seed=3)
    assert alice.n_packets == n
    assert np.all(np.diff(alice.packet) > 0)
    assert all(np.array_equal(getattr(alice, name), getattr(bob, name)) for name in ("packet", "tested"))
    seen = [tally(alice.bit[kind], bob.bit[kind]) for kind in (~alice.tested, alice.tested)]
    mean = np.array([[float(each.errors), float(each.kept - each.errors)] for each in (key, test)])
    assert np.sum((np.array(seen) - mean) ** 2 / mean) < chi2.isf(FALSE_ALARM, 4)
    drawn = photon_by_photon(np.random.default_rng(5), link, n)
    assert np.sum((drawn - mean.sum(axis=0)) ** 2 / mean.sum(axis=0)) < chi2.isf(FALSE_ALARM, 2)
    assert np.array_equal(alice.bit, link.emulate(3 * n + 2, seed=3)[0].bit)
    alice, bob = link.emulate(3 * n, seed=4, eve_fraction=0.3)
    assert alice.bit.size == pytest.approx(mean.sum(), rel=0.02)
    assert np.mean(alice.bit != bob.bit) > float(key.qber) + 0.1


def test_the_example_gives_key():
    link = Link.read(EXAMPLE)
    assert link.family is FAMILY
    rate = link.rate()
    assert 1e7 < rate.key.length_bits < link.protocol.block_pulses * rate.plob_per_pulse
    assert rate.key.proof.finite
    assert rate.key.proof.attacks == "coherent"
    assert link.rate([30e3], optimise=True).secret_bits_per_pulse[0] > rate.secret_bits_per_pulse


def test_what_does_not_fit_is_refused_and_what_is_ignored_is_told():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^p_key must lie strictly between 0 and 1"):
        Dps(1.0, 100)
    with pytest.raises(ParameterError, match=r"^block_pulses must be at least 3"):
        Dps(0.5, 2)
    with pytest.raises(ParameterError, match="lone counts"):
        dataclasses.replace(link, source=PulseTrain(1e9, 0.05)).emulate(10**14, seed=1)
    with pytest.warns(ParameterWarning, match=r"^dps ignores channel.misalignment = 0.1"):
        dataclasses.replace(link, channel=Fibre(1e4, 0.2, misalignment=0.1))


@settings(max_examples=25)
@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
