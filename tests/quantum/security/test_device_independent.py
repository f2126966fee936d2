"""What a violated Bell inequality leaves to Eve, against devices drawn at random and the one that reaches the bound."""

import numpy as np
import pytest

from haris.quantum.security.device_independent import chsh_fraction, eve_information

X, Z, ONE = np.array([[0, 1], [1, 0]]), np.array([[1, 0], [0, -1]]), np.eye(2)


def entropy(state):
    p = np.clip(np.linalg.eigvalsh(state), 1e-15, 1.0)
    return float(-(p * np.log2(p)).sum())


def played(state, alice, bob):
    """S with the best signs, and H(A|E) of Alice's first setting, Eve holding the purification of the state."""
    each = np.array([[np.trace(state @ np.kron(a, b)).real for b in bob] for a in alice])
    s = max(abs(each.sum() - 2.0 * one) for one in each.ravel())
    outcomes = [np.kron((ONE + sign * alice[0]) / 2.0, ONE) for sign in (1, -1)]
    weighed = [p @ state @ p for p in outcomes]
    shares = np.array([np.trace(w).real for w in weighed])
    # Eve's state after an outcome has the spectrum of what is left to both ends, for all three are pure together.
    known = entropy(state) - sum(p * entropy(w / p) for p, w in zip(shares, weighed, strict=True) if p > 1e-12)
    alone = -sum(p * np.log2(p) for p in shares if p > 1e-12)
    return s, alone - known


def settings(rng):
    angles = rng.uniform(0.0, 2.0 * np.pi, 4)
    axes = [np.cos(angle) * Z + np.sin(angle) * X for angle in angles]
    return axes[:2], axes[2:]


def test_no_device_tells_eve_more():
    """Two qubits are enough: Jordan's lemma. Three in four of what is drawn is near a singlet, to violate at all."""
    rng, violations = np.random.default_rng(1), 0
    pair = np.outer([1, 0, 0, 1], [1, 0, 0, 1]) / 2.0
    for _ in range(8000):
        columns = rng.normal(size=(4, rng.integers(1, 5))) + 1j * rng.normal(size=(4, 1))
        noise = columns @ columns.conj().T
        share = rng.choice([0.0, 0.02, 0.1, 1.0])
        state = (1.0 - share) * pair + share * noise / np.trace(noise).real
        s, left = played(state, *settings(rng))
        assert left >= 1.0 - float(eve_information(s)) - 1e-9
        violations += s > 2.0
    assert violations > 500


@pytest.mark.parametrize("s", np.linspace(2.0, 2.0 * np.sqrt(2.0), 9))
def test_one_device_tells_her_as_much(s):
    # Pironio et al., NJP 11, 045021 (2009): two Bell states, and Bob's settings turned towards the better correlation.
    c = np.sqrt(s**2 / 4.0 - 1.0)
    bells = [np.outer(ket, ket) / 2.0 for ket in ([1, 0, 0, 1], [1, 0, 0, -1])]
    state = (1.0 + c) / 2.0 * bells[0] + (1.0 - c) / 2.0 * bells[1]
    bob = [(Z + sign * c * X) / np.sqrt(1.0 + c**2) for sign in (1, -1)]
    found, left = played(state, [Z, X], bob)
    assert found == pytest.approx(s)
    assert left == pytest.approx(float(chsh_fraction(s, 0.0)), abs=1e-9)
