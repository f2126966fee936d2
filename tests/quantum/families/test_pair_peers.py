"""Links of photon pairs against PyPI qkd 0.2.0 (MIT), TNO's key-rate package 2.0.4 and bbm92_cw 0.0.2 (Apache-2.0).

500 links each. Where a peer differs, and who errs: docs/explanation/differences.md.
"""

import numpy as np
import pytest
import qkd._core as peer
import tno.quantum.communication.qkd_key_rate.quantum.bbm92 as tno
from bbm92_cw.SKR import SKR
from tno.quantum.communication.qkd_key_rate.quantum import standard_detector

from haris.quantum.families.bbm92 import coincidence_counts
from haris.quantum.families.diqkd import bell_counts
from haris.quantum.link import Link
from haris.quantum.optics.bell_receivers import BellReceivers
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.heralded_pairs import HeraldedPairs
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bbm92 import BBM92
from haris.quantum.protocols.diqkd import DIQKD
from haris.quantum.security.key_length import Security

BLOCK = 10**15  # whole bits of a block are then no rounding


def pair_links(seed, most_pairs, modes, most_dark=-6.0):
    rng = np.random.default_rng(seed)
    for _ in range(500):
        receivers = PairReceivers(*rng.uniform(0.1, 1.0, 2), *(10 ** rng.uniform(-9.0, most_dark, 2)))
        source = PairSource(1e9, most_pairs * rng.uniform(0.01, 1.0), modes=modes, position=rng.uniform())
        fibre = Fibre(rng.uniform(0.0, 2.5e5), 0.2, misalignment=rng.uniform(0.0, 0.05))
        f_ec = rng.uniform(1.0, 1.4)
        yield Link(source, fibre, receivers, BBM92(rng.uniform(0.5, 0.98), BLOCK), Security("asymptotic", f_ec=f_ec))


def per_window(link):
    """Gain and error rate of windows with matched bases, and the share of windows whose basis is that of the key."""
    counts, sifted = coincidence_counts(link), link.protocol.p_key_basis**2
    return counts.coincidences[0] / BLOCK / sifted, counts.qber[0], sifted


def ends(link):
    whole, position = float(link.channel.transmittance()), link.source.position
    receivers = link.detector
    eta = receivers.efficiency_alice * whole**position, receivers.efficiency_bob * whole ** (1 - position)
    return eta, (receivers.p_dark_alice, receivers.p_dark_bob)


def test_bbm92_rates_are_those_of_qkd():
    """Ma, Fung, Lo, PRA 76, 012307 (2007), Eqs. (5), (9), (10), which leave out dark counts beside true clicks."""
    with_key = 0
    for link in pair_links(71, 0.6, 1.0):
        gain, qber, sifted = per_window(link)
        eta, dark = ends(link)
        background = [1 - (1 - d) ** 2 for d in dark]
        lam = link.source.mean_pairs / 2
        its_gain = peer.pair_gain(lam, *eta, *background)
        its_qber = peer.pair_error(lam, *eta, *background, link.channel.misalignment)
        assert gain == pytest.approx(its_gain, rel=1e-9, abs=1e-15)
        assert qber == pytest.approx(its_qber, abs=3e-6)
        theirs = peer.pair_rate(its_gain, its_qber, its_qber, link.security.f_ec, sifted)
        assert link.rate().secret_bits_per_pulse == pytest.approx(theirs, abs=1e-4 * gain * sifted)
        with_key += theirs > 0.0
    assert with_key > 150


def test_bbm92_rates_are_those_of_tno():
    """The same equations in another's code, whose rate asks nothing of sifting and reconciles without loss."""
    for link in pair_links(72, 0.6, 1.0):
        gain, qber, _ = per_window(link)
        eta, dark = ends(link)
        alice, bob = (
            standard_detector.customise(
                dark_count_rate=1 - (1 - d) ** 2, efficiency_party=e, error_detector=link.channel.misalignment
            )
            for e, d in zip(eta, dark, strict=True)
        )
        its_gain, its_qber = tno.compute_gain_and_error_rate(alice, bob, 0.0, 0.0, link.source.mean_pairs / 2)
        assert gain == pytest.approx(its_gain, rel=1e-6, abs=1e-15)  # theirs is a sum of terms that nearly cancel
        assert qber == pytest.approx(its_qber, abs=3e-6)


def test_bbm92_with_a_continuous_pump_is_that_of_bbm92_cw():
    """Neumann et al., PRA 104, 022406 (2021), to first order in pairs a window; half of theirs e_pol is what errs.

    It sums e_pol B eta_A eta_B over the two of four pairs of detectors that disagree, where each sees half of an end's
    photons, so that without accidental coincidences half as many pairs err as it was told. Here it is told twice.
    """
    window_s, with_key = 1e-9, 0
    for link in pair_links(73, 0.02, np.inf, -7.0):
        gain, qber, sifted = per_window(link)
        (alice, bob), (dark_a, dark_b) = ends(link)
        e_pol, mean, f_ec = link.channel.misalignment, link.source.mean_pairs, link.security.f_ec
        theirs = SKR(
            "", 2, 1e-15, alice / 2, bob / 2, dark_a / window_s, dark_b / window_s, 2 * e_pol, 2 * e_pol, f_ec,
            custom=True,
        )  # fmt: skip
        setting = (window_s, mean / window_s)
        near = 1e-6 + 2 * mean
        assert gain == pytest.approx(2 * theirs.raw_rate(setting) * window_s, rel=near)
        assert qber == pytest.approx(theirs.error_rate(setting), rel=near, abs=near)
        key = 2 * theirs.custom_performance(setting) * window_s * sifted
        ours = link.rate().secret_bits_per_pulse
        assert ours == pytest.approx(max(key, 0.0), abs=8 * near * gain * sifted)
        with_key += ours > 0.0
    assert with_key > 150


def test_diqkd_rates_are_those_of_qkd():
    """Acin et al., PRL 98, 230501 (2007), Eq. (3), from the counts of links."""
    rng, with_key = np.random.default_rng(74), 0
    for _ in range(500):
        source = HeraldedPairs(1e6, rng.uniform(0.1, 1.0), rng.uniform(0.85, 1.0))
        fibre = Fibre(rng.uniform(0.0, 1e4), 0.2, misalignment=rng.uniform(0.0, 0.02))
        receivers, f_ec = BellReceivers(*np.minimum(rng.uniform(0.93, 1.07, 2), 1.0)), rng.uniform(1.0, 1.2)
        link = Link(source, fibre, receivers, DIQKD(rng.uniform(0.1, 0.9), BLOCK), Security("asymptotic", f_ec=f_ec))
        counts = bell_counts(link)
        s, qber = float(counts.chsh), float(counts.qber)
        eve = peer.pair_holevo(s) if s > 2.0 else 1.0
        theirs = float(counts.key_rounds) / BLOCK * (1.0 - eve - f_ec * float(tno.h(qber)[0]))
        assert link.rate().secret_bits_per_pulse == pytest.approx(max(theirs, 0.0), abs=1e-9)
        if receivers.efficiency_alice == receivers.efficiency_bob == 1.0:
            assert s == pytest.approx(peer.pair_chsh(source.visibility * (1 - 2 * fibre.misalignment)), rel=1e-9)
        with_key += theirs > 0.0
    assert with_key > 50
