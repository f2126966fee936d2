"""Links of prepared photons against PyPI qkd 0.2.0 (MIT) and TNO's key-rate package 2.0.4 (Apache-2.0), 500 links each.

Where a peer differs, and who errs: docs/explanation/differences.md.
"""

from dataclasses import replace

import numpy as np
import pytest
import qkd._core as peer
import tno.quantum.communication.qkd_key_rate.quantum.bb84 as tno
from tno.quantum.communication.qkd_key_rate.quantum import standard_detector

from haris.quantum.families.b92 import conclusive_counts
from haris.quantum.families.decoy_bb84 import expected_counts
from haris.quantum.families.sarg04 import photon_counts
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.single_photon_source import SinglePhotonSource
from haris.quantum.optics.source import Source
from haris.quantum.protocols.b92 import B92
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.protocols.sarg04 import Sarg04
from haris.quantum.protocols.six_state import SixState
from haris.quantum.security.key_length import Security

BLOCK = 10**15  # whole bits of a block are then no rounding


def parts(rng, most_loss_db=45.0):
    """A source of two decoys, the last one weak or empty, a fibre and a detector without dead time."""
    mu = rng.uniform(0.2, 0.9)
    nu = rng.uniform(0.02, 0.45) * mu
    source = Source(1e9, (mu, nu, rng.choice([0.0, rng.uniform(0.0, 0.3) * nu])), tuple(rng.dirichlet([4.0, 3.0, 2.0])))
    loss_db = rng.uniform(0.0, most_loss_db)
    fibre = Fibre(loss_db * 5e3, 0.2, misalignment=rng.uniform(0.0, 0.05))
    return source, fibre, Detector(rng.uniform(0.1, 1.0), 10 ** rng.uniform(-9.0, -5.0))


def decoy_links(seed, security, most_loss_db=45.0):
    rng = np.random.default_rng(seed)
    for _ in range(500):
        yield Link(*parts(rng, most_loss_db), DecoyBB84(rng.uniform(0.5, 0.98), BLOCK), security)


def transmittance(link):
    return link.detector.efficiency * float(link.channel.transmittance())


def per_pulse(link):
    """Gain and error rate of a matched pulse of each intensity."""
    counts, p_key = expected_counts(link), link.protocol.p_key_basis
    sent = counts.n_pulses * p_key**2 * np.array(counts.p_intensities)
    return counts.clicks[0] / sent, counts.errors[0] / counts.clicks[0]


def of_tno(link):
    return standard_detector.customise(
        dark_count_rate=link.detector.p_dark,
        polarization_drift=float(np.arcsin(np.sqrt(link.channel.misalignment))),
        efficiency_party=transmittance(link),
    )


def test_decoy_gains_and_error_rates_are_those_of_tno():
    for link in decoy_links(61, Security("asymptotic")):
        gains, qbers = per_pulse(link)
        theirs = tno.compute_gain_and_error_rate(of_tno(link), np.array(link.source.intensities), 0.0)
        # theirs loses digits where a gain is small beside 1
        assert gains == pytest.approx(theirs[0], rel=1e-9, abs=1e-15)
        assert gains * qbers == pytest.approx(theirs[0] * theirs[1], rel=1e-9, abs=1e-15)


def test_asymptotic_decoy_keys_are_those_of_qkd():
    """Their bounds and rate from our gains, to 1e-9; theirs gives nothing for empty pulses, so we leave ours out."""
    with_key = 0
    for link in decoy_links(62, Security("asymptotic", f_ec=1.16)):
        (q, e), p = per_pulse(link), link.source.p_intensities
        y1, e1, _ = peer.decoy_bounds(*link.source.intensities, q[0], e[0], q[1], e[1], q[2], e[2])
        share = sum(p_k * mu * np.exp(-mu) for p_k, mu in zip(p, link.source.intensities, strict=True))
        sifted = link.protocol.p_key_basis**2
        key = link.rate().key
        assert key.value("single") / BLOCK / sifted == pytest.approx(share * y1, rel=1e-9, abs=1e-15)
        if y1 > 0.0:
            assert key.value("phase_error") == pytest.approx(min(e1, 0.5), rel=1e-9, abs=1e-12)
        gain = float(np.dot(p, q))
        theirs = peer.bb84_rate(sifted, gain, float(np.dot(p, q * e)) / gain, share * y1, min(e1, 0.5), 1.16)
        terms = key.value("single") - key.value("entropy") - key.value("leaked")
        assert max(float(terms), 0.0) / BLOCK == pytest.approx(theirs, rel=1e-9, abs=1e-14)
        with_key += theirs > 0.0
    assert with_key > 150


def test_asymptotic_decoy_keys_of_the_signal_lie_between_those_of_tno():
    """A linear programme is at least as good as closed forms, and endless decoys are better than it.

    Theirs is the key of signal pulses, with the empty ones among them; so are the terms of ours, of which the signal
    has its share of each photon number.
    """
    with_key = 0
    for link in decoy_links(63, Security("asymptotic", f_ec=1.0), 35.0):
        (q, e), mu = per_pulse(link), link.source.intensities
        key, weight = link.rate().key, BLOCK * link.protocol.p_key_basis**2
        tau = [sum(p * np.exp(-m) * m**n for p, m in zip(link.source.p_intensities, mu, strict=True)) for n in (0, 1)]
        vacuum = float(key.value("vacuum")) / weight / tau[0] * np.exp(-mu[0])
        single = float(key.value("single") - key.value("entropy")) / weight / tau[1] * mu[0] * np.exp(-mu[0])
        ours = vacuum + single - q[0] * float(tno.h(e[0])[0])
        detector = of_tno(link)
        programme = tno.BB84AsymptoticKeyRateEstimate(detector, 2).compute_rate(np.array(mu), 0.0)
        endless = tno.BB84FullyAsymptoticKeyRateEstimate(detector).compute_rate(mu[0], 0.0)
        slack = 5e-7  # of their programme, which finds no solution at all where gains come near it
        assert ours <= programme + slack
        assert programme <= endless + slack
        with_key += ours > 0.0
    assert with_key > 150


