"""Cascade: both parties find Bob's errors by comparing parities (Brassard, Salvail, EUROCRYPT '93).

Each pass cuts the bits, in an order of its own, into blocks of 2^level. A block of odd error parity is halved, question
by question, down to one wrong bit; correcting it makes blocks of other passes odd, which are halved in turn. What was
ever asked is kept, so that a search starts at the smallest odd node that is known, in a block that is itself even, too
("sub-block reuse": Martinez-Mateo et al., Quantum Inf. Comput. 15, 453 (2015), arXiv 1407.3257).

All frames of a block go on together, one step a round trip, and all odd nodes of one pass of a frame go down together.
Bob answers Alice's parities by those of his errors. So both know the same of the errors, carry out the same search
(haris.kernels.cascade), and no message names what is asked.
"""

from __future__ import annotations

from collections.abc import Generator
from math import log2

import numpy as np
from numpy.typing import NDArray

from haris.kernels.cascade import Plan, Search, depth_of, frame_bits
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.distill.engine import expect
from haris.wire.block_message import Message
from haris.wire.distillation import Errors, Estimate, Parities

Bits = NDArray[np.uint8]

THIRD_LEVEL = 12
LAST_PASSES = 8
LAST_PASSES_OF_SHORT_FRAMES = 14
MAXIMUM_QBER = 0.5


def schedule(qber: float, n_bits: int) -> tuple[int, ...]:
    """Block sizes of the passes as powers of two, for an expected error rate.

    The first blocks hold 0.57 to 1.13 errors, the second ones 3.2 to 6.4, as in options (7) and (8) of Martinez-Mateo
    et al.; larger ones would disclose less yet and take more round trips. The last passes quarter the frame, to find
    what stayed hidden in pairs: they miss 2^-16 of the pairs that come so far. A frame that fills little more than half
    of its power of two has hardly more than two blocks, and takes more passes for it.
    Raises ParameterError unless 0 <= qber <= 0.5 and there is a bit.
    """
    if not 0.0 <= qber <= MAXIMUM_QBER:
        raise ParameterError(f"qber must lie in [0, {MAXIMUM_QBER}], got {qber}")
    largest = max(depth_of(n_bits) - 2, 1)  # never one block: two errors must be able to part
    expected = max(qber, 1.0 / n_bits)
    second = round(log2(4.5 / expected))
    is_short = 4 * frame_bits(n_bits) <= 3 << depth_of(n_bits)
    n_last = LAST_PASSES_OF_SHORT_FRAMES if is_short else LAST_PASSES
    levels = (round(log2(0.8 / expected)), second, max(THIRD_LEVEL, second)) + n_last * (largest,)
    return tuple(min(max(level, 1), largest) for level in levels)


def answer(bits: Bits, n_bits: int, estimate: Estimate) -> Generator[Message | None, Message | None, Message | None]:
    """Alice's side: parities from the opening Estimate on; returns Bob's first message that tells no errors.

    bits: n_bits of them, packed octets.
    Raises PeerError on a schedule that does not fit the bits, on errors of a wrong number or such as cannot be, and
    once more was asked than the key could bear.
    """
    deepest = depth_of(n_bits) - 1
    if min(estimate.levels) < 1 or max(estimate.levels) > deepest:
        raise PeerError(f"the peer's levels must lie in [1, {deepest}] for {n_bits} bits, got {estimate.levels}")
    search = Search.over_packed(bits, Plan.of(n_bits, estimate.levels, estimate.seed))
    budget, n_parities = _Budget(n_bits), search.begin()
    while n_parities:
        budget.spend(n_parities)
        message = yield Parities(n_parities=n_parities, parities=search.parities.tobytes())
        if not isinstance(message, Errors):
            return message
        n_parities = _learn(search, _packed(message, n_parities), correct=False)
    raise PeerError("the peer tells errors where none are left")


def correct(bits: Bits, n_bits: int, estimate: Estimate) -> Generator[Message | None, Message | None, Bits]:
    """Bob's side: yields the opening Estimate and then his errors' parities; returns his bits, corrected.

    bits, and what is returned: n_bits of them, packed octets.
    Raises ParameterError on an estimate whose schedule does not fit the bits, PeerError on answers of a wrong number or
    such as no bit string would give, and once more was asked than the key could bear.
    """
    search = Search.over_packed(bits, Plan.of(n_bits, estimate.levels, estimate.seed))
    budget, n_parities = _Budget(n_bits), search.begin()
    telling: Message = estimate
    while n_parities:
        budget.spend(n_parities)
        errors = _packed(expect((yield telling), Parities), n_parities) ^ search.parities
        telling = Errors(n_parities=n_parities, parities=errors.tobytes())
        n_parities = _learn(search, errors, correct=True)
    return search.packed()


class _Budget:
    """Parities that a block may still ask for: as many as it has bits, since more would leave no key."""

    def __init__(self, n_bits: int) -> None:
        self._n_bits = self._left = n_bits

    def spend(self, n_parities: int) -> None:
        self._left -= n_parities
        if self._left < 0:
            raise PeerError(f"more than {self._n_bits} parities were asked of as many bits: no key could bear it")


def _learn(search: Search, errors: Bits, *, correct: bool) -> int:
    n_parities = search.learn(errors, correct=correct)
    if n_parities < 0:
        raise PeerError("the peer's parities contradict each other: a bit that was known to be right proves wrong")
    return n_parities


def _packed(message: Parities | Errors, count: int) -> Bits:
    """The packed parities of a message. Raises PeerError unless there are just count of them."""
    octets = message.parities
    if message.n_parities != count or len(octets) != -(-count // 8):
        raise PeerError(f"{count} parities are due, the peer sent {message.n_parities} in {len(octets)} octets")
    if count % 8 and octets[-1] >> count % 8:
        raise PeerError("the padding behind packed bits must be zero")
    return np.frombuffer(octets, np.uint8)
