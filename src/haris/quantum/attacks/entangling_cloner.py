"""The entangling cloner: Eve mixes half of an entangled pair into the light, and keeps the rest of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from haris.nouns.checks import require_not_negative
from haris.quantum.attacks.attack import COVERED
from haris.quantum.attacks.quadratures import Quadratures
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo
from haris.quantum.security.key_length import Term, term
from haris.quantum.security.lodewyck2007 import LODEWYCK


@dataclass(frozen=True, slots=True)
class EntanglingCloner:
    """Eve replaces the fibre by a beam splitter of its transmittance T, fed with half of a two-mode squeezed state.

    excess_noise_snu: that she adds to the link's own, as if at the fibre's input. With all noise w at the output hers,
    her modes have a variance of 1 + w / (1 - T): the best of all collective attacks.
    Raises ParameterError on a negative noise.
    """

    NAME: ClassVar[str] = "entangling-cloner"
    TITLE: ClassVar[str] = "Eve mixes half of an entangled pair into the light"
    SOURCE: ClassVar[str] = "Grosshans et al., Quantum Inf. Comput. 3, 535 (2003)"
    FAMILIES: ClassVar[tuple[str, ...]] = ("gaussian-cv", "discrete-cv")

    excess_noise_snu: float = 0.1

    def __post_init__(self) -> None:
        require_not_negative("excess_noise_snu", self.excess_noise_snu)

    @property
    def eve_fraction(self) -> float:
        """She measures nothing on the way."""
        return 0.0

    @property
    def least_source(self) -> str:
        """The proof takes all noise to be hers."""
        return COVERED

    def quadratures(self, honest: GaussianChannel) -> Quadratures:
        """The same transmittance, and her noise."""
        noise = np.asarray(honest.noise_snu + honest.transmittance * self.excess_noise_snu)
        noisy = replace(honest, noise_snu=noise)
        return Quadratures(noisy, noisy)

    def eve_terms(self, true: GaussianChannel) -> tuple[Term, ...]:
        """What she holds of Bob's values."""
        return (term("eve_knows", holevo(true), "bits", "Eve's of Bob's values, a symbol, at most", LODEWYCK),)
