"""Samples of a frame dealt to blocks, one of each row to each block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError

Codes = NDArray[np.uint8] | NDArray[np.uint16]


def deal(frame: Codes, turns: NDArray[np.uint32], first: int, n_blocks: int, last: int) -> tuple[Codes, bool]:
    """Blocks first to first + n_blocks - 1 of a frame, shape (n_blocks, rows), of the frame's type.

    Beside them, whether one of their samples is 0 or `last`, the ends of the range: one pass tells both.

    frame: uint8 or uint16, row behind row, as many rows as there are turns. turns: uint32, each below a row's length.
    Sample r of block b is that of row r at place b + turns[r], counted round the row.
    Raises ParameterError on other sizes, types, turns or last.
    """
    if frame.ndim != 1 or frame.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise ParameterError(f"frame must be one row of uint8 or uint16, got {frame.dtype} of shape {frame.shape}")
    if turns.ndim != 1 or turns.dtype != np.uint32 or not len(turns) or not len(frame) or len(frame) % len(turns):
        raise ParameterError(f"turns must be uint32, one a row of the frame of {len(frame)}, got {len(turns)}")
    columns = len(frame) // len(turns)
    if int(turns.max()) >= columns:
        raise ParameterError(f"turns must be below {columns}, a row's length, got {int(turns.max())}")
    if not (0 <= first < columns and 0 <= n_blocks <= columns - first):
        raise ParameterError(f"first and n_blocks must lie within {columns}, got {first} and {n_blocks}")
    if not 0 <= last < 1 << 8 * frame.itemsize:
        raise ParameterError(f"last must be a sample of {frame.dtype}, got {last}")
    out: Codes = np.empty(n_blocks * len(turns), frame.dtype)
    kernel = _native.deal_8 if frame.dtype == np.uint8 else _native.deal_16
    ends = kernel(np.ascontiguousarray(frame), np.ascontiguousarray(turns), first, last, out)  # type: ignore[arg-type]
    return out.reshape(n_blocks, len(turns)), ends
