"""What both ends agree on whose light meets at a station between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class StationAgreement:
    """block_pulses: of a block. intensities, p_intensities: as in the source.

    expected_qber: error rate of the key that reconciliation begins with; it costs key where it is wrong, never secrecy.
    qber_abort: error rate of the key above which a block is given up.
    """

    block_pulses: int
    intensities: tuple[float, ...]
    p_intensities: tuple[float, ...]
    expected_qber: float
    qber_abort: float = 0.11
    reconciliation: Literal["cascade", "one-way"] = "cascade"


@dataclass(frozen=True, slots=True)
class SnsAgreement(StationAgreement):
    """Of sending-or-not-sending: probabilities of its windows as in SnsCounts, and the width of the phase slice."""

    p_decoys: tuple[float, ...] = ()
    p_slice: float = 0.0
    p_one: float = 0.0
    phase_slice_rad: float = 0.0
