"""What on-line health tests count of raw samples, in one pass over a stream that comes in chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError

STEP = 128
LEAST_REPETITION_CUTOFF = 4
DIGEST_SLOTS = 2**14
STATE_WORDS = 11

Codes = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one chunk.

    repetition, proportion, copied: the sample of the chunk at which that test failed first, None where it did not.
    rows: shape (windows that came to an end, 5), int64: sum and sum of squares of code less 2^(bits - 1), how often the
    lowest and the highest code came, and the bits that changed from one sample to the next.
    """

    repetition: int | None
    proportion: int | None
    copied: int | None
    rows: NDArray[np.int64]


class SampleHealth:
    """Counts of a stream of samples of `bits` bits. kernels/reference_sample_health.py is its specification.

    repetition_cutoff: at least 4 equal samples in a row that fail. proportion_cutoff: how often the first sample of
    proportion_window samples (128, 256, 512, 1024) comes in it when it fails. window: of a row, a multiple of it.
    A window of proportion_window samples that lies whole in one chunk is a copy where its digest of 128 bits is that of
    the last that fell into its slot, of DIGEST_SLOTS. path: one of paths(); the counts are the same on all.
    Raises ParameterError on other settings.
    """

    def __init__(
        self,
        bits: int,
        *,
        repetition_cutoff: int,
        proportion_cutoff: int,
        proportion_window: int,
        window: int,
        path: str | None = None,
    ) -> None:
        if not 1 <= bits <= 16:
            raise ParameterError(f"bits must lie in [1, 16], got {bits}")
        if repetition_cutoff < LEAST_REPETITION_CUTOFF or proportion_cutoff < 1:
            raise ParameterError(f"cutoffs must be at least 4 and 1, got {repetition_cutoff} and {proportion_cutoff}")
        if proportion_window not in (128, 256, 512, 1024):
            raise ParameterError(f"proportion_window must be 128, 256, 512 or 1024, got {proportion_window}")
        if window % proportion_window or not proportion_window <= window <= 2**30:
            raise ParameterError(f"window must be a multiple of {proportion_window} up to 2^30, got {window}")
        if path is not None and path not in paths():
            raise ParameterError(f"path must be one of {', '.join(paths())} on this processor, got {path}")
        self._settings = bits, repetition_cutoff, proportion_cutoff, proportion_window, window
        self._state = np.zeros(STATE_WORDS, np.int64)
        self._digests = np.zeros((DIGEST_SLOTS, 2), np.uint64)
        self._path = path or paths()[0]

    def count(self, codes: Codes) -> Counts:
        """The next chunk of the stream: uint8 or uint16, one dimension, each below 2^bits."""
        rows = np.empty(((int(self._state[5]) + len(codes)) // self._settings[4], 5), np.int64)
        kernel: Any = _native.health_of_octets if codes.dtype == np.uint8 else _native.health_of_words
        found = kernel(np.ascontiguousarray(codes), *self._settings, self._state, rows, self._digests, self._path)
        repetition, proportion, copied = (int(at) if at >= 0 else None for at in found)
        return Counts(repetition, proportion, copied, rows)


def paths() -> tuple[str, ...]:
    """What it can run on here, the fastest first: avx512, avx2, and always portable."""
    return tuple(_native.health_paths())
