"""All of relay at one site, wired together from its configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from haris.control.topology import Graph, View
from haris.crypto.signing import Credentials
from haris.keys.end_to_end import Lifetime
from haris.keys.store import KeyStore
from haris.node.configuration.node_toml import NodeConfiguration, SpanEntry
from haris.node.events import Event, Observe
from haris.node.relays import handing as relaying
from haris.node.relays.carrying import Carrying
from haris.node.relays.end_to_end import Sessions, Signers
from haris.node.relays.filling import Filling, Pair
from haris.node.relays.handing import Neighbour, Relaying
from haris.node.relays.routes import Routes
from haris.node.relays.topology import Topology, steady_clock
from haris.node.spans.reach import Reach
from haris.node.supply.peers import KmePeers
from haris.node.supply.signers import read_signers
from haris.wire import end_to_end, topology

Handler = Callable[[str, bytes], Awaitable[bytes]]


class Relays:
    """What a site's wiring needs of relay: handlers for its peer face, and tasks that run for ever.

    sessions: None without a table [end_to_end]. pairs: pools that relays fill. reach: of the other sites.
    """

    def __init__(
        self,
        configuration: NodeConfiguration,
        store: KeyStore,
        entropy: Callable[[int], bytes],
        observe: Observe,
        reach: Reach | None = None,
    ) -> None:
        reach = reach or Reach(configuration.span)
        site, spans, clock = configuration.site.name, configuration.span, steady_clock()
        neighbours = _neighbours(spans)
        view = View(configuration.graph, site)
        fixed = {pair.peer: pair.path for pair in configuration.pair if pair.path}
        masked_only = frozenset(pair.peer for pair in configuration.pair if pair.end_to_end)
        self._observe = observe
        self.sessions = _sessions(configuration, entropy)
        self.topology = Topology(view, store, _outgoing(neighbours), {span.name: span.peer for span in spans}, clock)
        self.relaying = Relaying(site, store, neighbours, observe, self.sessions, masked_only, reach)
        self.filling = Filling(self.relaying, Routes(view, fixed, clock, reach), entropy, self.sessions)
        self.carrying = Carrying(self.relaying)
        pools = configuration.pools
        self.pairs = [
            Pair(pair.peer, pools.keys, pair.paths, pair.end_to_end, pools.horizon_s, pools.arrive_within_s)
            for pair in configuration.pair
        ]

    def know(self, spans: Sequence[SpanEntry], graph: Graph) -> None:
        """Relay over these spans, and see this network, from now on."""
        neighbours = _neighbours(spans)
        self.relaying.neighbours = neighbours
        self.topology.outgoing = _outgoing(neighbours)
        self.topology.spans = {span.name: span.peer for span in spans}
        self.topology.view.graph = graph

    def trust(self, credentials: Mapping[str, Credentials]) -> None:
        """Begin sessions of the end-to-end layer with these sites from now on, where there are any."""
        if self.sessions is not None:
            self.sessions.trust(credentials)

    def handlers(self, peers: Callable[[], KmePeers]) -> dict[str, Handler]:
        """What the peer face answers, by verb. peers: known when the first message comes."""

        async def relay(caller: str, body: bytes) -> bytes:
            return await self.relaying.handle(peers(), caller, body)

        handlers: dict[str, Handler] = {relaying.VERB: relay, topology.VERB: self.topology.handle}
        if self.sessions is not None:
            handlers[end_to_end.VERB] = self.sessions.handle
        return handlers

    def tasks(self, peers: KmePeers) -> list[Coroutine[Any, Any, None]]:
        """To run for ever: a filler for each pair, the site's word to its neighbours, and what it holds for them."""
        fillers = (self.filling.fill(peers, pair) for pair in self.pairs)
        return [self.topology.run(peers), self.carrying.run(peers), *fillers]

    async def tell_level(self, peer: str, target: int) -> int:
        """See Filling.tell_level."""
        return await self.filling.tell_level(peer, target)

    def observe(self, event: Event) -> None:
        """What the spans tell: followed here, and told on."""
        self.topology.observe(event)
        self._observe(event)

    def close(self) -> None:
        """Overwrite the keys of all sessions."""
        if self.sessions is not None:
            self.sessions.close()


def _neighbours(spans: Sequence[SpanEntry]) -> dict[str, Neighbour]:
    return {span.peer: Neighbour(span.name, span.role == "alice", span.in_contacts) for span in spans}


def _outgoing(neighbours: Mapping[str, Neighbour]) -> dict[str, str]:
    return {peer: neighbour.outgoing for peer, neighbour in neighbours.items()}


def _sessions(configuration: NodeConfiguration, entropy: Callable[[int], bytes]) -> Sessions | None:
    table, credentials = configuration.end_to_end, read_signers(configuration)
    if table is None or credentials is None:
        return None
    in_contacts = any(edge.in_contacts for edge in configuration.graph.edges)
    return Sessions(
        Signers(configuration.site.name, credentials),
        entropy,
        Lifetime(table.rekey_keys, table.rekey_s),
        arrive_within_s=configuration.pools.arrive_within_s if in_contacts else None,
    )
