"""Sifting: from time tags and preparations to the clicks that both ends keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.distillation import Clicks, Sifting
from haris.wire.packing import pack_ascending, pack_bits, unpack_ascending, unpack_bits


@dataclass(frozen=True, slots=True)
class Accepted:
    """Bob's accepted clicks, at most one a pulse. pulse: int64, ascending; basis, bit: uint8."""

    pulse: NDArray[np.int64]
    basis: NDArray[np.uint8]
    bit: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sifted:
    """One party's kept clicks, in the order of time. basis, intensity, bit: uint8, one each."""

    basis: NDArray[np.uint8]
    intensity: NDArray[np.uint8]
    bit: NDArray[np.uint8] = field(repr=False)


def _outcomes() -> NDArray[np.uint8]:
    """Channel by the set of channels that clicked (a mask of four bits) and a fresh random number 0..3."""
    table = np.tile(np.arange(4, dtype=np.uint8), (16, 1))
    for channel in range(4):
        table[1 << channel] = channel
    table[0b0011] = [0, 1, 0, 1]
    table[0b1100] = [2, 3, 2, 3]
    return table


_OUTCOMES = _outcomes()


def hold_off_gates(agreement: Agreement) -> int:
    """Whole gates after a click in which no click is accepted."""
    return ceil(agreement.dead_time_s * agreement.clock_hz * (1.0 - 1e-12))


def accept(detections: Detections, agreement: Agreement, entropy: Callable[[int], bytes]) -> Accepted:
    """Bob's clicks that count: in the gate, outside the dead time of every earlier click, one a pulse.

    Pulse i is centred at (i + 1/2) periods. A click blinds the following hold-off gates whether it was accepted
    itself or not, so that detectors with separate dead times become as blind as the proof wants them. Several clicks
    in one gate become a random bit of their basis, or of a random basis if they lie in both.
    Raises ParameterError unless detections span the agreed block.
    """
    if detections.n_pulses != agreement.protocol.block_pulses:
        raise ParameterError(
            f"detections of {detections.n_pulses} pulses, agreed are {agreement.protocol.block_pulses}"
        )
    period_ps = 1e12 / agreement.clock_hz
    half_gate_ps = 0.5 * (period_ps if agreement.gate_s is None else min(period_ps, agreement.gate_s * 1e12))
    pulse = np.floor(detections.time_ps / period_ps).astype(np.int64)
    offset_ps = np.abs(detections.time_ps - (pulse + 0.5) * period_ps)
    in_gate = (offset_ps <= half_gate_ps) & (pulse >= 0) & (pulse < detections.n_pulses)

    # The first click of a gate decides: what came before it lies in another gate or outside every gate.
    tag = np.flatnonzero(in_gate)
    first = np.flatnonzero(np.diff(pulse[tag], prepend=-1))
    leader = tag[first]
    since = pulse[leader] - np.where(leader > 0, pulse[leader - 1], -(2**62))
    live = since > hold_off_gates(agreement)

    masks = np.left_shift(1, detections.channel[tag])
    mask = np.bitwise_or.reduceat(masks, first)[live] if len(first) else np.zeros(0, np.int64)
    several = np.bitwise_count(mask) > 1
    draw = np.zeros(len(mask), np.uint8)
    n_several = int(np.count_nonzero(several))
    draw[several] = np.frombuffer(entropy(n_several), np.uint8) & 3
    channel = _OUTCOMES[mask, draw]
    return Accepted(pulse=pulse[leader][live], basis=channel >> 1, bit=channel & 1)


def clicks_message(block: bytes, n_pulses: int, accepted: Accepted) -> Clicks:
    """What Bob tells of his clicks: where and in which basis, never the bit."""
    return Clicks(
        block=block,
        n_pulses=n_pulses,
        n_clicks=len(accepted.pulse),
        pulses=pack_ascending(accepted.pulse),
        bases=pack_bits(accepted.basis),
    )


def read_clicks(message: Clicks, block: bytes, n_pulses: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Pulse number and basis of each click. Raises PeerError unless they belong to this block of n_pulses."""
    if message.block != block or message.n_pulses != n_pulses:
        raise PeerError("the peer's clicks belong to another block")
    pulse = unpack_ascending(message.pulses, message.n_clicks, below=n_pulses)
    return pulse, unpack_bits(message.bases, message.n_clicks)


def sifting_message(kept: NDArray[np.bool_], sifted: Sifted) -> Sifting:
    """What Alice tells of her preparations: which clicks are kept, their intensities, the bits of the test basis."""
    planes = np.concatenate([sifted.intensity & 1, sifted.intensity >> 1])
    return Sifting(
        kept=pack_bits(kept.astype(np.uint8)),
        intensities=pack_bits(planes),
        test_bits=pack_bits(sifted.bit[sifted.basis == 1]),
    )


def read_sifting(message: Sifting, accepted: Accepted, n_intensities: int) -> tuple[Sifted, NDArray[np.uint8]]:
    """Bob's kept clicks, and Alice's bits of those in the test basis.

    Raises PeerError on wrong lengths or an intensity that was not agreed.
    """
    kept = unpack_bits(message.kept, len(accepted.pulse)).astype(bool)
    n_kept = int(np.count_nonzero(kept))
    planes = unpack_bits(message.intensities, 2 * n_kept)
    intensity = planes[:n_kept] | np.left_shift(planes[n_kept:], 1, dtype=np.uint8)
    if np.any(intensity >= n_intensities):
        raise PeerError("the peer names an intensity that was not agreed")
    sifted = Sifted(basis=accepted.basis[kept], intensity=intensity, bit=accepted.bit[kept])
    return sifted, unpack_bits(message.test_bits, int(np.count_nonzero(sifted.basis)))
