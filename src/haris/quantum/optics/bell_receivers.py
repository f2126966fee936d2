"""The two ends of a Bell test that leaves out no round."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_probability


@dataclass(frozen=True, slots=True)
class BellReceivers:
    """Two devices with two outcomes each; a round in which one answers nothing counts as its outcome 0.

    efficiency_alice, efficiency_bob: probability that a heralded half gives an outcome of its own.
    Raises ParameterError on a value outside [0, 1].
    """

    efficiency_alice: float = 1.0
    efficiency_bob: float = 1.0

    def __post_init__(self) -> None:
        require_probability("efficiency_alice", self.efficiency_alice)
        require_probability("efficiency_bob", self.efficiency_bob)
