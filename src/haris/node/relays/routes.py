"""The ways that keys of this site take: fixed ones by configuration, all others by routing, relay by relay."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from haris.control.routing import HOP_COST, Path, disjoint_paths, hop_cost
from haris.control.topology import Hop, Level, View
from haris.keys.relay import BATCH_KEYS, pad_octets
from haris.node.spans.reach import Reach
from haris.nouns.errors import KeyUnavailable, OutOfContact
from haris.wire.relay import MAX_SITES

BLAME_COST = 4 * HOP_COST
"""What each hop of a path costs more for each share that was lost on it, so that a way around is tried first."""

BLAME_NS = 30 * 10**9
"""How long a loss is remembered; a relay that arrives clears its paths at once."""


class Routes:
    """Paths from this site. fixed: by far end. reach: of the neighbours.

    `pads`: octets in its own relay ledger towards each neighbour, now.
    """

    def __init__(
        self,
        view: View,
        fixed: Mapping[str, Path],
        now_ns: Callable[[], int] = time.time_ns,
        reach: Reach | None = None,
    ) -> None:
        self._view, self._fixed, self._now_ns, self._reach = view, fixed, now_ns, reach or Reach()
        self._blamed: dict[Hop, list[int]] = {}  # until when, for each loss

    def choose(self, peer: str, k: int, pads: Mapping[str, int]) -> tuple[Path, ...]:
        """k disjoint paths to peer. KeyUnavailable when pad is short on every way, or a site is away; OutOfContact when
        the first site of the way is."""
        away = self._view.sites_away(self._now_ns())
        if peer in self._fixed:
            found: tuple[Path, ...] = (self._fixed[peer],)
            self._reach.require_sure(found[0][1])
        else:
            costs = self._costs(pads)
            found = disjoint_paths(self._in_reach(costs), self._view.site, peer, k)
            if not found and disjoint_paths(costs, self._view.site, peer, k):
                raise OutOfContact(f"the ways to {peer} lead over sites that are out of contact")
        if not found or any(site in away for path in found for site in path):
            why = f"; away: {', '.join(away)}" if away else ""
            raise KeyUnavailable(f"no {k} disjoint paths with pad lead to {peer} now{why}")
        if any(len(path) > MAX_SITES for path in found):
            raise KeyUnavailable(f"the paths to {peer} run over more than {MAX_SITES} sites")
        return found

    def are_in_contacts(self, paths: Sequence[Path]) -> bool:
        """Whether a share may wait on these paths for a site that is out of reach."""
        return any(self._view.graph.is_in_contacts(path) for path in paths)

    def pad_left(self, paths: Sequence[Path], pads: Mapping[str, int]) -> int:
        """Octets in the poorest relay ledger of these paths, as far as it is known here."""
        levels = self._levels(pads)
        known = [levels.get(hop) for path in paths for hop in pairwise(path[1:])]
        own = [pads.get(path[1], 0) for path in paths]
        return min([*own, *(level.pad_octets for level in known if level is not None)])

    def used(self, paths: Sequence[Path], n_keys: int) -> None:
        """A relay of n_keys has arrived over these paths."""
        for path in paths:
            self._view.spend(path, pad_octets(n_keys))
            for hop in pairwise(path):
                self._blamed.pop(hop, None)

    def blame(self, path: Path) -> None:
        """A share was lost on this path, or altered, as far as is known."""
        until = self._now_ns() + BLAME_NS
        for hop in pairwise(path):
            self._blamed.setdefault(hop, []).append(until)

    def _in_reach(self, costs: Mapping[Hop, int]) -> dict[Hop, int]:
        own = self._view.site
        return {hop: cost for hop, cost in costs.items() if hop[0] != own or self._reach.is_sure(hop[1])}

    def _costs(self, pads: Mapping[str, int]) -> dict[Hop, int]:
        now_ns = self._now_ns()
        recent = ((hop, [until for until in untils if until > now_ns]) for hop, untils in self._blamed.items())
        self._blamed = {hop: untils for hop, untils in recent if untils}
        costs = {}
        for hop, level in self._levels(pads).items():
            cost = hop_cost(level, pad_octets(1), pad_octets(BATCH_KEYS))
            if cost is not None:
                costs[hop] = cost + BLAME_COST * len(self._blamed.get(hop, ()))
        return costs

    def _levels(self, pads: Mapping[str, int]) -> dict[Hop, Level | None]:
        """As announced; of this site's own ledgers, as they stand."""
        levels = self._view.levels(self._now_ns())
        for neighbour, octets in pads.items():
            hop = self._view.site, neighbour
            known = levels.get(hop)
            if hop in levels or hop not in self._view.graph.hops():
                levels[hop] = Level(octets, 0.0 if known is None else known.rate_bits_s)
        return levels
