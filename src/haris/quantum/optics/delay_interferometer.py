"""An interferometer that lets a pulse meet an earlier one, before two detectors that count photons."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_probability


@dataclass(frozen=True, slots=True)
class DelayInterferometer:
    """Two halves of the light, one delayed by whole periods of the clock, on a beam splitter with two detectors.

    efficiency: probability that a photon at a detector is counted, the interferometer's loss included.
    p_dark: dark counts per period of each detector.
    visibility: of the interference: a photon leaves by the wrong port with probability (1 - visibility) / 2.
    The detectors tell one photon from more, which the proofs of differential phases need, and have no dead time within
    a block.
    Raises ParameterError on a value outside its range.
    """

    efficiency: float
    p_dark: float
    visibility: float = 1.0

    def __post_init__(self) -> None:
        require_probability("efficiency", self.efficiency)
        require_probability("p_dark", self.p_dark)
        require_probability("visibility", self.visibility)
