"""States that are never sent, told as sums of three that are: the heart of the loss-tolerant analysis.

A key bit in its conjugate basis is a state sigma_+ or sigma_-, with sigma_+ + sigma_- = (phi_0 + phi_1) / 2. A qubit
state on a plane through the Bloch sphere is a sum of any three others there, phi_0 to phi_2, with coefficients of
either sign. What Eve does is linear, so her channel and any detection treat the sum as the sum of what they treat.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    first, second = (np.array([np.cos(angle / 2.0), np.sin(angle / 2.0)]) for angle in angles_rad[:2])
    signs = (1.0, -1.0) if first @ second[::-1] >= 0.0 else (-1.0, 1.0)
    vectors = [(first + sign * second) / 2.0 for sign in signs]
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
