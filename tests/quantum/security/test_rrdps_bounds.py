"""Round-robin differential phase shift: leakage against explicit attacks, and against PyPI qkd."""

from itertools import combinations, product

import numpy as np
import pytest
import qkd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import binom

from haris.nouns.errors import ParameterError
from haris.nouns.packet_counts import PacketCounts
from haris.quantum.security import rrdps
from haris.quantum.security.binomial import most_successes
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import Security
from haris.quantum.security.packet_leakage import packet_leakage

engine = qkd._core


def entropy_of(matrix):
    values = np.linalg.eigvalsh(matrix)
    return -sum(v * np.log2(v) for v in values if v > 1e-15)


def holevo(operators, pulses, photons):
    """Eve's information on a bit per kept packet, whose photon number is small: by explicit states, for every pair.

    operators: for each set of pulses with a photon (positions differ) and each pulse that Bob's photon is found in, the
    vector of Eve's that remains, shape (sets, L, d). She learns which pair it was, and no phase nor Bob's bit.
    """
    places = list(combinations(range(pulses), photons))
    kept = information = 0.0
    for a, b in combinations(range(pulses), 2):
        others = [k for k in range(pulses) if k not in (a, b)]
        given_bit = []
        for bit in (1.0, -1.0):
            rho = 0.0
            for common, *phases in product((1.0, -1.0), repeat=pulses - 1):
                sent = {a: common, b: common * bit, **dict(zip(others, phases, strict=True))}
                amplitude = [np.prod([sent[k] for k in place]) for place in places]
                at = np.tensordot(amplitude, operators, 1)[[a, b]]  # where Bob's photon is, and Eve; summed over bits
                rho = rho + at.T @ at.conj()
            given_bit.append(rho)
        total = [np.trace(rho).real for rho in given_bit]
        mean = sum(given_bit)
        kept += sum(total)
        information += entropy_of(mean / sum(total)) * sum(total)
        information -= sum(entropy_of(rho / t) * t for rho, t in zip(given_bit, total, strict=True) if t > 1e-15)
    return information / kept


@pytest.mark.parametrize(("pulses", "photons"), [(3, 1), (4, 1), (4, 2)])
def test_no_attack_learns_more_and_one_learns_as_much(pulses, photons):
    rng = np.random.default_rng(7)
    bound = packet_leakage(pulses, photons)[photons]
    places = list(combinations(range(pulses), photons))
    for _ in range(200):
        shape = (len(places), pulses, 3)
        near = rng.choice([0.1, 1.0])
        operators = near * (rng.normal(size=shape) + 1j * rng.normal(size=shape))
        operators[..., 0] += np.array([[k in place for k in range(pulses)] for place in places])
        assert holevo(operators, pulses, photons) <= bound + 1e-9
    # Eve keeps which pulses had a photon and where Bob's is, which is among those with an amplitude of its own.
    kept = np.eye(len(places) * pulses).reshape(len(places), pulses, -1)
    within = np.array([[k in place for k in range(pulses)] for place in places])[:, :, None]
    angles = np.linspace(0.0, np.pi / 2, 46)
    best = max(holevo(np.where(within, np.cos(t), np.sin(t)) * kept, pulses, photons) for t in angles)
    assert best <= bound + 1e-9
    assert best > (0.999 if photons == 1 else 0.75) * bound


def test_the_greatest_sum_of_the_paper_is_found():
    def phi(a, b):
        a, b = max(a, 1e-300), max(b, 1e-300)
        return (a + b) * np.log2(a + b) - a * np.log2(a) - b * np.log2(b)

    for pulses, photons in ((3, 1), (6, 2), (9, 4), (16, 3)):

        def missing(y, pulses=pulses, photons=photons):
            x = np.exp(y) / np.exp(y).sum()
            return -sum(phi((pulses - n) * x[n - 1], n * x[n]) for n in range(1, photons + 1)) / (pulses - 1)

        found = -min(
            minimize(missing, start, method="BFGS").fun
            for start in np.random.default_rng(1).normal(size=(3, photons + 1))
        )
        assert packet_leakage(pulses, photons)[photons] == pytest.approx(found, abs=1e-6)
    golden = np.log2((1 + np.sqrt(5)) / 2)
    assert packet_leakage(3, 1)[1] == pytest.approx(golden, abs=1e-12)  # by hand, p^2 = 1 - p


def test_leakage_agrees_with_qkd_and_lies_below_the_first_proof():
    for pulses in (3, 4, 5, 8, 17, 64):
        ours = packet_leakage(pulses, pulses - 2)
        theirs = [engine.rrdps_collective(pulses, n) for n in range(1, pulses - 1)]
        assert ours[1:] == pytest.approx(theirs, abs=1e-8)
        assert np.all(np.diff(ours) > -1e-12)
        assert np.all(ours[1:] <= [engine.rrdps_leak(pulses, n) for n in range(1, pulses - 1)])


