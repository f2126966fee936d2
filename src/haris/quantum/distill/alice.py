"""Alice's engine of one block: she prepared the pulses, answers Bob's questions, and chooses the hash."""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np
from numpy.typing import NDArray

from haris.nouns.blocks import Distilled, ReconciledBlock
from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.quantum.distill import cascade, one_way
from haris.quantum.distill.amplify import amplify, seed_octets
from haris.quantum.distill.engine import (
    Engine,
    Entropy,
    Length,
    Steps,
    expect,
    guarded,
    require_clicks,
    require_qber,
    secret_length,
)
from haris.quantum.distill.estimate import count_clicks, with_errors
from haris.quantum.distill.sift import read_clicks, sift_sent, sifting_message
from haris.quantum.distill.transcript import Transcript
from haris.quantum.distill.verify import fingerprint_message
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.block_message import Message
from haris.wire.distillation import Amplification, Clicks, CodedEstimate, Done, Estimate, Opening, Reconciled, Verified


def alice(
    block: bytes,
    pulses: Pulses,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at the end that sent the light; see engine for how it is driven.

    length: the security bound, from counts and leaked bits. allot: how a key of so many bits is to be cut; its octets
    reach Bob inside the transcript. entropy: public randomness, yet unpredictable. transcript: kept by the driver,
    which appends every message of both ends before it resumes the engine.
    Raises ParameterError on pulses that do not span the agreed block, PeerError on a peer that breaks the protocol.
    """
    if pulses.n_pulses != agreement.protocol.block_pulses:
        raise ParameterError(f"{pulses.n_pulses} pulses prepared, agreed are {agreement.protocol.block_pulses}")
    return guarded(block, _steps(block, pulses, agreement, length, allot, entropy, transcript))


def _steps(
    block: bytes,
    pulses: Pulses,
    agreement: Agreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    reconciled = yield from _reconcile(block, pulses, agreement, entropy, transcript)
    counts, n_bits = reconciled.counts, reconciled.n_bits
    allowed = secret_length(length, counts, reconciled.leaked_bits)
    amplification = Amplification(
        length_bits=allowed.length_bits,
        seed=seed_octets(n_bits, allowed.length_bits, entropy),
        allotment=allot(allowed.length_bits),
    )
    expect((yield amplification), Done, counts)
    return Distilled(
        block=block,
        bits=amplify(reconciled.bits, n_bits, amplification),
        counts=counts,
        leaked_bits=transcript.leaked_bits,
        leaked_bits_one_way=transcript.leaked_bits_one_way,
        n_reconciled=n_bits,
        length=allowed,
        allotment=amplification.allotment,
    )


def _reconcile(
    block: bytes, pulses: Pulses, agreement: Agreement, entropy: Entropy, transcript: Transcript
) -> Generator[Message | None, Message | None, ReconciledBlock[DecoyCounts]]:
    clicks = expect((yield None), Clicks)
    pulse, bob_basis = read_clicks(clicks, block, agreement.protocol.block_pulses)
    sent = sift_sent(pulses, pulse, bob_basis, agreement)
    counts = count_clicks(sent.clicks, agreement)
    require_clicks(counts)

    one_way_agreed = agreement.protocol.reconciliation == "one-way"
    kind: type[Opening] = CodedEstimate if one_way_agreed else Estimate
    estimate = expect((yield sifting_message(sent)), kind, counts)
    counts = with_errors(counts, TEST_BASIS, estimate.test_errors)
    require_qber(counts, TEST_BASIS, agreement)

    bits = sent.key_bits
    reconciled = expect((yield from _answer(bits, sent.n_key, estimate)), Reconciled, counts)
    counts = with_errors(counts, KEY_BASIS, reconciled.key_errors)
    require_qber(counts, KEY_BASIS, agreement)
    expect((yield fingerprint_message(bits, entropy)), Verified, counts)
    return ReconciledBlock(block, bits, sent.n_key, counts, leaked_bits=transcript.leaked_bits, verified=True)


def _answer(
    bits: NDArray[np.uint8], n_bits: int, opening: Opening
) -> Generator[Message | None, Message | None, Message | None]:
    if isinstance(opening, CodedEstimate):
        return (yield from one_way.answer(np.unpackbits(bits, count=n_bits, bitorder="little"), opening))
    assert isinstance(opening, Estimate)
    return (yield from cascade.answer(bits, n_bits, opening))
