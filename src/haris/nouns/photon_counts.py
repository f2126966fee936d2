"""What is sifted of the signal pulses of a block, told apart by how many photons the pulses had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PhotonCounts:
    """Sifted bits and errors of one block's signal pulses, and those among them from pulses of 1 to k photons.

    sifted, errors: float64, shape (...), a sweep (of distances, say). of_photons, photon_errors: float64, shape
    (..., k); [..., 0] is one photon. n_pulses: all pulses of the block.
    Raises ParameterError on shapes that differ, or more errors than bits.
    """

    n_pulses: float
    sifted: Floats
    errors: Floats
    of_photons: Floats
    photon_errors: Floats

    def __post_init__(self) -> None:
        if self.sifted.shape != self.errors.shape or self.of_photons.shape != self.photon_errors.shape:
            raise ParameterError("errors must have the shape of the bits among which they are")
        if self.of_photons.shape[:-1] != self.sifted.shape:
            raise ParameterError(f"of_photons {self.of_photons.shape} must be {self.sifted.shape} and one axis more")
        for bits, errors in ((self.sifted, self.errors), (self.of_photons, self.photon_errors)):
            if np.any(errors < 0) or np.any(errors > bits):
                raise ParameterError("errors must lie between 0 and the bits")

    @property
    def qber(self) -> Floats:
        """Error rate of all that is sifted, shape (...); 0 where nothing is."""
        return error_rate(self.errors, self.sifted, 0.0)

    @property
    def photon_qber(self) -> Floats:
        """Error rate by photon number, shape (..., k); 1/2 where nothing is sifted."""
        return error_rate(self.photon_errors, self.of_photons, 0.5)


def error_rate(errors: Floats, bits: Floats, of_none: float) -> Floats:
    """errors / bits, elementwise; of_none where there are no bits."""
    return np.divide(errors, bits, out=np.full_like(bits, of_none), where=bits > 0.0)
