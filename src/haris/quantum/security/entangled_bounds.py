"""The bound on a key of entangled pairs that a link's Security names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.coincidence_counts import CoincidenceCounts
from haris.nouns.counts import KEY_BASIS
from haris.nouns.errors import ParameterError
from haris.quantum.security import koashi_preskill2003, tomamichel2012, variable_length_entangled
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security

_BOUNDS: dict[str, Callable[[CoincidenceCounts, Security, ArrayLike], KeyLength]] = {
    "variable-length": variable_length_entangled.entangled_variable_length,
    "tomamichel2012": tomamichel2012.tomamichel2012,
    "asymptotic": koashi_preskill2003.asymptotic,
}

ENTANGLED_PROOFS = {
    "variable-length": variable_length_entangled.PROOF,
    "tomamichel2012": tomamichel2012.PROOF,
    "asymptotic": koashi_preskill2003.PROOF,
}
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
