"""The transmitter of passive state preparation: thermal light, of which Alice measures one part and sends the other."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_not_negative, require_positive, require_probability
from haris.nouns.errors import ParameterError

MOST_PHOTONS_PER_MODE = 1e9
"""Beyond any lamp, amplifier or laser's spontaneous emission that is filtered to one mode."""


@dataclass(frozen=True, slots=True)
class ThermalSource:
    """Thermal light on a beam splitter: one output to Alice's heterodyne detection, one, attenuated, to the channel.

    Given the field of the source, both outputs are coherent states. Alice's values, scaled, are her estimate of the
    light that leaves; by how far they miss it is the noise of preparation. Variances are in shot-noise units (the
    vacuum has 1) of either quadrature. Source: Qi, Evans, Grice, PRA 97, 012317 (2018).

    clock_hz: modes a second, reference states included; at most the bandwidth of light and detectors.
    photons_per_mode: mean number of photons of a mode before the beam splitter, at most 1e9.
    attenuation_db: between beam splitter and channel.
    measured_share: of the power, to Alice's detection, above 0 and below 1.
    efficiency: of Alice's detection, optics included, above 0. electronic_noise_snu: that her electronics add to each
    value, in units of that value's shot noise.
    mode_overlap: share of the mode that Bob measures which is the mode that Alice measures, above 0. The rest is light
    of modes that leave too, of which she knows nothing: Eve may have sent anything in their place.
    trusted: whether the noise of preparation is out of Eve's reach: by default what Alice does not know of the light
    that leaves, Eve knows.
    Raises ParameterError on any other value.
    """

    clock_hz: float
    photons_per_mode: float
    attenuation_db: float
    measured_share: float = 0.5
    efficiency: float = 1.0
    electronic_noise_snu: float = 0.0
    mode_overlap: float = 1.0
    trusted: bool = False

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_positive("photons_per_mode", self.photons_per_mode)
        if self.photons_per_mode > MOST_PHOTONS_PER_MODE:
            raise ParameterError(
                f"photons_per_mode must be at most {MOST_PHOTONS_PER_MODE:g}, got {self.photons_per_mode}"
            )
        require_not_negative("attenuation_db", self.attenuation_db)
        for name in ("measured_share", "efficiency", "mode_overlap"):
            require_probability(name, getattr(self, name))
            if not getattr(self, name) > 0.0:
                raise ParameterError(f"{name} must be above 0: Alice would know nothing of the light that leaves")
        if not self.measured_share < 1.0:
            raise ParameterError("measured_share must be below 1: no light would leave")
        require_not_negative("electronic_noise_snu", self.electronic_noise_snu)

    @property
    def outgoing_variance_snu(self) -> float:
        """Over the vacuum's, of the light that enters the channel: twice its mean number of photons."""
        attenuation = float(10.0 ** (-self.attenuation_db / 10.0))
        return 2.0 * self.photons_per_mode * (1.0 - self.measured_share) * attenuation

    @property
    def measured_variance_snu(self) -> float:
        """Of the source's part in one value of Alice's: heterodyne detection halves the power."""
        return self.photons_per_mode * self.measured_share * self.efficiency

    @property
    def modulation_variance_snu(self) -> float:
        """Of Alice's estimate of an outgoing quadrature of her mode, the mean of the light given her value."""
        return self.outgoing_variance_snu * self.measured_variance_snu / self._variance

    @property
    def preparation_noise_snu(self) -> float:
        """Variance of an outgoing quadrature of her mode given Alice's value, over the vacuum's."""
        return self.outgoing_variance_snu * (1.0 + self.electronic_noise_snu) / self._variance

    @property
    def _variance(self) -> float:
        """Of a value of Alice's."""
        return self.measured_variance_snu + 1.0 + self.electronic_noise_snu
