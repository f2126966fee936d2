"""What an attack says of itself, and what comes of it: the key claimed, the key that is secret, what the users see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from haris.quantum.families.family import Rate
from haris.quantum.security.key_length import Term

Floats = NDArray[np.float64]

ALARM_DEVIATIONS = 6.0
"""A count this far from what an honest link gives is no chance: 2e-9, on both sides."""


COVERED = "the users' own proof, which covers this attack"


class Attack(Protocol):
    """A frozen dataclass of Eve's settings, a file each.

    NAME: in an attack's file. TITLE: in a few words. SOURCE: authors, journal, year. FAMILIES: protocols for which the
    key that stays secret is known.
    """

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    SOURCE: ClassVar[str]
    FAMILIES: ClassVar[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Secret:
    """How much of a block is secret under the attack, bits, float64, shape of the sweep.

    at_least: what an analysis that knows of the attack proves, against all that Eve could still do beside it; 0 where
    it proves nothing. at_most: what no post-processing passes while Eve does no more than this attack. source of each:
    theorem, or the argument. terms: further numbers on the way.
    """

    at_least: Floats
    at_most: Floats
    least_source: str
    most_source: str
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Sign:
    """A number that the users see, of one block: expected of an honest link, and under the attack.

    deviations: how far apart they are, in standard deviations of one honest block; float64, shape of the sweep.
    """

    name: str
    honest: Floats
    attacked: Floats
    deviations: Floats


@dataclass(frozen=True, slots=True)
class AttackedRate:
    """What a link under attack gives at each distance, arrays of one shape.

    honest: the link's rate without Eve. claimed: what the users' proof gives for what they see under the attack.
    secret: how much of a block is secret. signs: what they could notice.
    """

    honest: Rate
    claimed: Rate
    secret: Secret
    signs: tuple[Sign, ...]

    @property
    def claimed_bits(self) -> Floats:
        """Of a block."""
        return np.asarray(self.claimed.key.length_bits, dtype=np.float64)

    @property
    def gap_bits(self) -> Floats:
        """Bits of a block that are claimed and not proved secret against this Eve."""
        return np.maximum(self.claimed_bits - np.floor(self.secret.at_least), 0.0)

    @property
    def stolen_bits(self) -> Floats:
        """Bits of a block that are claimed and surely not secret: more than at_most leaves."""
        return np.maximum(self.claimed_bits - np.ceil(self.secret.at_most), 0.0)

    @property
    def deviations(self) -> Floats:
        """Of the sign that stands out most."""
        return np.asarray(np.max([np.abs(sign.deviations) for sign in self.signs], axis=0))

    @property
    def detected(self) -> NDArray[np.bool_]:
        """Whether one block shows the attack to users who know what their link gives when nobody is there."""
        return self.deviations >= ALARM_DEVIATIONS


def block_rate(bits: Floats, block_pulses: float, clock_hz: float) -> Floats:
    """Bits a second of bits a block."""
    return np.asarray(bits * (clock_hz / block_pulses))


def deviations(honest: Floats, attacked: Floats, sigma: Floats) -> Floats:
    """(attacked - honest) / sigma; infinite where they differ and nothing should vary, 0 where they do not."""
    apart = attacked - honest
    with np.errstate(divide="ignore", invalid="ignore"):
        far = apart / sigma
    # Two computations of one number differ in their last digits.
    same = np.abs(apart) <= 1e-9 * np.maximum(np.abs(honest), np.abs(attacked))
    return np.where(same, 0.0, far)
