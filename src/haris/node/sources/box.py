"""One end of a maker's source, as a site reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from haris.keys.vendor import SourceKey


class Box(Protocol):
    """A box, a key manager or a folder that hands keys over by name.

    Its methods raise KeyUnavailable while it has no key or cannot be reached, ParameterError when it refuses the
    request, PeerError when it breaks its standard. What it gives is not examined here.
    """

    async def open(self, session: bytes) -> tuple[str, ...]:
        """Begin to use it in a session of the span, of that name.

        Returns the names of keys that lie open there, which a crash may have left unburnt.
        """

    async def fresh(self, n_keys: int) -> tuple[SourceKey, ...]:
        """At the end that draws: fresh keys, n_keys if it has so many."""

    async def named(self, names: Sequence[str]) -> tuple[SourceKey, ...]:
        """At the other end: of the keys that were drawn under these names, those that can be had now, at least one.

        A box that gives a key once is not asked for it again, so what came before an error is returned.
        """

    async def burn(self, names: Sequence[str]) -> None:
        """Keys of these names are used up: nothing of them may stay where the box put it."""

    async def close(self) -> None:
        """Let go of it."""
