"""Both test bases of six states together: their common error rate bounds what Eve knows, and how often it fails."""

import numpy as np
import pytest

from haris.nouns.counts import DecoyCounts
from haris.nouns.errors import ParameterError
from haris.quantum.security import variable_length
from haris.quantum.security.key_length import Security
from haris.quantum.security.variable_length import phase_error_rate
from haris.quantum.security.variable_length_six_state import PROOF, secret_key_length

PAULI = (
    np.array([[0, 1], [1, 0]], complex),
    np.array([[0, -1j], [1j, 0]], complex),
    np.array([[1, 0], [0, -1]], complex),
)


def von_neumann(rho):
    values = np.linalg.eigvalsh(rho)
    values = values[values > 1e-14]
    return float(-(values * np.log2(values)).sum())


def error_rate(rho, pauli, sign):
    """Of the two ends' outcomes along one direction; sign: of the correlation in a perfect pair."""
    return (1.0 - sign * np.trace(rho @ np.kron(pauli, pauli)).real) / 2.0


def test_no_pair_leaves_eve_more_than_the_common_error_rate_of_both_test_bases_says():
    # Any state of two qubits with any correlation of Eve's: she holds its purification. S(Z|E) of Alice's bit is at
    # least 1 - h((e_x + e_y) / 2), however unequal the two are.
    rng, apart, tight = np.random.default_rng(1), 0.0, 1.0
    bell = np.array([1, 0, 0, 1]) / np.sqrt(2)
    for _ in range(400):
        shape = 4, rng.integers(1, 5)
        noise = rng.normal(size=shape) + 1j * rng.normal(size=shape)
        state = np.outer(bell, rng.normal(size=shape[1])) + rng.uniform(0.0, 1.0) * noise
        psi = state / np.linalg.norm(state)  # [Alice and Bob, Eve]
        rho = psi @ psi.conj().T
        eve = psi.T @ psi.conj()
        parts = [np.kron(np.diag(z), np.eye(2)) @ psi for z in ([1, 0], [0, 1])]
        joint = sum(von_neumann(part.T @ part.conj()) for part in parts)
        x, y = error_rate(rho, PAULI[0], 1.0), error_rate(rho, PAULI[1], -1.0)
        common = (x + y) / 2.0
        entropy = 1.0 if common in (0.0, 1.0) else -common * np.log2(common) - (1 - common) * np.log2(1 - common)
        left = joint - von_neumann(eve)
        assert left >= 1.0 - entropy - 1e-9
        apart, tight = max(apart, abs(x - y)), min(tight, left - 1.0 + entropy)
    assert apart > 0.3
    assert tight < 0.1


def test_errors_that_eve_puts_into_one_basis_alone_are_bounded_as_often_as_is_said():
    # She disturbs rounds in X only: every one of them errs there and none in Y. The key's rounds, measured as the
    # coins say, err no more often than the bound, but for a share epsilon.
    rng, n, p_key, epsilon, failed = np.random.default_rng(2), 2000, 0.7, 0.05, 0
    trials = 1500
    for _ in range(trials):
        wrong_in_x = np.arange(n) < 200
        ends = [rng.choice(3, n, p=[p_key, (1 - p_key) / 2, (1 - p_key) / 2]) for _ in range(2)]
        coin = rng.integers(1, 3, n)
        key, test = (ends[0] == ends[1]) & (ends[0] == 0), (ends[0] == ends[1]) & (ends[0] > 0)
        seen = np.count_nonzero(wrong_in_x & test & (ends[0] == 1))
        virtual = np.count_nonzero(wrong_in_x & key & (coin == 1))
        sample, size = (np.array(float(np.count_nonzero(rounds))) for rounds in (test, key))
        bound = phase_error_rate(np.array(float(seen)), sample, size, epsilon)
        failed += virtual > bound * size
    assert failed <= trials * epsilon + 5 * (trials * epsilon) ** 0.5
    assert failed > 0


def test_it_is_the_theorem_of_decoy_bb84_and_its_proof_says_what_is_more():
    counts = DecoyCounts(
        1e9, (0.5, 0.1, 0.0), (0.7, 0.2, 0.1),
        np.array([[5e6, 4e5, 2e2], [4e5, 3e4, 20]]), np.array([[5e4, 4e3, 1e2], [4e3, 3e2, 10]]),
    )  # fmt: skip
    six, two = (f(counts, Security(), 1e5) for f in (secret_key_length, variable_length.secret_key_length))
    assert six.length_bits == two.length_bits > 1e6
    assert six.proof is PROOF
    assert PROOF.finite
    assert PROOF.attacks == "coherent"
    assert "two test bases" in PROOF.assumptions[0]
    assert "two of three bases" in PROOF.theorem
    with pytest.raises(ParameterError, match="a live key needs bound"):
        secret_key_length(counts, Security("asymptotic"), 0)
