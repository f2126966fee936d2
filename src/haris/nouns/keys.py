"""Keys from their birth in a block to their delivery. Secrets never show in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

KEY_OCTETS = 32
"""Octets of a stored key: AES-256 and every larger request are served from whole ones."""


class Origin(StrEnum):
    """Where the randomness of a key was born."""

    MEASURED = "measured"
    EMULATED = "emulated"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a key is secret: the theorem, the class of attacks that it covers, what it assumes."""

    theorem: str
    attacks: str
    finite: bool
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pedigree:
    """What a consumer is told of a key's secrecy.

    epsilon: composable distance from an ideal key, the whole of its block's; None with a reason.
    origin, proof: see Origin and Proof. hops: links that the key crossed (1: neighbours).
    """

    epsilon: float | None
    origin: Origin
    proof: Proof
    hops: int = 1
    epsilon_reason: str = ""

    def __post_init__(self) -> None:
        if self.epsilon is None and not self.epsilon_reason:
            raise ParameterError("an unknown epsilon needs a reason")


@dataclass(frozen=True, slots=True)
class FinalKey:
    """The secret of one block, the same at both ends. bits: uint8 0/1. block: its 16-octet name."""

    block: bytes
    bits: NDArray[np.uint8] = field(repr=False)
    pedigree: Pedigree


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key in a pool. peer: the other site that holds it. owner: the only site that may assign it."""

    key_id: UUID
    secret: bytes = field(repr=False)
    peer: str
    owner: str
    pedigree: Pedigree


@dataclass(frozen=True, slots=True)
class DeliveredKey:
    """A key as an application receives it; size_bits is 8 * len(secret)."""

    key_id: UUID
    secret: bytes = field(repr=False)
    pedigree: Pedigree

    @property
    def size_bits(self) -> int:
        """Length of the secret in bits."""
        return 8 * len(self.secret)
