"""The bound that a link of continuous variables names."""

from __future__ import annotations

from collections.abc import Callable

from haris.quantum.security import leverrier2010, lodewyck2007, pirandola2021
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.key_length import KeyLength, Security

_BOUNDS: dict[str, Callable[[GaussianBlock, Security], KeyLength]] = {
    "pirandola2021": pirandola2021.pirandola2021,
    "leverrier2010": leverrier2010.leverrier2010,
    "asymptotic": lodewyck2007.asymptotic,
}

PROOFS = {
    "pirandola2021": pirandola2021.PROOF,
    "leverrier2010": leverrier2010.PROOF,
    "asymptotic": lodewyck2007.PROOF,
}
"""By the name of the bound, the composable one first."""


DEVIATIONS: dict[str, Callable[[Security, int], float]] = {
    "pirandola2021": pirandola2021.allowed_deviations,
    "leverrier2010": leverrier2010.allowed_deviations,
}
"""Of the finite bounds, by how many standard deviations an estimate may be off, where so many can fail."""


def gaussian_key_length(block: GaussianBlock, security: Security) -> KeyLength:
    """Length of a block's key by security.bound, int64, shape of the channel's arrays."""
    return _BOUNDS[security.bound](block, security)