def test_six_state_rates_are_those_of_qkd():
    rng, with_key = np.random.default_rng(64), 0
    for _ in range(500):
        source, fibre, detector = parts(rng)
        source = replace(source, intensities=source.intensities[:1], p_intensities=(1.0,))
        p_key, f_ec, mu = rng.uniform(0.34, 0.95), rng.uniform(1.0, 1.4), source.intensities[0]
        link = Link(source, fibre, detector, SixState(p_key, BLOCK), Security("asymptotic", f_ec=f_ec))
        eta, y0 = transmittance(link), 1 - (1 - detector.p_dark) ** 2
        gain, error = peer.decoy_gain(mu, eta, y0, fibre.misalignment)
        y1, e1 = peer.decoy_ideal(eta, y0, fibre.misalignment)
        theirs = peer.sixstate_rate(p_key**2, gain, error, y1 * mu * np.exp(-mu), e1, f_ec)
        rate = link.rate()
        # Theirs lets no click of two photons be in both detectors; the share of such clicks is below mu eta.
        assert rate.qber == pytest.approx(error, rel=1e-5 + mu * eta)
        assert rate.key.value("sifted") / BLOCK == pytest.approx(p_key**2 * gain, rel=1e-9)
        assert rate.secret_bits_per_pulse == pytest.approx(theirs, rel=1e-4, abs=p_key**2 * gain * (1e-4 + mu * eta))
        with_key += theirs > 0.0
    assert with_key > 150


def test_sarg04_rates_are_those_of_qkd():
    """Fung, Tamaki, Lo, PRA 73, 012337 (2006), Eqs. (39) to (43): first order in dark counts and in double clicks."""
    rng, with_key = np.random.default_rng(65), 0
    for _ in range(500):
        source, fibre, detector = parts(rng)
        mu, f_ec = rng.uniform(0.05, 0.4), rng.uniform(1.0, 1.3)
        source = replace(source, intensities=(mu,), p_intensities=(1.0,))
        link = Link(source, fibre, detector, Sarg04(BLOCK), Security("asymptotic", f_ec=f_ec))
        eta, dark, wrong = transmittance(link), 2 * detector.p_dark, fibre.misalignment
        counts = photon_counts(link, np.float64(fibre.length_m))
        gain, error = peer.sarg_gain(mu, eta, dark, wrong)
        assert counts.sifted / BLOCK == pytest.approx(gain, rel=1e-4 + eta, abs=dark * eta)
        assert counts.qber == pytest.approx(error, rel=1e-4 + eta, abs=2.0 * dark)
        terms = []
        for n, share in ((1, mu * np.exp(-mu)), (2, mu**2 / 2 * np.exp(-mu))):
            n_yield, n_error = peer.sarg_yield(eta, dark, wrong, n)
            near = 1e-4 + (n - 1) * eta
            assert counts.of_photons[n - 1] / BLOCK == pytest.approx(share * n_yield, rel=near, abs=dark * share)
            assert counts.photon_qber[n - 1] == pytest.approx(n_error, rel=near, abs=2.0 * dark)
            terms += [share * n_yield, n_error]
        theirs = peer.sarg_rate(gain, error, *terms, f_ec)
        assert link.rate().secret_bits_per_pulse == pytest.approx(theirs, abs=gain * (1e-3 + eta))
        with_key += theirs > 0.0
    assert with_key > 100


def test_b92_rates_are_those_of_qkd():
    """The example channel of Tamaki and Luetkenhaus: misalignment w is depolarisation with p = 3 w / 2."""
    rng, with_key = np.random.default_rng(66), 0
    for _ in range(500):
        overlap, loss, p, f_ec = rng.uniform(0.3, 0.97), rng.uniform(0, 0.6), rng.uniform(0, 0.04), rng.uniform(1, 1.4)
        link = Link(
            SinglePhotonSource(1e8, 1 - loss), Fibre(0.0, 0.2, misalignment=2 * p / 3), Detector(1.0, 0.0),
            B92(overlap, BLOCK), Security("asymptotic", f_ec=f_ec),
        )  # fmt: skip
        gain, e_bit, e_phase, theirs = peer.b92_plain(overlap, loss, p, f_ec)
        counts, rate = conclusive_counts(link, np.float64(0.0)), link.rate()
        assert counts.conclusive / BLOCK == pytest.approx(gain, rel=1e-9)
        assert counts.qber == pytest.approx(e_bit, rel=1e-9)
        assert rate.key.value("phase_error") == pytest.approx(e_phase, abs=2e-6)
        assert rate.secret_bits_per_pulse == pytest.approx(theirs, abs=1e-5 * gain)
        with_key += theirs > 0.0
    assert with_key > 50
