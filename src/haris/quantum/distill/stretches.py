"""One block of light that comes in stretches: each is sifted and reconciled as it comes, the key is made at the end.

    Bob                               Alice
    Clicks                         ▶  Sifting           of every stretch
    an opening                     ▶  ...               as often as enough bits wait, and after the last stretch
    Reconciled                     ▶  Fingerprint       of all of them together
    Verified                       ▶  Amplification
    Done

So nothing is left to do when the light ends but a hash, and a block whose light ends early, or whose line breaks for
good, is closed at the end of any stretch. What comes after the last opening and is less than the least key belongs to
no block. The pulses of the block are those of the stretches up to its end. Where it ends may be chosen by whoever
holds the line: the length must pay for that, once for every end that was possible (`Security.for_endings`).

For emulated flights, not for keys that are issued: what is told of one stretch before the next is sent is not covered
by the theorem of the live bound. docs/explanation/security.md says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import TEST_BASIS, DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import PeerError
from haris.nouns.pulses import Pulses
from haris.quantum.distill.engine import (
    MINIMUM_KEY_BITS,
    Abandon,
    Engine,
    Entropy,
    Length,
    Steps,
    expect,
    guarded,
    require_clicks,
    require_qber,
)
from haris.quantum.distill.estimate import count_clicks, expected_qber, sifted_key, with_errors
from haris.quantum.distill.sift import (
    Accepted,
    accept,
    clicks_message,
    hold_off_gates,
    read_clicks,
    read_sifting,
    sift_sent,
    sifting_message,
)
from haris.quantum.distill.sifted_key import (
    SiftedKey,
    answer,
    correct,
    hashed_at_alice,
    hashed_at_bob,
    opening,
    opening_kind,
)
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.block_message import Message
from haris.wire.distillation import Abort, Clicks, Opening, Reconciled, Sifting

Bits = NDArray[np.uint8]
SECTION_BITS = 100_000
"""Sifted bits that are reconciled together while light comes: one-way codes lose little above it."""


@dataclass(slots=True)
class _Section:
    """Stretches that are sifted and not yet reconciled.

    bits: of the key basis, 0/1, a row a stretch. intensities: at Bob, the index of each, a row a stretch.
    """

    counts: DecoyCounts
    bits: list[Bits] = field(default_factory=list, repr=False)
    intensities: list[Bits] = field(default_factory=list, repr=False)

    def add(self, counts: DecoyCounts, packed: Bits, n_bits: int) -> None:
        self.counts = joined(self.counts, counts)
        self.bits.append(_unpacked(packed, n_bits))

    @property
    def n_bits(self) -> int:
        return sum(len(row) for row in self.bits)

    def packed(self) -> Bits:
        return _packed(self.bits)


@dataclass(slots=True)
class _Block:
    """Sections that are reconciled. bits: as sifted, 0/1, a row a section."""

    counts: DecoyCounts
    bits: list[Bits] = field(default_factory=list, repr=False)

    def add(self, section: _Section, test_errors: tuple[int, ...]) -> None:
        """Raises PeerError on errors that do not fit the clicks."""
        self.counts = joined(self.counts, with_errors(section.counts, TEST_BASIS, test_errors))
        self.bits += section.bits

    def key(self, agreement: Agreement) -> SiftedKey:
        """The sifted key of all sections. Raises Abandon on too few clicks, or errors of the test basis."""
        require_clicks(self.counts)
        require_qber(self.counts, TEST_BASIS, agreement)
        return sifted_key(_packed(self.bits), sum(len(row) for row in self.bits), self.counts, agreement)


def joined(one: DecoyCounts, other: DecoyCounts) -> DecoyCounts:
    """Counts of the pulses of both, which were sent with the same settings."""
    return replace(
        one,
        n_pulses=one.n_pulses + other.n_pulses,
        clicks=one.clicks + other.clicks,
        errors=one.errors + other.errors,
    )


def alice_in_stretches(
    block: bytes,
    halves: Iterable[Pulses],
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """As alice, of halves that are taken one by one as Bob tells of his: a stretch each, in order."""
    return guarded(block, _alice(block, halves, agreement, length, allot, entropy, transcript))


def bob_in_stretches(
    block: bytes,
    halves: Iterable[Detections],
    agreement: Agreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
    section_bits: int = SECTION_BITS,
) -> Engine:
    """As bob, of halves that are taken one by one; the block closes when there are no more.

    section_bits: sifted bits that are reconciled together while light comes.
    """
    return guarded(block, _bob(block, halves, agreement, length, entropy, transcript, section_bits))


def _alice(
    block: bytes,
    halves: Iterable[Pulses],
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    lit, kind = iter(halves), opening_kind(agreement.protocol.reconciliation)
    whole, section = _Block(_nothing(agreement)), _Section(_nothing(agreement))
    said = yield None
    while isinstance(said, Clicks):
        half = next(lit, None)
        if half is None:
            raise PeerError("the peer tells of more stretches than there were")
        part = _part(agreement, half.n_pulses)
        sent = sift_sent(half, *read_clicks(said, block, half.n_pulses), part)
        section.add(count_clicks(sent.clicks, part), sent.key_bits, sent.n_key)
        said = yield sifting_message(sent)
        if isinstance(said, Opening):
            opened = expect(said, kind)
            if section.n_bits < MINIMUM_KEY_BITS:
                raise PeerError(f"the peer opens a section of {section.n_bits} bits; the least is {MINIMUM_KEY_BITS}")
            whole.add(section, opened.test_errors)
            said = yield from answer(section.packed(), section.n_bits, opened)
            section = _Section(_nothing(agreement))
    expect(said, Reconciled, whole.counts)
    if section.n_bits >= MINIMUM_KEY_BITS:
        raise PeerError(f"the peer closes the block and leaves out {section.n_bits} bits")
    key = whole.key(agreement)
    return (yield from hashed_at_alice(block, key, said, length, allot, entropy, transcript))


def _bob(
    block: bytes,
    halves: Iterable[Detections],
    agreement: Agreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
    section_bits: int,
) -> Steps:
    whole, section = _Block(_nothing(agreement)), _Section(_nothing(agreement))
    corrected: list[Bits] = []
    errors = np.zeros(len(agreement.intensities), np.int64)

    def reconcile() -> Generator[Message | None, Message | None, None]:
        nonlocal section, errors
        known = joined(whole.counts, section.counts)
        opens = opening(
            tuple(section.counts.errors[TEST_BASIS].tolist()),
            expected_qber(section.counts),
            section.n_bits,
            agreement.protocol.reconciliation,
            entropy,
        )
        bits = yield from correct(section.packed(), section.n_bits, opens, expected_qber(section.counts))
        corrected.append(_unpacked(bits, section.n_bits))
        wrong = corrected[-1] != np.concatenate(section.bits)
        errors = errors + np.bincount(np.concatenate(section.intensities)[wrong], minlength=len(errors))
        whole.bits += section.bits
        whole.counts = known
        section = _Section(_nothing(agreement))

    for half in halves:
        part = _part(agreement, half.n_pulses)
        accepted = _after_hold_off(accept(half, part, entropy), hold_off_gates(part))
        sifting = expect((yield clicks_message(block, half.n_pulses, accepted)), Sifting, whole.counts)
        received = read_sifting(sifting, accepted, len(errors))
        tested = tuple(received.test_errors[: len(errors)].tolist())
        section.add(
            with_errors(count_clicks(received.clicks, part), TEST_BASIS, tested), received.key_bits, received.n_key
        )
        low, high = (_unpacked(row, received.n_key) for row in (received.low, received.high))
        section.intensities.append(low | high << np.uint8(1))
        if section.n_bits >= section_bits:
            yield from reconcile()
    if section.n_bits >= MINIMUM_KEY_BITS:
        yield from reconcile()
    key_errors = tuple(errors.tolist())
    try:
        key = whole.key(agreement)
    except Abandon:
        # Alice finds the same in the same counts, and gives up first.
        expect((yield Reconciled(key_errors=key_errors)), Abort, whole.counts)
        raise
    return (yield from hashed_at_bob(block, key, _packed(corrected), key_errors, length, transcript))


def _after_hold_off(accepted: Accepted, gates: int) -> Accepted:
    """Without the clicks that a click at the end of the stretch before may have blinded."""
    first = int(np.searchsorted(accepted.pulse, gates))
    n_clicks = len(accepted.pulse)
    basis, bit = (_packed([_unpacked(row, n_clicks)[first:]]) for row in (accepted.basis, accepted.bit))
    return Accepted(accepted.pulse[first:], basis, bit)


def _part(agreement: Agreement, n_pulses: int) -> Agreement:
    """What is agreed, for a stretch of so many pulses."""
    return replace(agreement, protocol=replace(agreement.protocol, block_pulses=n_pulses))


def _nothing(agreement: Agreement) -> DecoyCounts:
    return replace(count_clicks(np.zeros((2, 4), np.int64), agreement), n_pulses=0)


def _unpacked(packed: Bits, n_bits: int) -> Bits:
    return np.unpackbits(packed, count=n_bits, bitorder="little")


def _packed(rows: list[Bits]) -> Bits:
    return np.packbits(np.concatenate([*rows, np.zeros(0, np.uint8)]), bitorder="little")
