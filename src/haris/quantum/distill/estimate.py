"""What the parties count in a block before and after reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.counts import DecoyCounts
from haris.nouns.errors import PeerError
from haris.quantum.distill.sift import Sifted
from haris.quantum.protocols.bb84 import Agreement


def count_clicks(sifted: Sifted, agreement: Agreement) -> DecoyCounts:
    """Kept clicks by basis and intensity, int64; errors are not known yet and stand at 0."""
    k = len(agreement.intensities)
    cell = sifted.basis.astype(np.int64) * k + sifted.intensity
    clicks = np.bincount(cell, minlength=2 * k).reshape(2, k)
    return DecoyCounts(
        n_pulses=agreement.protocol.block_pulses,
        intensities=agreement.intensities,
        p_intensities=agreement.p_intensities,
        clicks=clicks,
        errors=np.zeros_like(clicks),
    )


def count_errors(wrong: NDArray[np.bool_], intensity: NDArray[np.uint8], n_intensities: int) -> tuple[int, ...]:
    """Wrong bits by intensity."""
    return tuple(int(n) for n in np.bincount(intensity[wrong], minlength=n_intensities))


def with_errors(counts: DecoyCounts, basis: int, errors: Sequence[int]) -> DecoyCounts:
    """Counts with the errors of one basis filled in, as the peer told them.

    Raises PeerError unless there is one number for each intensity, and never more errors than clicks.
    """
    if len(errors) != counts.clicks.shape[1] or np.any(np.array(errors) > counts.clicks[basis]):
        raise PeerError("the peer's error counts do not fit the clicks")
    filled = counts.errors.copy()
    filled[basis] = errors
    return replace(counts, errors=filled)
