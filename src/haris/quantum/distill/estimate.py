"""What the parties count in a block before and after reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.kernels.sifted import Received, count_ones
from haris.nouns.counts import KEY_BASIS, TEST_BASIS, DecoyCounts
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.distill.cascade import MAXIMUM_QBER
from haris.quantum.distill.engine import require_qber
from haris.quantum.distill.sifted_key import SiftedKey
from haris.quantum.protocols.bb84 import Agreement


def count_clicks(clicks: NDArray[np.int64], agreement: Agreement) -> DecoyCounts:
    """Counts of kept clicks, int64 (2, 4) by basis and intensity; errors are not known yet and stand at 0.

    Raises ParameterError on clicks of an intensity that was not agreed.
    """
    k = len(agreement.intensities)
    if clicks[:, k:].any():
        raise ParameterError(f"there are clicks of intensities behind the {k} that were agreed")
    return DecoyCounts(
        n_pulses=agreement.protocol.block_pulses,
        intensities=agreement.intensities,
        p_intensities=agreement.p_intensities,
        clicks=clicks[:, :k].copy(),
        errors=np.zeros((2, k), np.int64),
    )


def count_errors(wrong: NDArray[np.uint8], received: Received, n_intensities: int) -> tuple[int, ...]:
    """Wrong key bits by intensity. wrong: packed, a one for each."""
    low, high = received.low, received.high
    cells = (~low & ~high, low & ~high, ~low & high, low & high)
    return tuple(count_ones(wrong & cell) for cell in cells[:n_intensities])


def with_errors(counts: DecoyCounts, basis: int, errors: Sequence[int]) -> DecoyCounts:
    """Counts with the errors of one basis filled in, as the peer told them.

    Raises PeerError unless there is one number for each intensity, and never more errors than clicks.
    """
    clicks = counts.clicks[basis]
    if len(errors) != len(clicks) or np.any(np.array(errors) > clicks):
        raise PeerError(f"the peer's error counts {tuple(errors)} do not fit the clicks {tuple(clicks.tolist())}")
    filled = counts.errors.copy()
    filled[basis] = errors
    return replace(counts, errors=filled)


def sifted_key(bits: NDArray[np.uint8], n_bits: int, counts: DecoyCounts, agreement: Agreement) -> SiftedKey:
    """Bits of the key basis, packed, of a block whose test basis is counted."""
    return SiftedKey(
        bits,
        n_bits,
        counts,
        with_errors=lambda known, errors: with_errors(known, KEY_BASIS, errors),
        require=lambda known: require_qber(known, KEY_BASIS, agreement),
    )


def expected_qber(counts: DecoyCounts) -> float:
    """Error rate of the key that reconciliation begins with, from that of the test basis."""
    n_test, n_errors = counts.clicks[TEST_BASIS].sum(), counts.errors[TEST_BASIS].sum()
    estimated = float((n_errors + 1) / (n_test + 2))  # few test clicks without an error promise little
    return min(estimated, MAXIMUM_QBER)
