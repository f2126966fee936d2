"""How secret a key is, as it stands in `key_extension` of ETSI GS QKD 014: four items of our own.

`haris_epsilon` (number, or null with `haris_epsilon_reason`), `haris_origin` (`measured`, `emulated`, `vendor`),
`haris_proof` (object: `theorem`, `attacks`, `finite`, `assumptions`) and `haris_hops` (integer, 1: neighbours).
The prefix ends in an underscore, as the standard asks of names that a vendor adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import Origin, Pedigree, Proof


def write_pedigree(pedigree: Pedigree) -> dict[str, Any]:
    """The items of a pedigree, ready for JSON."""
    items: dict[str, Any] = {
        "haris_epsilon": pedigree.epsilon,
        "haris_origin": pedigree.origin.value,
        "haris_proof": msgspec.to_builtins(pedigree.proof),
        "haris_hops": pedigree.hops,
    }
    if pedigree.epsilon_reason:
        items["haris_epsilon_reason"] = pedigree.epsilon_reason
    return items


def read_pedigree(items: Mapping[str, Any] | None) -> Pedigree | None:
    """The pedigree among the items, None when another vendor's KME gave none. PeerError for a wrong form."""
    if items is None or "haris_origin" not in items:
        return None
    try:
        return Pedigree(
            epsilon=msgspec.convert(items["haris_epsilon"], float | None),
            origin=Origin(items["haris_origin"]),
            proof=msgspec.convert(items["haris_proof"], Proof),
            hops=msgspec.convert(items["haris_hops"], int),
            epsilon_reason=msgspec.convert(items.get("haris_epsilon_reason", ""), str),
        )
    except (KeyError, ValueError, msgspec.ValidationError, ParameterError):
        raise PeerError("a key's pedigree has a wrong form") from None
