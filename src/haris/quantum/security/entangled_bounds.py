"""The bound on a key of entangled pairs that a link's Security names."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.counts import KEY_BASIS
from haris.nouns.errors import ParameterError
from haris.quantum.security import koashi_preskill2003
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security

_BOUNDS = {"asymptotic": koashi_preskill2003.asymptotic}

ENTANGLED_PROOFS = {"asymptotic": koashi_preskill2003.PROOF}
"""By the name of the bound, the default first."""


def entangled_key_length(
    counts: CoincidenceCounts, security: Security, leaked_bits: ArrayLike | None = None
) -> KeyLength:
    """Length of a block's key by security.bound; leaked_bits None: estimated as f_ec n h(qber).

    Raises ParameterError on a bound that is not for pairs.
    """
    if security.bound not in _BOUNDS:
        raise ParameterError(f"bound must be one of {', '.join(_BOUNDS)}, got {security.bound!r}")
    leaked = _estimated_leakage(counts, security.f_ec) if leaked_bits is None else leaked_bits
    return _BOUNDS[security.bound](counts, security, leaked)


def _estimated_leakage(counts: CoincidenceCounts, f_ec: float) -> NDArray[np.float64]:
    return np.asarray(f_ec * counts.coincidences[..., KEY_BASIS] * binary_entropy(counts.qber[..., KEY_BASIS]))
