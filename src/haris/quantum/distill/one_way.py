"""One-way reconciliation: Alice tells the syndrome of her bits, Bob decodes; a frame that fails is told more of.

One round trip as a rule, where Cascade takes dozens. What is disclosed is the syndrome; Bob answers only which frames
failed. Why the codes are as they are and how leakage is counted: docs/explanation/one-way-reconciliation.md.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from haris.kernels.ldpc import KNOWN, Beliefs, Circulants, decode, syndrome
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.distill.engine import expect
from haris.quantum.distill.mother_code import Frames, MotherCode, choose, code_named
from haris.quantum.security.entropy import binary_entropy
from haris.wire.block_message import Message
from haris.wire.distillation import CodedEstimate, MoreChecks, Syndrome
from haris.wire.packing import pack_bits, unpack_bits

Bits = NDArray[np.uint8]

ITERATIONS = 96
LOOK_EVERY, STALLED = 16, 0.99  # given up when so many iterations leave more than this share of the wrong checks wrong
MORE_SHARE = 0.01  # the first retry tells so many more rows, the second twice, the third thrice as many
GREATEST_QBER = 0.25  # that a code is chosen and a frame decoded for
MAXIMUM_QBER = 0.5


def opening(test_errors: tuple[int, ...], qber: float, n_bits: int) -> CodedEstimate:
    """Bob's first message: the code and its rows for n_bits that are expected to be wrong with probability qber.

    Raises ParameterError unless 0 <= qber <= 0.5 and there is a bit.
    """
    if not 0.0 <= qber <= MAXIMUM_QBER:
        raise ParameterError(f"qber must lie in [0, {MAXIMUM_QBER}], got {qber}")
    limit_bits = n_bits * float(binary_entropy(min(qber, GREATEST_QBER)))
    code, n_rows = choose(limit_bits, n_bits)
    return CodedEstimate(test_errors=test_errors, code=code.name, n_rows=n_rows)


@dataclass(slots=True)
class Frame:
    """One frame at one end. bits: in the columns of the matrix. told: every row that crossed the channel so far."""

    n_bits: int
    bits: Bits = field(repr=False)
    told: Bits = field(repr=False)
    beliefs: Beliefs | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Block:
    """The bits of a block as frames of a code."""

    code: MotherCode
    layout: Frames
    frames: tuple[Frame, ...]

    @classmethod
    def of(cls, bits: Bits, code: MotherCode) -> Block:
        """Cut bits into frames, of which nothing is told yet."""
        layout, nothing = Frames.of(len(bits), code), np.empty(0, np.uint8)
        pieces = [bits[bounds] for bounds in layout.bounds()]
        frames = [Frame(len(piece), layout.spread(piece), nothing.reshape(0, layout.lifting)) for piece in pieces]
        return cls(code, layout, tuple(frames))

    def bits(self) -> Bits:
        """The bits of all frames as they are now."""
        return np.concatenate([self.layout.gathered(frame.bits, frame.n_bits) for frame in self.frames])


def answer(bits: Bits, estimate: CodedEstimate) -> Generator[Message | None, Message | None, Message | None]:
    """Alice's side: answers from the opening on; returns Bob's first message that asks for no more.

    Raises PeerError on a code that is not known here, and on rows or frames that do not exist or were told before.
    """
    try:
        code = code_named(estimate.code)
    except ParameterError as error:
        raise PeerError(f"the peer reconciles by another code: {error}") from error
    block = Block.of(bits, code)
    asked, n_rows, n_told = np.ones(len(block.frames), np.uint8), estimate.n_rows, 0
    while True:
        if not max(len(code.rows), n_told + 1) <= n_rows <= code.greatest_rows:
            raise PeerError(f"the peer asks for {n_rows} rows of {code.name}, of which {n_told} are told")
        message = yield _tell(block, asked, n_rows)
        if not isinstance(message, MoreChecks):
            return message
        if message.n_frames != len(asked):  # what the answer discloses is counted by this number
            raise PeerError(f"the peer asks for more of {message.n_frames} frames; the block has {len(asked)}")
        asked, before = unpack_bits(message.frames, len(block.frames)), asked
        if not asked.any() or np.any(asked > before):
            raise PeerError("the peer asks for more of frames that it had not asked for, or of none")
        n_rows, n_told = message.n_rows, n_rows


def correct(bits: Bits, estimate: CodedEstimate, qber: float) -> Generator[Message | None, Message | None, Bits]:
    """Bob's side: yields the opening and, where frames fail, asks for more; returns his bits, corrected.

    qber: expected error rate of bits. A frame that fails when all is told is returned as it stands: verification finds
    it. Raises PeerError on a syndrome of another code or size.
    """
    code = code_named(estimate.code)
    block = Block.of(bits, code)
    failed, n_rows, ask, attempt = np.ones(len(block.frames), np.uint8), estimate.n_rows, estimate, 0
    question: Message = ask
    while True:
        _learn(block, failed, n_rows, expect((yield question), Syndrome))
        for number in np.flatnonzero(failed):
            failed[number] = not _decode(block, block.frames[number], min(max(qber, 1e-4), GREATEST_QBER))
        if not failed.any() or n_rows == code.greatest_rows:
            return block.bits()
        attempt += 1
        n_rows = min(n_rows + ceil(attempt * MORE_SHARE * n_rows), code.greatest_rows)
        question = MoreChecks(n_frames=len(failed), frames=pack_bits(failed), n_rows=n_rows)


def _tell(block: Block, asked: Bits, n_rows: int) -> Syndrome:
    """Rows up to n_rows of the frames that are asked for, without those that were told before."""
    code, lifting, told = block.code, block.layout.lifting, []
    circulants = code.circulants(n_rows, lifting)
    for number in np.flatnonzero(asked):
        frame = block.frames[number]
        rows = code.told(syndrome(circulants, frame.bits).reshape(n_rows, lifting), n_rows)
        told.append(rows[len(frame.told) :].ravel())
        frame.told = rows
    checks = np.concatenate(told)
    return Syndrome(code=code.name, n_checks=len(checks), checks=pack_bits(checks))


def _learn(block: Block, asked: Bits, n_rows: int, message: Syndrome) -> None:
    if message.code != block.code.name:
        raise PeerError(f"the peer sent a syndrome of {message.code}, asked was {block.code.name}")
    frames = [block.frames[number] for number in np.flatnonzero(asked)]
    new_rows = n_rows - len(frames[0].told)
    if message.n_checks != len(frames) * new_rows * block.layout.lifting:
        raise PeerError(f"the peer sent {message.n_checks} checks for {new_rows} rows of {len(frames)} frames")
    checks = unpack_bits(message.checks, message.n_checks).reshape(len(frames), new_rows, block.layout.lifting)
    for frame, rows in zip(frames, checks, strict=True):
        frame.told = np.concatenate([frame.told, rows])


def _decode(block: Block, frame: Frame, qber: float) -> bool:
    """Whether the frame's bits have the syndrome that was told of it now."""
    circulants = block.code.circulants(len(frame.told), block.layout.lifting)
    if frame.beliefs is None:
        frame.beliefs = Beliefs.of(circulants, frame.bits, qber)
        if frame.n_bits < len(frame.bits):
            frame.beliefs.posterior[block.layout.spread(np.ones(frame.n_bits, np.uint8)) == 0] = KNOWN
    parities = np.ascontiguousarray(block.code.parities(frame.told)).ravel()
    if not _converges(circulants, parities, frame.beliefs):
        return False
    frame.bits, frame.beliefs = frame.beliefs.bits, None
    return True


def _converges(circulants: Circulants, parities: Bits, beliefs: Beliefs) -> bool:
    wrong = circulants.n_checks
    for _ in range(0, ITERATIONS, LOOK_EVERY):
        if decode(circulants, parities, beliefs, LOOK_EVERY) is not None:
            return True
        before, wrong = wrong, int(np.count_nonzero(syndrome(circulants, beliefs.bits) ^ parities))
        if wrong > STALLED * before:
            return False
    return False
