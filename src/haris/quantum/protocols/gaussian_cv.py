"""Continuous variables with Gaussian modulation: what both ends agree on before the first state."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.errors import ParameterError
from haris.quantum.protocols.quadratures import QuadratureProtocol


@dataclass(frozen=True, slots=True)
class GaussianCV(QuadratureProtocol):
    """The protocol as plain data: reverse reconciliation, no post-selection, every quadrature that Bob measures kept.

    block_pulses: states of a block, reference states included.
    reconciliation_efficiency: beta, share of the mutual information that reconciliation yields.
    frame_error_rate: share of the frames that it fails to decode; they are forgotten, below 1.
    p_estimation: share of the symbols that are disclosed to estimate the channel, below 1.
    p_reference: share of the states that carry a phase reference in place of a symbol, below 1.
    waveform: pulses and pilot tone of a link whose hardware is given, a table of its own.
    bits_per_value: bits that a value measured is turned into, at least 1; finite bounds pay for a large alphabet.
    Raises ParameterError on any other value.
    """

    bits_per_value: int = 1

    def __post_init__(self) -> None:
        QuadratureProtocol.__post_init__(self)
        if not 1 <= self.bits_per_value <= 16:
            raise ParameterError(f"bits_per_value must lie in [1, 16], got {self.bits_per_value}")
