import dataclasses
from pathlib import Path

import numpy as np
import pytest
import qkd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from haris.nouns.errors import ParameterError, ParameterWarning
from haris.nouns.packet_bits import PacketBits
from haris.quantum.families.rrdps import FAMILY, packet_counts
from haris.quantum.link import Link
from haris.quantum.optics.delay_interferometer import DelayInterferometer
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pulse_train import PulseTrain
from haris.quantum.protocols.rrdps import Rrdps
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "rrdps_30km.toml"
FALSE_ALARM = 1e-6

links = st.builds(
    Link,
    st.builds(PulseTrain, st.just(1e9), st.floats(1e-7, 1) | st.floats(1e-6, 100)),
    st.builds(Fibre, st.floats(0, 1e5), st.floats(0.1, 0.3), st.floats(0, 10)),
    st.builds(DelayInterferometer, st.floats(0, 1), st.floats(0, 1e-4) | st.floats(0, 1), st.floats(0.5, 1)),
    st.builds(Rrdps, st.sampled_from((3, 4, 5, 17, 64, 256)), st.integers(511, 10**14)),
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
def test_finite_is_below_asymptotic_and_that_below_collective(link):
    lengths = [
        link_of.rate([0.0, 3e4]).key.length_bits
        for bound in ("takesue2015", "asymptotic", "yin2018")
        for link_of in [dataclasses.replace(link, security=dataclasses.replace(link.security, bound=bound))]
    ]
    assert np.all(lengths[0] <= lengths[1])
    assert np.all(lengths[1] <= lengths[2])


def test_noise_loss_and_small_blocks_take_key():
    link = Link.read(EXAMPLE)
    lengths = [
        int(dataclasses.replace(link, detector=DelayInterferometer(0.4, p, 0.96)).rate().key.length_bits)
        for p in (0.0, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 0 == lengths[-1]
    best = link.rate(np.linspace(0, 2e5, 5), optimise=True).secret_bits_per_pulse
    assert np.all(np.diff(best) <= 0)
    assert best[0] > 0
    sizes = [10**8, 10**10, 10**12]
    rates = [dataclasses.replace(link, protocol=Rrdps(128, n)).rate().secret_bits_per_pulse for n in sizes]
    assert rates == sorted(rates)
    assert rates[-1] > 0


def test_key_lives_where_no_other_protocol_has_any():
    # Sasaki, Yamamoto and Koashi: errors are only corrected, so that far more than 11 % of them leave key.
    link = dataclasses.replace(
        Link.read(EXAMPLE), detector=DelayInterferometer(0.9, 0.0, 0.6), protocol=Rrdps(256, 10**13)
    )
    rate = dataclasses.replace(link, source=PulseTrain(1e9, 0.002)).rate(0.0)
    assert rate.qber == pytest.approx(0.2)
    assert rate.secret_bits_per_s > 1e4


@given(links)
@settings(deadline=None, max_examples=500)
def test_error_rate_agrees_with_qkd(link):
    m = link.source.intensity * float(link.channel.transmittance()) * link.detector.efficiency
    dark, wrong = link.detector.p_dark, (1 - link.detector.visibility) / 2
    if m < 1e-12 or dark > 1e-4:
        return
    packets = link.protocol.packet_pulses
    kept, qber = qkd._core.rrdps_counts(packets, link.source.intensity, m / link.source.intensity, dark, wrong)
    ours = packet_counts(link, np.float64(0.0) + link.channel.length_m)
    if ours.kept > 0:
        assert ours.qber == pytest.approx(qber, rel=1e-3, abs=1e-6)
    if packets * (m + 4 * dark) < 1e-3 and kept > 0:  # theirs counts packets with more than one photon otherwise
        assert ours.kept / ours.packets == pytest.approx(kept, rel=1e-2)


def tally(alice, bob):
    wrong = alice.bit != bob.bit
    return np.array([np.sum(wrong), np.sum(~wrong)])


def photon_by_photon(rng, link, n):
    """Kept right and wrong of n packets, every period and detector drawn on its own."""
    pulses, receiver = link.protocol.packet_pulses, link.detector
    mean = link.source.intensity * float(link.channel.transmittance()) * receiver.efficiency
    found = np.zeros(2)
    delays = rng.integers(1, pulses, n)
    for delay in range(1, pulses):
        m = int(np.sum(delays == delay))
        phase = rng.integers(0, 2, (m, pulses)) * 2 - 1
        early, late = np.zeros((m, 2 * pulses - 1)), np.zeros((m, 2 * pulses - 1))
        early[:, :pulses], late[:, delay : delay + pulses] = phase, phase
        # Intensities at the ports of the second beam splitter, each arm with a quarter of the light at each.
        cross = receiver.visibility * early * late
        ports = [(early**2 + late**2 + sign * 2 * cross) * mean / 4 for sign in (1, -1)]
        counts = [rng.poisson(port) + (rng.random(port.shape) < receiver.p_dark) for port in ports]
        lone = (counts[0] + counts[1]).sum(axis=1) == 1
        period = np.argmax(counts[0] + counts[1], axis=1)
        kept = lone & (period >= delay) & (period < pulses)
        row = np.flatnonzero(kept)
        same = early[row, period[row]] == late[row, period[row]]
        bright = counts[0][row, period[row]] == 1
        found += [np.sum(same != bright), np.sum(same == bright)]
    return found


@pytest.mark.parametrize("eve_fraction", [0.0, 0.3])
def test_sampled_and_expected_counts_agree(eve_fraction):
    """Chi-square, two cells against Poisson means; false alarms 1e-6 each."""
    n = 400_000
    link = Link(
        PulseTrain(1e9, 0.08), Fibre(5e3, 0.2), DelayInterferometer(0.5, 4e-3, 0.9), Rrdps(8, 15 * n),
        Security("asymptotic"),
    )  # fmt: skip
    counts = packet_counts(link, np.float64(5e3))
    alice, bob = link.emulate(15 * n + 14, seed=3, eve_fraction=eve_fraction)
    assert alice.n_packets == n
    assert np.all(np.diff(alice.packet) > 0)
    assert np.array_equal(alice.packet, bob.packet)
    if eve_fraction:
        assert tally(alice, bob).sum() == pytest.approx(float(counts.kept), rel=0.02)
        assert np.mean(alice.bit != bob.bit) > float(counts.qber) + 0.05
        return
    mean = np.array([float(counts.errors), float(counts.kept - counts.errors)])
    for seen in (tally(alice, bob), photon_by_photon(np.random.default_rng(5), link, n)):
        assert np.sum((seen - mean) ** 2 / mean) < chi2.isf(FALSE_ALARM, 2)
    assert np.array_equal(alice.bit, link.emulate(15 * n + 14, seed=3)[0].bit)


def test_the_example_gives_key():
    link = Link.read(EXAMPLE)
    assert link.family is FAMILY
    rate = link.rate()
    assert 1e8 < rate.key.length_bits < link.protocol.block_pulses * rate.plob_per_pulse
    assert rate.key.proof.finite
    assert rate.key.proof.attacks == "coherent"
    assert link.rate([30e3], optimise=True).secret_bits_per_pulse[0] > rate.secret_bits_per_pulse


def test_what_does_not_fit_is_refused_and_what_is_ignored_is_told():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^packet_pulses must lie in \[3, 256\], got 2"):
        Rrdps(2, 100)
    with pytest.raises(ParameterError, match=r"^block_pulses must be at least the 15 periods"):
        Rrdps(8, 14)
    with pytest.raises(ParameterError, match=r"^visibility must lie in"):
        DelayInterferometer(0.5, 0.0, 1.1)
    with pytest.raises(ParameterError, match=r"^intensity must be finite and above 0"):
        PulseTrain(1e9, 0.0)
    with pytest.raises(ParameterError, match="lone counts"):
        dataclasses.replace(link, source=PulseTrain(1e9, 0.05)).emulate(10**13, seed=1)
    with pytest.raises(ParameterError, match="one length"):
        PacketBits(1, np.zeros(1, np.int64), np.zeros(2, np.uint8), np.zeros(1, np.bool_))
    with pytest.warns(ParameterWarning, match=r"^rrdps ignores channel.misalignment = 0.1"):
        dataclasses.replace(link, channel=Fibre(1e4, 0.2, misalignment=0.1))


@settings(max_examples=25)
@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
