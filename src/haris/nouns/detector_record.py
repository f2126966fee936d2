"""What the converters of a coherent receiver wrote down, before anything was made of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

Samples = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class DetectorRecord:
    """Samples of both quadratures as real and imaginary part, in the converters' units, all at one rate and gain.

    signal: of the light that came. dark: with no light at all. half, full: of the local oscillator alone, at half and
    at all of its power.
    Raises ParameterError unless each is complex64 of one dimension, and not empty.
    """

    signal: Samples = field(repr=False)
    dark: Samples = field(repr=False)
    half: Samples = field(repr=False)
    full: Samples = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("signal", "dark", "half", "full"):
            samples = getattr(self, name)
            if samples.dtype != np.complex64 or samples.ndim != 1 or not samples.size:
                raise ParameterError(
                    f"{name} must be complex64 of one dimension, got {samples.dtype} of shape {samples.shape}"
                )
