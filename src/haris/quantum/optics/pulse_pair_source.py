"""A laser that is switched on and off: pairs of pulses of which either, both or none is sent."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_not_negative, require_positive, require_weak


@dataclass(frozen=True, slots=True)
class PulsePairSource:
    """Weak coherent pulses of one phase, switched on or off.

    clock_hz: pulses a second, two a pair. intensity: mean photon number of a pulse that is sent, above 0.
    extinction_db: by how much a pulse that is switched off is weaker (None: it is empty); its phase may be any.
    Raises ParameterError on a value outside its range.
    """

    clock_hz: float
    intensity: float
    extinction_db: float | None = None

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_positive("intensity", self.intensity)
        require_weak("intensity", (self.intensity,))
        if self.extinction_db is not None:
            require_not_negative("extinction_db", self.extinction_db)

    @property
    def residual_intensity(self) -> float:
        """Mean photon number of a pulse that is switched off."""
        return 0.0 if self.extinction_db is None else self.intensity * 10.0 ** (-self.extinction_db / 10.0)

    @property
    def contrast_intensity(self) -> float:
        """Squared distance of the amplitudes of a pulse that is on and one that is off, at most."""
        return float((self.intensity**0.5 + self.residual_intensity**0.5) ** 2)
