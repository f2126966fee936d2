"""What a site reads anew while it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import kme_lab
import pytest
from kme_lab import Lab

from haris.keys.policy import Rule
from haris.node.configuration.inventory import SourceEntry
from haris.node.configuration.node_toml import (
    EdgeEntry,
    KmeTable,
    NodeConfiguration,
    PeerEntry,
    PoolsTable,
    SaeEntry,
    SiteTable,
    SpanEntry,
    StoreTable,
)
from haris.node.reloading import Reloadable, directory_of, systems_of
from haris.nouns.errors import ParameterError, Unauthorised


def configuration(*, peers: tuple[str, ...], **tables: object) -> NodeConfiguration:
    here = Path("x")
    return NodeConfiguration(
        site=SiteTable("bank"),
        kme=KmeTable("kme-bank", "127.0.0.1:1", "127.0.0.1:2", here, here, here),
        store=StoreTable(here, path=here),
        sae=(SaeEntry("alice", "bank"), *(SaeEntry(f"sae-{site}", site, system=f"box-{site}") for site in peers)),
        peer=tuple(PeerEntry(site, f"kme-{site}", "127.0.0.1:3") for site in peers),
        **tables,  # type: ignore[arg-type]
    )


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A running key manager whose directory is that of a configuration with one other site."""
    for name in ("SAES", "KMES"):  # its directory is made of these, and changes
        monkeypatch.setattr(kme_lab, name, dict(getattr(kme_lab, name)))
    lab = Lab(tmp_path)
    await lab.start("bank")
    running = lab.sites["bank"]
    old = configuration(peers=("exchange",))
    running.supply.directory.become(directory_of(old))
    systems = systems_of(old)
    limits, admission = running.supply.limits, running.supply.admission
    yield old, Reloadable(running.supply.directory, systems, limits, admission, running.kme.peers)
    await lab.close()


async def test_a_site_comes_and_another_goes(site) -> None:  # type: ignore[no-untyped-def]
    old, reloadable = site
    directory, saes = reloadable.directory, reloadable.directory.saes
    assert reloadable.take(old, configuration(peers=("exchange", "broker"))) == ()
    assert directory.require_site("sae-broker") == saes["sae-broker"] == "broker"
    assert reloadable.systems == {"sae-exchange": "box-exchange", "sae-broker": "box-broker"}
    assert set(reloadable.peers.sites) == {"exchange", "broker"}
    reloadable.take(old, configuration(peers=("broker",)))
    assert reloadable.peers.sites == ("broker",)
    with pytest.raises(Unauthorised):
        directory.require_peer("kme-exchange")
    with pytest.raises(ParameterError, match="not known"):
        directory.require_site("sae-exchange")


async def test_rules_hold_from_now_on(site) -> None:  # type: ignore[no-untyped-def]
    old, reloadable = site
    reloadable.admission.require("alice", ("sae-exchange",))
    rule = Rule(masters=("alice",), slaves=("nobody",))
    reloadable.take(old, replace(old, allow=(rule,)))
    with pytest.raises(Unauthorised):
        reloadable.admission.require("alice", ("sae-exchange",))
    reloadable.take(old, old)
    reloadable.admission.require("alice", ("sae-exchange",))


async def test_what_wants_a_restart_is_named_and_what_is_wrong_changes_nothing(site) -> None:  # type: ignore[no-untyped-def]
    old, reloadable = site
    new = replace(configuration(peers=("exchange", "broker")), pools=PoolsTable(keys=7))
    assert reloadable.take(old, new) == ("pools",)
    for wrong in (
        replace(old, allow=(Rule(min_size_bits=1 << 20),)),
        replace(old, sae=(*old.sae, SaeEntry("kme-exchange", "bank"))),
    ):
        with pytest.raises(ParameterError):
            reloadable.take(old, wrong)
    assert reloadable.directory.require_site("sae-broker") == "broker"


async def test_a_certificate_that_cannot_be_read_changes_nothing_else(site) -> None:  # type: ignore[no-untyped-def]
    old, reloadable = site
    reloadable.take(old, old)
    certificate = reloadable.peers._tls.certificate
    whole = certificate.read_bytes()
    certificate.write_bytes(whole[:100])  # it is being replaced
    rule = Rule(masters=("alice",), slaves=("nobody",))
    with pytest.raises(ParameterError):
        reloadable.take(old, replace(configuration(peers=("broker",)), allow=(rule,)))
    certificate.write_bytes(whole)
    assert reloadable.peers.sites == ("exchange",)
    assert reloadable.directory.require_site("sae-exchange") == "exchange"
    reloadable.admission.require("alice", ("sae-exchange",))


async def test_spans_and_edges_may_join_and_none_may_change(site) -> None:  # type: ignore[no-untyped-def]
    old, reloadable = site
    edges = EdgeEntry("x", ("exchange", "broker")), EdgeEntry("y", ("bank", "broker"))
    span = SpanEntry("y", "broker", "alice", Path("secret"), source="box", connect="127.0.0.1:4")
    box = SourceEntry("box", "folder", folder=Path("box"), key_bits=256, maker="Acme")
    joined = configuration(peers=("exchange", "broker"), span=(span,), source=(box,), edge=edges[:1])
    assert reloadable.take(old, joined) == ()
    assert reloadable.joined == {"span": (span,), "source": (box,), "edge": edges[:1]}
    assert reloadable.take(old, replace(joined, edge=edges)) == ()
    assert reloadable.take(old, replace(joined, edge=edges[1:])) == ("edge",)  # one is gone
    assert reloadable.joined["edge"] == edges
    changed = replace(joined, span=(replace(span, connect="127.0.0.1:5"),), edge=edges)
    assert reloadable.take(old, changed) == ("span",)
    assert reloadable.joined["span"] == (span,)
