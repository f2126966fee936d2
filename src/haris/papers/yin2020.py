"""Recomputes J. Yin et al., Nature 582, 501 (2020): pairs from a satellite to two sites, both bases made key."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.variable_length import phase_error_rate


def asymptotic_fraction(qber: float, f_ec: float) -> float:
    """Secret bits per sifted bit, 1 - (1 + f) h(E), with one error rate for both bases."""
    return float(1.0 - (1.0 + f_ec) * binary_entropy(qber))


def finite_key_bits(sifted_bits: float, qber: float, f_ec: float, epsilon: float) -> float:
    """Secret bits where each basis, half of sifted_bits, is key and bounds the phase errors of the other.

    epsilon: of each of the two exact sampling tails. Fixed costs of tens of bits are left out; below 0: no key.
    """
    half = np.floor(np.asarray(sifted_bits / 2.0))
    phase: NDArray[np.float64] = phase_error_rate(np.ceil(qber * half), half, half, epsilon)
    return float(2.0 * half * (1.0 - binary_entropy(phase) - f_ec * binary_entropy(qber)))
