"""Device-independent QKD by the CHSH inequality: what both ends agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from haris.nouns.bell_counts import BellCounts
from haris.nouns.checks import require_positive, require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.rounds import Rounds, require_one_block

KEY_SETTINGS = 2, 0
"""Alice's and Bob's setting in a round that makes key. In a test each takes 0 or 1."""


@dataclass(frozen=True, slots=True)
class DIQKD:
    """Alice has three settings and Bob two: one pair of them makes key, four pairs test.

    p_key_round: probability that a round makes key; the others are spread evenly over the four tests.
    block_pulses: attempts of a block, fixed beforehand.
    Raises ParameterError on a value outside its range.
    Source: Acin et al., PRL 98, 230501 (2007).
    """

    p_key_round: float
    block_pulses: int

    def __post_init__(self) -> None:
        require_probability("p_key_round", self.p_key_round)
        require_positive("block_pulses", self.block_pulses)
        if not 0.0 < self.p_key_round < 1.0:
            raise ParameterError(f"p_key_round must leave rounds for both uses, got {self.p_key_round}")


def bell_counts(alice: Rounds, bob: Rounds) -> BellCounts:
    """Counts of one block, int64, from both halves. An end that answered nothing answers 0.

    Raises ParameterError on halves of different rounds, or settings that the protocol does not have.
    """
    require_one_block(alice, bob)
    if int(alice.setting.max(initial=0)) > KEY_SETTINGS[0] or int(bob.setting.max(initial=0)) > 1:
        raise ParameterError("Alice's settings are 0, 1 and 2, Bob's 0 and 1")
    key = alice.setting == KEY_SETTINGS[0]
    if np.any(bob.setting[key] != KEY_SETTINGS[1]):
        raise ParameterError(f"in a round of key Bob takes setting {KEY_SETTINGS[1]}")
    differ = (alice.value == 1) != (bob.value == 1)
    place = 2 * alice.setting.astype(np.int64) + bob.setting
    rounds, wrong = (np.bincount(place[of], minlength=6) for of in (slice(None), differ))
    tests = rounds[:4].reshape(2, 2)
    return BellCounts(alice.n_pulses, rounds[4], wrong[4], tests, tests - wrong[:4].reshape(2, 2))
