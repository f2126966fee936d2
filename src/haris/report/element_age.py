"""What is said of passes whose elements are too old to foretell them."""

from __future__ import annotations

from collections.abc import Sequence

from haris.quantum.orbit.elements import DAY_S
from haris.quantum.orbit.propagation import MOST_AGE_S
from haris.quantum.space.pass_key import PassKey


def oldest_s(keys: Sequence[PassKey]) -> float:
    """How far a pass lies from the epoch of its satellite's elements, at most; 0 without a pass."""
    return max((abs(each.flown.culmination_s - each.flown.satellite.epoch_s) for each in keys), default=0.0)


def age_warning(age_s: float) -> str:
    """In words, of passes that lie up to so far from their elements' epoch; empty where that is near enough."""
    if age_s <= MOST_AGE_S:
        return ""
    return (
        f"elements are up to {age_s / DAY_S:.0f} days from these passes: an exercise in planning, no pass is foretold"
    )
