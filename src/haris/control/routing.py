"""Which paths keys take: the cheapest k that have no site in common, by the pad and the key rate of their spans.

A hop costs itself, since every hop burns pad, and the more the scarcer its pad is. As relays draw on the pads of one
path its cost rises, and the next relay takes another: work spreads over all paths that there are, and leaves a span
that dries up before it is dry.

Source: Suurballe, Networks 4, 125 (1974), in Bhandari's form: k augmentations of a flow in the graph whose sites are
split into arcs of capacity one, each along a cheapest path of the residual graph (Bellman–Ford, for its costs below 0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from haris.control.topology import Hop, Level
from haris.nouns.errors import ParameterError

HOP_COST = 1000
"""What a hop with plenty of pad costs; whole numbers, so that sums compare exactly."""

RATE_HORIZON_S = 10.0
"""How long the key rate of a span counts as pad that is coming."""

Path = tuple[str, ...]
_Place = tuple[str, bool]
"""A site on its way in (False) or out (True): what a path enters it must leave it by."""
_Arc = tuple[_Place, _Place]


def hop_cost(level: Level | None, needed_octets: int, batch_octets: int) -> int | None:
    """What sending over a hop costs, None when its pad does not last for needed_octets.

    batch_octets: pad of a relay of full size, below which pad is scarce. An unknown level counts as one batch.
    """
    if level is None:
        return 2 * HOP_COST
    if level.pad_octets < needed_octets:
        return None
    supply_octets = level.pad_octets + level.rate_bits_s / 8 * RATE_HORIZON_S
    return HOP_COST + round(HOP_COST * batch_octets / max(supply_octets, 1.0))


def disjoint_paths(costs: Mapping[Hop, int], source: str, target: str, k: int) -> tuple[Path, ...]:
    """The k paths of least cost in all from source to target that share no site between, cheapest first.

    costs: of each hop that may be used, above 0. Empty when there are fewer than k.
    """
    if k < 1 or source == target:
        raise ParameterError(f"k paths, 1 or more, lead from one site to another, got {k} from {source} to {target}")
    arcs = _split(costs, source, target)
    flow: set[_Arc] = set()
    for _ in range(k):
        found = _cheapest(arcs, flow, (source, True), (target, False))
        if not found:
            return ()
        for tail, head in found:
            if (head, tail) in flow:
                flow.remove((head, tail))
            else:
                flow.add((tail, head))
    return tuple(sorted(_paths(flow, source, target), key=lambda path: (path_cost(costs, path), path)))


def path_cost(costs: Mapping[Hop, int], path: Path) -> int:
    """The cost of a path: the sum over its hops."""
    return sum(costs[hop] for hop in pairwise(path))


def _split(costs: Mapping[Hop, int], source: str, target: str) -> dict[_Arc, int]:
    """Arcs between places: out of one site into the next, and through each site between."""
    arcs = {}
    for (sender, receiver), cost in sorted(costs.items()):
        if cost < 1:
            raise ParameterError(f"a hop costs more than 0, got {cost} from {sender} to {receiver}")
        if receiver != source and sender != target:
            arcs[(sender, True), (receiver, False)] = cost
            for site in {sender, receiver} - {source, target}:
                arcs[(site, False), (site, True)] = 0
    return arcs


def _residual(arcs: Mapping[_Arc, int], flow: set[_Arc]) -> Iterator[tuple[_Place, _Place, int]]:
    for (tail, head), cost in arcs.items():
        if (tail, head) in flow:
            yield head, tail, -cost
        else:
            yield tail, head, cost


def _cheapest(arcs: Mapping[_Arc, int], flow: set[_Arc], start: _Place, end: _Place) -> list[_Arc]:
    """The arcs of a cheapest way from start to end, last first; empty when there is none."""
    steps = list(_residual(arcs, flow))
    distance: dict[_Place, int] = {start: 0}
    came: dict[_Place, _Place] = {}
    changed = True
    while changed:  # ends: a residual graph of a cheapest flow has no cycle of cost below 0
        changed = False
        for tail, head, cost in steps:
            if tail in distance and distance[tail] + cost < distance.get(head, distance[tail] + cost + 1):
                distance[head], came[head], changed = distance[tail] + cost, tail, True
    if end not in came:
        return []
    found = []
    place = end
    while place != start:
        found.append((came[place], place))
        place = came[place]
    return found


def _paths(flow: set[_Arc], source: str, target: str) -> Iterator[Path]:
    onward = {tail: head for tail, head in flow if tail[0] != source}
    for first in sorted(head for tail, head in flow if tail[0] == source):
        path = [source, first[0]]
        while path[-1] != target:
            path.append(onward[path[-1], True][0])
        yield tuple(path)
