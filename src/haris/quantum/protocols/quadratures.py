"""What every protocol of quadratures agrees on, whatever its modulation."""

from __future__ import annotations

from dataclasses import dataclass, field

from haris.nouns.checks import require_positive, require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.protocols.waveform import Waveform


@dataclass(frozen=True, slots=True)
class QuadratureProtocol:
    """How the states of a block are used.

    block_pulses: states of a block, reference states included.
    reconciliation_efficiency: beta, share of the mutual information that reconciliation yields.
    frame_error_rate: share of the frames that it fails to decode; they are forgotten, below 1.
    p_estimation: share of the symbols that are disclosed to estimate the channel, below 1.
    p_reference: share of the states that carry a phase reference in place of a symbol, below 1.
    waveform: pulses and pilot tone of a link whose hardware is given, a table of its own.
    Raises ParameterError on any other value.
    """

    block_pulses: int
    reconciliation_efficiency: float
    frame_error_rate: float = 0.0
    p_estimation: float = 0.5
    p_reference: float = 0.0
    waveform: Waveform | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        require_positive("block_pulses", self.block_pulses)
        require_probability("reconciliation_efficiency", self.reconciliation_efficiency)
        for name in ("frame_error_rate", "p_estimation", "p_reference"):
            require_probability(name, getattr(self, name))
            if not getattr(self, name) < 1.0:
                raise ParameterError(f"{name} must be below 1: nothing would be left for the key")

    @property
    def n_symbols(self) -> float:
        """Symbols of a block, key and estimation together."""
        return self.block_pulses * (1.0 - self.p_reference)


@dataclass(frozen=True, slots=True)
class QuadratureAgreement:
    """Everything that the two ends of continuous variables need to know of a link to reconcile, and no physics.

    clock_hz: states a second. values_per_symbol: 1 where one quadrature of each symbol is measured, 2 of both.
    alice_variance_snu: of her values, as stated. least_noise_snu: variance of Bob's value given hers, at least: the
    vacuum's and that of the calibrated receiver. greatest_gain: of the squares of his values over hers, at most: of the
    calibrated receiver behind no loss. preparation_noise_snu: of the light as it leaves, that Alice's values do not
    tell and that is held for out of Eve's reach. trusted: whether the receiver is.
    """

    protocol: QuadratureProtocol
    clock_hz: float
    values_per_symbol: int
    alice_variance_snu: float
    least_noise_snu: float
    greatest_gain: float
    preparation_noise_snu: float
    trusted: bool

    @property
    def block_pulses(self) -> int:
        """Symbols of a block, as both ends record them: its states without those that carry a reference."""
        return round(self.protocol.n_symbols)
