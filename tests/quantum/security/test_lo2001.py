"""What Eve may know in the six-state protocol, against density matrices and PyPI qkd."""

import numpy as np
import pytest
import qkd
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.papers.published import published_row
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.lo2001 import six_state_eve
from haris.quantum.security.single_photons import six_state_fraction

ONE, X, Y, Z = np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])


def entropy(rho):
    weights = np.linalg.eigvalsh(rho)
    weights = weights[weights > 1e-15]
    return float(-(weights * np.log2(weights)).sum())


def attacked(kraus):
    """Error rates in X, Y, Z and Holevo's information on Alice's bit in Z, Eve holding the channel's environment."""
    pair = np.array([1, 0, 0, 1]) / np.sqrt(2)
    parts = np.array([np.kron(ONE, k) @ pair for k in kraus])  # [Eve, Alice and Bob]
    rho = parts.T @ parts.conj()
    wrong = [(1 - sign * np.trace(rho @ np.kron(p, p)).real) / 2 for p, sign in ((X, 1), (Y, -1), (Z, 1))]
    by_bit = parts.reshape(-1, 2, 2)  # [Eve, Alice's bit, Bob]
    given_bit = [np.einsum("eb,fb->ef", by_bit[:, bit], by_bit[:, bit].conj()) for bit in (0, 1)]
    return wrong, entropy(sum(given_bit)) - sum(entropy(2 * r) / 2 for r in given_bit)


def random_channel(rng, operators, noise):
    """An isometry near the identity: Kraus operators that sum to one."""
    columns = noise * (rng.normal(size=(2 * operators, 2)) + 1j * rng.normal(size=(2 * operators, 2)))
    columns[:2] += ONE
    return np.linalg.qr(columns)[0].reshape(operators, 2, 2)


@settings(max_examples=500, deadline=None)
@given(st.tuples(*[st.floats(0.0, 1.0)] * 4).filter(lambda w: sum(w) > 0.01))
def test_pauli_channels_with_even_bit_flips_reach_the_bound(weights):
    no, x, y, z = np.array(weights) / sum(weights)
    x = y = (x + y) / 2
    (e_x, e_y, e_z), known = attacked([np.sqrt(w) * p for w, p in zip((no, x, y, z), (ONE, X, Y, Z), strict=True)])
    assert six_state_eve(e_z, (e_x + e_y) / 2) == pytest.approx(known, abs=1e-9)
    if max(e_x, e_y, e_z) <= 0.5:
        assert six_state_eve(e_z, (e_x + e_y) / 2) == pytest.approx(qkd._core.sixstate_eve(e_x, e_y, e_z), abs=1e-9)


def test_no_channel_tells_eve_more():
    rng = np.random.default_rng(1)
    slack = []
    for _ in range(2000):
        wrong, known = attacked(random_channel(rng, rng.integers(1, 5), rng.choice([0.05, 0.2, 1.0])))
        slack.append(six_state_eve(wrong[2], (wrong[0] + wrong[1]) / 2) - known)
    assert min(slack) > -1e-9
    assert min(slack) < 0.01  # some come near


def test_bell_weights_that_no_state_has_are_cut():
    assert six_state_eve(0.1, 0.0) == pytest.approx(0.1)
    assert six_state_eve(1.0, 0.5) == 1.0
    assert six_state_eve(0.0, 0.11) == pytest.approx(binary_entropy(0.11))  # as in BB84


def test_the_threshold_is_the_published_one():
    row = published_row("six_state_threshold")
    at = row.number("expected")
    assert (
        six_state_fraction(at * (1 - row.number("tol_rel"))) > 0 > six_state_fraction(at * (1 + row.number("tol_rel")))
    )
