"""NODE.toml: everything that one site is told by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from haris.control.routing import disjoint_paths
from haris.control.topology import Edge, Graph
from haris.keys.allotment import RESERVE_OCTETS
from haris.keys.policy import Rule
from haris.keys.stream_terms import StreamLimits
from haris.node.configuration.interworking import InterworkingTable, OperatorEntry
from haris.node.configuration.inventory import SourceEntry
from haris.node.configuration.operation import AdminTable, SnmpTable, SyslogTable, TracesTable
from haris.node.configuration.randomness import RandomnessTable
from haris.node.pki.identity import IdentityTable
from haris.node.pki.revocation import RevocationTable
from haris.node.store.postgres_address import PostgresAddress
from haris.node.system.secret_file import read_password
from haris.node.system.unlocking import require_source
from haris.nouns.checks import require_positive
from haris.nouns.document import read_document
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name
from haris.wire.relay import MAX_SHARES


@dataclass(frozen=True, slots=True)
class SiteTable:
    """[site] name: of this site. laboratory: whether keys of emulated light may be used here at all."""

    name: str
    laboratory: bool = False

    def __post_init__(self) -> None:
        require_name("name", self.name)


@dataclass(frozen=True, slots=True)
class KmeTable:
    """[kme] The key manager of this site.

    id: as in the certificate. listen: HOST:PORT for applications. listen_peers: HOST:PORT for other key managers.
    certificate, private_key: its own, for mutual TLS, PEM files; the certificate is followed by the authorities between
    it and the root, and the key may name one in a PKCS#11 token. authority: PEM file of the roots that it trusts.
    """

    id: str
    listen: str
    listen_peers: str
    certificate: Path
    private_key: Path
    authority: Path

    def __post_init__(self) -> None:
        require_name("id", self.id)
        read_endpoint("listen", self.listen)
        read_endpoint("listen_peers", self.listen_peers)


@dataclass(frozen=True, slots=True)
class StoreTable:
    """[store] Where keys are kept at rest: in a SQLite file, or in a PostgreSQL database that several processes share.

    path: the SQLite file. postgresql: the database, as postgresql://USER@HOST:PORT/DATABASE. password: a file with the
    user's. authority: PEM file of who signs the database server's certificate. process: the name of this process,
    another for each that shares the database. key_encryption_key: a file of 32 octets under which every secret is
    sealed, or one that `haris kek` has sealed. unlock: where its passphrase or its token's PIN comes from: `prompt`,
    the terminal; `fd:N`, an open file; `credential:NAME`, systemd's LoadCredential; `file:PATH`. trust_alone: use keys
    and pads after a start although the other site cannot be reached to confirm that this store is its newest.
    """

    key_encryption_key: Path
    path: Path | None = None
    postgresql: str | None = None
    password: Path | None = None
    authority: Path | None = None
    process: str | None = None
    unlock: str = "prompt"
    trust_alone: bool = False

    def __post_init__(self) -> None:
        require_source("unlock", self.unlock)
        if (self.path is None) == (self.postgresql is None):
            raise ParameterError("path or postgresql: a store lies in a file or in a database")
        if self.postgresql is not None:
            PostgresAddress(self.postgresql)
            require_name("process", self.process or "")
        elif (self.password, self.authority, self.process) != (None, None, None):
            raise ParameterError("path: a file needs no password, authority or process")

    @property
    def beside(self) -> Path:
        """The path beside which this process keeps its few small files."""
        return self.path or self.key_encryption_key

    def place(self) -> Path | PostgresAddress:
        """Where open_store finds it. ParameterError for a password that cannot be read."""
        if self.postgresql is None:
            return self.beside
        secret = "" if self.password is None else read_password("the database's password", self.password)
        return PostgresAddress(self.postgresql, secret, self.authority)


@dataclass(frozen=True, slots=True)
class PoolsTable:
    """[pools] What this site wants to hold.

    keys: 256-bit keys ready towards each peer. relay_keys: one-time pad for relaying so many keys a direction.
    auth_octets: authentication pad a direction, at least 2048; each tag burns 32. horizon_s: while relay pad is scarce,
    for how long each pool shall last by forecast of its demand before another is filled beyond that. max_age_s: keys
    that are older are burnt at both ends; without it none is. fetch_within_s: keys that a master took and no slave has
    fetched for so long are burnt, and forgotten. arrive_within_s: keys that are relayed over sites which are reachable
    in contacts only are given up when they have not arrived for so long.
    """

    keys: int = 1024
    relay_keys: int = 1024
    auth_octets: int = 65536
    horizon_s: float = 60.0
    max_age_s: float | None = None
    fetch_within_s: float = 604_800.0
    arrive_within_s: float = 86_400.0

    def __post_init__(self) -> None:
        for name in ("keys", "relay_keys", "auth_octets", "horizon_s", "fetch_within_s", "arrive_within_s"):
            require_positive(name, getattr(self, name))
        if self.max_age_s is not None:
            require_positive("max_age_s", self.max_age_s)
        if self.auth_octets < 4 * RESERVE_OCTETS:
            raise ParameterError(
                f"auth_octets must be at least {4 * RESERVE_OCTETS}: blocks are made when half of it is gone, and none "
                f"is begun with less than {RESERVE_OCTETS}"
            )


@dataclass(frozen=True, slots=True)
class Etsi004Table:
    """[etsi004] Key streams (ETSI GS QKD 004).

    listen: HOST:PORT for applications; without it none is served. max_bps: the highest rate that a stream is promised.
    max_timeout_ms: the longest that a call may wait. window: how many chunks one end may be ahead of the other.
    """

    listen: str | None = None
    max_bps: int = 1_000_000
    max_timeout_ms: int = 300_000
    window: int = 1024

    def __post_init__(self) -> None:
        if self.listen is not None:
            read_endpoint("listen", self.listen)
        self.limits()

    def limits(self) -> StreamLimits:
        """What a stream may ask for."""
        return StreamLimits(self.max_bps, self.max_timeout_ms, self.window)


@dataclass(frozen=True, slots=True)
class SkipTable:
    """[skip] SKIP for encryptors that have a pre-shared key and no certificate; the others use [kme] listen.

    listen: HOST:PORT; without it none is served. keys: a file of lines `SAE_ID:KEY`, the key in hexadecimal.
    """

    listen: str | None = None
    keys: Path | None = None

    def __post_init__(self) -> None:
        if self.listen is not None:
            read_endpoint("listen", self.listen)
        if (self.listen is None) != (self.keys is None):
            raise ParameterError("listen and keys of SKIP belong together")


@dataclass(frozen=True, slots=True)
class SaeEntry:
    """[[sae]] An application entity.

    id: its SAE ID, as in its certificate. site: where it lives. system: its system ID for SKIP, where that is another.
    operator: who serves it, where that is another one; site is then our gateway to that operator. customer: who
    uses it, for the accounts.
    """

    id: str
    site: str
    system: str | None = None
    operator: str | None = None
    customer: str = ""

    def __post_init__(self) -> None:
        require_name("id", self.id)
        require_name("site", self.site)
        require_name("system", self.system or self.id)
        if self.operator is not None:
            require_name("operator", self.operator)


@dataclass(frozen=True, slots=True)
class PeerEntry:
    """[[peer]] Another site.

    site: its name. kme: its key manager's ID, as in the certificate. address: HOST:PORT of its listen_peers. also:
    those of further processes of it, in the order in which they are tried while the ones before cannot be reached.
    """

    site: str
    kme: str
    address: str
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_name("site", self.site)
        require_name("kme", self.kme)
        for address in (self.address, *self.also):
            read_endpoint("address", address)

    @property
    def urls(self) -> tuple[str, ...]:
        """Of its peer face, in order."""
        return tuple(f"https://{address}" for address in (self.address, *self.also))


@dataclass(frozen=True, slots=True)
class SpanEntry:
    """[[span]] A link to a neighbour.

    name: of the link. peer: the site at its other end. role: who this site is on it. link: LINK.toml. light: Unix
    socket of the emulated light. passes: instead of link, the PASS.toml of a satellite: keys come while a pass lasts.
    station: which of its stations, where it names several. reachable: whether the key manager of the peer of a span of
    passes is reachable `always`, as through a relay satellite, or in `contacts` only: while the satellite stands higher
    than radio_elevation_deg. source: instead of link and light, the name of the
    [[source]] that makes its keys.
    secret: this site's copy of the file that commissions the link, given to both sites by hand, or of the two halves
    of a two-person secret (haris link secret); it is burnt once read. commission: `secret`, or `ml-kem` for a first pad
    that both sites agree on by ML-KEM signed with ML-DSA (table [end_to_end] names what they sign with).
    listen, connect: HOST:PORT of the classical channel; one end listens, the other connects.
    """

    name: str
    peer: str
    role: Literal["alice", "bob"]
    secret: Path | tuple[Path, ...] | None = None
    commission: Literal["secret", "ml-kem"] = "secret"
    link: Path | None = None
    light: Path | None = None
    passes: Path | None = None
    station: str | None = None
    reachable: Literal["always", "contacts"] = "always"
    radio_elevation_deg: float = 5.0
    source: str | None = None
    listen: str | None = None
    connect: str | None = None

    def __post_init__(self) -> None:
        require_name("name", self.name)
        if (self.listen is None) == (self.connect is None):
            raise ParameterError(f"name {self.name}: a span either listens or connects")
        if (self.commission == "secret") != (self.secret is not None):
            raise ParameterError(f'name {self.name}: a span has a secret, or commission = "ml-kem"')
        if isinstance(self.secret, tuple) and len(self.secret) != 2:
            raise ParameterError(f"secret of span {self.name} is one file or two halves, got {len(self.secret)} files")
        ways = (self.link, self.passes, self.source)
        if ways.count(None) != 2 or (self.source is None) != (self.light is not None):
            raise ParameterError(f"name {self.name}: a span has either link and light, or passes and light, or source")
        if self.station is not None and self.passes is None:
            raise ParameterError(f"station of span {self.name} is one of its passes, and it has none")
        if self.in_contacts and self.passes is None:
            raise ParameterError(f"reachable of span {self.name}: contacts are of its passes, and it has none")
        if not 0.0 <= self.radio_elevation_deg < 90.0:
            raise ParameterError(f"radio_elevation_deg must lie in [0, 90), got {self.radio_elevation_deg:g}")
        read_endpoint("listen" if self.listen else "connect", self.listen or self.connect or "")

    @property
    def in_contacts(self) -> bool:
        """Whether the two sites reach each other in contacts only."""
        return self.reachable == "contacts"


@dataclass(frozen=True, slots=True)
class PairEntry:
    """[[pair]] A site with which keys are shared by relay.

    peer: its name. path: the sites from here to there, both included, for a relay that always takes this way; without
    it routing chooses. paths: over how many paths with no site in common each key is cut into shares, 1 to 8.
    end_to_end: whether every key is masked by ML-KEM-1024 too (table [end_to_end]); keys of the peer are then not
    accepted without.
    """

    peer: str
    path: tuple[str, ...] = ()
    paths: int = 1
    end_to_end: bool = False

    def __post_init__(self) -> None:
        require_name("peer", self.peer)
        if not 1 <= self.paths <= MAX_SHARES:
            raise ParameterError(f"paths must be 1 to {MAX_SHARES}, got {self.paths}")
        if self.path and self.paths > 1:
            raise ParameterError("path is one way; for several paths leave it out, so that routing chooses them")
        if self.path and (len(self.path) < 3 or self.path[-1] != self.peer or len(set(self.path)) != len(self.path)):
            raise ParameterError(f"path must lead over other sites to {self.peer}, got {list(self.path)}")


@dataclass(frozen=True, slots=True)
class EdgeEntry:
    """[[edge]] A span between two sites of the network, for routing; this site's own spans need none.

    span: its name. sites: the two at its ends. reachable: as of a [[span]], `contacts` where they reach each other then
    only. station: where one of them is a satellite to which we have a span of passes, the station of the other one, as
    the PASS.toml of that span names it, so that its passes are foreseen here, too.
    """

    span: str
    sites: tuple[str, ...]
    reachable: Literal["always", "contacts"] = "always"
    station: str | None = None

    def __post_init__(self) -> None:
        if len(self.sites) != 2:
            raise ParameterError(f"sites must be two, got {list(self.sites)}")
        self.edge()

    def edge(self) -> Edge:
        """For routing."""
        return Edge(self.span, (self.sites[0], self.sites[1]), self.reachable == "contacts")


@dataclass(frozen=True, slots=True)
class EndToEndTable:
    """[end_to_end] How this site signs for the ML-KEM layer over relayed keys.

    certificate, private_key: ML-DSA-65, PEM files, with the key manager's `id` as common name. authority: PEM file of
    the authority that the other sites' certificates must be of. rekey_keys, rekey_s: after so many keys, or seconds, a
    new session begins.
    """

    certificate: Path
    private_key: Path
    authority: Path
    rekey_keys: int = 100_000
    rekey_s: float = 3600.0

    def __post_init__(self) -> None:
        for name in ("rekey_keys", "rekey_s"):
            require_positive(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class NodeConfiguration:
    """The whole of NODE.toml."""

    site: SiteTable
    kme: KmeTable
    store: StoreTable
    pools: PoolsTable = field(default_factory=PoolsTable)
    etsi004: Etsi004Table = field(default_factory=Etsi004Table)
    skip: SkipTable = field(default_factory=SkipTable)
    sae: tuple[SaeEntry, ...] = ()
    allow: tuple[Rule, ...] = ()
    identity: IdentityTable = field(default_factory=IdentityTable)
    revocation: RevocationTable = field(default_factory=RevocationTable)
    peer: tuple[PeerEntry, ...] = ()
    span: tuple[SpanEntry, ...] = ()
    pair: tuple[PairEntry, ...] = ()
    source: tuple[SourceEntry, ...] = ()
    edge: tuple[EdgeEntry, ...] = ()
    end_to_end: EndToEndTable | None = None
    admin: AdminTable = field(default_factory=AdminTable)
    syslog: SyslogTable | None = None
    snmp: SnmpTable | None = None
    traces: TracesTable | None = None
    interworking: InterworkingTable | None = None
    operator: tuple[OperatorEntry, ...] = ()
    randomness: RandomnessTable | None = None

    def __post_init__(self) -> None:
        self._require_operators()
        peers = {entry.site for entry in self.peer}
        for span in self.span:
            if span.peer not in peers:
                raise ParameterError(f"span {span.name} leads to {span.peer}, which is no [[peer]]")
            if span.commission == "ml-kem" and self.end_to_end is None:
                raise ParameterError(f"span {span.name}: ml-kem wants a table [end_to_end]: what we sign with")
        for pair in self.pair:
            self._require_way(pair, peers)
        _require_distinct("sae: an id", [entry.id for entry in self.sae])
        _require_distinct("sae: a system", [entry.system or entry.id for entry in self.sae])
        _require_distinct("peer: a site", [entry.site for entry in self.peer])
        _require_distinct("span: a name", [entry.name for entry in self.span])  # its ledgers are named after it
        _require_distinct("source: a name", [entry.name for entry in self.source])
        feeding = [entry.source for entry in self.span if entry.source is not None]
        _require_distinct("span: a source", feeding)
        for name in feeding:
            if name not in {entry.name for entry in self.source}:
                raise ParameterError(f"source {name} feeds a span and is no [[source]]")
        _require_distinct("span: a peer", [entry.peer for entry in self.span])
        _require_distinct("pair: a peer", [entry.peer for entry in self.pair])

    @property
    def graph(self) -> Graph:
        """The network that routing sees: this site's own spans, and what [[edge]] adds."""
        own = [Edge(span.name, (self.site.name, span.peer), span.in_contacts) for span in self.span]
        named = [edge.edge() for edge in self.edge]
        known = {edge.span: frozenset(edge.sites) for edge in own}
        for edge in named:
            if known.get(edge.span, frozenset(edge.sites)) != frozenset(edge.sites):
                raise ParameterError(f"edge {edge.span} joins other sites than [[span]] {edge.span}")
        return Graph((*own, *(edge for edge in named if edge.span not in known)))

    def _require_operators(self) -> None:
        names = [entry.name for entry in self.operator]
        _require_distinct("operator: a name", names)
        _require_distinct("operator: a kme", [entry.kme for entry in self.operator])
        if (self.interworking is None) != (not names):
            raise ParameterError("[interworking] and [[operator]] stand together: a gateway has somebody at its door")
        if self.interworking is not None and self.store.process is not None:
            raise ParameterError("[interworking] wants the site for one process: several cannot yet share a gateway")
        for sae in self.sae:
            if sae.operator is not None and sae.site == self.site.name and sae.operator not in names:
                raise ParameterError(f"sae {sae.id} is of operator {sae.operator}, which is no [[operator]] here")

    def _require_way(self, pair: PairEntry, peers: set[str]) -> None:
        if pair.peer not in peers:
            raise ParameterError(f"pair {pair.peer}: no [[peer]] of this name")
        if pair.end_to_end and self.end_to_end is None:
            raise ParameterError(f"pair {pair.peer}: end_to_end wants a table [end_to_end] with a certificate to sign")
        if not pair.path:
            costs = dict.fromkeys(self.graph.hops(), 1)
            if not disjoint_paths(costs, self.site.name, pair.peer, pair.paths):
                raise ParameterError(
                    f"pair {pair.peer}: [[span]] and [[edge]] hold no {pair.paths} paths there with no site in common"
                )
            return
        if pair.path[0] != self.site.name or not set(pair.path[1:]) <= peers:
            raise ParameterError(f"pair {pair.peer}: the path starts at {self.site.name} and runs over [[peer]]s")
        if pair.path[1] not in {span.peer for span in self.span}:
            raise ParameterError(f"pair {pair.peer}: no span leads to {pair.path[1]}")


def read_configuration(path: Path) -> NodeConfiguration:
    """The configuration in a file. Raises ParameterError with file and line of what is wrong."""
    return read_document(path).root(NodeConfiguration)


def _require_distinct(what: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise ParameterError(f"{what} stands twice in {names}")
