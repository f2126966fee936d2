"""Sifting of measurement-device-independent QKD, and the engines of both ends.

Both tell basis and intensity of their pulses among the announced ones, and the bits of those that are of the test basis
or decoys; the key is of signal pulses in the key basis at both ends. There both Bell states say that the bits differ,
so Bob flips his.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from haris.nouns.announcements import Announcements
from haris.nouns.blocks import AbortReason
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.pair_counts import PairCounts
from haris.nouns.pulses import Settings
from haris.quantum.distill.cascade import MAXIMUM_QBER
from haris.quantum.distill.engine import Abandon, Engine, Entropy, Length, Steps, expect, guarded
from haris.quantum.distill.sifted_key import SiftedKey, opening, opening_kind, secret_at_alice, secret_at_bob
from haris.quantum.distill.station_block import (
    Bits,
    all_errors,
    announced,
    declared,
    require_block,
    same_test,
    station_key,
)
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.mdi_qkd import sifted_counts
from haris.quantum.protocols.station import StationAgreement
from haris.wire.packing import pack_bits, unpack_bits
from haris.wire.station import Declared

_ROWS = 4
_SURELY = 5.0
"""Standard deviations."""


def mdi_alice(
    block: bytes,
    half: Announcements,
    agreement: StationAgreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at Alice's end; see engine for how it is driven, and alice for the arguments."""
    require_block(half.n_pulses, agreement)
    return guarded(block, _alice(block, half, agreement, length, allot, entropy, transcript))


def mdi_bob(
    block: bytes,
    half: Announcements,
    agreement: StationAgreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at Bob's end, who leads; see engine for how it is driven, and bob for the arguments."""
    require_block(half.n_pulses, agreement)
    return guarded(block, _bob(block, half, agreement, length, entropy, transcript))


def _alice(
    block: bytes,
    half: Announcements,
    agreement: StationAgreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    told = announced(half.n_pulses, half.index, half.bell, transcript)
    bobs = _settings(declared((yield None), block, told, _ROWS), half)
    key = _key(half, replace(half, settings=bobs), half.settings.bit, agreement)
    opened = expect((yield _message(block, told, half)), opening_kind(agreement.reconciliation), key.counts)
    same_test(opened.test_errors, _test_errors(key.counts))
    return (yield from secret_at_alice(block, key, opened, length, allot, entropy, transcript))


def _bob(
    block: bytes,
    half: Announcements,
    agreement: StationAgreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    told = announced(half.n_pulses, half.index, half.bell, transcript)
    alices = _settings(declared((yield _message(block, told, half)), block, told, _ROWS), half)
    alice = replace(half, settings=alices)
    key = _key(alice, half, half.settings.bit ^ np.uint8(1), agreement)
    qber = _qber(alice, half, agreement.expected_qber)
    if qber > agreement.qber_abort:
        detail = f"QBER of decoys in the key basis is above {agreement.qber_abort:g}: {qber:.4f} at least"
        raise Abandon(AbortReason.QBER, detail, key.counts)
    opens = opening((_test_errors(key.counts),), qber, key.n_bits, agreement.reconciliation, entropy)
    return (yield from secret_at_bob(block, key, opens, qber, all_errors, length, transcript))


def _message(block: bytes, told: bytes, half: Announcements) -> Declared:
    """What one end tells of its pulses."""
    settings = half.settings
    intensity = settings.intensity
    test = settings.bit[_is_told(settings)]
    rows = settings.basis, intensity & np.uint8(1), intensity >> np.uint8(1), test
    return Declared(block=block, announced=told, rows=tuple(pack_bits(row) for row in rows))


def _settings(rows: tuple[bytes, ...], half: Announcements) -> Settings:
    """The peer's settings, with 0 for bits that it did not tell. Raises PeerError on rows that do not fit."""
    n = len(half.index)
    basis, low, high = (unpack_bits(row, n) for row in rows[:3])
    intensity = low | high << np.uint8(1)
    told = _is_told(Settings.of(basis, np.zeros(n, np.uint8), intensity))
    bit = np.zeros(n, np.uint8)
    bit[told] = unpack_bits(rows[3], int(np.count_nonzero(told)))
    return Settings.of(basis, bit, intensity)


def _is_told(settings: Settings) -> NDArray[np.bool_]:
    """Of which pulses an end tells the bit: those that can be in no bit of the key."""
    return np.asarray((settings.basis == TEST_BASIS) | (settings.intensity > 0))


def _qber(alice: Announcements, bob: Announcements, expected: float) -> float:
    """Error rate that reconciliation begins with: the expected one, unless pairs of decoys surely show a higher."""
    told = [_is_told(half.settings) & (half.settings.basis == KEY_BASIS) for half in (alice, bob)]
    bits = [half.settings.bit[told[0] & told[1]] for half in (alice, bob)]
    n = max(bits[0].size, 1)
    rate = float(np.count_nonzero(bits[0] == bits[1])) / n
    return float(min(max(expected, rate - _SURELY * (rate / n) ** 0.5), MAXIMUM_QBER))


def _key(alice: Announcements, bob: Announcements, bits: Bits, agreement: StationAgreement) -> SiftedKey:
    """The key of an end whose bits these are; of the other end only what it told is known."""
    try:
        counts = sifted_counts(alice, bob, agreement.intensities, agreement.p_intensities)
    except (ParameterError, ValueError) as error:
        raise PeerError(f"the peer names settings that were not agreed: {error}") from None
    errors = counts.errors.copy()
    errors[KEY_BASIS] = 0  # known of the key alone, and only after reconciliation
    signal = [half.settings.octets >> np.uint8(1) == KEY_BASIS for half in (alice, bob)]
    counts = replace(counts, errors=errors)
    return station_key(bits[signal[0] & signal[1]], counts, agreement, _with_errors, partial(_count, basis=KEY_BASIS))


def _with_errors(counts: PairCounts, n_errors: int) -> PairCounts:
    errors = counts.errors.copy()
    errors[KEY_BASIS, 0, 0] = n_errors
    return replace(counts, errors=errors)


def _count(counts: PairCounts, basis: int) -> int:
    return int(counts.errors[basis].sum())


def _test_errors(counts: PairCounts) -> int:
    return _count(counts, TEST_BASIS)
