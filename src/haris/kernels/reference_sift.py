"""The specification of haris.kernels.sift in plain NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.sift import Gates


def click_gates(
    time_ps: NDArray[np.int64],
    channel: NDArray[np.uint8],
    period_ps: float,
    half_gate_ps: float,
    n_pulses: int,
    hold_off: int,
) -> Gates:
    """Specification of haris.kernels.sift.click_gates."""
    pulse = np.floor(time_ps / period_ps).astype(np.int64)
    offset_ps = np.abs(time_ps - (pulse + 0.5) * period_ps)
    in_gate = (offset_ps <= half_gate_ps) & (pulse >= 0) & (pulse < n_pulses)

    # The first click of a gate decides: what came before it lies in another gate or outside every gate.
    tag = np.flatnonzero(in_gate)
    first = np.flatnonzero(np.diff(pulse[tag], prepend=-1))
    leader = tag[first]
    since = pulse[leader] - np.where(leader > 0, pulse[leader - 1], -(2**62))
    live = since > hold_off
    masks = np.left_shift(1, channel[tag]).astype(np.uint8)
    mask = np.bitwise_or.reduceat(masks, first)[live] if len(first) else np.zeros(0, np.uint8)
    several = np.flatnonzero(mask & (mask - np.uint8(1)))
    basis, bit = (np.packbits(channel[leader][live] >> np.uint8(at) & 1, bitorder="little") for at in (1, 0))
    return Gates(pulse[leader][live], basis, bit, several, mask[several])
