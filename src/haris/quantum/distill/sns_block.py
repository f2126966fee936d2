"""Sifting of sending-or-not-sending with odd parity pairing, and the engines of both ends.

Both tell of every heralded window whether it was a signal window or which decoy; then what they sent in signal windows
that met a decoy, and the phases of the weaker decoys that met. Bob pairs his 0s with his 1s at random and tells the
pairs, not which is which; Alice tells which of them are odd at her end, too. Of those the first bits are the key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import PeerError
from haris.nouns.sns_counts import PairedSnsCounts, SnsCounts
from haris.nouns.sns_windows import DARK, SENT, WEAK, SnsWindows
from haris.quantum.distill.engine import Engine, Entropy, Length, Steps, expect, guarded
from haris.quantum.distill.sifted_key import SiftedKey, opening, opening_kind, secret_at_alice, secret_at_bob
from haris.quantum.distill.sns_tally import tally
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
from haris.quantum.protocols.station import SnsAgreement
from haris.wire.packing import pack_ascending, pack_bits, unpack_ascending, unpack_bits
from haris.wire.station import Declared

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


def sns_alice(
    block: bytes,
    half: SnsWindows,
    agreement: SnsAgreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at Alice's end; see engine for how it is driven, and alice for the arguments."""
    require_block(half.n_pulses, agreement)
    return guarded(block, _alice(block, half, agreement, length, allot, entropy, transcript))


