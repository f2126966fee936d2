"""B92: what both ends agree on before the first photon."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive
from haris.nouns.errors import ParameterError


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
