"""B92: what both ends agree on before the first photon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from haris.nouns.checks import require_positive
from haris.nouns.conclusive_counts import ConclusiveCounts
from haris.nouns.errors import ParameterError
from haris.nouns.rounds import UNDECIDED, Rounds, require_one_block


@dataclass(frozen=True, slots=True)
class B92:
    """The protocol as plain data: two states of a photon that are not orthogonal, one for each bit value.

    Bob measures in the basis of one of the two, each as likely; an outcome orthogonal to it tells that the other was
    sent, and any other outcome tells nothing.
    overlap: of the two states, the modulus of their scalar product, above 0 and below 1. Key ends where the loss,
    detectors included, passes it: then Eve can tell the states without error, and send no more.
    block_pulses: pulses of a block, fixed beforehand.
    Raises ParameterError on a value outside its range.
    Source: Bennett, PRL 68, 3121 (1992).
    """

    overlap: float
    block_pulses: int

    def __post_init__(self) -> None:
        if not 0.0 < self.overlap < 1.0:
            raise ParameterError(f"overlap must lie between 0 and 1, got {self.overlap}")
        require_positive("block_pulses", self.block_pulses)


def conclusive_counts(alice: Rounds, bob: Rounds, entropy: Callable[[int], bytes]) -> ConclusiveCounts:
    """Counts of one block from both halves. entropy: a double click becomes a random outcome.

    Bob's setting is the state that he looked for, his value whether he found what is orthogonal to it.
    Raises ParameterError on halves of different rounds.
    """
    require_one_block(alice, bob)
    coin = np.frombuffer(entropy(bob.value.size), np.uint8) & np.uint8(1)
    orthogonal = np.where(bob.value == UNDECIDED, coin, bob.value) == 1
    wrong = orthogonal & (alice.value == bob.setting)
    counted = (np.float64(np.count_nonzero(rows)) for rows in (np.ones_like(orthogonal), orthogonal, wrong))
    return ConclusiveCounts(alice.n_pulses, *(np.asarray(n) for n in counted))
