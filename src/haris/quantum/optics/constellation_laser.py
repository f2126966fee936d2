"""The transmitter of discrete modulation: coherent states of a square constellation."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError
from haris.quantum.optics.transmitter_hardware import TransmitterHardware

STATES = (4, 16, 64, 256)
MOST_PHOTONS = 400.0
"""Of the brightest state: far beyond what gives key, and a Fock space that can still be computed."""

LEAST_VARIANCE_SNU = 1e-20
"""Far below what any detection tells from the vacuum."""


@dataclass(frozen=True, slots=True)
class ConstellationLaser:
    """Coherent states, one a period, on a square lattice: QPSK (4 states), 16-QAM, 64-QAM or 256-QAM.

    clock_hz: states a second, reference states included.
    modulation_variance_snu: variance of either quadrature's mean as it enters the channel, shot-noise units (the vacuum
    has 1), twice the mean number of photons.
    states: of the constellation, 4, 16, 64 or 256. Both quadratures are drawn alike, each by itself.
    shaping: how probable the levels of a quadrature are, "binomial" (fair coins) or "maxwell-boltzmann".
    shape: of maxwell-boltzmann, where a level k steps from the middle has a probability in proportion to
    exp(-shape k^2), from 0 (all are alike) to 4; 0 for binomial.
    hardware: what is not ideal in laser, modulator and converters, a table of its own.
    Raises ParameterError on any other value, and when the brightest state has more than 400 photons.
    """

    clock_hz: float
    modulation_variance_snu: float
    states: int = 64
    shaping: Literal["binomial", "maxwell-boltzmann"] = "binomial"
    shape: float = 0.0
    hardware: TransmitterHardware | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        require_positive("clock_hz", self.clock_hz)
        require_positive("modulation_variance_snu", self.modulation_variance_snu)
        if self.modulation_variance_snu < LEAST_VARIANCE_SNU:
            raise ParameterError(
                f"modulation_variance_snu must be at least {LEAST_VARIANCE_SNU:g}, got {self.modulation_variance_snu}"
            )
        if self.states not in STATES:
            raise ParameterError(f"states must be one of {', '.join(map(str, STATES))}, got {self.states}")
        if self.shaping not in ("binomial", "maxwell-boltzmann"):
            raise ParameterError(f'shaping must be "binomial" or "maxwell-boltzmann", got {self.shaping!r}')
        require_not_negative("shape", self.shape)
        if self.shape > (0.0 if self.shaping == "binomial" else 4.0):
            raise ParameterError(f"shape must be 0 for binomial and at most 4 for maxwell-boltzmann, got {self.shape}")
        if not self.brightest_photons <= MOST_PHOTONS:
            raise ParameterError(
                f"modulation_variance_snu must leave the brightest state at most {MOST_PHOTONS:g} photons, got "
                f"{self.modulation_variance_snu}: {self.brightest_photons:.4g} photons"
            )

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Of the levels of a quadrature, float64, shape (sqrt(states),), sum 1."""
        n = len(self._steps)
        if self.shaping == "binomial":
            return np.asarray([comb(n - 1, k) / 2.0 ** (n - 1) for k in range(n)])
        weights = np.exp(-self.shape * self._steps**2)
        return np.asarray(weights / weights.sum())

    @property
    def levels_snu(self) -> NDArray[np.float64]:
        """Means that a quadrature may have, ascending, shot-noise units, shape (sqrt(states),)."""
        spread = np.sqrt(self.probabilities @ self._steps**2)
        return np.asarray(self._steps * (np.sqrt(self.modulation_variance_snu) / spread))

    @property
    def brightest_photons(self) -> float:
        """Mean number of photons of a state at a corner."""
        return float(self.levels_snu[-1] ** 2 / 2.0)

    @property
    def _steps(self) -> NDArray[np.float64]:
        n = round(self.states**0.5)
        return np.asarray(np.arange(n) - (n - 1) / 2.0)
