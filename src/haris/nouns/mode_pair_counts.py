"""What the parties count in a block of mode pairing: measured and expected counts are one type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_simplex
from haris.nouns.errors import ParameterError

Counts = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ModePairCounts:
    """Pairs of heralded windows of one block, by what both ends sent in their two windows.

    z: shape (..., 3, 3), of pairs in which neither end sent twice; axes -2 and -1 are Alice's and Bob's intensity, mu,
    nu or none. An end that has mu or nu there sent it in one window and nothing in the other; one that has none sent
    nothing at all. key_errors: shape (...), of those with mu at both ends, both pulses in one window.
    lone: shape (..., 2): one end sent nothing and the other nu twice, whatever its phases: Bob sent, Alice sent.
    slice_clicks, slice_errors: shape (...): both ends sent nu twice, and the turns of phase from one window to the
    other agree, or are opposite, within the slice; an error is a pair of clicks that these do not favour.
    int64 when measured, float64 when expected. n_pulses: windows of the block. intensities: mu and nu, mean photons.
    p_intensities: probabilities of mu, nu and nothing in a window. p_slice: that two turns of phase are in a slice.
    Raises ParameterError on shapes that differ, or more errors than clicks.
    """

    n_pulses: float
    intensities: tuple[float, float]
    p_intensities: tuple[float, float, float]
    p_slice: float
    z: Counts
    key_errors: Counts
    lone: Counts
    slice_clicks: Counts
    slice_errors: Counts

    def __post_init__(self) -> None:
        require_simplex("p_intensities", self.p_intensities)
        shape = self.slice_clicks.shape
        shapes = (self.z.shape, self.key_errors.shape, self.lone.shape, self.slice_errors.shape)
        if shapes != ((*shape, 3, 3), shape, (*shape, 2), shape):
            raise ParameterError(f"z, key_errors, lone and slice_errors do not go with {shape}: {shapes}")
        for name, errors, clicks in (
            ("key_errors", self.key_errors, self.z[..., 0, 0]),
            ("slice_errors", self.slice_errors, self.slice_clicks),
        ):
            if np.any(errors < 0) or np.any(errors > clicks):
                raise ParameterError(f"{name} must lie between 0 and the clicks")

    @property
    def sifted(self) -> NDArray[np.float64]:
        """Raw bits: pairs in which both ends sent mu once, shape (...)."""
        return np.asarray(self.z[..., 0, 0], dtype=np.float64)

    @property
    def qber(self) -> NDArray[np.float64]:
        """Error rate of the raw bits, shape (...); 0 where there is none."""
        bits = self.sifted
        return np.asarray(np.divide(self.key_errors, bits, out=np.zeros_like(bits), where=bits > 0))
