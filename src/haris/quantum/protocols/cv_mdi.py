"""Measurement-device-independent continuous variables: what both ends agree on before the first state."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive, require_probability


@dataclass(frozen=True, slots=True)
class CvMdi:
    """The protocol as plain data: coherent states from both ends meet at a relay; Bob estimates what Alice sent.

    block_pulses: uses of the relay in a block. reconciliation_efficiency: beta, share of the mutual information that
    reconciliation yields.
    Raises ParameterError on any other value.
    Source: Pirandola et al., Nat. Photonics 9, 397 (2015).
    """

    block_pulses: int
    reconciliation_efficiency: float

    def __post_init__(self) -> None:
        require_positive("block_pulses", self.block_pulses)
        require_probability("reconciliation_efficiency", self.reconciliation_efficiency)
