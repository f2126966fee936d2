"""A fibre to several users: a passive optical network, downstream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.errors import ParameterError
from haris.quantum.optics.noisy_fibre import NoisyFibre

MOST_USERS = 1 << 20


@dataclass(frozen=True, slots=True)
class SplitFibre(NoisyFibre):
    """A noisy fibre with a splitter on the way, as one of its users sees it. Of one user it is a plain NoisyFibre.

    length_m: length from the source to the user, both sides of the splitter, metres. loss_db_per_km: attenuation at the
    signal's wavelength.
    fixed_loss_db: connectors, independent of the length. misalignment: of single photons; quadratures have none.
    excess_noise_snu: variance as if added at the fibre's input, shot-noise units: it falls with the loss.
    output_noise_snu: variance added at the fibre's output, before the receiver: it does not fall with the loss.
    classical: other channels in the fibre, a table of its own, whose scattered light no splitter is thought to weaken.
    users: outputs of the splitter, each with a user at the same distance; what goes to the others counts as lost, and
    so as Eve's.
    splitter_excess_db: loss of the splitter over 10 log10(users).
    Raises ParameterError on users below 1 or above 2^20, and on a negative value of the rest.
    """

    users: int = 1
    splitter_excess_db: float = 0.0

    def __post_init__(self) -> None:
        NoisyFibre.__post_init__(self)
        if not 1 <= self.users <= MOST_USERS:
            raise ParameterError(f"users must lie in [1, {MOST_USERS}], got {self.users}")
        require_not_negative("splitter_excess_db", self.splitter_excess_db)

    def transmittance(self, distance_m: ArrayLike | None = None) -> NDArray[np.float64]:
        """Power transmittance to one user at distance_m (any shape; by default this fibre's own length)."""
        share = 10.0 ** (-self.splitter_excess_db / 10.0) / self.users
        return np.asarray(share * NoisyFibre.transmittance(self, distance_m))
