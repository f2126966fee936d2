"""What the sky of a site's spans promises its pools: coming passes, how long stocks must last, who may draw on them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from haris.crypto.ledger import ledger_name
from haris.keys.rationing import Appetite, Burst, may_take, until_sure_s
from haris.node.configuration.node_toml import NodeConfiguration, SpanEntry
from haris.node.spans.sky import Sky
from haris.node.store.levels import PoolLevel
from haris.node.store.store import Store
from haris.nouns.errors import ParameterError
from haris.nouns.keys import KEY_OCTETS
from haris.nouns.times import NS_PER_S
from haris.quantum.space.contacts import contacts_of
from haris.quantum.space.light import clear_probability
from haris.quantum.space.pass_key import PassKey
from haris.quantum.space.scenario import Scenario
from haris.wire.status import PassStatus


@dataclass(slots=True)
class Stock:
    """Keys of one pool that passes fill, here or on their way, and those for which relay pad lies ready.

    until_s: until more surely comes. next_s: until the next pass may bring some; where passes over the other station
    are foreseen too, until both may have. Both None: no pass is foreseen.
    """

    n_keys: int = 0
    pad_keys: int = 0
    next_s: float | None = None
    until_s: float | None = None
    appetite: Appetite = field(default_factory=Appetite)


class Outlook:
    """Of one site. ration may be called from any thread."""

    def __init__(self, configuration: NodeConfiguration, store: Store) -> None:
        self._configuration, self._store = configuration, store
        self._spans: dict[str, SpanEntry] = {}
        self._skies: dict[str, Sky] = {}
        self._beyond: dict[tuple[str, str], Sky] = {}  # over the other station, by our span and the site there
        self._passes: dict[str, PassStatus | None] = {}
        self._bursts: dict[str, list[Burst]] = {}
        self._stocks: dict[str, Stock] = {}
        self._lock = threading.Lock()

    def know(self, spans: Sequence[SpanEntry]) -> None:
        """Watch the sky of these spans from now on. Raises ParameterError as a PASS.toml does."""
        for entry in spans:
            if entry.passes is not None and entry.name not in self._skies:
                scenario = Scenario.read(entry.passes)
                self._spans[entry.name] = entry
                self._skies[entry.name] = Sky(contacts_of(scenario, entry.station))
                for edge in self._configuration.edge:
                    if edge.station is not None and entry.peer in edge.sites:
                        (other,) = (site for site in edge.sites if site != entry.peer)
                        self._beyond[entry.name, other] = Sky(contacts_of(scenario, edge.station))

    async def look(self, peer: str, level: PoolLevel) -> Stock | None:
        """The stock of a pool now; None of one that no pass fills."""
        feeding = self._feeding(peer)
        if not feeding:
            return None
        pads = await asyncio.to_thread(self._look_up, feeding)
        hops = [[burst for name in feeding for burst in self._bursts[name]]]
        beyond = [self._beyond[name, peer] for name in feeding if (name, peer) in self._beyond]
        if beyond:
            hops.append([burst for sky in beyond for burst in await asyncio.to_thread(_bursts, sky)])
        with self._lock:
            stock = self._stocks.setdefault(peer, Stock())
            stock.pad_keys = pads // KEY_OCTETS
            stock.n_keys = level.ready + level.leased + level.pending + stock.pad_keys
            stock.next_s = _latest(min((burst.in_s for burst in hop if burst.n_keys), default=None) for hop in hops)
            stock.until_s = _latest(until_sure_s(hop) for hop in hops)
        return stock

    def next_pass(self, span: str) -> PassStatus | None:
        """The pass that lasts, or the next, as the last look had it."""
        return self._passes.get(span)

    def ration(self, sites: Mapping[str, str], slave: str, n_keys: int, priority: int) -> float | None:
        """Seconds after which to ask again, where keys must be kept for higher priorities; None: they need not.

        sites: where applications live. n_keys: of 256 bits.
        """
        now_s = time.monotonic()
        with self._lock:
            stock = self._stocks.get(sites.get(slave, ""))
            if stock is None:
                return None
            stock.appetite.ask(n_keys, priority, now_s)
            if may_take(stock.n_keys, n_keys, priority, stock.appetite, stock.until_s, now_s):
                stock.n_keys -= min(n_keys, stock.n_keys)
                return None
            return stock.next_s

    def _feeding(self, peer: str) -> list[str]:
        """Spans through space that fill a pool: to the peer itself, or the first of the ways that relays take there."""
        pairs = {pair.peer: pair for pair in self._configuration.pair}
        if peer not in pairs:
            return [name for name, entry in self._spans.items() if entry.peer == peer]
        path = pairs[peer].path
        return [name for name, entry in self._spans.items() if not path or entry.peer == path[1]]

    def _look_up(self, spans: Sequence[str]) -> int:
        """Look at the sky of spans. Returns the octets of pad in which this site relays over them."""
        octets = 0
        for name in spans:
            sky, entry = self._skies[name], self._spans[name]
            coming, now_s, factor = _coming(sky), sky.now_s(), sky.contacts.clock.factor
            self._bursts[name] = _bursts(sky)
            self._passes[name] = next(
                (
                    PassStatus(
                        round(key.flown.rise_s * NS_PER_S),
                        round(key.flown.set_s * NS_PER_S),
                        key.flown.max_elevation_deg,
                        key.secret_bits,
                        max(0.0, key.flown.rise_s - now_s) / factor,
                    )
                    for key in coming
                ),
                None,
            )
            head, end = self._store.ledger_bounds(ledger_name(name, "relay", "ab" if entry.role == "alice" else "ba"))
            octets += end - head
        return octets


def _latest(times_s: Iterable[float | None]) -> float | None:
    """When all of them have come; None where one never does."""
    times = list(times_s)
    return None if None in times else max(each for each in times if each is not None)


def _coming(sky: Sky) -> list[PassKey]:
    """Passes that are expected to give key."""
    try:
        return [key for key in sky.coming() if key.secret_bits]
    except ParameterError:  # elements that are too old: their span tells
        return []


def _bursts(sky: Sky) -> list[Burst]:
    now_s, factor, link = sky.now_s(), sky.contacts.clock.factor, sky.contacts.link
    return [
        Burst(
            max(0.0, key.flown.set_s - now_s) / factor,
            key.secret_bits / (8 * KEY_OCTETS),
            min(1.0, clear_probability(key.slots, link)),
        )
        for key in _coming(sky)
    ]
