"""Sifting of the six-state protocol, and the engines of both ends.

Bob tells his bases of the rounds that clicked; then Alice tells hers, her intensities, and her bits where both took the
same test basis. The key is of rounds in which both took the key basis, whatever the intensity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from haris.kernels.sifted import count_ones
from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.rounds import UNDECIDED, Rounds
from haris.quantum.distill.engine import (
    Engine,
    Entropy,
    Length,
    Steps,
    expect,
    guarded,
    qber_too_high,
    require_clicks,
    require_qber,
)
from haris.quantum.distill.estimate import expected_qber, sifted_key, with_errors
from haris.quantum.distill.sifted_key import SiftedKey, opening, opening_kind, secret_at_alice, secret_at_bob
from haris.quantum.distill.station_block import Bits, announced, declared
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.bb84 import Agreement
from haris.quantum.protocols.six_state import basis_and_intensity
from haris.wire.distillation import Abort
from haris.wire.packing import pack_bits, unpack_bits
from haris.wire.station import Declared

_BOB_ROWS, _ALICE_ROWS = 2, 5


def six_state_alice(
    block: bytes,
    half: Rounds,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at Alice's end; see engine for how it is driven, and alice for the arguments."""
    _require_block(half, agreement)
    return guarded(block, _alice(block, half, agreement, length, allot, entropy, transcript))


def six_state_bob(
    block: bytes, half: Rounds, agreement: Agreement, length: Length, entropy: Entropy, transcript: Transcript
) -> Engine:
    """Distil one block at Bob's end, who leads; see engine for how it is driven, and bob for the arguments.

    entropy: decides double clicks, too.
    """
    _require_block(half, agreement)
    return guarded(block, _bob(block, half, agreement, length, entropy, transcript))


def _alice(
    block: bytes,
    half: Rounds,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    told, n = _digest(half, transcript), len(half.index)
    bob_basis = _number(declared((yield None), block, told, _BOB_ROWS), n, most=2)
    basis, intensity = basis_and_intensity(half.setting)
    sifted = _Sifted.of(basis, bob_basis, intensity)
    counts = sifted.counts(agreement)
    require_clicks(counts)
    rows = (*_rows(basis), *_rows(intensity), pack_bits(half.value[sifted.test]))
    said = yield Declared(block=block, announced=told, rows=rows)
    opened = expect(said, opening_kind(agreement.protocol.reconciliation), counts)
    counts = with_errors(counts, TEST_BASIS, opened.test_errors)
    require_qber(counts, TEST_BASIS, agreement)
    key = sifted.raw_key(half.value, counts, agreement)
    return (yield from secret_at_alice(block, key, opened, length, allot, entropy, transcript))


def _bob(
    block: bytes, half: Rounds, agreement: Agreement, length: Length, entropy: Entropy, transcript: Transcript
) -> Steps:
    told, n = _digest(half, transcript), len(half.index)
    bits = _decided(half, entropy)
    rows = declared((yield Declared(block=block, announced=told, rows=_rows(half.setting))), block, told, _ALICE_ROWS)
    k = len(agreement.intensities)
    sifted = _Sifted.of(_number(rows[:2], n, most=2), half.setting, _number(rows[2:4], n, most=k - 1))
    wrong = bits[sifted.test] ^ unpack_bits(rows[4], int(np.count_nonzero(sifted.test)))
    test_errors = tuple(np.bincount(sifted.intensity[sifted.test], wrong, k).astype(np.int64).tolist())
    counts = sifted.counts(agreement)
    require_clicks(counts)
    counts = with_errors(counts, TEST_BASIS, test_errors)
    qber = expected_qber(counts)
    key = sifted.raw_key(bits, counts, agreement)
    opens = opening(test_errors, qber, key.n_bits, agreement.protocol.reconciliation, entropy)
    if qber_too_high(counts, TEST_BASIS, agreement):
        # Alice is told the counts before the block ends, so that both ends know why; she gives up first.
        expect((yield opens), Abort, counts)
    errors_of = partial(_count_errors, intensity=sifted.intensity[sifted.key], n_intensities=k)
    return (yield from secret_at_bob(block, key, opens, qber, errors_of, length, transcript))


@dataclass(frozen=True, slots=True)
class _Sifted:
    """Of the rounds that clicked: which make key, which test (both ends in X, or both in Y), and their intensities."""

    key: NDArray[np.bool_]
    test: NDArray[np.bool_]
    intensity: Bits = field(repr=False)

    @classmethod
    def of(cls, alice_basis: Bits, bob_basis: Bits, intensity: Bits) -> _Sifted:
        same = alice_basis == bob_basis
        return cls(same & (bob_basis == 0), same & (bob_basis > 0), intensity)

    def counts(self, agreement: Agreement) -> DecoyCounts:
        """Without errors, which are not known yet."""
        k = len(agreement.intensities)
        clicks = np.zeros((2, k), np.int64)
        for basis, kept in ((KEY_BASIS, self.key), (TEST_BASIS, self.test)):
            clicks[basis] = np.bincount(self.intensity[kept], minlength=k)
        n, errors = agreement.block_pulses, np.zeros((2, k), np.int64)
        return DecoyCounts(n, agreement.intensities, agreement.p_intensities, clicks, errors)

    def raw_key(self, bits: Bits, counts: DecoyCounts, agreement: Agreement) -> SiftedKey:
        raw = bits[self.key]
        return sifted_key(np.packbits(raw, bitorder="little"), len(raw), counts, agreement)


def _require_block(half: Rounds, agreement: Agreement) -> None:
    if half.n_pulses != agreement.block_pulses:
        raise ParameterError(f"a half of {half.n_pulses} pulses, agreed are {agreement.block_pulses}")


def _digest(half: Rounds, transcript: Transcript) -> bytes:
    """Of which rounds clicked."""
    return announced(half.n_pulses, half.index, np.zeros(0, np.uint8), transcript)


def _decided(half: Rounds, entropy: Entropy) -> Bits:
    """Bob's bits, double clicks decided at random."""
    bits = half.value.copy()
    double = np.flatnonzero(bits == UNDECIDED)
    bits[double] = np.frombuffer(entropy(len(double)), np.uint8) & np.uint8(1)
    return bits


def _rows(numbers: Bits) -> tuple[bytes, bytes]:
    """Numbers 0 to 3 as their low bits and their high bits."""
    return pack_bits(numbers & np.uint8(1)), pack_bits(numbers >> np.uint8(1))


def _number(rows: tuple[bytes, ...], n: int, most: int) -> Bits:
    """The inverse of _rows. Raises PeerError on rows of another length, or a number above most."""
    low, high = (unpack_bits(row, n) for row in rows)
    numbers = low | high << np.uint8(1)
    if (greatest := int(numbers.max(initial=0))) > most:
        raise PeerError(f"the peer names a basis or an intensity {greatest}, which was not agreed")
    return numbers


def _count_errors(wrong: Bits, intensity: Bits, n_intensities: int) -> tuple[int, ...]:
    """Wrong key bits, packed, by intensity."""
    cells = (np.packbits(intensity == i, bitorder="little") for i in range(n_intensities))
    return tuple(count_ones(wrong & cell) for cell in cells)
