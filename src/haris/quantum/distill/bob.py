"""Bob's engine of one block: he measured the light, and leads."""

from __future__ import annotations

from collections.abc import Generator

from haris.nouns.blocks import AbortReason, Distilled, ReconciledBlock
from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import PeerError
from haris.quantum.distill import cascade
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
from haris.quantum.distill.sift import Sifted, accept, clicks_message, read_sifting
from haris.quantum.distill.transcript import Transcript
from haris.quantum.distill.verify import agrees
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.distillation import (
    Abort,
    Amplification,
    Done,
    Estimate,
    Fingerprint,
    Message,
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
    sifted, counts = yield from _sift(block, detections, agreement, entropy)
    reconciled = yield from _reconcile(block, sifted, counts, agreement, entropy, transcript)
    counts = reconciled.counts
    amplification = expect((yield Verified()), Amplification, counts)
    allowed = secret_length(length, counts, transcript.leaked_bits)
    if amplification.length_bits != allowed.length_bits:
        raise PeerError(f"the peer wants {amplification.length_bits} bits; {allowed.length_bits} are secret")
    key = amplify(reconciled.bits, amplification)
    yield Done()
    return Distilled(
        block=block,
        bits=key,
        counts=counts,
        leaked_bits=transcript.leaked_bits,
        leaked_bits_one_way=transcript.leaked_bits_one_way,
        n_reconciled=len(reconciled.bits),
        length=allowed,
        allotment=amplification.allotment,
    )


def _sift(
    block: bytes, detections: Detections, agreement: Agreement, entropy: Entropy
) -> Generator[Message | None, Message | None, tuple[Sifted, DecoyCounts]]:
    """Kept clicks, and their counts with the errors of the test basis."""
    accepted = accept(detections, agreement, entropy)
    sifting = expect((yield clicks_message(block, detections.n_pulses, accepted)), Sifting)
    n_intensities = len(agreement.intensities)
    sifted, alice_bits = read_sifting(sifting, accepted, n_intensities)
    counts = count_clicks(sifted, agreement)
    require_clicks(counts)
    test = sifted.basis == TEST_BASIS
    errors = count_errors(sifted.bit[test] != alice_bits, sifted.intensity[test], n_intensities)
    return sifted, with_errors(counts, TEST_BASIS, errors)


def _reconcile(
    block: bytes,
    sifted: Sifted,
    counts: DecoyCounts,
    agreement: Agreement,
    entropy: Entropy,
    transcript: Transcript,
) -> Generator[Message | None, Message | None, ReconciledBlock]:
    """Bob's bits made equal to Alice's, and verified."""
    key = sifted.basis == KEY_BASIS
    raw = sifted.bit[key]
    estimate = _estimate(counts, len(raw), entropy)
    if qber_too_high(counts, TEST_BASIS, agreement):
        # Alice is told the counts before the block ends, so that both ends know why; she gives up first.
        expect((yield estimate), Abort, counts)
    bits = yield from cascade.correct(raw, estimate)
    key_errors = count_errors(bits != raw, sifted.intensity[key], len(agreement.intensities))
    counts = with_errors(counts, KEY_BASIS, key_errors)
    fingerprint = expect((yield Reconciled(key_errors=key_errors)), Fingerprint, counts)
    require_qber(counts, KEY_BASIS, agreement)
    if not agrees(bits, fingerprint):
        raise Abandon(AbortReason.VERIFICATION, "the hashes of the reconciled bits differ", counts)
    return ReconciledBlock(block, bits, counts, leaked_bits=transcript.leaked_bits, verified=True)


def _estimate(counts: DecoyCounts, n_bits: int, entropy: Entropy) -> Estimate:
    n_test, n_errors = counts.clicks[TEST_BASIS].sum(), counts.errors[TEST_BASIS].sum()
    expected_qber = float((n_errors + 1) / (n_test + 2))  # few test clicks without an error promise little
    return Estimate(
        test_errors=tuple(int(n) for n in counts.errors[TEST_BASIS]),
        seed=entropy(32),
        levels=cascade.schedule(expected_qber, n_bits),
    )
