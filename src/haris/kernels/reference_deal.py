"""The specification of dealing: rows rolled back by their turns, and columns of what comes of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def deal(frame: NDArray[np.generic], turns: NDArray[np.uint32], first: int, n_blocks: int) -> NDArray[np.generic]:
    """Blocks first to first + n_blocks - 1 of a frame, as kernels.deal has them."""
    rows = frame.reshape(len(turns), -1)
    turned = np.stack([np.roll(row, -int(turn)) for row, turn in zip(rows, turns, strict=True)])
    return np.ascontiguousarray(turned[:, first : first + n_blocks].T)
