"""What the parties count in a block of sending-or-not-sending: measured and expected counts are one type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError

Counts = NDArray[np.int64] | NDArray[np.float64]

DECOY_KINDS = ("oo", "ox", "xo", "oy", "yo")
"""Alice's and Bob's pulse: o is empty, x the weaker decoy, y the stronger one."""
SIGNAL_KINDS = ("nobody", "alice", "bob", "both")
"""Who sent in a window that was a signal window at both ends."""


@dataclass(frozen=True, slots=True)
class SnsCounts:
    """Heralded windows of one block by what both ends sent. A window is heralded when exactly one detector clicks.

    decoys: shape (..., 5), axis -1 follows DECOY_KINDS. signal: shape (..., 4), follows SIGNAL_KINDS.
    slice_clicks, slice_errors: shape (...): both ends sent x, with phases in one slice or opposite; an error is the
    click of the detector that their phases do not favour. int64 when measured, float64 when expected.
    n_pulses: windows of the block. intensities: mean photon numbers of the signal, y and x.
    p_decoys, p_slice, p_one: probabilities that a window is of each decoy kind, is in the slices, and is a signal
    window in which Alice alone (or Bob alone) sends.
    Raises ParameterError on shapes that differ, or more errors than clicks.
    """

    n_pulses: float
    intensities: tuple[float, float, float]
    p_decoys: tuple[float, ...]
    p_slice: float
    p_one: float
    decoys: Counts
    signal: Counts
    slice_clicks: Counts
    slice_errors: Counts

    def __post_init__(self) -> None:
        shape = self.slice_clicks.shape
        if self.decoys.shape != (*shape, 5) or self.signal.shape != (*shape, 4) or self.slice_errors.shape != shape:
            raise ParameterError(
                f"decoys {self.decoys.shape} and signal {self.signal.shape} must be (..., 5) and (..., 4), "
                f"slice_clicks {shape} and slice_errors {self.slice_errors.shape} (...)"
            )
        if np.any(self.slice_errors < 0) or np.any(self.slice_errors > self.slice_clicks):
            raise ParameterError("slice_errors must lie between 0 and slice_clicks")

    @property
    def qber(self) -> NDArray[np.float64]:
        """Error rate of the raw bits, shape (...): windows in which nobody or both sent; 0 where nothing clicked."""
        signal = self.signal.astype(np.float64)
        wrong, clicks = signal[..., 0] + signal[..., 3], signal.sum(axis=-1)
        return np.asarray(np.divide(wrong, clicks, out=np.zeros_like(wrong), where=clicks > 0))


@dataclass(frozen=True, slots=True)
class PairedSnsCounts:
    """One measured block whose raw bits are paired. counts: its decoys and slices; who sent in its signal windows is
    not known, and stands at 0.

    n_bits: raw bits of the block. n_pairs: of a 0 and a 1 of Bob's, as many as there are. n_kept: those that are odd at
    Alice's end, too. n_wrong: key bits of those that reconciliation found wrong.
    """

    counts: SnsCounts
    n_bits: int
    n_pairs: int
    n_kept: int
    n_wrong: int

    def __post_init__(self) -> None:
        if not (0 <= self.n_wrong <= self.n_kept <= self.n_pairs and 2 * self.n_pairs <= self.n_bits):
            raise ParameterError(
                f"{self.n_wrong} wrong of {self.n_kept} kept of {self.n_pairs} pairs of {self.n_bits} bits cannot be"
            )
