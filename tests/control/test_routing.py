"""Routing beside brute force over all simple paths, and beside networkx's flow of least cost."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import networkx
import pytest

from haris.control.routing import HOP_COST, RATE_HORIZON_S, disjoint_paths, hop_cost, path_cost
from haris.control.topology import Level
from haris.keys.share_paths import require_disjoint
from haris.nouns.errors import ParameterError

Costs = dict[tuple[str, str], int]


def network(seed: int, n_sites: int, n_spans: int) -> Costs:
    """Random spans, either direction of its own cost, some directions dry."""
    chance = random.Random(seed)
    sites = [f"s{n}" for n in range(n_sites)]
    spans = chance.sample(list(combinations(sites, 2)), min(n_spans, n_sites * (n_sites - 1) // 2))
    hops = [hop for one, other in spans for hop in ((one, other), (other, one)) if chance.random() < 0.9]
    return {hop: chance.randint(1, 50) for hop in hops}


def brute_force(costs: Costs, k: int) -> int | None:
    """The least cost of k disjoint paths from s0 to s1, over every choice of simple paths."""
    graph = networkx.DiGraph(list(costs))
    if not {"s0", "s1"} <= set(graph):
        return None
    paths = [tuple(path) for path in networkx.all_simple_paths(graph, "s0", "s1")]
    fitting = [
        sum(path_cost(costs, path) for path in chosen)
        for chosen in combinations(paths, k)
        if not any(set(one[1:-1]) & set(other[1:-1]) for one, other in combinations(chosen, 2))
    ]
    return min(fitting, default=None)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_cheapest_disjoint_paths_by_brute_force(k: int) -> None:
    found_some = found_none = 0
    for seed in range(150):
        costs = network(seed, 6, 5 + seed % 7)
        expected, found = brute_force(costs, k), disjoint_paths(costs, "s0", "s1", k)
        assert bool(found) == (expected is not None)
        found_none += not found
        if found:
            found_some += 1
            require_disjoint(found)
            assert len(found) == k
            assert sum(path_cost(costs, path) for path in found) == expected
            assert [path_cost(costs, path) for path in found] == sorted(path_cost(costs, path) for path in found)
    assert min(found_some, found_none) > 5


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_larger_networks_by_networkx(k: int) -> None:
    """Minimum-cost flow of k units in the graph of split sites, by network simplex."""
    found_some = 0
    for seed in range(15):
        costs = network(1000 + seed, 25, 70)
        graph = networkx.DiGraph()
        for (sender, receiver), cost in costs.items():
            graph.add_edge(f"{sender} out", f"{receiver} in", capacity=1, weight=cost)
        for site in {site for hop in costs for site in hop}:
            graph.add_edge(f"{site} in", f"{site} out", capacity=1, weight=0)
        graph.add_node("s0 out", demand=-k)
        graph.add_node("s1 in", demand=k)
        try:
            expected = networkx.min_cost_flow_cost(graph)
        except networkx.NetworkXUnfeasible:
            assert disjoint_paths(costs, "s0", "s1", k) == ()
            continue
        found_some += 1
        found = disjoint_paths(costs, "s0", "s1", k)
        require_disjoint(found)
        assert sum(path_cost(costs, path) for path in found) == expected
    assert found_some > 5


def test_the_trap_that_a_greedy_search_falls_into() -> None:
    """The one cheapest path crosses over; two paths exist only without it (Suurballe 1974)."""
    hops = {("a", "x"): 1, ("x", "y"): 1, ("y", "b"): 1, ("a", "y"): 5, ("x", "b"): 5}
    assert disjoint_paths(hops, "a", "b", 1) == (("a", "x", "y", "b"),)
    assert disjoint_paths(hops, "a", "b", 2) == (("a", "x", "b"), ("a", "y", "b"))


def test_neighbours_have_the_span_and_ways_around_it() -> None:
    hops = {("a", "b"): 1, ("a", "x"): 1, ("x", "b"): 1}
    assert disjoint_paths(hops, "a", "b", 2) == (("a", "b"), ("a", "x", "b"))
    assert disjoint_paths(hops, "a", "b", 3) == ()


def test_wrong_questions() -> None:
    with pytest.raises(ParameterError):
        disjoint_paths({("a", "b"): 1}, "a", "a", 1)
    with pytest.raises(ParameterError):
        disjoint_paths({("a", "b"): 1}, "a", "b", 0)
    with pytest.raises(ParameterError):
        disjoint_paths({("a", "b"): 0}, "a", "b", 1)
    assert disjoint_paths({}, "a", "b", 1) == ()


def test_a_hop_costs_more_the_scarcer_its_pad() -> None:
    batch = 8000
    costs = [hop_cost(Level(octets, 0.0), 80, batch) for octets in (80, 8000, 80_000, 8_000_000)]
    assert costs == sorted((cost for cost in costs if cost is not None), reverse=True)
    assert costs[-1] == HOP_COST + 1
    assert hop_cost(Level(8000, 0.0), 80, batch) == 2 * HOP_COST == hop_cost(None, 80, batch)
    assert hop_cost(Level(79, 1e9), 80, batch) is None, "dry, whatever comes"
    coming = 8 * 8000 / RATE_HORIZON_S
    assert hop_cost(Level(8000, coming), 80, batch) == hop_cost(Level(16000, 0.0), 80, batch)


def test_work_leaves_a_span_that_dries_up_before_it_is_dry() -> None:
    """Two ways of equal length: relays share them by turns, and together they carry what both hold."""
    pads = {("a", "x"): 40_000, ("x", "b"): 40_000, ("a", "y"): 20_000, ("y", "b"): 20_000}
    taken = []
    while True:
        levels = {hop: hop_cost(Level(octets, 0.0), 1000, 8000) for hop, octets in pads.items()}
        found = disjoint_paths({hop: cost for hop, cost in levels.items() if cost}, "a", "b", 1)
        if not found:
            break
        (path,) = found
        taken.append(path[1])
        for hop in pairwise(path):
            pads[hop] -= 1000
    assert (taken.count("x"), taken.count("y")) == (40, 20)
    assert taken[:20] == ["x"] * 20, "the richer way first"
    assert taken[20:30].count("y") == 5, "then both by turns"
