"""What the demonstration has heard from its processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from haris.node.events import AlarmEvent, BlockEvent, Event, PoolEvent, RelayEvent, SiteEvent, SupplyEvent


@dataclass(slots=True)
class SpanRecord:
    """The blocks of one span, as its Alice tells them."""

    blocks: list[BlockEvent] = field(default_factory=list)

    @property
    def good(self) -> list[BlockEvent]:
        """Blocks that gave key."""
        return [block for block in self.blocks if block.aborted is None]

    @property
    def n_aborted(self) -> int:
        """Blocks that gave none."""
        return len(self.blocks) - len(self.good)

    @property
    def qber(self) -> float | None:
        """Error rate of the newest block that tells one: of the key basis, or of the test basis if it was aborted."""
        rates = (block.qber_test if block.qber_key is None else block.qber_key for block in reversed(self.blocks))
        return next((rate for rate in rates if rate is not None), None)

    @property
    def secret_bits_per_s(self) -> float:
        """Secret bits for each second of light, aborted blocks included."""
        light_s = sum(block.light_s for block in self.blocks)
        return sum(block.secret_bits for block in self.good) / light_s if light_s else 0.0

    @property
    def quick_motion(self) -> float:
        """Seconds of light for each second spent on it here."""
        wall_s = sum(block.wall_s for block in self.blocks)
        return sum(block.light_s for block in self.blocks) / wall_s if wall_s else 0.0


class Watch:
    """Hears every JSON line. alices: the site that reports each span."""

    def __init__(self, alices: dict[str, str]) -> None:
        self._alices = alices
        self.spans: dict[str, SpanRecord] = {name: SpanRecord() for name in alices}
        self.pools: dict[tuple[str, str], PoolEvent] = {}
        self.alarms: list[AlarmEvent] = []
        self.relays: list[RelayEvent] = []
        self.life: list[SiteEvent] = []
        self.n_given: dict[str, int] = defaultdict(int)
        self.epsilon_max = 0.0
        self.hops = 0
        self.tunnel: list[dict[str, Any]] = []
        self.on_event: Callable[[Event], None] = lambda event: None

    def hear_site(self, line: dict[str, Any]) -> None:
        """A line of `haris node --json`."""
        event = msgspec.convert(line, Event)
        match event:
            case BlockEvent():
                if event.site == self._alices[event.span]:
                    self.spans[event.span].blocks.append(event)
            case PoolEvent():
                self.pools[event.site, event.peer] = event
            case AlarmEvent():
                self.alarms.append(event)
            case RelayEvent():
                self.relays.append(event)
            case SiteEvent():
                self.life.append(event)
            case SupplyEvent():
                self.n_given[event.method] += event.n_keys
                self.epsilon_max = max(self.epsilon_max, event.epsilon or 0.0)
                self.hops = max(self.hops, event.hops)
        self.on_event(event)

    def hear_tunnel(self, line: dict[str, Any]) -> None:
        """A line of `haris tunnel connect --json`."""
        self.tunnel.append(line)

    def ready(self, site: str, peer: str) -> int:
        """Keys that site may assign towards peer, as last told."""
        pool = self.pools.get((site, peer))
        return pool.ready if pool else 0

    @property
    def tls(self) -> dict[str, Any]:
        """What the newest handshake agreed on."""
        return next((line["tls"] for line in reversed(self.tunnel) if line.get("tls")), {})

    @property
    def tunnel_state(self) -> str:
        """The newest kind of event of the tunnel: epoch, waiting, resumed, …"""
        return str(self.tunnel[-1].get("kind", "")) if self.tunnel else ""
