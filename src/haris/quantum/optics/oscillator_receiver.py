"""A coherent receiver whose local oscillator may come through the fibre, beside the signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.errors import ParameterError
from haris.quantum.optics.coherent_receiver import CoherentReceiver

LEAST_TRANSMITTANCE = 1e-30
"""Below it no oscillator is left, and the noise of the electronics stays what it is there."""


@dataclass(frozen=True, slots=True)
class OscillatorReceiver(CoherentReceiver):
    """A coherent receiver with an oscillator of its own, or with one that the fibre attenuates as it does the signal.

    detection: "homodyne" measures one quadrature, drawn for each symbol and told afterwards; "heterodyne" measures
    both, behind a beam splitter.
    efficiency: of the whole receiver, optics included, above 0.
    electronic_noise_snu: variance that the electronics add to each value measured, in units of that value's shot noise.
    trusted: whether loss and noise of the receiver are calibrated and out of Eve's reach; else they count as hers.
    transmitted_oscillator: whether the oscillator comes through the fibre. electronic_noise_snu is then that of an
    oscillator which was not attenuated, and grows as the shot noise falls: over the transmittance.
    leaked_photons: of a transmitted oscillator, mean number a mode that enters the fibre in the signal's mode, for
    polarisations and times are not told apart perfectly; it adds twice as much noise at the fibre's input, and that is
    Eve's.
    hardware: none; it has no model here.
    Raises ParameterError on any other value, on hardware, and on a leak of an oscillator that is not transmitted.
    """

    transmitted_oscillator: bool = False
    leaked_photons: float = 0.0

    def __post_init__(self) -> None:
        CoherentReceiver.__post_init__(self)
        require_not_negative("leaked_photons", self.leaked_photons)
        if self.hardware is not None:
            raise ParameterError("hardware has no model with passive preparation: state its noise")
        if self.leaked_photons > 0.0 and not self.transmitted_oscillator:
            raise ParameterError("leaked_photons must be 0 where the receiver has an oscillator of its own")

    def noise_of_electronics_snu(self, transmittance: ArrayLike) -> NDArray[np.float64]:
        """Of each value, in units of its shot noise, behind a fibre of that transmittance; its shape."""
        t = np.asarray(transmittance, dtype=np.float64)
        if not self.transmitted_oscillator:
            return np.full(t.shape, self.electronic_noise_snu)
        return np.asarray(self.electronic_noise_snu / np.maximum(t, LEAST_TRANSMITTANCE))
