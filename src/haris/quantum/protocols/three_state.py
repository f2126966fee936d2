"""Three states of a qubit: what both ends agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.checks import require_positive, require_probability
from haris.nouns.errors import ParameterError

LEAST_SHARE = 1e-15
"""Of the key basis."""


@dataclass(frozen=True, slots=True)
class ThreeState:
    """The protocol as plain data: two states for the key, early and late, and one superposition for the test.

    Bob measures in the key basis or in the test basis, both outcomes of either; what he measures in the test basis of
    key states is not thrown away: with it the phase errors are known though the fourth state is never sent.
    p_key_basis: probability of the key basis at each end: Alice sends early or late, each as likely; Bob's switch, or
    the share of his beam splitter.
    block_pulses: pulses of a block, fixed beforehand.
    Raises ParameterError on a value outside its range.
    Source: Boileau, Tamaki, Batuwantudawe, Laflamme, Renes, PRL 94, 040503 (2005); Tamaki et al., PRA 90, 052314
    (2014); with time bins Boaron et al., PRL 121, 190502 (2018).
    """

    p_key_basis: float
    block_pulses: int

    def __post_init__(self) -> None:
        require_probability("p_key_basis", self.p_key_basis)
        require_positive("block_pulses", self.block_pulses)
        if not LEAST_SHARE <= self.p_key_basis < 1.0:
            raise ParameterError(f"p_key_basis must lie in [{LEAST_SHARE:g}, 1), got {self.p_key_basis}")

    @property
    def p_states(self) -> tuple[float, float, float]:
        """Probabilities of the two key states and of the test state."""
        return (self.p_key_basis / 2.0, self.p_key_basis / 2.0, 1.0 - self.p_key_basis)


@dataclass(frozen=True, slots=True)
class LossTolerant(ThreeState):
    """The same protocol with states that are known and not ideal: the loss-tolerant analysis takes them as they are.

    p_key_basis: probability of the key basis at each end: Alice sends one of the key states, each as likely.
    block_pulses: pulses of a block, fixed beforehand.
    Raises ParameterError on a value outside its range.
    Source: Tamaki, Curty, Kato, Lo, Azuma, PRA 90, 052314 (2014).
    """
