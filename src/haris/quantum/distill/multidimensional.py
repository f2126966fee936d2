"""Eight-dimensional reconciliation: Gaussian values become a channel for bits, by products of octonions.

Bob draws bits u and tells, of each eight values y, the octonion m = u conj(y) / |y|^2, with u as eight signs over
sqrt(8); Alice's values x, turned by m, are u with Gaussian noise. m is independent of u, as the direction of y is
uniform, so that it tells nothing of the bits. Eight is the most that a division algebra has, and with more dimensions
the channel comes nearer to one with Gaussian input (Leverrier, Alleaume, Boutros, Zemor, Grangier, PRA 77, 042325
(2008)).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.quadratures import Quadratures

Bits = NDArray[np.uint8]
Floats = NDArray[np.float32]

DIMENSIONS = 8
_LEAST = 1e-12  # no eight values are so near to nothing


def _table() -> tuple[NDArray[np.intp], Floats]:
    """Of e_i e_j: which unit, and its sign (8, 8), by Cayley and Dickson: (a, b)(c, d) = (ac - d*b, da + bc*)."""
    unit, sign = np.zeros((1, 1), np.intp), np.ones((1, 1), np.float32)
    for half in (1, 2, 4):
        conjugate = np.where(np.arange(half) == 0, 1, -1).astype(np.float32)
        units = np.block([[unit, half + unit.T], [half + unit, unit.T]])
        sign = np.block([[sign, sign.T], [sign * conjugate, -(sign * conjugate[:, None]).T]])
        unit = units
    return unit, sign


UNIT, SIGN = _table()
_CONJUGATE = np.where(np.arange(DIMENSIONS) == 0, 1, -1).astype(np.float32)[:, None]


def product(left: Floats, right: Floats) -> Floats:
    """Of octonions, float32 of shape (8, n): |product| = |left| |right|."""
    result = np.zeros_like(left)
    for i in range(DIMENSIONS):
        for j in range(DIMENSIONS):
            result[UNIT[i, j]] += SIGN[i, j] * left[i] * right[j]
    return result


def signs(bits: Bits) -> Floats:
    """+1 / sqrt(8) for a 0 and -1 / sqrt(8) for a 1: octonions of length 1. bits: (8 n,); result: (8, n)."""
    points = np.float32(1.0 / math.sqrt(DIMENSIONS)) * (np.float32(1.0) - np.float32(2.0) * bits)
    return np.ascontiguousarray(points.reshape(-1, DIMENSIONS).T)


def mapping(values: Floats, bits: Bits) -> Floats:
    """Bob: what he tells of his values, float32 of shape (8, n), so that they stand for bits.

    values: (8 n,), of variance 1. bits: uint8 0/1, (8 n,). Raises ParameterError on other sizes.
    """
    if values.shape != bits.shape or len(values) % DIMENSIONS:
        raise ParameterError(f"values and bits must be as many, by eights: got {values.shape} and {bits.shape}")
    y = np.ascontiguousarray(values.reshape(-1, DIMENSIONS).T)
    norm = np.maximum(np.einsum("ij,ij->j", y, y), np.float32(_LEAST))
    mapped: Floats = product(signs(bits), _CONJUGATE * y) / norm
    return mapped


def ratios(quadratures: Quadratures, mapped: Floats) -> Floats:
    """Alice: the log-likelihood ratio of each of Bob's bits, float32 (8 n,), above 0 for a 0.

    With y of variance 1, her x is rho y and noise of variance 1 - rho^2. m x is then rho u, and noise of variance
    (1 - rho^2) / |y|^2 in every dimension, since m turns and has length 1 / |y|.
    Raises PeerError where mapped is not of shape (8, n), not finite or out of range.
    """
    values = quadratures.values
    if mapped.dtype != np.float32 or mapped.shape != (DIMENSIONS, len(values) // DIMENSIONS):
        raise PeerError(f"the peer maps {mapped.dtype} of {mapped.shape}, there are {len(values)} values")
    if not bool(np.isfinite(mapped).all()):
        raise PeerError("the peer's mapping is not finite")
    x = np.ascontiguousarray(values.reshape(-1, DIMENSIONS).T)
    with np.errstate(over="ignore"):
        inverse_square = np.einsum("ij,ij->j", mapped, mapped)  # 1 / |y|^2
    rho = quadratures.correlation
    scale = 2.0 * rho / math.sqrt(DIMENSIONS) / (1.0 - rho**2)
    with np.errstate(over="ignore", invalid="ignore"):
        told = product(mapped, x) * (np.float32(scale) / np.maximum(inverse_square, np.float32(_LEAST)))
    if not bool(np.isfinite(told).all()):
        raise PeerError("the peer's mapping is out of range")
    return np.ascontiguousarray(told.T).reshape(-1)
