"""The result of every source's bound: how much of a block of samples nobody else knows, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass

from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.quantum.security.key_length import Term


@dataclass(frozen=True, slots=True)
class Randomness:
    """Smooth min-entropy of one block of raw samples, conditioned on all that the adversary holds.

    n_samples: raw samples of the block. min_entropy_bits: of them together, at least 0.
    epsilon: of the smoothing, and of every estimate that the bound rests on: the bound fails with at most this.
    spent_bits: random bits that the source itself used up in this block (states prepared, bases chosen), to be taken
    off what comes out before it is called a rate.
    terms, proof: as those of a key; the class of attacks of the proof says what the adversary may hold.
    """

    n_samples: int
    min_entropy_bits: float
    epsilon: float
    terms: tuple[Term, ...]
    proof: Proof
    spent_bits: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min_entropy_bits) and self.min_entropy_bits >= 0.0):
            raise ParameterError(f"min_entropy_bits must be finite and at least 0, got {self.min_entropy_bits}")
        if self.n_samples < 1:
            raise ParameterError(f"n_samples must be at least 1, got {self.n_samples}")

    @property
    def min_entropy_per_sample(self) -> float:
        """Bits a raw sample."""
        return self.min_entropy_bits / self.n_samples
