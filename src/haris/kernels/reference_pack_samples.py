"""The specification of packing: every sample's bits, the least significant first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pack_samples(codes: NDArray[np.unsignedinteger], bits: int) -> NDArray[np.uint8]:
    """Octets of the samples' bits, as pack_samples.pack_samples has them."""
    each = codes[:, np.newaxis].astype(np.int64) >> np.arange(bits) & 1
    return np.packbits(each.astype(np.uint8).ravel(), bitorder="little")
