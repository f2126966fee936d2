"""SARG04: what both ends agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_positive


@dataclass(frozen=True, slots=True)
class Sarg04:
    """The protocol as plain data: BB84's states, both bases as likely, and pairs of states announced in place of bases.

    Alice names her state and one of the other basis, in random order. Bob knows which she sent if what he measured is
    orthogonal to one of the two; the rest is forgotten.
    block_pulses: pulses of a block, fixed beforehand.
    Raises ParameterError on a value outside its range.
    Source: Scarani, Acin, Ribordy, Gisin, PRL 92, 057901 (2004).
    """

    block_pulses: int

    def __post_init__(self) -> None:
        require_positive("block_pulses", self.block_pulses)

    @property
    def sifting(self) -> NDArray[np.float64]:
        """Probability that an outcome of Bob's becomes a right bit of the key and a wrong one, shape (2, 2, 3).

        [right or wrong bit, aligned or unaligned bases, only right, only wrong or both detectors]. In Alice's basis
        only a wrong click decides, and errs. In the other, one of two detectors decides, as likely as not: it stands
        here as the right one. A double click becomes a random one.
        """
        never = np.zeros(3)
        right = np.stack([never, np.array([1.0, 0.0, 0.5])])
        wrong = np.stack([np.array([0.0, 1.0, 0.5]), never])
        return 0.5 * np.stack([right, wrong])
