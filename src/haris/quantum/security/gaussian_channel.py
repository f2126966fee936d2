"""A Gaussian channel with its receiver, as estimation knows it: what Alice's values tell of Bob's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class GaussianChannel:
    """Estimated or expected parameters of a link of continuous variables; variances in shot-noise units.

    modulation_variance_snu: of either quadrature at the channel's input, as far as Alice's values tell it.
    transmittance: of the channel alone, in [0, 1], float64, any shape.
    noise_snu: excess noise at the channel's output, before the receiver, same shape.
    heterodyne: both quadratures are measured, not one. efficiency, electronic_noise_snu: of the receiver; the noise is
    of each value, a number or an array of the same shape. trusted: whether the receiver is out of Eve's reach.
    trusted_preparation_snu: variance at the channel's input that Alice's values do not tell, and that is out of Eve's
    reach: noise of the preparation of states.
    """

    modulation_variance_snu: float
    transmittance: NDArray[np.float64]
    noise_snu: NDArray[np.float64]
    heterodyne: bool
    efficiency: float
    electronic_noise_snu: float | NDArray[np.float64]
    trusted: bool
    trusted_preparation_snu: float = 0.0

    @property
    def values_per_symbol(self) -> int:
        """One of homodyne detection, two of heterodyne."""
        return 2 if self.heterodyne else 1

    @property
    def gain(self) -> float:
        """Share of the power at the channel's output that reaches either value: half of it behind a beam splitter."""
        return self.efficiency / self.values_per_symbol

    @property
    def value_noise_snu(self) -> NDArray[np.float64]:
        """Variance of a value of Bob's given Alice's: vacuum, electronics, excess noise and noise of preparation."""
        arriving = self.noise_snu + self.transmittance * self.trusted_preparation_snu
        return np.asarray(1.0 + self.electronic_noise_snu + self.gain * arriving)

    @property
    def snr(self) -> NDArray[np.float64]:
        """Signal to noise ratio of a value."""
        return np.asarray(self.gain * self.transmittance * self.modulation_variance_snu / self.value_noise_snu)

    @property
    def mutual_information(self) -> NDArray[np.float64]:
        """Bits that Alice's values of a symbol tell of Bob's (Shannon 1948)."""
        return np.asarray(self.values_per_symbol * 0.5 * np.log1p(self.snr) / np.log(2.0))

    def as_attacked(self) -> GaussianChannel:
        """The channel that Eve holds, before a receiver that she does not, as it is seen by what Bob measures.

        An untrusted receiver becomes a perfect one behind a channel with its loss and noise: the same values measured.
        Noise of preparation that she does not hold becomes modulation: both are variance of the light that leaves, and
        what she learns of Bob's values does not depend on what Alice knows of them.
        """
        seen = replace(
            self,
            modulation_variance_snu=self.modulation_variance_snu + self.trusted_preparation_snu,
            trusted_preparation_snu=0.0,
        )
        if self.trusted:
            return seen
        return replace(
            seen,
            transmittance=self.efficiency * self.transmittance,
            noise_snu=self.efficiency * self.noise_snu + self.values_per_symbol * self.electronic_noise_snu,
            efficiency=1.0,
            electronic_noise_snu=0.0,
            trusted=True,
        )
