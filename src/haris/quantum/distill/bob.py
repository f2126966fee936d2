"""Bob's engine of one block: he measured the light, and leads."""

from __future__ import annotations

from functools import partial

from haris.nouns.counts import TEST_BASIS
from haris.nouns.detections import Detections
from haris.quantum.distill.engine import (
    Engine,
    Entropy,
    Length,
    Steps,
    expect,
    guarded,
    qber_too_high,
    require_clicks,
)
from haris.quantum.distill.estimate import count_clicks, count_errors, expected_qber, sifted_key, with_errors
from haris.quantum.distill.sift import Accepted, accept, clicks_message, read_sifting
from haris.quantum.distill.sifted_key import opening, secret_at_bob
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.block_message import Message
from haris.wire.distillation import Abort, Sifting


def bob(
    block: bytes,
    detections: Detections | Accepted,
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
    detections: Detections | Accepted,
    agreement: Agreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    accepted = detections if isinstance(detections, Accepted) else accept(detections, agreement, entropy)
    told = clicks_message(block, agreement.protocol.block_pulses, accepted)
    return (yield from sifted_at_bob(block, accepted, told, agreement, length, entropy, transcript))


def sifted_at_bob(
    block: bytes,
    accepted: Accepted,
    told: Message,
    agreement: Agreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    """Bob's steps from the message `told` on, by which Alice knows where he clicked and in which bases."""
    n_intensities = len(agreement.intensities)
    received = read_sifting(expect((yield told), Sifting), accepted, n_intensities)
    counts = count_clicks(received.clicks, agreement)
    require_clicks(counts)
    test_errors = tuple(received.test_errors[:n_intensities].tolist())
    counts = with_errors(counts, TEST_BASIS, test_errors)
    qber = expected_qber(counts)
    opens = opening(test_errors, qber, received.n_key, agreement.protocol.reconciliation, entropy)
    if qber_too_high(counts, TEST_BASIS, agreement):
        # Alice is told the counts before the block ends, so that both ends know why; she gives up first.
        expect((yield opens), Abort, counts)
    key = sifted_key(received.key_bits, received.n_key, counts, agreement)
    errors_of = partial(count_errors, received=received, n_intensities=n_intensities)
    return (yield from secret_at_bob(block, key, opens, qber, errors_of, length, transcript))
