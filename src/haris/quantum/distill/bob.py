"""Bob's engine of one block: he measured the light, and leads."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from haris.kernels.sifted import Received
from haris.nouns.blocks import AbortReason, Distilled, ReconciledBlock
from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import PeerError
from haris.quantum.distill import cascade, one_way
from haris.quantum.distill.amplify import amplify
from haris.quantum.distill.engine import (
    Abandon,
    Engine,
    Entropy,
    Length,
    Steps,
    expect,
    guarded,
    qber_too_high,
    require_clicks,
    require_qber,
    secret_length,
)
from haris.quantum.distill.estimate import count_clicks, count_errors, with_errors
from haris.quantum.distill.sift import accept, clicks_message, read_sifting
from haris.quantum.distill.transcript import Transcript
from haris.quantum.distill.verify import agrees
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.block_message import Message
from haris.wire.distillation import (
    Abort,
    Amplification,
    CodedEstimate,
    Done,
    Estimate,
    Fingerprint,
    Opening,
    Reconciled,
    Sifting,
    Verified,
)


def bob(
    block: bytes,
    detections: Detections,
    agreement: Agreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at the end that received the light; see engine for how it is driven.

    length, transcript: as for alice. entropy: decides double clicks and draws the permutations.
    Raises ParameterError on detections that do not span the agreed block, PeerError on a peer that breaks the
    protocol, one who would cut the key to another length included.
    """
    return guarded(block, _steps(block, detections, agreement, length, entropy, transcript))


def _steps(
    block: bytes,
    detections: Detections,
    agreement: Agreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    received, counts = yield from _sift(block, detections, agreement, entropy)
    reconciled = yield from _reconcile(block, received, counts, agreement, entropy, transcript)
    counts = reconciled.counts
    amplification = expect((yield Verified()), Amplification, counts)
    allowed = secret_length(length, counts, transcript.leaked_bits)
    if amplification.length_bits != allowed.length_bits:
        raise PeerError(f"the peer wants {amplification.length_bits} bits; {allowed.length_bits} are secret")
    key = amplify(reconciled.bits, reconciled.n_bits, amplification)
    yield Done()
    return Distilled(
        block=block,
        bits=key,
        counts=counts,
        leaked_bits=transcript.leaked_bits,
        leaked_bits_one_way=transcript.leaked_bits_one_way,
        n_reconciled=reconciled.n_bits,
        length=allowed,
        allotment=amplification.allotment,
    )


def _sift(
    block: bytes, detections: Detections, agreement: Agreement, entropy: Entropy
) -> Generator[Message | None, Message | None, tuple[Received, DecoyCounts]]:
    """Kept clicks, and their counts with the errors of the test basis."""
    accepted = accept(detections, agreement, entropy)
    sifting = expect((yield clicks_message(block, detections.n_pulses, accepted)), Sifting)
    n_intensities = len(agreement.intensities)
    received = read_sifting(sifting, accepted, n_intensities)
    counts = count_clicks(received.clicks, agreement)
    require_clicks(counts)
    errors = tuple(int(n) for n in received.test_errors[:n_intensities])
    return received, with_errors(counts, TEST_BASIS, errors)


def _reconcile(
    block: bytes,
    received: Received,
    counts: DecoyCounts,
    agreement: Agreement,
    entropy: Entropy,
    transcript: Transcript,
) -> Generator[Message | None, Message | None, ReconciledBlock[DecoyCounts]]:
    """Bob's bits made equal to Alice's, and verified."""
    raw, n_bits = received.key_bits, received.n_key
    qber = _expected_qber(counts)
    opening = _opening(counts, qber, n_bits, agreement, entropy)
    if qber_too_high(counts, TEST_BASIS, agreement):
        # Alice is told the counts before the block ends, so that both ends know why; she gives up first.
        expect((yield opening), Abort, counts)
    bits = yield from _correct(raw, n_bits, opening, qber)
    key_errors = count_errors(bits ^ raw, received, len(agreement.intensities))
    counts = with_errors(counts, KEY_BASIS, key_errors)
    fingerprint = expect((yield Reconciled(key_errors=key_errors)), Fingerprint, counts)
    require_qber(counts, KEY_BASIS, agreement)
    if not agrees(bits, fingerprint):
        raise Abandon(AbortReason.VERIFICATION, "the hashes of the reconciled bits differ", counts)
    return ReconciledBlock(block, bits, n_bits, counts, leaked_bits=transcript.leaked_bits, verified=True)


def _expected_qber(counts: DecoyCounts) -> float:
    n_test, n_errors = counts.clicks[TEST_BASIS].sum(), counts.errors[TEST_BASIS].sum()
    estimated = float((n_errors + 1) / (n_test + 2))  # few test clicks without an error promise little
    return min(estimated, cascade.MAXIMUM_QBER)


def _opening(counts: DecoyCounts, qber: float, n_bits: int, agreement: Agreement, entropy: Entropy) -> Opening:
    test_errors = tuple(int(n) for n in counts.errors[TEST_BASIS])
    if agreement.protocol.reconciliation == "one-way":
        return one_way.opening(test_errors, qber, n_bits)
    return Estimate(test_errors=test_errors, seed=entropy(32), levels=cascade.schedule(qber, n_bits))


def _correct(
    bits: NDArray[np.uint8], n_bits: int, opening: Opening, qber: float
) -> Generator[Message | None, Message | None, NDArray[np.uint8]]:
    if isinstance(opening, CodedEstimate):
        unpacked = np.unpackbits(bits, count=n_bits, bitorder="little")
        return np.packbits((yield from one_way.correct(unpacked, opening, qber)), bitorder="little")
    assert isinstance(opening, Estimate)
    return (yield from cascade.correct(bits, n_bits, opening))
