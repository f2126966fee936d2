"""A fibre that adds noise to the quadratures of light."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.quantum.optics.classical_light import ClassicalLight
from haris.quantum.optics.fibre import Fibre


@dataclass(frozen=True, slots=True)
class NoisyFibre(Fibre):
    """A fibre with the excess noise of the whole link, whatever its cause; all of it counts as Eve's.

    length_m: length, metres. loss_db_per_km: attenuation at the signal's wavelength.
    fixed_loss_db: connectors, independent of the length. misalignment: of single photons; quadratures have none.
    excess_noise_snu: variance as if added at the fibre's input, shot-noise units: it falls with the loss, as the noise
    of modulation does.
    output_noise_snu: variance added at the fibre's output, before the receiver: it does not fall with the loss, as the
    noise of phase recovery or of light scattered near the receiver does not.
    classical: other channels in the fibre, a table of its own, whose scattered light comes on top.
    Raises ParameterError on a negative value.
    """

    excess_noise_snu: float = 0.0
    output_noise_snu: float = 0.0
    classical: ClassicalLight | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        Fibre.__post_init__(self)
        require_not_negative("excess_noise_snu", self.excess_noise_snu)
        require_not_negative("output_noise_snu", self.output_noise_snu)

    def noise_snu(self, distance_m: ArrayLike | None = None) -> NDArray[np.float64]:
        """Excess noise at the fibre's output at distance_m (any shape; by default this fibre's own length)."""
        given = self.transmittance(distance_m) * self.excess_noise_snu + self.output_noise_snu
        return np.asarray(given + self.scattered_snu(distance_m))

    def scattered_snu(self, distance_m: ArrayLike | None = None) -> NDArray[np.float64]:
        """The part of it that classical channels scatter: 2 a photon, which connectors are not thought to weaken."""
        length_m = np.asarray(self.length_m if distance_m is None else distance_m, dtype=np.float64)
        if self.classical is None:
            return np.zeros(length_m.shape)
        return 2.0 * self.classical.raman_photons(length_m, self.loss_db_per_km)
