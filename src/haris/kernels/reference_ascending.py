"""The specification of haris.kernels.ascending, number by number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pack_ascending(numbers: NDArray[np.int64]) -> bytes:
    """Specification of haris.kernels.ascending.pack_ascending."""
    octets = bytearray()
    for gap in (int(n) for n in np.diff(numbers, prepend=-1) - 1):
        while gap >= 0x80:
            octets.append(gap & 0x7F | 0x80)
            gap >>= 7
        octets.append(gap)
    return bytes(octets)


def unpack_ascending(octets: bytes, count: int, below: int) -> tuple[NDArray[np.int64], int]:
    """Specification of haris.kernels.ascending.unpack_ascending."""
    numbers: list[int] = []
    at = 0
    while len(numbers) < count:
        end = next((i for i in range(at, min(at + 6, len(octets))) if octets[i] < 0x80), None)
        if end is None or (end > at and octets[end] == 0):
            break
        gap = sum((octets[i] & 0x7F) << 7 * (i - at) for i in range(at, end + 1))
        number = (numbers[-1] if numbers else -1) + 1 + gap
        if number >= below:
            break
        numbers.append(number)
        at = end + 1
    return np.array(numbers, np.int64), at
