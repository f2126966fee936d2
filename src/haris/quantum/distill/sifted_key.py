"""From a sifted key to a secret one: what both engines do once their protocol has sifted and counted a block.

A protocol brings each end its SiftedKey. Reconciliation, verification and amplification are the same for all of them,
and so is what leaks: the transcript counts it, and the protocol's bound is asked for the length.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from haris.nouns.blocks import AbortReason, Distilled, ReconciledBlock
from haris.nouns.errors import PeerError
from haris.quantum.distill import cascade, one_way
from haris.quantum.distill.amplify import amplify, seed_octets
from haris.quantum.distill.engine import Abandon, Entropy, Length, Steps, expect, secret_length
from haris.quantum.distill.transcript import Transcript
from haris.quantum.distill.verify import agrees, fingerprint_message
from haris.wire.block_message import Message
from haris.wire.distillation import (
    Amplification,
    CodedEstimate,
    Done,
    Estimate,
    Fingerprint,
    Opening,
    Reconciled,
    Verified,
)

Reconciliation = Literal["cascade", "one-way"]


@dataclass(frozen=True, slots=True)
class SiftedKey:
    """One end's key bits of a block, and what is counted of it.

    bits: n_bits of them as packed octets. counts: of the protocol's kind, as both ends know them before
    reconciliation. with_errors: those counts with the errors of the key that Bob tells, by kinds of the protocol's own;
    PeerError on what cannot be. require: raises Abandon on counts, errors included, that are too bad to go on with.
    """

    bits: NDArray[np.uint8] = field(repr=False)
    n_bits: int
    counts: Any
    with_errors: Callable[[Any, tuple[int, ...]], Any]
    require: Callable[[Any], None]


def opening_kind(reconciliation: Reconciliation) -> type[Opening]:
    """Of Bob's message that opens it."""
    return CodedEstimate if reconciliation == "one-way" else Estimate


def opening(
    test_errors: tuple[int, ...], qber: float, n_bits: int, reconciliation: Reconciliation, entropy: Entropy
) -> Opening:
    """Bob's message that opens reconciliation of n_bits, of which a share qber is expected to be wrong."""
    if reconciliation == "one-way":
        return one_way.opening(test_errors, qber, n_bits)
    return Estimate(test_errors=test_errors, seed=entropy(32), levels=cascade.schedule(qber, n_bits))


def secret_at_alice(
    block: bytes,
    key: SiftedKey,
    opened: Opening,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Steps:
    """Alice's steps from Bob's opening on: answer his questions, prove what she holds, choose the hash."""
    said = yield from _answer(key.bits, key.n_bits, opened)
    reconciled = expect(said, Reconciled, key.counts)
    counts = key.with_errors(key.counts, reconciled.key_errors)
    key.require(counts)
    expect((yield fingerprint_message(key.bits, entropy)), Verified, counts)
    leaked = transcript.leaked_bits
    allowed = secret_length(length, counts, leaked)
    amplification = Amplification(
        length_bits=allowed.length_bits,
        seed=seed_octets(key.n_bits, allowed.length_bits, entropy),
        allotment=allot(allowed.length_bits),
    )
    expect((yield amplification), Done, counts)
    return Distilled(
        block=block,
        bits=amplify(key.bits, key.n_bits, amplification),
        counts=counts,
        leaked_bits=transcript.leaked_bits,
        leaked_bits_one_way=transcript.leaked_bits_one_way,
        n_reconciled=key.n_bits,
        length=allowed,
        allotment=amplification.allotment,
    )


def secret_at_bob(
    block: bytes,
    key: SiftedKey,
    opens: Opening,
    qber: float,
    errors_of: Callable[[NDArray[np.uint8]], tuple[int, ...]],
    length: Length,
    transcript: Transcript,
) -> Steps:
    """Bob's steps from his opening on. qber: as expected. errors_of: wrong bits, packed, by the protocol's kinds."""
    bits = yield from _correct(key.bits, key.n_bits, opens, qber)
    key_errors = errors_of(bits ^ key.bits)
    reconciled = yield from _verified(block, key, bits, key_errors, transcript)
    counts = reconciled.counts
    amplification = expect((yield Verified()), Amplification, counts)
    allowed = secret_length(length, counts, transcript.leaked_bits)
    if amplification.length_bits != allowed.length_bits:
        raise PeerError(f"the peer wants {amplification.length_bits} bits; {allowed.length_bits} are secret")
    bits = amplify(reconciled.bits, reconciled.n_bits, amplification)
    yield Done()
    return Distilled(
        block=block,
        bits=bits,
        counts=counts,
        leaked_bits=transcript.leaked_bits,
        leaked_bits_one_way=transcript.leaked_bits_one_way,
        n_reconciled=reconciled.n_bits,
        length=allowed,
        allotment=amplification.allotment,
    )


def _verified(
    block: bytes, key: SiftedKey, bits: NDArray[np.uint8], key_errors: tuple[int, ...], transcript: Transcript
) -> Generator[Message | None, Message | None, ReconciledBlock[Any]]:
    """Bob's corrected bits, proved to be Alice's."""
    counts = key.with_errors(key.counts, key_errors)
    fingerprint = expect((yield Reconciled(key_errors=key_errors)), Fingerprint, counts)
    key.require(counts)
    if not agrees(bits, fingerprint):
        raise Abandon(AbortReason.VERIFICATION, "the hashes of the reconciled bits differ", counts)
    return ReconciledBlock(block, bits, key.n_bits, counts, leaked_bits=transcript.leaked_bits, verified=True)


def _answer(
    bits: NDArray[np.uint8], n_bits: int, opened: Opening
) -> Generator[Message | None, Message | None, Message | None]:
    """Alice's answers from Bob's opening on, of n_bits packed; returns his first message that asks for no more."""
    if isinstance(opened, CodedEstimate):
        return (yield from one_way.answer(np.unpackbits(bits, count=n_bits, bitorder="little"), opened))
    assert isinstance(opened, Estimate)
    return (yield from cascade.answer(bits, n_bits, opened))


def _correct(
    bits: NDArray[np.uint8], n_bits: int, opens: Opening, qber: float
) -> Generator[Message | None, Message | None, NDArray[np.uint8]]:
    """Bob's questions from his opening on, of n_bits packed; returns them corrected, packed."""
    if isinstance(opens, CodedEstimate):
        unpacked = np.unpackbits(bits, count=n_bits, bitorder="little")
        return np.packbits((yield from one_way.correct(unpacked, opens, qber)), bitorder="little")
    assert isinstance(opens, Estimate)
    return (yield from cascade.correct(bits, n_bits, opens))
