"""The messages that turn quadratures into key. Bob, whose values the key is made of, speaks first.

    Bob                            Alice
    Measured                    ▶  Sampled
    Disclosed                   ▶  Disclosed           while there is more of the sample
    Disclosed                   ▶  Estimated
    Mapped, or Sliced           ▶  Kept                as often as there are frames
    Verified                    ▶  Amplification       as of every block: haris.wire.distillation
    Done

Alice draws the sample when Bob holds his values, so that nobody knew it while there was light. Each frame has a hash of
its own: Alice keeps those that she decoded, both ends forget the others. What leaks of a frame counts only if it is
kept, so that the engines count it, and not the transcript.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from haris.wire.block_message import CodeName, Count, Message, Octets16, Octets32

HASH_BITS = 128
Digests = Annotated[tuple[Octets16, ...], Meta(min_length=1, max_length=4096)]


class Measured(Message, frozen=True):
    """Bob: holds the values of a block. n_values: of each symbol."""

    block: Octets16
    n_symbols: Count
    n_values: Annotated[int, Meta(ge=1, le=2)]


class Disclosed(Message, frozen=True):
    """Either: the next values of the sample, float32, little-endian, symbol by symbol, in shot-noise units."""

    values: bytes


class Sampled(Message, frozen=True):
    """Alice: which symbols are the sample, by a fresh seed; and her first values of it, as in Disclosed."""

    seed: Octets32
    values: bytes


class Estimated(Message, frozen=True):
    """Alice: her sums over the sample, in the order of QuadratureSums. Bob compares them with his."""

    sums: Annotated[tuple[float, ...], Meta(min_length=5, max_length=8)]


class Frames(Message, frozen=True):
    """Bob: what both forms tell. n_values: of the block. checks: the syndromes, packed, frame by frame.

    hash_key: of the digests, fresh. digests: of each frame's bits.
    """

    n_values: Count
    n_checks: Count
    checks: bytes
    hash_key: Octets16
    digests: Digests

    @property
    def scheme(self) -> tuple[object, ...]:
        """By what they are reconciled."""
        raise NotImplementedError


class Mapped(Frames, frozen=True):
    """Bob: eight-dimensional reconciliation. code: its name. mapped: float32, little-endian, (8, n_values / 8)."""

    code: CodeName
    mapped: bytes

    @property
    def scheme(self) -> tuple[object, ...]:
        """The code."""
        return (self.code,)


class Sliced(Frames, frozen=True):
    """Bob: slice reconciliation.

    step: of the quantiser, in standard deviations. codes: the name of each slice's code, the least significant first;
    an empty name is a slice that is told. told: these slices, packed, frame by frame.
    """

    step: Annotated[float, Meta(gt=0.0, le=4.0)]
    codes: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(min_length=1, max_length=8)]
    told: bytes

    @property
    def scheme(self) -> tuple[object, ...]:
        """Step and codes."""
        return (self.step, *self.codes)


class Kept(Message, frozen=True):
    """Alice: which frames she has. kept: one packed bit a frame."""

    kept: bytes
