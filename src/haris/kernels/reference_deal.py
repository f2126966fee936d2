"""The specification of dealing: rows rolled back by their turns, and columns of what comes of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def deal(
    frame: NDArray[np.unsignedinteger], turns: NDArray[np.uint32], first: int, n_blocks: int, last: int
) -> tuple[NDArray[np.unsignedinteger], bool]:
    """Blocks first to first + n_blocks - 1 of a frame, as kernels.deal has them."""
    rows = frame.reshape(len(turns), -1)
    turned = np.stack([np.roll(row, -int(turn)) for row, turn in zip(rows, turns, strict=True)])
    blocks = np.ascontiguousarray(turned[:, first : first + n_blocks].T)
    return blocks, bool(np.any((blocks == 0) | (blocks == last)))
