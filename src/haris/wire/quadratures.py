"""The messages that reconcile continuous variables. Bob, whose values the key is made of, speaks first.

    Bob                            Alice
    Mapped, or Sliced           ▶  Kept
    Done

Each frame has a hash of its own: Alice keeps those that she decoded, both ends forget the others.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from haris.wire.distillation import CodeName, Count, Message, Octets16

HASH_BITS = 128
Digests = Annotated[tuple[Octets16, ...], Meta(min_length=1, max_length=4096)]


class Frames(Message, frozen=True):
    """Bob: what both forms tell. n_values: of the block. checks: the syndromes, packed, frame by frame.

    hash_key: of the digests, fresh. digests: of each frame's bits.
    """

    n_values: Count
    n_checks: Count
    checks: bytes
    hash_key: Octets16
    digests: Digests


class Mapped(Frames, frozen=True):
    """Bob: eight-dimensional reconciliation. code: its name. mapped: float32, little-endian, (8, n_values / 8)."""

    code: CodeName
    mapped: bytes


class Sliced(Frames, frozen=True):
    """Bob: slice reconciliation.

    step: of the quantiser, in standard deviations. codes: the name of each slice's code, the least significant first;
    an empty name is a slice that is told. told: these slices, packed, frame by frame.
    """

    step: Annotated[float, Meta(gt=0.0, le=4.0)]
    codes: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(min_length=1, max_length=8)]
    told: bytes


class Kept(Message, frozen=True):
    """Alice: which frames she has. kept: one packed bit a frame."""

    kept: bytes
