"""The specification of haris.kernels.permutation_statistics, clause by clause."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

LAGS = (1, 2, 8, 16, 32)


def permutation_statistics(
    values: NDArray[np.uint8], symbols: NDArray[np.uint8], n_symbols: int, mean: float, median: float, wanted: int
) -> NDArray[np.float64]:
    """Specification of haris.kernels.permutation_statistics.permutation_statistics."""
    steps, factors, drawn = symbols, values, symbols
    if n_symbols == 2:
        padded = np.pad(symbols, (0, -len(symbols) % 8)).reshape(-1, 8)
        steps = factors = padded.sum(axis=1).astype(np.uint8)
        drawn = np.packbits(symbols)
    sums = np.cumsum(values, dtype=np.float64)
    ups = steps[:-1] <= steps[1:]
    directional, above = _runs(ups), _runs(symbols >= median)
    waits = _waits(drawn.tolist())
    whole = np.array(
        [
            np.abs(sums - np.arange(1, len(values) + 1) * mean).max(),
            len(directional),
            max(directional, default=0),
            max(int(ups.sum()), int((~ups).sum())),
            len(above),
            max(above),
            sum(waits) / len(waits) if waits else 0.0,
            max(waits, default=0),
            *(np.count_nonzero(steps[:-p] == steps[p:]) for p in LAGS),
            *(int((factors[:-p].astype(np.int64) * factors[p:]).sum()) for p in LAGS),
        ],
        np.float64,
    )
    return np.where(wanted >> np.arange(len(whole)) & 1, whole, np.nan)


def shuffle(values: NDArray[np.uint8], words: NDArray[np.uint64]) -> None:
    """Specification of haris.kernels.permutation_statistics.shuffle."""
    for i in range(len(values) - 1, 0, -1):
        j = int(words[i]) * (i + 1) >> 64
        values[i], values[j] = values[j], values[i]


def _runs(ups: NDArray[np.bool_]) -> list[int]:
    return [len(list(run)) for _, run in groupby(ups.tolist())]


def _waits(drawn: list[int]) -> list[int]:
    waits: list[int] = []
    seen: list[int] = []
    for symbol in drawn:
        seen.append(symbol)
        if symbol in seen[:-1]:
            waits.append(len(seen))
            seen = []
    return waits