def test_phase_errors_of_one_photon_that_any_state_has():
    # n of L pulses odd, Bob's photon anywhere: the pulse that meets it is odd with probability n / (L - 1) at most.
    rng = np.random.default_rng(11)
    for pulses in (3, 4):
        for photons in range(1, pulses - 1):
            odd = np.array([[k in place for k in range(pulses)] for place in combinations(range(pulses), photons)])
            weight = rng.exponential(size=(50, *odd.shape))  # how often Bob's photon is in each pulse
            weight /= weight.sum(axis=(1, 2), keepdims=True)
            met = (odd.sum(axis=1, keepdims=True) - odd) / (pulses - 1)
            most = rrdps.rrdps_phase_error(0.0, 1.0, photons, pulses)
            assert np.all(np.minimum((weight * met).sum(axis=(1, 2)), 0.5) <= most + 1e-12)
            empty = (~odd) / (~odd).sum()
            assert min((empty * met).sum(), 0.5) == pytest.approx(float(most))  # reached: Bob's photon elsewhere


@given(
    st.integers(3, 256), st.floats(1e-5, 0.5), st.floats(1e-8, 0.3), st.floats(0.0, 0.5), st.floats(1.0, 2.0),
    st.integers(0, 20),
)  # fmt: skip
@settings(deadline=None, max_examples=500)
def test_phase_error_and_asymptotic_length_agree_with_qkd(pulses, intensity, kept, qber, f_ec, photons):
    tagged = rrdps.tagged_probabilities(pulses, intensity, 20)[photons]
    assert tagged == pytest.approx(engine.rrdps_src(pulses, intensity, photons), rel=1e-6, abs=1e-12)
    if photons >= 1:
        theirs = engine.rrdps_phase(kept, pulses, intensity, photons)
        assert rrdps.rrdps_phase_error(tagged, kept, photons, pulses) == pytest.approx(theirs, abs=1e-6)
    counts = PacketCounts(1e15, np.array(kept * 1e15), np.array(kept * qber * 1e15))
    leaked = f_ec * counts.kept * binary_entropy(qber)
    length = int(rrdps.asymptotic(counts, pulses, intensity, leaked).length_bits)
    choices = [engine.rrdps_phase(kept, pulses, intensity, n) for n in range(1, (pulses - 2) // 2 + 1)]
    best = max([engine.rrdps_rate(kept, qber, binary_entropy(p), f_ec, pulses) * pulses for p in choices], default=0.0)
    assert length >= best * 1e15 * (1 - 1e-8) - 10.0
    if int(rrdps.asymptotic(counts, pulses, intensity, 0.0).value("photons")) >= 1:
        assert length == pytest.approx(best * 1e15, rel=1e-6, abs=1e5)


@given(st.integers(0, 10**12), st.floats(0.0, 1.0), st.floats(1e-25, 0.5))
@settings(deadline=None)
def test_binomial_tail_holds(n, p, epsilon):
    most = float(most_successes(n, p, epsilon))
    assert n * p <= most * (1 + 1e-12) <= n * (1 + 1e-9)
    if n * (1 - p) > 0:
        assert binom.sf(most * (1 + 1e-9) + 1e-9, n, p) <= epsilon * (1 + 1e-6)
    if n and 0 < p < 1:
        assert most == pytest.approx(engine.rrdps_above(n, p, epsilon), rel=1e-9, abs=1.0)


def test_finite_length_is_takesues_with_the_same_shares():
    packets, kept, pulses, intensity = 10**10, 2e8, 64, 0.01
    security = Security("takesue2015", 1e-10, 1e-15, 1.2)
    counts = PacketCounts(packets, np.array(kept), np.array(0.03 * kept))
    key = rrdps.finite(counts, pulses, intensity, security, security.f_ec * kept * binary_entropy(0.03))
    each = security.epsilon_secrecy**2 / 2 / 4 / ((pulses - 2) // 2 + 1)
    photons = int(key.value("photons"))
    faults = engine.rrdps_above(packets, engine.rrdps_src(pulses, intensity, photons), each)
    phase = engine.rrdps_above(int(kept) - faults, photons / (pulses - 1), each)
    zeta, correctness = float(key.value("secrecy")), float(key.value("correctness"))
    theirs = engine.rrdps_length(int(kept), 0, faults, phase, 0.03, security.f_ec, zeta, correctness)
    assert theirs > 1e7
    assert int(key.length_bits) == pytest.approx(theirs, abs=20)
    distance = engine.rrdps_secpar(1e-300, 2 * each * ((pulses - 2) // 2 + 1), 1e-300, zeta, correctness)
    assert distance <= security.epsilon * (1 + 1e-9)


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ParameterError, match="among the packets kept"):
        PacketCounts(10.0, np.array([5.0]), np.array([6.0]))
    with pytest.raises(ParameterError, match="one shape"):
        PacketCounts(10.0, np.zeros(2), np.zeros(1))
