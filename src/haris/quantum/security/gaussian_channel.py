"""A Gaussian channel with its receiver, as estimation knows it: what Alice's values tell of Bob's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class GaussianChannel:
    """Estimated or expected parameters of a link of continuous variables; variances in shot-noise units.

    modulation_variance_snu: of either quadrature at the channel's input.
    transmittance: of the channel alone, in [0, 1], float64, any shape.
    noise_snu: excess noise at the channel's output, before the receiver, same shape.
    heterodyne: both quadratures are measured, not one. efficiency, electronic_noise_snu: of the receiver; the noise is
    of each value. trusted: whether the receiver is out of Eve's reach.
    """

    modulation_variance_snu: float
    transmittance: NDArray[np.float64]
    noise_snu: NDArray[np.float64]
    heterodyne: bool
    efficiency: float
    electronic_noise_snu: float
    trusted: bool

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
        """Variance of a value of Bob's given Alice's: the vacuum, the electronics and the excess noise."""
        return np.asarray(1.0 + self.electronic_noise_snu + self.gain * self.noise_snu)

    @property
    def snr(self) -> NDArray[np.float64]:
        """Signal to noise ratio of a value."""
        return np.asarray(self.gain * self.transmittance * self.modulation_variance_snu / self.value_noise_snu)

    @property
    def mutual_information(self) -> NDArray[np.float64]:
        """Bits that Alice's values of a symbol tell of Bob's (Shannon 1948)."""
        return np.asarray(self.values_per_symbol * 0.5 * np.log1p(self.snr) / np.log(2.0))

    def as_attacked(self) -> GaussianChannel:
        """The channel that Eve holds, before a receiver that she does not.

        An untrusted receiver becomes a perfect one behind a channel with its loss and noise: the same values measured.
        """
        if self.trusted:
            return self
        return replace(
            self,
            transmittance=self.efficiency * self.transmittance,
            noise_snu=self.efficiency * self.noise_snu + self.values_per_symbol * self.electronic_noise_snu,
            efficiency=1.0,
            electronic_noise_snu=0.0,
            trusted=True,
        )
