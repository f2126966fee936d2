"""Quasi-cyclic LDPC codes over soft channels: layered sum-product decoding in floats, with exact check nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.kernels.ldpc import Circulants, paths, syndrome
from haris.nouns.errors import ParameterError

Bits = NDArray[np.uint8]
Floats = NDArray[np.float32]

GREATEST = 1e4  # no belief is stronger


@dataclass(frozen=True, slots=True)
class LeafyCode:
    """A code of which many bits stand in one check only, as in multi-edge codes of low rate.

    core: the checks on all other bits. n_leaves: each of core's first n_leaves rows holds one column of bits more, its
    leaf; columns of leaves come behind those of core, in the order of the rows, turned by nothing.
    """

    core: Circulants
    n_leaves: int

    def __post_init__(self) -> None:
        if not 0 <= self.n_leaves < len(self.core.start):
            raise ParameterError(f"n_leaves must be 0 to {len(self.core.start) - 1}, got {self.n_leaves}")

    @property
    def n_bits(self) -> int:
        """Columns of the whole matrix."""
        return self.core.n_bits + self.n_leaves * self.core.lifting

    @property
    def n_checks(self) -> int:
        """Rows of the whole matrix."""
        return self.core.n_checks

    @property
    def rate(self) -> float:
        """Bits that the parities leave open, for each bit."""
        return 1.0 - self.n_checks / self.n_bits

    def syndrome(self, bits: Bits) -> Bits:
        """The parity of every check, uint8 0/1. bits: uint8 0/1, n_bits. Raises ParameterError on another size."""
        if bits.dtype != np.uint8 or bits.shape != (self.n_bits,):
            raise ParameterError(f"bits must be {self.n_bits} of uint8, got {bits.dtype} of shape {bits.shape}")
        parities = syndrome(self.core, np.ascontiguousarray(bits[: self.core.n_bits]))
        parities[: len(bits) - self.core.n_bits] ^= bits[self.core.n_bits :]
        return parities


@dataclass(frozen=True, slots=True)
class SoftBeliefs:
    """What the decoder holds; decode goes on from there.

    posterior: float32, a log-likelihood ratio for each bit of the core, above 0 for a 0. leaf: those of the leaves, as
    the channel tells them. messages: float32, one for each edge and check.
    """

    posterior: Floats = field(repr=False)
    leaf: Floats = field(repr=False)
    messages: Floats = field(repr=False)

    @classmethod
    def of(cls, code: LeafyCode, ratios: Floats) -> Self:
        """Before decoding. ratios: float32, n_bits: ln P(0) / P(1) of each bit by the channel alone.

        Raises ParameterError on another size or type, and on a ratio that is not finite or beyond GREATEST.
        """
        if ratios.dtype != np.float32 or ratios.shape != (code.n_bits,):
            raise ParameterError(f"ratios must be {code.n_bits} of float32, got {ratios.dtype} of shape {ratios.shape}")
        if not bool(np.all(np.abs(ratios) <= GREATEST)):
            raise ParameterError(f"ratios must be finite and at most {GREATEST:g} in size")
        messages = np.zeros(len(code.core.column) * code.core.lifting, np.float32)
        return cls(ratios[: code.core.n_bits].copy(), ratios[code.core.n_bits :].copy(), messages)


def decode(
    code: LeafyCode, parities: Bits, beliefs: SoftBeliefs, iterations: int, path: str | None = None
) -> Bits | None:
    """The bits, uint8 0/1, that have these parities, or None when `iterations` did not suffice.

    parities: uint8 0/1, n_checks. beliefs: changed in place. path: one of paths(), each with the same result; None is
    the fastest. Raises ParameterError on a code, sizes, types or a path that do not fit.
    """
    if parities.dtype != np.uint8 or parities.shape != (code.n_checks,):
        raise ParameterError(f"parities must be {code.n_checks} of uint8, got {parities.dtype} of {parities.shape}")
    core = code.core
    try:
        done = _native.sum_product_decode(
            core.start,
            core.column,
            core.shift,
            core.lifting,
            beliefs.leaf,
            np.ascontiguousarray(parities),
            beliefs.posterior,
            beliefs.messages,
            iterations,
            path or paths()[-1],
        )
    except (ValueError, TypeError) as error:
        raise ParameterError(f"cannot decode: {error}") from error
    if done < 0:
        return None
    bits = np.zeros(code.n_bits, np.uint8)
    bits[: core.n_bits] = beliefs.posterior < 0
    bits[core.n_bits :] = (code.syndrome(bits) ^ parities)[: code.n_leaves * core.lifting]
    return bits
