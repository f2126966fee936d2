"""The bound that a link of continuous variables names."""

from __future__ import annotations

from collections.abc import Callable

from haris.quantum.security import lodewyck2007
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.key_length import KeyLength, Security

_BOUNDS: dict[str, Callable[[GaussianBlock, Security], KeyLength]] = {
    "asymptotic": lodewyck2007.asymptotic,
}

PROOFS = {
    "asymptotic": lodewyck2007.PROOF,
}
"""By the name of the bound."""


def gaussian_key_length(block: GaussianBlock, security: Security) -> KeyLength:
    """Length of a block's key by security.bound, int64, shape of the channel's arrays."""
    return _BOUNDS[security.bound](block, security)
