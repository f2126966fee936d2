"""A block on its way from clicks to key."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Counts = TypeVar("Counts")


class AbortReason(StrEnum):
    """Why a block gave no key."""

    QBER = "qber"
    NO_KEY_LENGTH = "no key length"
    VERIFICATION = "verification"
    AUTHENTICATION = "authentication"
    PEER = "peer"
    TOO_FEW_CLICKS = "too few clicks"
    SOURCE = "source"
    CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True)
class Aborted:
    """A block without a key: a normal outcome with statistics of its own, of the protocol's kind."""

    block: bytes
    reason: AbortReason
    detail: str
    counts: Any = None


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Frames of continuous variables: all of a block, and those that Alice decoded."""

    n_frames: int
    n_kept: int


@dataclass(frozen=True, slots=True)
class ReconciledBlock(Generic[Counts]):
    """A block whose bits agree at both ends but for epsilon_correctness.

    bits: n_bits of them as packed octets, the least significant first; padding is zero. counts: clicks and errors, or
    of continuous variables the frames. leaked_bits: every bit about the key that crossed the classical channel, in
    both directions.
    """

    block: bytes
    bits: NDArray[np.uint8] = field(repr=False)
    n_bits: int
    counts: Counts
    leaked_bits: int
    verified: bool


class SecretLength(Protocol):
    """What a security bound says of a block: the length and, behind it, every term."""

    @property
    def length_bits(self) -> int:
        """Secret bits that may be extracted; 0: none."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """One party's end of a block that gave key: the other end holds the same bits but for epsilon_correctness.

    bits: uint8 0/1. counts: clicks and errors of both bases, or what another protocol counts. leaked_bits: as in
    ReconciledBlock; leaked_bits_one_way: by the usual count of Cascade, for comparison. n_reconciled: key-basis bits
    before amplification. length: the bound with its terms. allotment: how both ends cut the key; Alice chose it.
    """

    block: bytes
    bits: NDArray[np.uint8] = field(repr=False)
    counts: Any
    leaked_bits: int
    leaked_bits_one_way: int
    n_reconciled: int
    length: SecretLength
    allotment: bytes
