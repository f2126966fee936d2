"""Ascending numbers by their gaps, as they cross the wire."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError

WIDTH_OCTETS = 6  # 42 bits of gap, 7 an octet
MOST_BELOW = 2**62  # one gap more is int64 as well


def pack_ascending(numbers: NDArray[np.int64]) -> bytes:
    """Numbers as LEB128 of each gap to the one before, less 1; the first as if after -1.

    Raises ParameterError unless they are one row of int64 that ascends strictly from 0 on, by less than 2^42.
    """
    if numbers.dtype != np.int64 or numbers.ndim != 1:
        raise ParameterError(f"numbers are one row of int64, got {numbers.dtype} of shape {numbers.shape}")
    out = np.empty(WIDTH_OCTETS * len(numbers), np.uint8)
    try:
        size = _native.pack_ascending(np.ascontiguousarray(numbers), out)
    except ValueError as error:
        raise ParameterError(str(error)) from None
    return out[:size].tobytes()


def unpack_ascending(octets: bytes, count: int, below: int) -> tuple[NDArray[np.int64], int]:
    """As many of count numbers below `below` as octets begin with, int64, and how many octets those take.

    A number that does not follow in its shortest form, or is not below, ends them.
    Raises ParameterError where `below` is greater than 2^62.
    """
    if below > MOST_BELOW:
        raise ParameterError(f"numbers are unpacked below 2^62 at most, got {below}")
    numbers = np.empty(min(count, len(octets)), np.int64)
    n_read, n_octets = _native.unpack_ascending(np.frombuffer(octets, np.uint8), below, numbers)
    return numbers[:n_read], n_octets
