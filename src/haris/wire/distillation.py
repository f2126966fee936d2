"""The messages that turn one block of light into key. Bob speaks first; then the two strictly alternate.

    Bob                               Alice
    Clicks                         ▶  Sifting
    Estimate                       ▶  Parities
    Errors                         ▶  Parities          as often as it takes
    Reconciled                     ▶  Fingerprint
    Verified                       ▶  Amplification
    Done

Where both ends agreed on one-way reconciliation, the second to fourth lines are instead:

    CodedEstimate                  ▶  Syndrome
    MoreChecks                     ▶  Syndrome          while a frame fails

Quadratures become key by messages of their own in between: haris.wire.quadratures. A Bell test on some of the windows
comes before all this: haris.wire.bell_test. Light that comes in stretches is told of by messages in place of Clicks:
haris.wire.stretches.

Either may send Abort in its turn. Done and Abort end the block: nothing answers them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from haris.nouns.blocks import AbortReason
from haris.nouns.errors import PeerError
from haris.wire.bell_test import BellAnswered, BellTold
from haris.wire.block_message import CodeName, Count, Message, Octets16, Octets32
from haris.wire.quadratures import Disclosed, Estimated, Kept, Mapped, Measured, Sampled, Sliced
from haris.wire.station import Declared
from haris.wire.stretches import Bases, Close, Noted, Positions, Shine

Counts = Annotated[tuple[Count, ...], Meta(min_length=1, max_length=4)]
Level = Annotated[int, Meta(ge=0, le=32)]
Levels = Annotated[tuple[Level, ...], Meta(min_length=1, max_length=32)]
Rows = Annotated[int, Meta(ge=1, le=2**16)]

COUNT_BITS = 42


class Clicks(Message, frozen=True):
    """Bob: the pulses that clicked (ascending, packed by gaps) and the basis of each (packed bits)."""

    block: Octets16
    n_pulses: Count
    n_clicks: Count
    pulses: bytes
    bases: bytes


class Sifting(Message, frozen=True):
    """Alice: which clicks are kept; for the kept ones their intensities; and her bits of the test basis.

    kept: one packed bit a click. intensities: packed bits, first the low bit of every kept click's index, then the
    high bit of every one. test_bits: packed, in the order of the clicks.
    """

    kept: bytes
    intensities: bytes
    test_bits: bytes


class Opening(Message, frozen=True):
    """Bob: errors of the test basis by intensity, and how he will reconcile; opens it."""

    test_errors: Counts


class Estimate(Opening, frozen=True):
    """Bob: opens Cascade.

    seed: of the public permutations. levels: block size of each pass as a power of two; passes of one level open
    together.
    """

    seed: Octets32
    levels: Levels


class Parities(Message, frozen=True):
    """Alice: the parities of her bits that are due, packed. Which these are follows from the Errors told before."""

    n_parities: Count
    parities: bytes

    @property
    def disclosed_bits(self) -> int:
        """Two for each parity: hers, and Bob's, which his Errors tell, or, at the end, that none are left
        (Tupkary, Lütkenhaus, 2307.00576)."""
        return 2 * self.n_parities

    @property
    def disclosed_bits_one_way(self) -> int:
        """One for each parity."""
        return self.n_parities


class Errors(Message, frozen=True):
    """Bob: the parities of his errors, packed: his parities, one XOR Alice's. They are charged with hers."""

    n_parities: Count
    parities: bytes


class CodedEstimate(Opening, frozen=True):
    """Bob: opens one-way reconciliation. code: its name. n_rows: rows of its matrix that he wants of every frame."""

    code: CodeName
    n_rows: Rows


class Syndrome(Message, frozen=True):
    """Alice: the rows of the syndrome that Bob asked for and has not, frame by frame, packed. code: of which code."""

    code: CodeName
    n_checks: Count
    checks: bytes

    @property
    def disclosed_bits(self) -> int:
        """One for each check."""
        return self.n_checks


class MoreChecks(Message, frozen=True):
    """Bob: some frames failed. frames: one packed bit a frame, set for these. n_rows: what he wants of them in all."""

    n_frames: Count
    frames: bytes
    n_rows: Rows

    @property
    def disclosed_bits(self) -> int:
        """One for each frame: whether it failed depends on the errors."""
        return self.n_frames

    @property
    def disclosed_bits_one_way(self) -> int:
        """None: Bob's questions are held for harmless."""
        return 0


class Reconciled(Message, frozen=True):
    """Bob: has found no further error. key_errors: corrected errors by intensity."""

    key_errors: Counts

    @property
    def disclosed_bits(self) -> int:
        """The counts in full width, and one more: how many parities it took depends on the key, and is known now."""
        return COUNT_BITS * (len(self.key_errors) + 1)


class Fingerprint(Message, frozen=True):
    """Alice: a fresh public key of the verification hash, and the hash of her bits under it."""

    hash_key: Octets16
    digest: Octets16

    @property
    def disclosed_bits(self) -> int:
        """The length of the hash."""
        return 8 * len(self.digest)


class Verified(Message, frozen=True):
    """Bob: the hashes agree."""

    @property
    def disclosed_bits(self) -> int:
        """Yes or no."""
        return 1


class Amplification(Message, frozen=True):
    """Alice: the length of the key, the seed of its hash (packed bits), and how both ends cut the key."""

    length_bits: Count
    seed: bytes
    allotment: bytes


class Done(Message, frozen=True):
    """Bob: holds the key."""

    @property
    def ends_block(self) -> bool:
        """Always."""
        return True


class Abort(Message, frozen=True):
    """Either: gives the block up."""

    reason: AbortReason

    @property
    def ends_block(self) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may ask of our memory: octets of a message, clicks of a block."""

    message_octets: int = 1 << 24
    clicks: int = 1 << 23


LIMITS = Limits()

AnyMessage = (
    Clicks
    | Sifting
    | Estimate
    | Parities
    | Errors
    | CodedEstimate
    | Syndrome
    | MoreChecks
    | Reconciled
    | Fingerprint
    | Verified
    | Amplification
    | Done
    | Abort
    | Measured
    | Sampled
    | Disclosed
    | Declared
    | Estimated
    | Mapped
    | Sliced
    | Kept
    | BellTold
    | BellAnswered
    | Shine
    | Positions
    | Noted
    | Close
    | Bases
)
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: Message) -> bytes:
    """The message as MessagePack octets."""
    return msgspec.msgpack.encode(message)


def decode(octets: bytes, limits: Limits = LIMITS) -> Message:
    """The message in octets. Raises PeerError on anything malformed, oversized, mistyped or unknown."""
    if len(octets) > limits.message_octets:
        raise PeerError(f"a message of {len(octets)} octets; at most {limits.message_octets} are taken")
    try:
        message = _decoder.decode(octets)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise PeerError("a message of distillation is malformed") from error
    if isinstance(message, Clicks | Positions) and message.n_clicks > limits.clicks:
        raise PeerError(f"{message.n_clicks} clicks in a block; at most {limits.clicks} are taken")
    return message
