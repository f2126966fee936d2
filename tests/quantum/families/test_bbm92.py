import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.errors import ParameterError
from haris.papers.published import published_row
from haris.quantum.families.bbm92 import FAMILY
from haris.quantum.link import Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bbm92 import BBM92
from haris.quantum.security.entangled_bounds import entangled_key_length
from haris.quantum.security.key_length import Security

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "bbm92_100km.toml"

probabilities = st.floats(0.0, 1.0)
links = st.builds(
    Link,
    st.builds(
        PairSource,
        st.just(1e9),
        st.floats(0.0, 0.1) | st.floats(0.0, 1e6),
        probabilities,
        st.none() | probabilities,
        st.sampled_from([1.0, 3.5, np.inf]),
        probabilities,
    ),
    st.builds(Fibre, st.floats(0, 4e5), st.floats(0.1, 0.3), st.floats(0, 10), st.floats(0, 0.5)),
    st.builds(PairReceivers, probabilities, probabilities, st.floats(0, 1e-6) | probabilities, st.floats(0, 1e-6)),
    st.builds(BBM92, st.floats(0.05, 0.95), st.integers(1, 10**14)),
    st.builds(Security, st.sampled_from(sorted(FAMILY.bounds)), st.floats(1e-15, 1e-3)),
)
modest = dataclasses.replace(
    Link.read(EXAMPLE), protocol=BBM92(0.9, 10**13), security=Security("asymptotic", f_ec=1.16)
)


@settings(deadline=None)
@given(links)
def test_no_link_raises_or_passes_the_capacity(link):
    rate = link.rate(np.append(np.linspace(0.0, 6e5, 13), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert np.all((rate.qber >= 0) & (rate.qber <= 1))
    assert rate.secret_bits_per_s[-1] == 0
    if link.source.mean_pairs <= 0.1:  # of more pairs, losing some helps
        assert np.all(np.diff(rate.key.length_bits) <= 0)


@settings(deadline=None)
@given(links, st.floats(0.0, 1e-4))
def test_finite_is_below_asymptotic_and_noise_takes_key(link, noise):
    sweep = np.linspace(0.0, 4e5, 9)
    here = link.rate(sweep).key.length_bits
    ceiling = dataclasses.replace(link, security=dataclasses.replace(link.security, bound="asymptotic"))
    assert np.all(here <= ceiling.rate(sweep).key.length_bits)
    seen = dataclasses.replace(link.channel, misalignment=min(0.5, link.channel.misalignment + noise))
    assert np.all(dataclasses.replace(link, channel=seen).rate(sweep).key.length_bits <= here)


def test_dark_counts_take_key_until_none_is_left():
    lengths = []
    for p_dark in (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3):
        noisy = dataclasses.replace(modest, detector=PairReceivers(0.4, 0.4, p_dark, p_dark))
        lengths.append(int(noisy.rate().key.length_bits))
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 0 == lengths[-1]


def test_the_threshold_is_eleven_per_cent():
    def fraction(qber):
        wrong = qber * np.full(2, 1e15)
        key = entangled_key_length(CoincidenceCounts(1e16, np.full(2, 1e15), wrong), Security("asymptotic", f_ec=1.0))
        return float(1e15 - key.value("entropy") - key.value("leaked"))

    row = published_row("bb84_threshold")
    assert brentq(fraction, 0.05, 0.2, xtol=1e-12) == pytest.approx(row["expected"], rel=row["tol_rel"])


def test_the_best_brightness_balances_gain_and_multiple_pairs():
    # Both arms of great loss, no noise but the pairs beside one: to a common factor Q = 2 lam (1 + 3 lam) and
    # E Q = 2 lam^2, and the key is Q (1 - (1 + f) h(E)), as in the appendix of Ma, Fung, Lo.
    link = dataclasses.replace(
        modest,
        source=PairSource(1e9, 0.02),
        channel=Fibre(200e3, 0.2),
        detector=PairReceivers(1.0, 1.0, 0.0, 0.0),
        protocol=BBM92(0.5, 10**18),
    )
    lam = np.linspace(0.001, 0.3, 300_000)
    gain, wrong = 2 * lam * (1 + 3 * lam), 2 * lam**2
    per_gain = 1 + 2.16 * (wrong / gain * np.log2(wrong / gain) + (1 - wrong / gain) * np.log2(1 - wrong / gain))
    best = 2 * lam[np.argmax(gain * per_gain)]
    rates = [link.rate().secret_bits_per_pulse]
    for factor in (0.97, 1.0, 1.03):
        source = dataclasses.replace(link.source, mean_pairs=factor * best)
        rates.append(dataclasses.replace(link, source=source).rate().secret_bits_per_pulse)
    assert max(rates) == rates[2]
    optimised = link.rate([200e3], optimise=True)
    assert optimised.settings["pairs per window"] == pytest.approx(best, rel=0.03)
    assert optimised.settings["p of the key basis"] == pytest.approx(0.999)
    assert optimised.secret_bits_per_pulse[0] == pytest.approx(rates[2] * (0.999 / 0.5) ** 2, rel=1e-3)


def test_a_source_in_the_middle_bears_dark_counts_best():
    # Ma, Fung, Lo, section VI: with the source in between, the two losses are bridged one by one.
    def reach_km(position):
        link = dataclasses.replace(modest, source=dataclasses.replace(modest.source, position=position))
        km = np.arange(0.0, 800.0, 5.0)
        return km[link.rate(km * 1e3).secret_bits_per_s > 0].max()

    assert reach_km(0.5) > reach_km(0.25) > reach_km(0.0)


def test_the_example_gives_key_and_other_parts_are_refused():
    link = Link.read(EXAMPLE)
    assert link.family is FAMILY
    key = link.rate().key
    assert key.length_bits > 1e6
    # Of a Werner state the CHSH value follows from the error rate; accidental coincidences are nearly white noise.
    assert key.value("chsh") == pytest.approx(2 * np.sqrt(2) * (1 - 2 * key.value("qber")), rel=1e-3)
    with pytest.raises(ParameterError, match=r"^source of bbm92 is a PairSource"):
        dataclasses.replace(link, source=link.channel)
    with pytest.raises(ParameterError, match=r"^position must lie in \[0, 1\]"):
        PairSource(1e9, 0.1, position=1.5)
    with pytest.raises(ParameterError, match=r"^mean_pairs must lie in \[0, 1e\+06\]"):
        PairSource(1e9, np.nan)


@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
