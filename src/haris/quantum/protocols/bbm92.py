"""BBM92: what both ends agree on before the first pair."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from haris.nouns.checks import require_positive, require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.protocols.bb84 import Agreement

BELL_CHANNEL = 4
"""First of Bob's channels of a Bell test: 4 + 2 * direction + bit."""
BELL_ANGLES_RAD = ((pi / 8.0, -pi / 8.0), (-pi / 8.0, -3.0 * pi / 8.0))
"""Of polarisation, from Alice's basis (key, test: a quarter of pi further) to Bob's direction."""


@dataclass(frozen=True, slots=True)
class BBM92:
    """BB84's two bases on the halves of entangled pairs; as E91, some windows test Bell's inequality besides.

    p_key_basis: probability of the key basis, drawn for each window at each end.
    block_pulses: windows of a block, fixed beforehand.
    p_bell: probability that Bob draws, in place of a basis, one of the two directions halfway between both bases. With
    Alice's two bases these are Ekert's four settings, and the windows give the CHSH value S; none of them makes key.
    Raises ParameterError on a value outside its range.
    Source: Bennett, Brassard, Mermin, PRL 68, 557 (1992); Ekert, PRL 67, 661 (1991).
    """

    p_key_basis: float
    block_pulses: int
    p_bell: float = 0.0

    def __post_init__(self) -> None:
        require_probability("p_key_basis", self.p_key_basis)
        require_positive("block_pulses", self.block_pulses)
        require_probability("p_bell", self.p_bell)
        if not self.p_bell < 1.0:
            raise ParameterError(f"p_bell must leave windows for key, got {self.p_bell}")
        if not 0.0 < self.p_key_basis < 1.0:
            raise ParameterError(f"p_key_basis must leave both bases some windows, got {self.p_key_basis}")


@dataclass(frozen=True, slots=True)
class PairAgreement(Agreement):
    """Agreement on pairs. tests: whether some windows test Bell's inequality."""

    tests: bool = False
