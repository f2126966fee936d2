"""Classical channels in the same fibre, and the light that they scatter into the signal's mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import c, h

from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class ClassicalLight:
    """Channels that share the fibre with the signal.

    power_w: of all of them together, as they enter the fibre.
    raman_per_m2: share that a metre of fibre scatters into a metre of wavelength at the signal's; 3e-9 per km and nm,
    the worst of the C band that Kumar et al. 2015 measured, is 3e-3.
    direction: "forward", with the signal, or "backward".
    wavelength_m: of the signal.
    Raises ParameterError on any other value.
    """

    power_w: float
    raman_per_m2: float = 3e-3
    direction: Literal["forward", "backward"] = "forward"
    wavelength_m: float = 1550.12e-9

    def __post_init__(self) -> None:
        require_not_negative("power_w", self.power_w)
        require_not_negative("raman_per_m2", self.raman_per_m2)
        require_positive("wavelength_m", self.wavelength_m)
        if self.direction not in ("forward", "backward"):
            raise ParameterError(f'direction must be "forward" or "backward", got {self.direction!r}')

    def raman_photons(self, length_m: ArrayLike, loss_db_per_km: float) -> NDArray[np.float64]:
        """Photons that scatter into one mode of a local oscillator at the fibre's end, before connectors; any shape.

        Source: Kumar, Qin, Alleaume, New J. Phys. 17, 043027 (2015), Eq. (6): one of two polarisations, and all
        wavelengths lost alike.
        """
        length = np.asarray(length_m, dtype=np.float64)
        alpha_per_m = loss_db_per_km * np.log(10.0) / 1e4
        if self.direction == "forward":
            span = length * np.exp(-alpha_per_m * length)
        else:
            span = -np.expm1(-2.0 * alpha_per_m * length) / (2.0 * alpha_per_m) if alpha_per_m > 0.0 else length
        per_watt = self.wavelength_m**3 / (h * c**2) * self.raman_per_m2
        return np.asarray(0.5 * per_watt * self.power_w * span)
