"""Windows in which Bob tests Bell's inequality, drawn whole: what Alice saw in her basis and he in his direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.quantum.emulate.pair_clicks import click_patterns
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bbm92 import BELL_ANGLES_RAD, BELL_CHANNEL

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BellWindows:
    """laws: of the patterns of clicks (pair_clicks), by Alice's basis and Bob's direction, shape (2, 2, 16)."""

    laws: NDArray[np.float64]

    @property
    def p_event(self) -> float:
        """Of any click; it does not depend on the bases."""
        return float(1.0 - self.laws[0, 0, 0])

    def clicks(
        self, windows: Integers, p_key_basis: float, rng: np.random.Generator
    ) -> tuple[tuple[Integers, NDArray[np.uint8]], tuple[Integers, NDArray[np.uint8]]]:
        """Of windows that have a click: which of Alice's and of Bob's detectors, as windows and channels, ascending."""
        basis = (rng.random(windows.size) >= p_key_basis).astype(np.int64)
        direction = rng.integers(0, 2, windows.size)
        law = np.cumsum(self.laws[..., 1:], axis=-1)
        law /= law[..., -1:]
        # The first pattern whose share of the law is not passed yet.
        pattern = 1 + (law[basis, direction] <= rng.random(windows.size)[:, None]).sum(axis=-1)
        ends = []
        for shift, channel in ((0, 2 * basis), (2, BELL_CHANNEL + 2 * direction)):
            which, bit = np.nonzero(pattern[:, None] >> np.array([shift, shift + 1]) & 1)
            ends.append((windows[which], (channel[which] + bit).astype(np.uint8)))
        return ends[0], ends[1]


def bell_windows(
    source: PairSource,
    eta: tuple[float, float],
    p_dark: tuple[float, float],
    visibilities: NDArray[np.float64],
    eve_fraction: float,
) -> BellWindows:
    """The laws of a source behind loss.

    visibilities: of Alice's two bases; white noise turns a window's outcomes at Bob's end all over. Eve measures the
    share eve_fraction of his halves in one of the two bases: where it is not Alice's, nothing is left of correlation.
    """
    laws = np.zeros((2, 2, 16))
    for basis, direction in np.ndindex(2, 2):
        angle = BELL_ANGLES_RAD[basis][direction]
        kept, turned, blind = (
            click_patterns(source, eta, p_dark, at) for at in (angle, angle + np.pi / 2.0, np.pi / 4.0)
        )
        right = (1.0 + visibilities[basis]) / 2.0
        honest = right * kept + (1.0 - right) * turned
        laws[basis, direction] = (1.0 - eve_fraction / 2.0) * honest + eve_fraction / 2.0 * blind
    return BellWindows(laws)
