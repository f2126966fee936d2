"""States that are never sent, told as sums of three that are: the heart of the loss-tolerant analysis.

A key bit in its conjugate basis is a state sigma_+ or sigma_-, with sigma_+ + sigma_- = (phi_0 + phi_1) / 2. A qubit
state on a plane through the Bloch sphere is a sum of any three others there, phi_0 to phi_2, with coefficients of
either sign. What Eve does is linear, so her channel and any detection treat the sum as the sum of what they treat.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.errors import ParameterError

PLUS, MINUS = 0, 1
_NEGLIGIBLE = 1e-12


def virtual_coefficients(angles_rad: tuple[float, float, float]) -> NDArray[np.float64]:
    """Coefficients c, shape (2, 3): sigma_s = sum over j of c[s, j] phi_j, s = PLUS, MINUS, traces included.

    angles_rad: of the pure states cos(a/2)|0> + sin(a/2)|1>. The relative sign of the key states is free; it is taken
    such that an undisturbed sigma_+ gives + and sigma_- gives -, in sum, more often than not. Raises ParameterError on
    states on a line. Source: Tamaki, Curty, Kato, Lo, Azuma, PRA 90, 052314 (2014); derived anew.
    """
    bloch = np.array([[1.0, np.sin(angle), np.cos(angle)] for angle in angles_rad]).T
    if abs(np.linalg.det(bloch)) < 1e-6:
        raise ParameterError(f"angles_rad must be of three different states, got {angles_rad}")
    first, second = _key_vectors(angles_rad)
    vectors = [(first + sign * second) / 2.0 for sign in (1.0, -1.0)]
    targets = np.array([[a @ a, 2.0 * a[0] * a[1], a[0] ** 2 - a[1] ** 2] for a in vectors]).T
    found = np.linalg.solve(bloch, targets).T
    return np.where(np.abs(found) < _NEGLIGIBLE, 0.0, found)


def phase_error_weights(
    angles_rad: tuple[float, float, float], p_states: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Weights g, shape (3, 2): phase errors a click of state j with test outcome s stands for, on average.

    The phase errors of the key states that are measured in the test basis are sum g[j, s] n[j, s], n single-photon
    clicks: sigma_+ with outcome -, and sigma_- with outcome +. p_states: with which each state is sent, the key
    states alike.
    """
    sigma_plus, sigma_minus = virtual_coefficients(angles_rad)
    share = (p_states[0] + p_states[1]) / np.asarray(p_states)
    return np.stack([share * sigma_minus, share * sigma_plus], axis=-1)


def phase_error_chance(
    angles_rad: tuple[float, float, float], minus: ArrayLike, errors: ArrayLike, clicks: ArrayLike
) -> NDArray[np.float64]:
    """Chance of a phase error of a key state, at most, from how the test state errs and how the key basis does.

    minus: chance that the test state gives the outcome -. errors: chance that a key state is measured as the other one
    in the key basis. clicks: chance that a key state is detected. All of single photons, of one shape; sums of chances
    over many rounds serve as well, for the result is concave and homogeneous in them.
    Let K be any of the operators that take Alice's qubit to Bob's, K phi_0 = (a, d) and K phi_1 = (c, b) in the key
    basis; u = (a - b)/2 and w = (c - d)/2, as vectors over all K. A phase error has the chance |u|^2 + |w|^2. A test
    state x (phi_0 + phi_1) + y (phi_0 - phi_1) gives - by the vector sqrt(2) (x (u + w) + y p), p = (a + b - c - d)/2,
    and |w|^2 <= errors, |p| <= sqrt(clicks) + sqrt(errors). The triangle's inequality does the rest; of ideal states it
    leaves (sqrt(minus) + sqrt(errors))^2 + errors. What Bob gets must be measured as a qubit is.
    """
    a, b = _shares(angles_rad)
    even, odd = abs(a + b) / 2.0, abs(a - b) / 2.0
    root_minus, root_errors, root_clicks = (np.sqrt(np.asarray(x, dtype=np.float64)) for x in (minus, errors, clicks))
    if even < _NEGLIGIBLE:
        return np.broadcast_to(root_clicks**2, root_minus.shape)
    odd = 0.0 if odd < _NEGLIGIBLE else odd
    sum_uw = (root_minus / np.sqrt(2.0) + odd * (root_clicks + root_errors)) / even
    return np.asarray(np.minimum((sum_uw + root_errors) ** 2 + root_errors**2, root_clicks**2))


def least_test_chance(
    angles_rad: tuple[float, float, float], clicks: ArrayLike, errors: ArrayLike
) -> NDArray[np.float64]:
    """Chance that the test state is detected, at least; clicks (here at least) and errors (at most) as above.

    A test state a phi_0 + b phi_1 comes out as (a K_00 + b K_01, a K_10 + b K_11), where the diagonal has the square
    2 (clicks - errors) over both key states, and the rest 2 errors. The triangle's inequality does the rest. Who counts
    fewer has lost the test state on a way that no channel takes.
    """
    least, most = sorted(abs(share) for share in _shares(angles_rad))
    wrong = np.asarray(errors, dtype=np.float64)
    right = np.sqrt(np.maximum(np.asarray(clicks, dtype=np.float64) - wrong, 0.0))
    return np.asarray(2.0 * np.maximum(least * right - most * np.sqrt(wrong), 0.0) ** 2)


def _shares(angles_rad: tuple[float, float, float]) -> NDArray[np.float64]:
    """The test state as a sum of the key states."""
    test = np.array([np.cos(angles_rad[2] / 2.0), np.sin(angles_rad[2] / 2.0)])
    return np.asarray(np.linalg.solve(np.stack(_key_vectors(angles_rad), axis=1), test))


def _key_vectors(angles_rad: tuple[float, float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The key states, the sign of the second chosen."""
    first, second = (np.array([np.cos(angle / 2.0), np.sin(angle / 2.0)]) for angle in angles_rad[:2])
    return first, second if first @ second[::-1] >= 0.0 else -second
