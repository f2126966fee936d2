"""The bound that a link's Security names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.counts import KEY_BASIS, DecoyCounts, Setting
from haris.nouns.errors import ParameterError
from haris.quantum.security import lim2014, ma2005, rusca2018, sidhu2022, variable_length, zhang2017
from haris.quantum.security.decoys import require_decoys
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import KeyLength, Security

_BOUNDS: dict[str, Callable[[DecoyCounts, Security, ArrayLike], KeyLength]] = {
    "variable-length": variable_length.secret_key_length,
    "zhang2017": zhang2017.zhang2017,
    "lim2014": lim2014.lim2014,
    "rusca2018": rusca2018.rusca2018,
    "sidhu2022": sidhu2022.sidhu2022,
    "asymptotic": ma2005.asymptotic,
}

PROOFS = {
    "variable-length": variable_length.PROOF,
    "zhang2017": zhang2017.PROOF,
    "lim2014": lim2014.PROOF,
    "rusca2018": rusca2018.PROOF,
    "sidhu2022": sidhu2022.PROOF,
    "asymptotic": ma2005.PROOF,
}
"""By the name of the bound, the one for live keys first."""

_INTENSITIES = {"lim2014": 3, "rusca2018": 2, "sidhu2022": 3}


def key_length(counts: DecoyCounts, security: Security, leaked_bits: ArrayLike | None = None) -> KeyLength:
    """Length of a block's key by security.bound; leaked_bits None: estimated from the key basis' error rate.

    The leading axes of counts are a sweep, of distances or of settings: an array of lengths then.
    Raises ParameterError if the bound does not fit the number of intensities.
    """
    require_bound(security, counts.intensities)
    leaked = estimated_leakage(counts, security.f_ec) if leaked_bits is None else leaked_bits
    return _BOUNDS[security.bound](counts, security, leaked)


def estimated_leakage(counts: DecoyCounts, f_ec: float) -> NDArray[np.float64]:
    """Bits that reconciliation will disclose, f_ec n h(qber), shape of the sweep."""
    clicks = counts.clicks[..., KEY_BASIS, :].sum(axis=-1)
    return np.asarray(f_ec * clicks * binary_entropy(counts.qber[..., KEY_BASIS]))


def require_bound(security: Security, intensities: tuple[Setting, ...]) -> None:
    """Raise ParameterError unless security.bound can be used with these intensities."""
    if security.bound not in _BOUNDS:
        raise ParameterError(f"bound must be one of {', '.join(_BOUNDS)}, got {security.bound!r}")
    require_decoys(intensities)
    needed = _INTENSITIES.get(security.bound, len(intensities))
    if len(intensities) != needed:
        raise ParameterError(f"bound '{security.bound}' needs {needed} intensities, got {len(intensities)}")