def sns_bob(
    block: bytes,
    half: SnsWindows,
    agreement: SnsAgreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at Bob's end, who leads; see engine for how it is driven, and bob for the arguments."""
    require_block(half.n_pulses, agreement)
    return guarded(block, _bob(block, half, agreement, length, entropy, transcript))


def _alice(
    block: bytes,
    half: SnsWindows,
    agreement: SnsAgreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    told = announced(half.n_pulses, half.window, half.detector, transcript)
    met = _Met.of(half, declared((yield None), block, told, 2))
    rows = (*_kinds(half), *met.rows())
    sent, phases, first, second = declared((yield _said(block, told, rows)), block, told, 4)
    counts = _counts(half, met.peer(sent, phases), agreement)
    key_bits = (half.setting[met.both_signal] == SENT).astype(np.uint8)
    pairs = _pairs(first, second, len(key_bits))
    odd = key_bits[pairs[0]] != key_bits[pairs[1]]
    found = _paired(counts, len(key_bits), len(odd), int(odd.sum()))
    key = _key(key_bits[pairs[0][odd]], found, agreement)
    opened = expect(
        (yield _said(block, told, (pack_bits(odd.astype(np.uint8)),))), opening_kind(agreement.reconciliation), found
    )
    same_test(opened.test_errors, int(counts.slice_errors))
    return (yield from secret_at_alice(block, key, opened, length, allot, entropy, transcript))


def _bob(
    block: bytes,
    half: SnsWindows,
    agreement: SnsAgreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    told = announced(half.n_pulses, half.window, half.detector, transcript)
    low, high, sent, phases = declared((yield _said(block, told, _kinds(half))), block, told, 4)
    met = _Met.of(half, (low, high))
    counts = _counts(met.peer(sent, phases), half, agreement)
    bits = (half.setting[met.both_signal] == DARK).astype(np.uint8)  # 0 where he sent
    first, second = _random_pairs(bits, entropy)
    rows = (*met.rows(), pack_ascending(first), second.astype("<u4").tobytes())
    (answer,) = declared((yield _said(block, told, rows)), block, told, 1)
    odd = unpack_bits(answer, len(first)).astype(np.bool_)
    found = _paired(counts, len(bits), len(odd), int(odd.sum()))
    key = _key(bits[first[odd]], found, agreement)
    qber = agreement.expected_qber
    opens = opening((int(counts.slice_errors),), qber, key.n_bits, agreement.reconciliation, entropy)
    return (yield from secret_at_bob(block, key, opens, qber, all_errors, length, transcript))


@dataclass(frozen=True, slots=True)
class _Met:
    """This end's half beside what the other end sent, as far as it is public.

    kind: of the other end, 0 a signal window, then decoys in the order of settings.
    """

    half: SnsWindows = field(repr=False)
    kind: Bits = field(repr=False)

    @classmethod
    def of(cls, half: SnsWindows, rows: tuple[bytes, ...]) -> _Met:
        low, high = (unpack_bits(row, len(half.window)) for row in rows)
        return cls(half, low | high << np.uint8(1))

    @property
    def both_signal(self) -> Flags:
        """Windows that were signal windows at both ends."""
        return np.asarray((self.half.setting <= SENT) & (self.kind == 0))

    @property
    def both_weak(self) -> Flags:
        """Windows in which both sent the weaker decoy."""
        return np.asarray((self.half.setting == WEAK) & (self.kind == WEAK - SENT))

    def rows(self) -> tuple[bytes, bytes]:
        """What this end tells next: whether it sent in signal windows that met a decoy, and phases."""
        sent = self.half.setting[(self.half.setting <= SENT) & (self.kind > 0)]
        return pack_bits((sent == SENT).astype(np.uint8)), self.half.phase_rad[self.both_weak].astype("<f4").tobytes()

    def peer(self, sent: bytes, phases: bytes) -> SnsWindows:
        """The other end's half: its key bits stand at DARK, and phases that it did not tell at 0."""
        setting = np.where(self.kind == 0, DARK, self.kind + SENT).astype(np.uint8)
        met = (self.half.setting > SENT) & (self.kind == 0)
        setting[met] = unpack_bits(sent, int(met.sum()))
        weak = self.both_weak
        if len(phases) != 4 * int(weak.sum()):
            raise PeerError(f"the peer tells {len(phases)} octets of phases, {4 * int(weak.sum())} are due")
        phase = np.zeros(len(setting), np.float32)
        phase[weak] = np.frombuffer(phases, "<f4")
        if not np.isfinite(phase).all():
            raise PeerError("the peer tells phases that are not finite")
        return replace(self.half, setting=setting, phase_rad=phase)


def _said(block: bytes, told: bytes, rows: tuple[bytes, ...]) -> Declared:
    return Declared(block=block, announced=told, rows=rows)


def _kinds(half: SnsWindows) -> tuple[bytes, bytes]:
    kind = np.maximum(half.setting, SENT) - np.uint8(SENT)
    return pack_bits(kind & np.uint8(1)), pack_bits(kind >> np.uint8(1))


def _random_pairs(bits: Bits, entropy: Entropy) -> tuple[Integers, Integers]:
    """Pairs of a 0 and a 1, each bit in one at most: the lesser place, ascending, and the greater one."""
    zeros, ones = (_shuffled(np.flatnonzero(bits == value), entropy) for value in (0, 1))
    n = min(len(zeros), len(ones))
    first, second = np.minimum(zeros[:n], ones[:n]), np.maximum(zeros[:n], ones[:n])
    order = np.argsort(first)
    return first[order].astype(np.int64), second[order].astype(np.int64)


def _shuffled(places: Integers, entropy: Entropy) -> Integers:
    return np.asarray(places[np.argsort(np.frombuffer(entropy(8 * len(places)), "<u8"), kind="stable")])


def _pairs(first: bytes, second: bytes, n_bits: int) -> tuple[Integers, Integers]:
    """Bob's pairs. Raises PeerError unless each bit is in one at most."""
    if len(second) % 4:
        raise PeerError(f"the peer's pairs end within one: {len(second)} octets")
    seconds = np.frombuffer(second, "<u4").astype(np.int64)
    firsts = unpack_ascending(first, len(seconds), below=max(n_bits, 1))
    both = np.concatenate([firsts, seconds])
    if np.unique(both).size != both.size or int(both.max(initial=0)) >= max(n_bits, 1):
        raise PeerError("the peer pairs a bit twice, or one that there is not")
    return firsts, seconds


def _counts(alice: SnsWindows, bob: SnsWindows, agreement: SnsAgreement) -> SnsCounts:
    """What is counted of the decoys; of the signal windows nobody knows yet who sent."""
    found = tally(alice, bob, agreement.phase_slice_rad)
    mu_z, mu_y, mu_x = agreement.intensities
    return SnsCounts(
        n_pulses=agreement.block_pulses,
        intensities=(mu_z, mu_y, mu_x),
        p_decoys=agreement.p_decoys,
        p_slice=agreement.p_slice,
        p_one=agreement.p_one,
        decoys=found.decoys,
        signal=np.zeros(4, np.int64),
        slice_clicks=found.slice_clicks,
        slice_errors=found.slice_errors,
    )


def _paired(counts: SnsCounts, n_bits: int, n_pairs: int, n_kept: int) -> PairedSnsCounts:
    return PairedSnsCounts(counts, n_bits, n_pairs, n_kept, 0)


def _key(bits: Bits, found: PairedSnsCounts, agreement: SnsAgreement) -> SiftedKey:
    return station_key(
        bits, found, agreement, lambda known, wrong: replace(known, n_wrong=wrong), lambda known: int(known.n_wrong)
    )
