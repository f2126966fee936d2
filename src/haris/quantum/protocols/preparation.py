"""How Alice looks up what she sent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from haris.kernels.light import pulse_settings
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses, Settings


def settings_at(
    pulses: Pulses, index: NDArray[np.int64], p_key_basis: float, p_intensities: Sequence[float]
) -> Settings:
    """Settings of the pulses at index, keyed or recorded, in the order of index.

    index: int64, one dimension, counted from the start of the block. p_key_basis, p_intensities: the probabilities
    under which a keyed block was prepared; a recorded block does not need them.
    Raises ParameterError on an index outside the block.
    """
    if index.ndim != 1 or index.dtype != np.int64:
        raise ParameterError(f"pulse indices are one-dimensional int64, got {index.dtype} {index.shape}")
    if index.size and not (int(index.min()) >= 0 and int(index.max()) < pulses.n_pulses):
        raise ParameterError(f"pulse indices must lie in [0, {pulses.n_pulses})")
    if pulses.recorded is not None:
        return Settings(pulses.recorded.octets[index])
    assert pulses.key is not None
    return Settings.of(*pulse_settings(pulses.key, pulses.start + index, p_key_basis, p_intensities))
