"""The receivers of photon pairs: two threshold detectors at each end."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_probability


@dataclass(frozen=True, slots=True)
class PairReceivers:
    """Alice's and Bob's two equal threshold detectors, one for each bit value. Dead time is not modelled.

    efficiency_alice, efficiency_bob: probability that a photon of the fibre's end clicks: optics, detector, and the
    share of coincidences that fall inside the window.
    p_dark_alice, p_dark_bob: dark and stray counts per window of each detector.
    Raises ParameterError on a value outside [0, 1].
    """

    efficiency_alice: float
    efficiency_bob: float
    p_dark_alice: float
    p_dark_bob: float

    def __post_init__(self) -> None:
        for name in ("efficiency_alice", "efficiency_bob", "p_dark_alice", "p_dark_bob"):
            require_probability(name, getattr(self, name))
