"""The receivers of photon pairs: two threshold detectors at each end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from haris.nouns.checks import require_probability
from haris.quantum.optics.detector import dark_or_lit


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

    def open_s(self, clock_hz: float) -> float:
        """How long a coincidence window is open."""
        return 1.0 / clock_hz

    def lit(self, photons_bob: float, photons_alice: float = 0.0) -> PairReceivers:
        """As they count where so many photons of the surroundings come in a window, half to each detector."""
        return replace(
            self,
            p_dark_alice=dark_or_lit(self.p_dark_alice, photons_alice * self.efficiency_alice / 2.0),
            p_dark_bob=dark_or_lit(self.p_dark_bob, photons_bob * self.efficiency_bob / 2.0),
        )
