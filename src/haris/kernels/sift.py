"""Time tags become the gates that clicked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError

LEAST_PERIOD_PS = 4.0
"""Numbers of gates of any int64 picosecond, and their differences from one another, are int64 as well."""


@dataclass(frozen=True, slots=True)
class Gates:
    """Gates that clicked, ascending, and what their first tag said.

    pulse: int64 (n,). basis, bit: bits 1 and 0 of the tag's channel, packed octets, the least significant bit first.
    several: int64, where in these rows gates with tags of several channels stand; channels: uint8, a mask for each.
    """

    pulse: NDArray[np.int64]
    basis: NDArray[np.uint8]
    bit: NDArray[np.uint8] = field(repr=False)
    several: NDArray[np.int64]
    channels: NDArray[np.uint8] = field(repr=False)


def click_gates(
    time_ps: NDArray[np.int64],
    channel: NDArray[np.uint8],
    period_ps: float,
    half_gate_ps: float,
    n_pulses: int,
    hold_off: int,
    *,
    portable: bool = False,
) -> Gates:
    """Gates with a click outside the hold-off of every earlier tag.

    time_ps: int64, never descending; channel: uint8, at most 3. Pulse i is centred at (i + 1/2) period_ps; a tag
    farther than half_gate_ps from the centre, or of no pulse below n_pulses, opens no gate, yet blinds the hold_off
    gates that follow, as every tag does. portable: take the path that every processor has.
    Raises ParameterError on other types, or numbers outside their range.
    """
    if time_ps.dtype != np.int64 or channel.dtype != np.uint8 or time_ps.shape != channel.shape or time_ps.ndim != 1:
        raise ParameterError(f"tags are int64 and uint8 in one row, got {time_ps.dtype}, {channel.dtype}")
    if int(channel.max(initial=0)) > 3:
        raise ParameterError(f"channels lie in 0..3, got {int(channel.max())}")
    require_positive("period_ps", period_ps)
    if period_ps < LEAST_PERIOD_PS:
        raise ParameterError(f"a period takes at least {LEAST_PERIOD_PS} ps, got {period_ps}")
    require_not_negative("half_gate_ps", half_gate_ps)
    if not (0 <= n_pulses < 2**62 and 0 <= hold_off < 2**62):
        raise ParameterError(f"n_pulses and hold_off lie in [0, 2^62), got {n_pulses} and {hold_off}")
    n, room = len(time_ps), len(time_ps) // 8 + 1 + 8  # whole words of bits are written
    pulse, several, channels = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.uint8)
    basis, bit = np.empty(room, np.uint8), np.empty(room, np.uint8)
    tags = np.ascontiguousarray(time_ps), np.ascontiguousarray(channel)
    n_gates, n_several = _native.click_gates(
        *tags, period_ps, half_gate_ps, n_pulses, hold_off, pulse, basis, bit, several, channels, portable
    )
    n_octets, together = -(-n_gates // 8), np.flatnonzero(channels[:n_several] & (channels[:n_several] - np.uint8(1)))
    return Gates(pulse[:n_gates], basis[:n_octets], bit[:n_octets], several[together], channels[together])
