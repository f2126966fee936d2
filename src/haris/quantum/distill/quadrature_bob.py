"""Bob's engine of one block of continuous variables: his values are the key's source, and he leads."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise

import numpy as np

from haris.nouns.blocks import Distilled, FrameCounts, ReconciledBlock
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.quadrature_counts import QuadratureSums
from haris.nouns.quadratures import Quadratures
from haris.nouns.symbols import Symbols
from haris.quantum.distill.amplify import amplify
from haris.quantum.distill.continuous import Scheme, describe
from haris.quantum.distill.engine import Engine, Entropy, Length, Steps, expect, guarded
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
from haris.wire.quadratures import Disclosed, Estimated, Measured, Sampled


def quadrature_bob(
    block: bytes,
    symbols: Symbols,
    agreement: QuadratureAgreement,
    length: Length,
    entropy: Entropy,
    transcript: Transcript,
) -> Engine:
    """Distil one block at the end that measured the light; see engine for how it is driven.

    length: the security bound, from QuadratureCounts and leaked bits. entropy: of the bits that eight dimensions stand
    for, and of hashes. Raises ParameterError on a half that is not of an agreed block, PeerError on a peer that breaks
    the protocol, one who would cut the key to another length included.
    """
    require_half(symbols, agreement)
    frames = n_frames(agreement)
    return guarded(block, _steps(block, symbols, agreement, frames, length, entropy))


def _steps(
    block: bytes, symbols: Symbols, agreement: QuadratureAgreement, frames: int, length: Length, entropy: Entropy
) -> Steps:
    estimate, values = yield from _estimate(block, symbols, agreement, frames)
    require_calibrated(estimate.sums, agreement)
    scheme = estimate.plan(length)
    reconciled = yield from _describe(block, values, scheme, frames, entropy)
    counts = estimate.counts(scheme, reconciled.counts.n_kept)
    amplification = expect((yield Verified()), Amplification, counts)
    allowed = allowed_length(length, counts, reconciled.leaked_bits)
    if amplification.length_bits != allowed.length_bits:
        raise PeerError(f"the peer wants {amplification.length_bits} bits; {allowed.length_bits} are secret")
    key = amplify(reconciled.bits, reconciled.n_bits, amplification)
    yield Done()
    return Distilled(
        block=block,
        bits=key,
        counts=counts,
        leaked_bits=reconciled.leaked_bits,
        leaked_bits_one_way=reconciled.leaked_bits,
        n_reconciled=reconciled.n_bits,
        length=allowed,
        allotment=amplification.allotment,
    )


def _estimate(
    block: bytes, symbols: Symbols, agreement: QuadratureAgreement, frames: int
) -> Generator[Message | None, Message | None, tuple[Estimate, Quadratures]]:
    """The sample of both ends, its sums as Alice tells them, and Bob's values of the key."""
    measured = Measured(block=block, n_symbols=symbols.n_symbols, n_values=symbols.values.shape[1])
    sampled = expect((yield measured), Sampled)
    ours = parted(symbols, sampled.seed, agreement)
    parts = chunks(len(ours.sample))
    theirs = [unpack_values(sampled.values, ours.sample[parts[0]])]
    for before, part in pairwise(parts):
        answer = expect((yield Disclosed(values=pack_values(ours.sample[before]))), Disclosed)
        theirs.append(unpack_values(answer.values, ours.sample[part]))
    estimated = expect((yield Disclosed(values=pack_values(ours.sample[parts[-1]]))), Estimated)
    try:
        told = QuadratureSums.of_numbers(len(ours.sample), estimated.sums)
    except ParameterError as error:
        raise PeerError(f"the peer's estimate is none: {error}") from None
    found = quadrature_sums(np.concatenate(theirs), ours.sample)
    if not found.agrees_with(told):
        raise PeerError("the peer's sums over the sample are not those of what was disclosed")
    estimate = Estimate(told, ours.sample, frames, n_key_symbols(agreement, frames))
    return estimate, estimate.scaled(ours.key, told.bob_variance)


def _describe(
    block: bytes, values: Quadratures, scheme: Scheme, frames: int, entropy: Entropy
) -> Generator[Message | None, Message | None, ReconciledBlock[FrameCounts]]:
    """Frame by frame, a message of his and one of Alice's each."""
    told = []
    for number in range(frames):
        part = Quadratures(values.values[part_of(number)], values.snr)
        told.append((yield from describe(block, part, scheme, entropy)))
    return joined(block, told)
