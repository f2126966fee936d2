"""What the engines of every protocol share whose light met at a station: what it told both ends, and the raw key.

The station is nobody's: each end holds what it was told, and a block goes on only if both were told the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.kernels.sifted import count_ones
from haris.nouns.blocks import AbortReason
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.distill.engine import MINIMUM_KEY_BITS, Abandon, expect
from haris.quantum.distill.sifted_key import SiftedKey
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.station import StationAgreement
from haris.wire.block_message import Message
from haris.wire.station import Declared

Bits = NDArray[np.uint8]


def require_block(n_pulses: int, agreement: StationAgreement) -> None:
    """Raise ParameterError unless a half is of the agreed block."""
    if n_pulses != agreement.block_pulses:
        raise ParameterError(f"a half of {n_pulses} pulses, agreed are {agreement.block_pulses}")


def announced(n_pulses: int, index: NDArray[np.int64], told: Bits, transcript: Transcript) -> bytes:
    """Digest of what the station told one end, by which ends that differ know it early.

    The transcript covers all of it, and so do the block's tags: no secrecy rests on the digest.
    """
    head = b"haris station" + n_pulses.to_bytes(8, "big")
    octets = head + index.astype("<i8", copy=False).tobytes() + told.tobytes()
    transcript.cover(octets)
    return hashlib.sha256(octets).digest()


def declared(message: Message | None, block: bytes, told: bytes, n_rows: int) -> tuple[bytes, ...]:
    """The peer's rows. Raises Abandon where it was told something else, PeerError on another message."""
    said = expect(message, Declared)
    if said.block != block or len(said.rows) != n_rows:
        raise PeerError(f"the peer declares {len(said.rows)} rows, or another block; {n_rows} are due")
    if said.announced != told:
        raise Abandon(AbortReason.SOURCE, "the two ends were told different things")
    return said.rows


def station_key(
    bits: Bits,
    counts: Any,
    agreement: StationAgreement,
    with_errors: Callable[[Any, int], Any],
    errors: Callable[[Any], int],
) -> SiftedKey:
    """A raw key, uint8 0/1, whose errors are of one kind: with_errors fills them in, errors reads them.

    Raises Abandon where there are too few bits.
    """
    n_bits = len(bits)
    if n_bits < MINIMUM_KEY_BITS:
        raise Abandon(AbortReason.TOO_FEW_CLICKS, f"{n_bits} bits of raw key", counts)

    def told(known: Any, numbers: tuple[int, ...]) -> Any:
        if len(numbers) != 1 or numbers[0] > n_bits:
            raise PeerError(f"the peer's error counts {numbers} do not fit {n_bits} bits of key")
        return with_errors(known, numbers[0])

    def require(known: Any) -> None:
        if errors(known) > agreement.qber_abort * n_bits:
            detail = f"QBER of the key {errors(known) / n_bits:.4f} is above {agreement.qber_abort:g}"
            raise Abandon(AbortReason.QBER, detail, known)

    return SiftedKey(np.packbits(bits, bitorder="little"), n_bits, counts, told, require)


def all_errors(wrong: Bits) -> tuple[int, ...]:
    """Wrong bits, packed, of one kind."""
    return (count_ones(wrong),)


def same_test(told: Iterable[int], counted: int) -> None:
    """Raise PeerError unless Bob counted in the test what Alice counted."""
    if tuple(told) != (counted,):
        raise PeerError(f"the peer counts {tuple(told)} in the test, here are {counted}")
