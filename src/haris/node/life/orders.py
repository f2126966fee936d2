"""What operators do to the keys of a running site: purge a pair, revoke a site and restore it, back the store up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from haris.keys.directory import Directory
from haris.manage.audit import Act
from haris.node.life.witnessing import Witnessing
from haris.node.store.store import Store
from haris.node.system.threads import finish_in_thread
from haris.nouns.errors import ParameterError


class KeyLife:
    """The acts of operators. spans: those that lead to each peer. path: the store's file, if it is one.

    owed: told when other sites are to be told.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        witnesses: Witnessing,
        spans: Mapping[str, Sequence[str]],
        path: Path | None,
        owed: Callable[[], None],
    ) -> None:
        self._store, self._directory, self._witnesses = store, directory, witnesses
        self._spans, self._path, self._owed = spans, path, owed

    async def purge(self, master: str, slave: str, who: str) -> int:
        """Burn what a pair has, at both ends. Returns how many keys that burns here.

        ParameterError for a pair of which not one lives at this site, and the other at another.
        """
        sites = [self._directory.require_site(sae) for sae in (master, slave)]
        others = [site for site in sites if site != self._directory.site]
        if len(others) != 1:
            raise ParameterError(f"{master} and {slave}: one of a pair lives at this site, and the other at another")
        n_keys = await finish_in_thread(self._store.purge_pair, master, slave, others[0], who)
        self._owed()
        return n_keys

    async def revoke(self, site: str, who: str) -> int:
        """Trust a site no more. Returns how many keys that burns here. ParameterError for an unknown one."""
        self._require_peer(site)
        self._witnesses.revoke(site)  # first, so that nothing new is shared with it
        n_keys = await finish_in_thread(self._store.revoke_site, site, self._spans.get(site, ()), who)
        self._owed()
        return n_keys

    async def restore(self, site: str, who: str) -> None:
        """Trust a site again. ParameterError for one that is not revoked."""
        self._require_peer(site)
        if not await finish_in_thread(self._store.restore_site, site, who):
            raise ParameterError(f"site {site} is not revoked")
        await self._witnesses.refresh()

    async def back_up(self, who: str) -> Path:
        """A copy of the store as it is now, beside it. ParameterError for a store that is no file."""
        if self._path is None:
            raise ParameterError("this store is a PostgreSQL database: back it up by pg_dump")
        name = f"{self._path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}.backup"
        copy = self._path.with_name(name)
        await asyncio.to_thread(self._store.back_up, copy)
        act = Act("backup", who, name)
        await finish_in_thread(self._store.audit, self._store.writer, _now_ns(), [act])
        return copy

    def _require_peer(self, site: str) -> None:
        if site not in self._directory.kmes or site == self._directory.site:
            raise ParameterError(f"{site} is no other site of this network")


def _now_ns() -> int:
    return int(datetime.now(UTC).timestamp() * 1e9)
