"""What is counted in a block of three states: the key basis sifted, the test basis by state and outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_simplex
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Settings

Counted = NDArray[np.int64] | NDArray[np.float64]

TEST_STATE = 2
"""Of the states 0 and 1, which carry the bits, and 2, which is sent for the test alone."""


def sent_states(settings: Settings) -> NDArray[np.uint8]:
    """State of each pulse, uint8: the bit in the key basis, and TEST_STATE in the test basis, whatever the bit."""
    return np.where(settings.basis == 0, settings.bit, np.uint8(TEST_STATE)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class ThreeStateCounts:
    """Clicks of one block by intensity; int64 when measured, float64 when expected; leading axes are a sweep.

    key_clicks, key_errors: shape (..., k): a key state sent, and measured in the key basis.
    test_clicks: shape (..., 3, 2, k): measured in the test basis, by the state that was sent and the outcome, + and -.
    n_pulses, intensities, p_intensities: as in DecoyCounts.
    Raises ParameterError on shapes that do not fit, counts below 0, or more errors than clicks.
    """

    n_pulses: float
    intensities: tuple[float, ...]
    p_intensities: tuple[float, ...]
    key_clicks: Counted
    key_errors: Counted
    test_clicks: Counted

    def __post_init__(self) -> None:
        require_simplex("p_intensities", self.p_intensities)
        shape = (*self.key_clicks.shape[:-1], len(self.intensities))
        if self.key_clicks.shape != shape or self.key_errors.shape != shape:
            raise ParameterError(
                f"key_clicks {self.key_clicks.shape} and key_errors {self.key_errors.shape} must both be {shape}"
            )
        if self.test_clicks.shape != (*shape[:-1], 3, 2, shape[-1]):
            raise ParameterError(f"test_clicks must be (..., 3, 2, {shape[-1]}), got {self.test_clicks.shape}")
        if np.any(self.key_errors < 0) or np.any(self.key_errors > self.key_clicks) or np.any(self.test_clicks < 0):
            raise ParameterError("counts must not lie below 0, nor key_errors above key_clicks")

    @property
    def sifted(self) -> NDArray[np.float64]:
        """Bits of the key basis over all intensities, shape (...)."""
        return np.asarray(self.key_clicks.sum(axis=-1), dtype=np.float64)

    @property
    def qber(self) -> NDArray[np.float64]:
        """Error rate of the key basis over all intensities, shape (...); 0 where nothing clicked."""
        sifted, errors = self.sifted, np.asarray(self.key_errors.sum(axis=-1), dtype=np.float64)
        return np.divide(errors, sifted, out=np.zeros_like(sifted), where=sifted > 0.0)

    @property
    def sifted_bits(self) -> NDArray[np.float64]:
        """Bits of the key basis, for what the test basis shows is none of its own, shape (...)."""
        return self.sifted

    @property
    def key_qber(self) -> NDArray[np.float64]:
        """Error rate of the key basis, shape (...)."""
        return self.qber
