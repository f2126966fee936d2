"""Continuous variables with passive state preparation: what both ends agree on before the first mode."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.errors import ParameterError
from haris.quantum.protocols.gaussian_cv import GaussianCV


@dataclass(frozen=True, slots=True)
class PassiveCV(GaussianCV):
    """The protocol as plain data. Alice's values are her estimates of the light that left, not random numbers.

    block_pulses: modes of a block, reference states included.
    reconciliation_efficiency: beta, share of the mutual information that reconciliation yields.
    frame_error_rate: share of the frames that it fails to decode; they are forgotten, below 1.
    p_estimation: share of the modes that are disclosed to estimate the channel, below 1: the same ones for all users
    behind a splitter, for what one of them is told, all hear.
    p_reference: share of the states that carry a phase reference in place of a symbol, below 1.
    waveform: none; it has no model here.
    bits_per_value: bits that a value measured is turned into, at least 1; finite bounds pay for a large alphabet.
    Raises ParameterError on any other value, and on a waveform.
    """

    def __post_init__(self) -> None:
        GaussianCV.__post_init__(self)
        if self.waveform is not None:
            raise ParameterError("waveform has no model with passive preparation")
