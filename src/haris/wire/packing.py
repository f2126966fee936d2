"""Arrays on the wire: bits by eight, ascending numbers by their gaps. What a peer sends wrongly is a PeerError."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import PeerError

MAXIMUM_NUMBER = 2**42
_WIDTH_OCTETS = 6  # 42 bits of gap, 7 an octet


def pack_bits(bits: NDArray[np.uint8]) -> bytes:
    """A uint8 0/1 array by eight, the least significant bit first, padded with zeros."""
    return np.packbits(bits, bitorder="little").tobytes()


def unpack_bits(octets: bytes, n_bits: int) -> NDArray[np.uint8]:
    """The n_bits that pack_bits packed, uint8. Raises PeerError on another length, or padding that is not zero."""
    if len(octets) != -(-n_bits // 8):
        raise PeerError(f"{n_bits} bits take {-(-n_bits // 8)} octets, the peer sent {len(octets)}")
    if n_bits % 8 and octets[-1] >> n_bits % 8:
        raise PeerError("the padding behind packed bits must be zero")
    return np.unpackbits(np.frombuffer(octets, np.uint8), count=n_bits, bitorder="little")


def pack_ascending(numbers: NDArray[np.int64]) -> bytes:
    """Strictly ascending numbers in [0, MAXIMUM_NUMBER) as LEB128 of each gap to the one before, less 1."""
    gaps = np.diff(numbers, prepend=-1) - 1
    width = np.ones(len(gaps), np.int64)
    for octet in range(1, _WIDTH_OCTETS):
        width += gaps >= 1 << 7 * octet
    ends = np.cumsum(width)
    packed = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    for octet in range(int(width.max(initial=0))):
        reach = width > octet
        more = (width[reach] > octet + 1) * 0x80
        packed[ends[reach] - width[reach] + octet] = gaps[reach] >> 7 * octet & 0x7F | more
    return packed.tobytes()


def unpack_ascending(octets: bytes, count: int, below: int) -> NDArray[np.int64]:
    """The numbers that pack_ascending packed, int64, strictly ascending in [0, below), below <= MAXIMUM_NUMBER.

    Raises PeerError unless there are count of them in that range, each in its shortest form.
    """
    raw = np.frombuffer(octets, np.uint8)
    ends = np.flatnonzero(raw < 0x80)
    if len(ends) != count or (len(raw) and raw[-1] >= 0x80):
        raise PeerError(f"the peer announced {count} numbers and packed {len(ends)}")
    width = np.diff(ends, prepend=-1)
    if np.any(width > _WIDTH_OCTETS) or np.any((width > 1) & (raw[ends] == 0)):
        raise PeerError("a packed number is not in its shortest form")
    gaps = np.zeros(count, np.int64)
    for octet in range(int(width.max(initial=0))):
        reach = width > octet
        gaps[reach] |= (raw[ends[reach] - width[reach] + 1 + octet] & 0x7F).astype(np.int64) << 7 * octet
    # In floating point first: a sum of many wide gaps could wrap an int64 back into the range.
    if gaps.sum(dtype=np.float64) > below:
        raise PeerError(f"packed numbers must lie below {below}")
    numbers = np.cumsum(gaps + 1) - 1
    if count and numbers[-1] >= below:
        raise PeerError(f"packed numbers must lie below {below}")
    return numbers
