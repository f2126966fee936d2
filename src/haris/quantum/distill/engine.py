"""What Alice's and Bob's engines share: how they are driven, and how a block ends early.

An engine is a generator. The driver starts it with next(), sends what it yields (Alice first yields None: she listens),
and answers each yield with the peer's next message, or with None after a message that ends the block. It ends by
returning Distilled or Aborted, or by raising PeerError; either way the block is over.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from haris.nouns.blocks import Aborted, AbortReason, Distilled, SecretLength
from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.nouns.errors import PeerError
from haris.quantum.protocols.bb84 import Agreement
from haris.wire.block_message import Message
from haris.wire.distillation import Abort

Engine = Generator[Message | None, Message | None, Distilled | Aborted]
Steps = Generator[Message | None, Message | None, Distilled]
Length = Callable[[Any, int], SecretLength]
"""Secret bits of a block, from what its protocol counts and the bits that leaked."""
Entropy = Callable[[int], bytes]

MINIMUM_KEY_BITS = 256

_M = TypeVar("_M", bound=Message)


class Abandon(Exception):  # noqa: N818  (control flow inside an engine; it never leaves one)
    """This end gives the block up. by_peer: the other end has said so, and knows."""

    def __init__(self, reason: AbortReason, detail: str, counts: Any = None, by_peer: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.counts = counts
        self.by_peer = by_peer


def expect(message: Message | None, kind: type[_M], counts: Any = None) -> _M:
    """The message if it is of that kind. Raises Abandon if the peer gives up, PeerError on anything else."""
    if isinstance(message, Abort):
        raise Abandon(message.reason, f"the peer gave the block up: {message.reason}", counts, by_peer=True)
    if not isinstance(message, kind):
        raise PeerError(f"expected {kind.__name__}, the peer sent {type(message).__name__}")
    return message


def guarded(block: bytes, steps: Steps) -> Engine:
    """Run steps; if they abandon the block, tell the peer and return Aborted."""
    try:
        return (yield from steps)
    except Abandon as end:
        if not end.by_peer:
            yield Abort(reason=end.reason)
        return Aborted(block=block, reason=end.reason, detail=end.detail, counts=end.counts)


def require_clicks(counts: DecoyCounts) -> None:
    """Raise Abandon unless both bases have enough clicks to go on with."""
    n_key, n_test = (int(counts.clicks[basis].sum()) for basis in (KEY_BASIS, TEST_BASIS))
    if n_key < MINIMUM_KEY_BITS or n_test == 0:
        detail = f"{n_key} clicks in the key basis, {n_test} in the test basis"
        raise Abandon(AbortReason.TOO_FEW_CLICKS, detail, counts)


def qber_too_high(counts: DecoyCounts, basis: int, agreement: Agreement) -> bool:
    """Whether the error rate of a basis is above what was agreed."""
    return bool(counts.qber[basis] > agreement.protocol.qber_abort)


def require_qber(counts: DecoyCounts, basis: int, agreement: Agreement) -> None:
    """Raise Abandon if the error rate of a basis is above what was agreed."""
    if qber_too_high(counts, basis, agreement):
        name, limit = ("key", "test")[basis], agreement.protocol.qber_abort
        detail = f"QBER of the {name} basis {counts.qber[basis]:.4f} is above {limit:g}"
        raise Abandon(AbortReason.QBER, detail, counts)


def secret_length(length: Length, counts: Any, leaked_bits: int) -> SecretLength:
    """What the bound allows. Raises Abandon if that is nothing."""
    allowed = length(counts, leaked_bits)
    if allowed.length_bits < 1:
        raise Abandon(AbortReason.NO_KEY_LENGTH, f"no secret bits are left ({leaked_bits} leaked)", counts)
    return allowed
