"""Pairs whose arrival a signal tells: two emitters entangled by a measurement of their photons midway."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive, require_probability


@dataclass(frozen=True, slots=True)
class HeraldedPairs:
    """Emitters at both ends, such as trapped ions or atoms, that are entangled when both their photons meet midway.

    clock_hz: attempts a second. p_herald: probability that an attempt succeeds without the fibre's loss: emission,
    collection, the measurement's detectors and its success.
    visibility: V of the heralded state, V |Phi><Phi| + (1 - V) 1/4; its fidelity is (1 + 3 V) / 4.
    Raises ParameterError on a value outside its range.
    """

    clock_hz: float
    p_herald: float
    visibility: float = 1.0

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_probability("p_herald", self.p_herald)
        require_probability("visibility", self.visibility)
