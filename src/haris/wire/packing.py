"""Arrays on the wire: bits by eight, ascending numbers by their gaps. What a peer sends wrongly is a PeerError."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import ascending
from haris.nouns.errors import ParameterError, PeerError

MAXIMUM_NUMBER = 2**42


def pack_bits(bits: NDArray[np.uint8]) -> bytes:
    """A uint8 0/1 array by eight, the least significant bit first, padded with zeros. ParameterError on others."""
    if (greatest := int(bits.max(initial=0))) > 1:
        raise ParameterError(f"bits are 0 or 1, got {greatest}")
    return np.packbits(bits, bitorder="little").tobytes()


def packed_bits(octets: bytes, n_bits: int) -> NDArray[np.uint8]:
    """The octets of n_bits packed bits as an array. Raises PeerError on another length, or padding that is not zero."""
    if len(octets) != -(-n_bits // 8):
        raise PeerError(f"{n_bits} bits take {-(-n_bits // 8)} octets, the peer sent {len(octets)}")
    if n_bits % 8 and octets[-1] >> n_bits % 8:
        raise PeerError("the padding behind packed bits must be zero")
    return np.frombuffer(octets, np.uint8)


def unpack_bits(octets: bytes, n_bits: int) -> NDArray[np.uint8]:
    """The n_bits that pack_bits packed, uint8. Raises PeerError on another length, or padding that is not zero."""
    return np.unpackbits(packed_bits(octets, n_bits), count=n_bits, bitorder="little")


def pack_ascending(numbers: NDArray[np.int64]) -> bytes:
    """Strictly ascending numbers in [0, MAXIMUM_NUMBER) as LEB128 of each gap to the one before, less 1."""
    return ascending.pack_ascending(numbers)


def unpack_ascending(octets: bytes, count: int, below: int) -> NDArray[np.int64]:
    """The numbers that pack_ascending packed, int64, strictly ascending in [0, below), below <= MAXIMUM_NUMBER.

    Raises PeerError unless there are count of them in that range, each in its shortest form.
    """
    numbers, n_octets = ascending.unpack_ascending(octets, count, below)
    if len(numbers) != count or n_octets != len(octets):
        raise PeerError(
            f"the peer announced {count} numbers below {below} in {len(octets)} octets; "
            f"{len(numbers)} in {n_octets} of them are well packed"
        )
    return numbers
