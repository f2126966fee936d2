"""The six-state protocol: what both ends agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_positive, require_probability
from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class SixState:
    """The protocol as plain data: three mutually unbiased bases of a qubit, of which one gives the key.

    p_key_basis: probability of the key basis at each end; the other two share the rest evenly.
    block_pulses: pulses of a block, fixed beforehand.
    Raises ParameterError on a value outside its range.
    Source: Bruss, PRL 81, 3018 (1998); with uneven bases Lo, Quantum Inf. Comput. 1, 81 (2001).
    """

    p_key_basis: float
    block_pulses: int

    def __post_init__(self) -> None:
        require_probability("p_key_basis", self.p_key_basis)
        require_positive("block_pulses", self.block_pulses)
        if not 0.0 < self.p_key_basis < 1.0:
            raise ParameterError(f"p_key_basis must leave every basis some pulses, got {self.p_key_basis}")

    @property
    def p_bases(self) -> tuple[float, float, float]:
        """Probabilities of the key basis and of the other two, at each end."""
        other = (1.0 - self.p_key_basis) / 2.0
        return self.p_key_basis, other, other

    @property
    def sifting(self) -> NDArray[np.float64]:
        """Probability that an outcome of Bob's becomes a right bit of the key and a wrong one, shape (2, 2, 3).

        [right or wrong bit, aligned or unaligned bases, only right, only wrong or both detectors]. Both ends must have
        taken the key basis; a double click becomes a random bit.
        """
        aligned = self.p_key_basis**2 * np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])
        return np.stack([aligned, np.zeros((2, 3))], axis=1)


def setting_of(basis: NDArray[np.int64], intensity: NDArray[np.int64]) -> NDArray[np.uint8]:
    """How Rounds hold a basis (0 is the key's) and an intensity; Bob's intensity is 0."""
    return np.asarray(basis + 3 * intensity, dtype=np.uint8)


def basis_and_intensity(setting: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The inverse of setting_of."""
    return setting % np.uint8(3), setting // np.uint8(3)
