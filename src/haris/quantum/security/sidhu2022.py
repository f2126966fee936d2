"""Two decoys over a satellite's pass: Sidhu, Brougham, McArthur, Pousa, Oi, npj Quantum Inf. 8, 18 (2022)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import TEST_BASIS, DecoyCounts
from haris.quantum.security.decoys import Scaled, weights, within
from haris.quantum.security.key_length import KeyLength, Security
from haris.quantum.security.lim2014 import PROOF as LIM_PROOF
from haris.quantum.security.lim2014 import printed_length, two_decoys

SIDHU = "Sidhu et al., npj Quantum Inf. 8, 18 (2022)"

PROOF = replace(LIM_PROOF, theorem=f"Lim et al., PRA 89, 022307 (2014), Eq. (1), with the count bounds of {SIDHU}")


def scale_closed(of: NDArray[np.int64] | NDArray[np.float64], counts: DecoyCounts, epsilon: float) -> Scaled:
    """Clicks or errors scaled as decoys.scale has it, each by Chernoff's bound in closed form.

    n + b + sqrt(2 n b + b^2) and n - b/2 - sqrt(2 n b + b^2/4), b = ln(1/epsilon).
    Source: Yin et al., Sci. Rep. 10, 14312 (2020), Eqs. (1) and (2), as Sidhu et al. take them.
    """
    n = np.asarray(of, dtype=np.float64)
    weight = weights(counts)[..., None, :]
    b = -np.log(epsilon)
    upper = n + b + np.sqrt(2.0 * n * b + b**2)
    lower = n - b / 2.0 - np.sqrt(2.0 * n * b + b**2 / 4.0)
    return Scaled(weight * upper, weight * lower)


def sidhu2022(counts: DecoyCounts, security: Security, leaked_bits: ArrayLike) -> KeyLength:
    """Length of a two-decoy key of a pass as printed, for comparison with the paper; live keys use variable_length.

    counts are summed over the pass: one block. Single-photon errors are at most all that were counted.
    """
    photons = two_decoys(counts, security.epsilon_secrecy / 21.0, scale_closed)
    wrong = within(photons.test_errors_upper, counts.errors[..., TEST_BASIS, :].sum(axis=-1))
    return printed_length(replace(photons, test_errors_upper=wrong), security, leaked_bits, 21, PROOF, SIDHU)
