"""Measurement-device-independent QKD: what both senders agree on before the first pulse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from haris.nouns.announcements import PSI_PLUS, Announcements
from haris.nouns.checks import require_positive, require_probability
from haris.nouns.counts import TEST_BASIS
from haris.nouns.errors import ParameterError
from haris.nouns.pair_counts import PairCounts


@dataclass(frozen=True, slots=True)
class MdiQkd:
    """The protocol as plain data: BB84 states from both ends, phase-randomised, each basis and intensity drawn afresh.

    The key comes from pairs of signal pulses in the key basis (Z, rectilinear); the test basis is X (diagonal).
    p_key_basis: probability of the key basis at each end. block_pulses: pulse pairs of a block, fixed beforehand.
    Raises ParameterError on any other value.
    Source: Lo, Curty, Qi, PRL 108, 130503 (2012).
    """

    p_key_basis: float
    block_pulses: int

    def __post_init__(self) -> None:
        require_probability("p_key_basis", self.p_key_basis)
        require_positive("block_pulses", self.block_pulses)
        if not 0.0 < self.p_key_basis < 1.0:
            raise ParameterError(f"p_key_basis must leave both bases some pulses, got {self.p_key_basis}")


def sifted_counts(
    alice: Announcements, bob: Announcements, intensities: tuple[float, ...], p_intensities: tuple[float, ...]
) -> PairCounts:
    """Counts of one block, int64, from both halves: matched bases, and errors after Bob's flip.

    Either state has unequal bits in the key basis; in the test basis psi- has unequal ones, and psi+ equal ones.
    Raises ParameterError on halves of different announcements.
    """
    same = alice.n_pulses == bob.n_pulses and np.array_equal(alice.index, bob.index)
    if not same or not np.array_equal(alice.bell, bob.bell):
        raise ParameterError("the two halves are not of the same announcements")
    basis, k = alice.settings.basis, len(intensities)
    flip = ~((basis == TEST_BASIS) & (alice.bell == PSI_PLUS))
    wrong = (alice.settings.bit ^ bob.settings.bit) != flip
    matched = basis == bob.settings.basis
    place = (basis.astype(np.int64) * k + alice.settings.intensity) * k + bob.settings.intensity
    clicks = np.bincount(place[matched], minlength=2 * k * k).reshape(2, k, k)
    errors = np.bincount(place[matched & wrong], minlength=2 * k * k).reshape(2, k, k)
    return PairCounts(alice.n_pulses, intensities, p_intensities, clicks, errors)
