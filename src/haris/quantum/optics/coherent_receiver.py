"""The receiver of continuous variables: homodyne or heterodyne detection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.optics.receiver_hardware import ReceiverHardware


@dataclass(frozen=True, slots=True)
class CoherentReceiver:
    """A receiver that beats the signal with a local oscillator.

    detection: "homodyne" measures one quadrature, drawn for each symbol and told afterwards; "heterodyne" measures
    both, behind a beam splitter.
    efficiency: of the whole receiver, optics included, above 0.
    electronic_noise_snu: variance that the electronics add to each value measured, in units of that value's shot noise.
    trusted: whether loss and noise of the receiver are calibrated and out of Eve's reach; else they count as hers.
    hardware: local oscillator, detectors and converters, a table of its own, whose noise comes on top.
    Raises ParameterError on any other value.
    """

    detection: Literal["homodyne", "heterodyne"]
    efficiency: float
    electronic_noise_snu: float = 0.0
    trusted: bool = True
    hardware: ReceiverHardware | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.detection not in ("homodyne", "heterodyne"):
            raise ParameterError(f'detection must be "homodyne" or "heterodyne", got {self.detection!r}')
        require_probability("efficiency", self.efficiency)
        if not self.efficiency > 0.0:
            raise ParameterError(f"efficiency must be above 0, got {self.efficiency}")
        require_not_negative("electronic_noise_snu", self.electronic_noise_snu)
