"""Alice's engine of one block of continuous variables: she modulated the light, decodes Bob's values, and hashes."""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np

from haris.nouns.blocks import Distilled, FrameCounts, ReconciledBlock
from haris.nouns.errors import PeerError
from haris.nouns.quadratures import Quadratures
from haris.nouns.symbols import Symbols
from haris.quantum.distill import continuous
from haris.quantum.distill.amplify import amplify, seed_octets
from haris.quantum.distill.continuous import Scheme, recover, scheme_of
from haris.quantum.distill.engine import Abandon, Engine, Entropy, Length, Steps, expect, guarded
from haris.quantum.distill.estimate_channel import quadrature_sums, require_calibrated
from haris.quantum.distill.quadrature_block import (
    Estimate,
    allowed_length,
    chunks,
    joined,
    n_frames,
    n_key_symbols,
    pack_values,
    part_of,
    parted,
    require_half,
    unpack_values,
)
from haris.quantum.distill.transcript import Transcript
from haris.quantum.protocols.quadratures import QuadratureAgreement
from haris.wire.block_message import Message
from haris.wire.distillation import Amplification, Done, Verified
from haris.wire.quadratures import Disclosed, Estimated, Frames, Measured, Sampled

SEED_OCTETS = 32


def quadrature_alice(
    block: bytes,
    symbols: Symbols,
    agreement: QuadratureAgreement,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at the end that modulated the light; see engine for how it is driven.

    length, allot: as for alice. entropy: draws the sample and the seed of the hash.
    Raises ParameterError on a half that is not of an agreed block, PeerError on a peer that breaks the protocol.
    """
    require_half(symbols, agreement)
    frames = n_frames(agreement)
    return guarded(block, _steps(block, symbols, agreement, frames, length, allot, entropy))


def _steps(
    block: bytes,
    symbols: Symbols,
    agreement: QuadratureAgreement,
    frames: int,
    length: Length,
    allot: Callable[[int], bytes],
    entropy: Entropy,
) -> Steps:
    estimate, values = yield from _estimate(block, symbols, agreement, frames, entropy)
    answer = yield Estimated(sums=estimate.sums.numbers)
    try:
        opened = expect(answer, Frames, estimate.nothing)
    except Abandon as told:
        raise _as_seen_here(told, estimate, agreement, length) from None
    require_calibrated(estimate.sums, agreement)
    scheme, reconciled = yield from _recover(block, opened, values, frames)
    counts, n_bits = estimate.counts(scheme, reconciled.counts.n_kept), reconciled.n_bits
    allowed = allowed_length(length, counts, reconciled.leaked_bits)
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
        leaked_bits=reconciled.leaked_bits,
        leaked_bits_one_way=reconciled.leaked_bits,
        n_reconciled=n_bits,
        length=allowed,
        allotment=amplification.allotment,
    )


def _estimate(
    block: bytes, symbols: Symbols, agreement: QuadratureAgreement, frames: int, entropy: Entropy
) -> Generator[Message | None, Message | None, tuple[Estimate, Quadratures]]:
    """The sample, drawn when Bob says that he has measured; its sums, and Alice's values of the key."""
    measured = expect((yield None), Measured)
    if (measured.block, measured.n_symbols, measured.n_values) != (block, *symbols.values.shape):
        raise PeerError(
            f"the peer measured {measured.n_symbols} symbols of {measured.n_values} values, or another block; "
            f"here are {symbols.n_symbols} of {symbols.values.shape[1]}"
        )
    seed = entropy(SEED_OCTETS)
    ours = parted(symbols, seed, agreement)
    parts = chunks(len(ours.sample))
    theirs = []
    for number, part in enumerate(parts):
        values = pack_values(ours.sample[part])
        message = Disclosed(values=values) if number else Sampled(seed=seed, values=values)
        theirs.append(unpack_values(expect((yield message), Disclosed).values, ours.sample[part]))
    bob = np.concatenate(theirs)
    sums = quadrature_sums(ours.sample, bob)
    estimate = Estimate(sums, bob, frames, n_key_symbols(agreement, frames))
    return estimate, estimate.scaled(ours.key, sums.alice_variance)


def _recover(
    block: bytes, opened: Frames, values: Quadratures, frames: int
) -> Generator[Message | None, Message | None, tuple[Scheme, ReconciledBlock[FrameCounts]]]:
    """Frame by frame, all by one scheme."""
    told, decoded = opened, []
    answer: Message | None = None
    for number in range(frames):
        if number:
            told = expect(answer, Frames)
        if told.scheme != opened.scheme:
            raise PeerError("the peer changes the codes within a block")
        engine = recover(block, Quadratures(values.values[part_of(number)], values.snr))
        next(engine)
        answer = yield engine.send(told)
        decoded.append(_end(engine))
    expect(answer, Verified)
    return scheme_of(opened), joined(block, decoded)


def _end(engine: continuous.Steps) -> ReconciledBlock[FrameCounts]:
    """What recover returns behind its answer."""
    try:
        engine.send(None)
    except StopIteration as end:
        result: ReconciledBlock[FrameCounts] = end.value
        return result
    raise AssertionError("a frame takes one answer")


def _as_seen_here(told: Abandon, estimate: Estimate, agreement: QuadratureAgreement, length: Length) -> Abandon:
    """Why Bob gave the block up, in this end's numbers where they say the same."""
    try:
        require_calibrated(estimate.sums, agreement)
        estimate.plan(length)
    except Abandon as own:
        if own.reason is told.reason:
            return Abandon(own.reason, own.detail, own.counts, by_peer=True)
    return told
