"""NODE.toml: everything that one site is told by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from haris.keys.allotment import RESERVE_OCTETS
from haris.nouns.checks import require_positive
from haris.nouns.document import read_document
from haris.nouns.endpoint import read_endpoint
from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name


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
    certificate, private_key: its own, for mutual TLS, PEM files. authority: PEM file of the authority that it trusts.
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
    """[store] path: the SQLite file. key_encryption_key: a file of 32 octets under which keys are kept at rest."""

    path: Path
    key_encryption_key: Path


@dataclass(frozen=True, slots=True)
class PoolsTable:
    """[pools] What this site wants to hold.

    keys: 256-bit keys ready towards each peer. relay_keys: one-time pad for relaying so many keys a direction.
    auth_octets: authentication pad a direction, at least 2048; each tag burns 32.
    """

    keys: int = 1024
    relay_keys: int = 1024
    auth_octets: int = 65536

    def __post_init__(self) -> None:
        for name in ("keys", "relay_keys", "auth_octets"):
            require_positive(name, getattr(self, name))
        if self.auth_octets < 4 * RESERVE_OCTETS:
            raise ParameterError(
                f"auth_octets must be at least {4 * RESERVE_OCTETS}: blocks are made when half of it is gone, and none "
                f"is begun with less than {RESERVE_OCTETS}"
            )


@dataclass(frozen=True, slots=True)
class SaeEntry:
    """[[sae]] An application entity.

    id: its SAE ID, as in its certificate. site: where it lives.
    """

    id: str
    site: str

    def __post_init__(self) -> None:
        require_name("id", self.id)
        require_name("site", self.site)


@dataclass(frozen=True, slots=True)
class PeerEntry:
    """[[peer]] Another site.

    site: its name. kme: its key manager's ID, as in the certificate. address: HOST:PORT of its listen_peers.
    """

    site: str
    kme: str
    address: str

    def __post_init__(self) -> None:
        require_name("site", self.site)
        require_name("kme", self.kme)
        read_endpoint("address", self.address)


@dataclass(frozen=True, slots=True)
class SpanEntry:
    """[[span]] A link to a neighbour.

    name: of the link. peer: the site at its other end. role: who this site is on it. link: LINK.toml. light: Unix
    socket of the emulated fibre. secret: this site's copy of the file that commissions the link,
    given to both sites by hand; it is burnt once read.
    listen, connect: HOST:PORT of the classical channel; one end listens, the other connects.
    """

    name: str
    peer: str
    role: Literal["alice", "bob"]
    link: Path
    light: Path
    secret: Path
    listen: str | None = None
    connect: str | None = None

    def __post_init__(self) -> None:
        require_name("name", self.name)
        if (self.listen is None) == (self.connect is None):
            raise ParameterError(f"name {self.name}: a span either listens or connects")
        read_endpoint("listen" if self.listen else "connect", self.listen or self.connect or "")


@dataclass(frozen=True, slots=True)
class PairEntry:
    """[[pair]] A site that is no neighbour, with which keys are shared by relay.

    peer: its name. path: the sites from here to there, both included.
    """

    peer: str
    path: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.path) < 3 or self.path[-1] != self.peer or len(set(self.path)) != len(self.path):
            raise ParameterError(f"path must lead over other sites to {self.peer}, got {list(self.path)}")


@dataclass(frozen=True, slots=True)
class NodeConfiguration:
    """The whole of NODE.toml."""

    site: SiteTable
    kme: KmeTable
    store: StoreTable
    pools: PoolsTable = field(default_factory=PoolsTable)
    sae: tuple[SaeEntry, ...] = ()
    peer: tuple[PeerEntry, ...] = ()
    span: tuple[SpanEntry, ...] = ()
    pair: tuple[PairEntry, ...] = ()

    def __post_init__(self) -> None:
        peers = {entry.site for entry in self.peer}
        for span in self.span:
            if span.peer not in peers:
                raise ParameterError(f"span {span.name} leads to {span.peer}, which is no [[peer]]")
        for pair in self.pair:
            if pair.path[0] != self.site.name or not set(pair.path[1:]) <= peers:
                raise ParameterError(f"pair {pair.peer}: the path starts at {self.site.name} and runs over [[peer]]s")
            if pair.path[1] not in {span.peer for span in self.span}:
                raise ParameterError(f"pair {pair.peer}: no span leads to {pair.path[1]}")
        _require_distinct("sae: an id", [entry.id for entry in self.sae])
        _require_distinct("peer: a site", [entry.site for entry in self.peer])
        _require_distinct("span: a name", [entry.name for entry in self.span])  # its ledgers are named after it
        _require_distinct("span: a peer", [entry.peer for entry in self.span])


def read_configuration(path: Path) -> NodeConfiguration:
    """The configuration in a file. Raises ParameterError with file and line of what is wrong."""
    return read_document(path).root(NodeConfiguration)


def _require_distinct(what: str, names: list[str]) -> None:
    if len(set(names)) != len(names):
        raise ParameterError(f"{what} stands twice in {names}")
