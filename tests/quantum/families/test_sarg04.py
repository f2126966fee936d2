import dataclasses
from pathlib import Path

import numpy as np
import pytest
import qkd
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.families.sarg04 import FAMILY, photon_counts
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.preparation import settings_at
from haris.quantum.protocols.sarg04 import Sarg04
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "sarg04_50km.toml"

links = st.builds(
    Link,
    st.sampled_from([Source(1e9, (0.2,), (1.0,)), Source(2.5e9, (0.6, 0.2, 0.0), (0.5, 0.3, 0.2))]),
    st.builds(Fibre, st.floats(0, 4e5), st.floats(0.1, 0.3), st.floats(0, 10), st.floats(0, 0.5)),
    st.builds(Detector, st.floats(0, 1), st.floats(0, 1e-2) | st.floats(0, 1), st.floats(0, 1e-6), st.floats(0, 0.2)),
    st.builds(Sarg04, st.integers(1, 10**13)),
    st.builds(Security, st.just("asymptotic"), f_ec=st.floats(1.0, 2.2)),
)


@settings(deadline=None)
@given(links)
def test_no_link_raises_or_passes_the_capacity(link):
    rate = link.rate(np.append(np.linspace(0.0, 6e5, 13), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all((rate.qber >= 0) & (rate.qber <= 1))
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


def test_two_photons_give_key_besides_one():
    link = dataclasses.replace(Link.read(EXAMPLE), channel=Fibre(50e3, 0.21, misalignment=0.005))
    key = link.rate().key
    cost, _ = qkd._core.sarg_cost(float(key.value("single_error")))
    of_one = key.value("single") * (1 - cost) - key.value("leaked")
    assert key.length_bits - of_one == pytest.approx(
        key.value("double") * (1 - binary_entropy(key.value("double_phase")))
    )
    assert key.length_bits > 1.02 * of_one


def sifted(link, n_pulses, seed, eve_fraction=0.0):
    """Right and wrong conclusive clicks of signals in emulated light, by the announcements of the protocol."""
    pulses, detections = link.emulate(n_pulses, seed, eve_fraction)
    gate = detections.time_ps * 1e-12 * link.source.clock_hz // 1
    first = np.flatnonzero(np.diff(gate, prepend=-1.0))  # of the two tags of a double click, one as likely as the other
    rng = np.random.default_rng(seed)
    last = np.append(first[1:], gate.size) - 1
    pick = np.where(rng.random(first.size) < 0.5, first, last)
    sent = settings_at(pulses, gate[pick].astype(np.int64), 0.5, link.source.p_intensities)
    bob_basis, bob_bit = detections.channel[pick] >> 1, detections.channel[pick] & 1
    # Alice names her state and one of the other basis; Bob excludes that to which his outcome is orthogonal.
    named_bit = rng.integers(2, size=pick.size)
    same = bob_basis == sent.basis
    signal = sent.intensity == 0
    wrong = np.count_nonzero(signal & same & (bob_bit != sent.bit))
    right = np.count_nonzero(signal & ~same & (bob_bit != named_bit))
    return np.array([right, wrong])


def test_emulated_light_has_the_expected_counts():
    # Chi-square of right and wrong bits, two degrees of freedom: a false alarm above 30 has probability 3e-7.
    link = Link(
        Source(1e9, (0.5, 0.1), (0.7, 0.3)), Fibre(5e3, 0.2, misalignment=0.04),
        Detector(0.6, 1e-3, dead_time_s=5e-9, p_afterpulse=0.05), Sarg04(10**9), Security("asymptotic"),
    )  # fmt: skip
    n_pulses = 10_000_000
    counts = photon_counts(link, np.float64(5e3))
    expected = np.array([counts.sifted - counts.errors, counts.errors]) * n_pulses / counts.n_pulses
    drawn = sifted(link, n_pulses, seed=4)
    assert np.sum((drawn - expected) ** 2 / expected) < 30
    attacked = sifted(link, n_pulses, seed=4, eve_fraction=1.0)
    # Who measures each photon in a random basis errs, once Bob has excluded, in a third of the bits.
    assert attacked[1] / attacked.sum() == pytest.approx(1 / 3, abs=0.05)


def test_a_sweep_equals_its_points():
    link = Link.read(EXAMPLE)
    distances_m = np.array([[0.0, 10e3], [40e3, 500e3]])
    sweep = link.rate(distances_m)
    assert photon_counts(link, distances_m).of_photons.shape == (2, 2, 2)
    for index, d in np.ndenumerate(distances_m):
        assert link.rate(d).key.length_bits == sweep.key.length_bits[index]


def test_the_example_gives_key_and_its_intensity_can_be_chosen():
    link = Link.read(EXAMPLE)
    assert link.family is FAMILY
    rate = link.rate()
    assert 1e5 < rate.key.length_bits < link.protocol.block_pulses * rate.plob_per_pulse
    assert not rate.key.proof.finite
    best = link.rate([50e3], optimise=True)
    assert best.secret_bits_per_pulse[0] >= rate.secret_bits_per_pulse
    assert 0.1 < best.settings["intensity 1"][0] < 0.3


def test_what_does_not_fit_is_refused():
    link = Link.read(EXAMPLE)
    with pytest.raises(ParameterError, match=r"^intensities must begin with a signal above 0"):
        dataclasses.replace(link, source=Source(1e9, (0.0,), (1.0,)))
    with pytest.raises(ParameterError, match=r"^gate_s must not pass the period"):
        dataclasses.replace(link, detector=Detector(0.5, 1e-7, gate_s=2e-6))
    with pytest.raises(ParameterError, match=r"^block_pulses must be finite and above 0"):
        Sarg04(0)


@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
