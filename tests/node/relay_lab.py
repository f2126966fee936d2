"""Sites that relay to each other in one process: real stores and wiring, a transport in memory, pad by hand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from haris.crypto.ledger import span_ledgers
from haris.keys.store import PadAppend
from haris.node.configuration.node_toml import (
    EdgeEntry,
    EndToEndTable,
    KmeTable,
    NodeConfiguration,
    PairEntry,
    PeerEntry,
    PoolsTable,
    SiteTable,
    SpanEntry,
    StoreTable,
)
from haris.node.events import AlarmEvent, Event
from haris.node.pki.authority import make_laboratory
from haris.node.relays.wiring import Relays
from haris.node.spans.reach import Reach
from haris.node.store.store import Store, open_store
from haris.nouns.errors import KeyUnavailable
from haris.nouns.keys import Origin, Pedigree, Proof

SPANS = {
    "bank-a": ("bank", "a"),
    "a-exchange": ("a", "exchange"),
    "bank-b": ("bank", "b"),
    "b-exchange": ("exchange", "b"),
    "bank-c": ("c", "bank"),
    "c-d": ("c", "d"),
    "d-exchange": ("d", "exchange"),
}
"""Span → (Alice, Bob): three disjoint ways from the bank to the exchange, one of them longer."""

SITES = ("bank", "exchange", "a", "b", "c", "d")
PEDIGREE = Pedigree(1e-10, Origin.MEASURED, Proof("theorem", "coherent", True))

Tamper = Callable[[str, str, bytes], bytes]


def make_pki(folder: Path) -> Path:
    """Certificates for the key managers of all sites."""
    kmes = [f"kme-{site}" for site in SITES]
    make_laboratory(folder, kmes, [], kmes, datetime.now(UTC) - timedelta(minutes=1))
    return folder


def honest(site: str, verb: str, body: bytes) -> bytes:
    """What leaves a site as it is."""
    return body


@dataclass
class Peers:
    """What one site asks the others through. It stands for KmePeers."""

    lab: RelayLab
    site: str

    async def ask(self, site: str, verb: str, body: bytes, timeout_s: float = 5.0) -> bytes:
        Foretold(self.lab, self.site).require(site)
        if site in self.lab.away:
            raise KeyUnavailable(f"the key manager of {site} cannot be reached")
        body = self.lab.tamper(self.site, verb, body)
        return await self.lab.handlers[site][verb](self.site, body)


class Foretold(Reach):
    """What one site of a lab can reach: all, but over spans that are shut now."""

    def __init__(self, lab: RelayLab, site: str) -> None:
        super().__init__()
        self._lab, self._site = lab, site

    def _wait_s(self, site: str) -> float | None:
        spans = [name for name, ends in SPANS.items() if set(ends) == {self._site, site}]
        return 60.0 if self._lab.shut & set(spans) else 0.0

    def is_sure(self, site: str) -> bool:
        return self.is_open(site)


@dataclass
class RelayLab:
    """All sites of a network. pki: of make_pki. pairs: the [[pair]] entries of each site. away: who does not answer.

    in_contacts: spans whose ends reach each other in contacts only. shut: those of them that are out of contact.
    """

    folder: Path
    pki: Path
    pairs: dict[str, tuple[PairEntry, ...]]
    rekey_keys: int = 1000
    pool_keys: int = 24
    stores: dict[str, Store] = field(default_factory=dict)
    relays: dict[str, Relays] = field(default_factory=dict)
    handlers: dict = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    in_contacts: frozenset[str] = frozenset()
    shut: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    tamper: Tamper = honest
    _births: count = field(default_factory=count)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        for site in SITES:
            self.stores[site] = open_store(self.folder / f"{site}.db", bytes(32), os.urandom)
            self.start(site)

    def start(self, site: str) -> None:
        """Start a site, or start it anew: what it held in memory is gone."""
        relays = Relays(
            self.configuration(site), self.stores[site], os.urandom, self.events.append, Foretold(self, site)
        )
        self.relays[site] = relays
        self.handlers[site] = relays.handlers(lambda: self.peers(site))

    def peers(self, site: str) -> Peers:
        return Peers(self, site)

    def configuration(self, site: str) -> NodeConfiguration:
        stem = self.pki / f"kme-{site}.mldsa"
        own = Path(f"{stem}.crt"), Path(f"{stem}.key"), self.pki / "mldsa-ca.crt"
        return NodeConfiguration(
            site=SiteTable(site),
            kme=KmeTable(f"kme-{site}", "127.0.0.1:1", "127.0.0.1:1", *(Path("none"),) * 3),
            store=StoreTable(self.folder / f"{site}.db", Path("none")),
            pools=PoolsTable(keys=self.pool_keys),
            peer=tuple(PeerEntry(other, f"kme-{other}", "127.0.0.1:1") for other in SITES if other != site),
            span=tuple(
                SpanEntry(
                    name=name,
                    peer=bob if site == alice else alice,
                    role="alice" if site == alice else "bob",
                    link=None if name in self.in_contacts else Path("none"),
                    passes=Path("none") if name in self.in_contacts else None,
                    reachable="contacts" if name in self.in_contacts else "always",
                    light=Path("none"),
                    secret=Path("none"),
                    listen="127.0.0.1:1",
                )
                for name, (alice, bob) in SPANS.items()
                if site in (alice, bob)
            ),
            pair=self.pairs.get(site, ()),
            edge=tuple(
                EdgeEntry(name, ends, "contacts" if name in self.in_contacts else "always")
                for name, ends in SPANS.items()
            ),
            end_to_end=EndToEndTable(*own, rekey_keys=self.rekey_keys),
        )

    def refill(self, n_octets: int, *spans: str) -> None:
        """The same fresh relay pad at both ends of spans, as a block would bring it."""
        for span in spans or SPANS:
            for ledger in span_ledgers(span)[2:]:
                octets = hashlib.shake_256(f"{ledger} {next(self._births)}".encode()).digest(n_octets)
                for site in SPANS[span]:
                    self.stores[site].ledger_append([PadAppend(ledger, octets, PEDIGREE)])

    async def gossip(self, rounds: int = 3) -> None:
        for _ in range(rounds):
            for site in SITES:
                if site not in self.away:
                    await self.relays[site].topology.tell(self.peers(site))

    async def fill_once(self, site: str, pair: int = 0) -> bool:
        """One relay of a pair of a site, if it is due."""
        relays = self.relays[site]
        return await relays.filling.fill_once(self.peers(site), relays.pairs[pair])

    async def fill(self, site: str, patience: int = 60) -> int:
        """Relay for a site's first pair until the pool is full or nothing moves; returns how many did not arrive."""
        failures = 0
        for _ in range(patience):
            try:
                if not await self.fill_once(site):
                    return failures
            except KeyUnavailable:
                failures += 1
        return failures

    def pools(self, owner: str, peer: str) -> tuple[dict, dict]:
        """Keys of owner that are READY, at either end; they are taken out."""
        found = []
        for site, other in ((owner, peer), (peer, owner)):
            store = self.stores[site]
            keys = store.reserve(other, owner, store.count_ready(other, owner), "test")
            found.append({key.key_id: (key.secret, key.pedigree) for key in keys})
        return found[0], found[1]

    def alarms(self) -> list[AlarmEvent]:
        return [event for event in self.events if isinstance(event, AlarmEvent)]

    def close(self) -> None:
        for site, store in self.stores.items():
            self.relays[site].close()
            store.close()
