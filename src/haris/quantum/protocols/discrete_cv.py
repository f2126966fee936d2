"""Continuous variables with discrete modulation: what both ends agree on before the first state."""

from __future__ import annotations

from dataclasses import dataclass

from haris.quantum.protocols.quadratures import QuadratureProtocol


@dataclass(frozen=True, slots=True)
class DiscreteCV(QuadratureProtocol):
    """The protocol as plain data: reverse reconciliation, no post-selection, every quadrature that Bob measures kept.

    block_pulses: states of a block, reference states included.
    reconciliation_efficiency: beta, share of the mutual information that reconciliation yields.
    frame_error_rate: share of the frames that it fails to decode; they are forgotten, below 1.
    p_estimation: share of the symbols that are disclosed to estimate the channel, below 1.
    p_reference: share of the states that carry a phase reference in place of a symbol, below 1.
    waveform: pulses and pilot tone of a link whose hardware is given, a table of its own.
    Raises ParameterError on any other value.
    """
