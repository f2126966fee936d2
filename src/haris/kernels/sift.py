"""Time tags become the gates that clicked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError


def click_gates(
    time_ps: NDArray[np.int64],
    channel: NDArray[np.uint8],
    period_ps: float,
    half_gate_ps: float,
    n_pulses: int,
    hold_off: int,
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Gates with a click outside the hold-off of every earlier tag, ascending, and the channels of each as a mask.

    time_ps: int64, never descending; channel: uint8, at most 7. Pulse i is centred at (i + 1/2) period_ps; a tag
    farther than half_gate_ps from the centre, or of no pulse below n_pulses, opens no gate, yet blinds the hold_off
    gates that follow, as every tag does. Returns int64 and uint8 of one length.
    Raises ParameterError on other types, or numbers outside their range.
    """
    if time_ps.dtype != np.int64 or channel.dtype != np.uint8 or time_ps.shape != channel.shape or time_ps.ndim != 1:
        raise ParameterError(f"tags are int64 and uint8 in one row, got {time_ps.dtype}, {channel.dtype}")
    require_positive("period_ps", period_ps)
    require_not_negative("half_gate_ps", half_gate_ps)
    if not (0 <= n_pulses < 2**62 and 0 <= hold_off < 2**62):
        raise ParameterError(f"n_pulses and hold_off lie in [0, 2^62), got {n_pulses} and {hold_off}")
    pulse, mask = np.empty(len(time_ps), np.int64), np.empty(len(time_ps), np.uint8)
    tags = np.ascontiguousarray(time_ps), np.ascontiguousarray(channel)
    n_gates = _native.click_gates(*tags, period_ps, half_gate_ps, n_pulses, hold_off, pulse, mask)
    return pulse[:n_gates], mask[:n_gates]
