"""One end's bits of the packets that were kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class PacketBits:
    """What one end holds of one block: a bit for each packet that was kept.

    n_packets: sent. packet: int64, ascending, which of them were kept. bit: uint8 0/1. tested: bool, whether the bit is
    told to find the error rate, and makes no key. One dimension, one length.
    Raises ParameterError on arrays of other shapes.
    """

    n_packets: int
    packet: NDArray[np.int64]
    bit: NDArray[np.uint8] = field(repr=False)
    tested: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if not self.packet.shape == self.bit.shape == self.tested.shape == (self.packet.size,):
            raise ParameterError("packet, bit and tested must have one dimension and one length")
