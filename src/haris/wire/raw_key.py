"""Raw-key files of a laboratory's three-state one-decoy system: detected states by twos of bits.

A file is blocks: eight octets of length in octets, big-endian, then four states an octet. An octet is read from its
lowest bit, and the first bit of a pair is written left: 00 H, 01 V, 10 D, 11 A. Of intensities: 00 strong, 01 weak.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

LENGTH_OCTETS = 8
STATES_AN_OCTET = 4
MOST_OCTETS = 1 << 21
"""Of one block: the states of 2^23 detections, the most that a block of ours may have."""


def read_length(octets: bytes) -> int:
    """Octets of the block that follows. Raises ParameterError on a torn length, or one that no block has."""
    if len(octets) != LENGTH_OCTETS:
        raise ParameterError(f"the file ends within a length: {len(octets)} octets of {LENGTH_OCTETS}")
    length = int.from_bytes(octets, "big")
    if not 1 <= length <= MOST_OCTETS:
        raise ParameterError(f"a block of {length} octets; 1 to {MOST_OCTETS} are taken")
    return length


def read_states(octets: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Basis (0 of H and V, 1 of D and A) and bit of each state, uint8."""
    pairs = _pairs(octets)
    return pairs[:, 0], pairs[:, 1]


def read_intensities(octets: bytes) -> NDArray[np.uint8]:
    """Index of each intensity, uint8: 0 strong, 1 weak. Raises ParameterError, with the place, on any other pair."""
    pairs = _pairs(octets)
    if (wrong := np.flatnonzero(pairs[:, 0])).size:
        raise ParameterError(f"intensity {wrong[0]} is 1{pairs[wrong[0], 1]}; there are 00 (strong) and 01 (weak)")
    return pairs[:, 1]


def write_pairs(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> bytes:
    """One block of pairs of bits, whose number must divide by four, behind its length."""
    if len(left) % STATES_AN_OCTET:
        raise ParameterError(f"{len(left)} states do not fill octets of {STATES_AN_OCTET}")
    octets = np.packbits(np.stack([left, right], axis=1).ravel(), bitorder="little").tobytes()
    return len(octets).to_bytes(LENGTH_OCTETS, "big") + octets


def _pairs(octets: bytes) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(octets, np.uint8), bitorder="little").reshape(-1, 2)
