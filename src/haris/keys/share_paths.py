"""Paths that carry the shares of one key: none meets another, and what follows for whom the key relies on."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

from haris.nouns.errors import ParameterError
from haris.wire.relay import MAX_SHARES, require_path

_TRUSTED, _SHARED = "trusted relays: ", "secret sharing over "


def require_disjoint(paths: Sequence[tuple[str, ...]]) -> None:
    """Raise ParameterError unless 1 to 8 paths lead from one site to another and share no site between."""
    for path in paths:
        require_path(path)
    if not 1 <= len(paths) <= MAX_SHARES or len({(path[0], path[-1]) for path in paths}) != 1:
        raise ParameterError(f"1 to {MAX_SHARES} paths lead from one site to one other, got {_names(paths)}")
    between = list(chain.from_iterable(path[1:-1] for path in paths))
    if len(set(between)) != len(between) or len(set(paths)) != len(paths):
        raise ParameterError(f"paths that carry shares of one key have no site in common, got {_names(paths)}")


def trust(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Whom keys that came as shares over these paths rely on, in words; nobody when a path is a single span."""
    between = [", ".join(path[1:-1]) for path in paths]
    if not all(between):
        return ()
    if len(paths) == 1:
        return (f"{_TRUSTED}{between[0]}",)
    n_paths = len(paths)
    return (
        f"{_SHARED}{n_paths} disjoint paths ({' | '.join(between)}): secret while one of them has no "
        f"compromised site, as holds for any {n_paths - 1} compromised",
    )


def is_betrayed(assumptions: Sequence[str], sites: AbstractSet[str]) -> bool:
    """Whether keys that say this of their relay (see trust) are known to these sites, taken together.

    Of several paths each must have such a site. A mask of the end-to-end layer does not count: it is computational.
    """
    for assumption in assumptions:
        if assumption.startswith(_TRUSTED):
            return not sites.isdisjoint(assumption.removeprefix(_TRUSTED).split(", "))
        if assumption.startswith(_SHARED):
            between = assumption[assumption.index("(") + 1 : assumption.index(")")]
            return all(not sites.isdisjoint(path.split(", ")) for path in between.split(" | "))
    return False


def _names(paths: Sequence[tuple[str, ...]]) -> str:
    return ", ".join("-".join(path) for path in paths)
