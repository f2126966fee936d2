"""Samples of b bits, an octet or two each, to a stream of bits without gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError


def pack_samples(
    codes: NDArray[np.uint8] | NDArray[np.uint16], bits: int, *, portable: bool = False
) -> NDArray[np.uint8]:
    """ceil(n bits / 8) octets of n samples, each below 2^bits; bits: 1 to 8 of uint8, 1 to 16 of uint16.

    The least significant bit of a sample comes first, and is the least significant of an octet; unused bits are 0.
    Where samples fill their octets, the result is the samples themselves, not a copy.
    portable: take the path that every processor has. Raises ParameterError on another type or bits.
    """
    if codes.ndim != 1 or codes.dtype not in (np.uint8, np.uint16) or not 1 <= bits <= 8 * codes.itemsize:
        raise ParameterError(
            f"codes must be one row of uint8 or uint16 of up to as many bits, got {codes.dtype}, {bits}"
        )
    if bits == 8 * codes.itemsize:
        little = codes.astype(codes.dtype.newbyteorder("<"), copy=False)
        return np.ascontiguousarray(little).view(np.uint8)
    out = np.empty(-(-len(codes) * bits // 8), np.uint8)
    kernel: Any = _native.pack_octets if codes.dtype == np.uint8 else _native.pack_words
    kernel(np.ascontiguousarray(codes), bits, out, portable)
    return out
