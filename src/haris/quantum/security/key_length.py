"""The result of every bound: how many secret bits, and each number that led there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof

MOST_BITS = 2.0**62
MOST_F_EC = 1e6
LEAST_EPSILON_SECRECY = 1e-60
LEAST_EPSILON_CORRECTNESS = 1e-24
"""The verification hash of 128 bits collides with probability below this on any block that distillation accepts."""

STRONGEST = "coherent"
"""Class of attacks that leaves nothing out."""
_ALLOWED = {STRONGEST: (STRONGEST,), "collective": (STRONGEST, "collective")}


@dataclass(frozen=True, slots=True)
class Security:
    """What is asked of a key, and by which bound.

    bound: one of its protocol's. Of decoy-state BB84, "variable-length" is the one that shortens live keys; "zhang2017"
    is the same with tails that suit rare decoys, for plans; "lim2014", "rusca2018" and "sidhu2022" are the papers'
    printed forms for a block of a fixed sifted size, and "asymptotic" is their limit: for comparison, never for a live
    key.
    epsilon_secrecy: composable distance of the key from an ideal one. Half goes to privacy amplification, a quarter to
    testing (which counts twice): epsilon_secrecy = 2 epsilon_testing + epsilon_amplification.
    epsilon_correctness: probability that the two ends hold different keys.
    f_ec: bits disclosed by reconciliation over Shannon's n h(qber), where they are estimated and not counted. Cascade
    with the parities of both directions counted comes to about 2.1, on small blocks to 2.2; the usual count of one
    direction to half of that.
    accepted_attacks: the weakest class of attacks that a bound may be proved against for keys to be issued by it:
    "coherent" is every attack; "collective" lets keys be issued that are proved only against an Eve who treats every
    signal alike and by itself. Each key tells. Planned rates do not depend on it.
    Raises ParameterError on any other value.
    """

    bound: str = "variable-length"
    epsilon_secrecy: float = 1e-9
    epsilon_correctness: float = 1e-15
    f_ec: float = 2.2
    accepted_attacks: Literal["coherent", "collective"] = "coherent"

    def __post_init__(self) -> None:
        if self.accepted_attacks not in _ALLOWED:
            raise ParameterError(
                f"accepted_attacks must be one of {', '.join(_ALLOWED)}, got {self.accepted_attacks!r}"
            )
        for name in ("epsilon_secrecy", "epsilon_correctness"):
            require_probability(name, getattr(self, name))
            if not getattr(self, name) > 0.0:
                raise ParameterError(f"{name} must be above 0: no finite key is perfect; got {getattr(self, name)}")
        if self.epsilon_secrecy < LEAST_EPSILON_SECRECY:
            raise ParameterError(
                f"epsilon_secrecy must be at least {LEAST_EPSILON_SECRECY:g}, got {self.epsilon_secrecy}"
            )
        if self.epsilon_correctness < LEAST_EPSILON_CORRECTNESS:
            raise ParameterError(
                f"epsilon_correctness must be at least {LEAST_EPSILON_CORRECTNESS:g}, got {self.epsilon_correctness}: "
                "the verification hash has 128 bits"
            )
        if not 1.0 <= self.f_ec <= MOST_F_EC:
            raise ParameterError(f"f_ec must lie in [1 (Shannon), {MOST_F_EC:g}], got {self.f_ec}")

    @property
    def attacks_allowed(self) -> tuple[str, ...]:
        """Classes of attacks of the proofs by which keys may be issued."""
        return _ALLOWED[self.accepted_attacks]

    @property
    def epsilon_testing(self) -> float:
        """All statistical bounds together fail with probability at most the square of this."""
        return self.epsilon_secrecy / 4.0

    @property
    def epsilon_amplification(self) -> float:
        """Distance that the universal hash adds (leftover hashing)."""
        return self.epsilon_secrecy / 2.0

    @property
    def epsilon(self) -> float:
        """Composable distance of a pair of keys from an ideal pair: secrecy and correctness."""
        return self.epsilon_secrecy + self.epsilon_correctness


@dataclass(frozen=True, slots=True)
class Term:
    """One number on the way to the length. value: float64, shape of the sweep. source: paper and equation."""

    name: str
    value: NDArray[np.float64]
    unit: str
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class KeyLength:
    """Secret bits of a block, int64, shape of the sweep (0: no key), with the terms in order and the proof."""

    length_bits: NDArray[np.int64]
    terms: tuple[Term, ...]
    proof: Proof

    def value(self, name: str) -> NDArray[np.float64]:
        """Value of the term called name. Raises ParameterError if there is none."""
        for term in self.terms:
            if term.name == name:
                return term.value
        raise ParameterError(f"no term {name!r}; there are {', '.join(t.name for t in self.terms)}")


@dataclass(frozen=True, slots=True)
class BlockLength:
    """The KeyLength of one block, not of a sweep, with a plain number of bits."""

    length_bits: int
    terms: tuple[Term, ...]
    proof: Proof


def whole_bits(length: ArrayLike) -> NDArray[np.int64]:
    """A real length as whole bits: rounded down, 0 if negative or not a number, and never above MOST_BITS."""
    least = np.fmax(np.asarray(length, dtype=np.float64), 0.0)  # of a number and none, the number
    return np.asarray(np.floor(np.minimum(least, MOST_BITS)).astype(np.int64))


def unrounded_bits(key: KeyLength) -> NDArray[np.float64]:
    """The real length that whole_bits rounds and cuts at 0, shape of the sweep: how far from a key there is none.

    What comes from empty and single pulses, of bounds that tell them, else from all that is sifted; less every charge.
    """
    tells = any(each.name == "single" for each in key.terms)
    gained = ("vacuum", "single") if tells else ("sifted",)
    length: NDArray[np.float64] = np.zeros(key.length_bits.shape)
    for each in key.terms:
        if each.name in gained:
            length = length + each.value
        elif each.name in ("entropy", "leaked", "secrecy", "correctness", "fixed"):
            length = length - each.value
    return length


def term(name: str, value: ArrayLike, unit: str, meaning: str, source: str) -> Term:
    """A Term from any number or array."""
    return Term(name, np.asarray(value, dtype=np.float64), unit, meaning, source)
