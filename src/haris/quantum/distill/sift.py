"""Sifting: from time tags and preparations to the clicks that both ends keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from haris.kernels.sift import click_gates
from haris.kernels.sifted import Received, Sent, sift_keyed, sift_received, sift_recorded
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.pulses import Pulses
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.distillation import Clicks, Sifting
from haris.wire.packing import pack_ascending, packed_bits, unpack_ascending


@dataclass(frozen=True, slots=True)
class Accepted:
    """Bob's accepted clicks, at most one a pulse. pulse: int64, ascending; basis, bit: packed octets, a bit a click."""

    pulse: NDArray[np.int64]
    basis: NDArray[np.uint8]
    bit: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """Rounds of a block of which Alice knows something: those in which her own half of a pair clicked, say.

    pulse: int64, ascending. settings: an octet each, as haris.nouns.pulses.Settings has them.
    """

    n_pulses: int
    pulse: NDArray[np.int64]
    settings: NDArray[np.uint8] = field(repr=False)


def known_of(accepted: Accepted, n_pulses: int) -> Known:
    """What an end found that measured, as what it prepared: the other half of its pairs."""
    bit, basis = (
        np.unpackbits(row, count=len(accepted.pulse), bitorder="little") for row in (accepted.bit, accepted.basis)
    )
    return Known(n_pulses, accepted.pulse, bit | basis << np.uint8(1))


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
    gates = click_gates(
        detections.time_ps, detections.channel, period_ps, half_gate_ps, detections.n_pulses, hold_off_gates(agreement)
    )
    coin = np.frombuffer(entropy(len(gates.several)), np.uint8)
    basis = np.where(gates.channels == 0b0011, 0, np.where(gates.channels == 0b1100, 1, coin >> 1 & 1))
    _put_bits(gates.basis, gates.several, basis.astype(np.uint8))
    _put_bits(gates.bit, gates.several, coin & np.uint8(1))
    return Accepted(gates.pulse, gates.basis, gates.bit)


def _put_bits(octets: NDArray[np.uint8], at: NDArray[np.int64], bits: NDArray[np.uint8]) -> None:
    """Set the packed bits at these places, each named once."""
    place = np.left_shift(1, at & 7).astype(np.uint8)
    np.bitwise_and.at(octets, at >> 3, ~place)
    np.bitwise_or.at(octets, at >> 3, place * bits)


def clicks_message(block: bytes, n_pulses: int, accepted: Accepted) -> Clicks:
    """What Bob tells of his clicks: where and in which basis, never the bit."""
    return Clicks(
        block=block,
        n_pulses=n_pulses,
        n_clicks=len(accepted.pulse),
        pulses=pack_ascending(accepted.pulse),
        bases=accepted.basis.tobytes(),
    )


def read_clicks(message: Clicks, block: bytes, n_pulses: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Pulse number of each click, and their bases, packed. Raises PeerError unless they fit this block of n_pulses."""
    if message.block != block or message.n_pulses != n_pulses:
        raise PeerError("the peer's clicks belong to another block")
    pulse = unpack_ascending(message.pulses, message.n_clicks, below=n_pulses)
    return pulse, packed_bits(message.bases, message.n_clicks)


def sift_sent(
    half: Pulses | Known, pulse: NDArray[np.int64], bob_basis: NDArray[np.uint8], agreement: Agreement
) -> Sent:
    """What Alice keeps of Bob's clicks at these pulses, in these bases (packed)."""
    if isinstance(half, Known):
        return sift_recorded(np.arange(len(pulse)), bob_basis, _settings_at(half, pulse, bob_basis))
    if half.recorded is not None:
        return sift_recorded(pulse, bob_basis, half.recorded.octets)
    assert half.key is not None
    prepared = agreement.protocol.p_key_basis, agreement.p_intensities
    return sift_keyed(pulse, bob_basis, half.key, half.start, *prepared)


def _settings_at(known: Known, pulse: NDArray[np.int64], bob_basis: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Alice's settings at Bob's clicks; where she knows nothing, of the basis that he did not take."""
    other = 1 - np.unpackbits(bob_basis, count=len(pulse), bitorder="little")
    at = np.searchsorted(known.pulse, pulse)
    inside = np.minimum(at, max(len(known.pulse) - 1, 0))
    if not len(known.pulse):
        return np.asarray(other << np.uint8(1), np.uint8)
    return np.where(known.pulse[inside] == pulse, known.settings[inside], other << np.uint8(1)).astype(np.uint8)


def sifting_message(sent: Sent) -> Sifting:
    """What Alice tells of her preparations: which clicks are kept, their intensities, the bits of the test basis."""
    return Sifting(kept=sent.kept.tobytes(), intensities=sent.intensities.tobytes(), test_bits=sent.test_bits.tobytes())


def read_sifting(message: Sifting, accepted: Accepted, n_intensities: int) -> Received:
    """What Bob keeps of his clicks. Raises PeerError on wrong lengths or an intensity that was not agreed."""
    rows = (np.frombuffer(octets, np.uint8) for octets in (message.kept, message.intensities, message.test_bits))
    try:
        received = sift_received(accepted.basis, accepted.bit, len(accepted.pulse), *rows)
    except ParameterError as error:
        raise PeerError(f"the peer's sifting does not fit the clicks: {error}") from None
    if received.clicks[:, n_intensities:].any():
        raise PeerError("the peer names an intensity that was not agreed")
    return received
