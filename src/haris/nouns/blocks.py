"""A block on its way from clicks to key."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import DecoyCounts


class AbortReason(StrEnum):
    """Why a block gave no key."""

    QBER = "qber"
    NO_KEY_LENGTH = "no key length"
    VERIFICATION = "verification"
    AUTHENTICATION = "authentication"
    PEER = "peer"
    TOO_FEW_CLICKS = "too few clicks"


@dataclass(frozen=True, slots=True)
class Aborted:
    """A block without a key: a normal outcome with statistics of its own."""

    block: bytes
    reason: AbortReason
    detail: str
    counts: DecoyCounts | None = None


@dataclass(frozen=True, slots=True)
class SiftedBlock:
    """One party's sifted block. bits: uint8 0/1 of the key basis. counts: test-basis errors are disclosed."""

    block: bytes
    bits: NDArray[np.uint8] = field(repr=False)
    counts: DecoyCounts


@dataclass(frozen=True, slots=True)
class ReconciledBlock:
    """A block whose bits agree at both ends but for epsilon_correctness.

    leaked_bits: every bit about the key that crossed the classical channel, in both directions.
    """

    block: bytes
    bits: NDArray[np.uint8] = field(repr=False)
    counts: DecoyCounts
    leaked_bits: int
    verified: bool
