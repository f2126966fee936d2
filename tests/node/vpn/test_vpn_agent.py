"""Two agents on the loopback interface: real TLS and messages, daemons in memory."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from kme_lab import MEASURED, Authority

from haris.cli.main import main
from haris.node.system.free_ports import free_ports
from haris.node.vpn.agent import VpnAgent, VpnEvent
from haris.node.vpn.configuration import VpnConfiguration, read_vpn_configuration
from haris.nouns.document_text import write_document
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import DeliveredKey
from haris.service.vpn import TunnelSecret


class Pool:
    """Keys that each side may take once. lie: the responder's key manager gives other bytes."""

    def __init__(self) -> None:
        self.assigned: dict[UUID, bytes] = {}
        self.n_given = 0
        self.lie = False

    async def enc_key(self, slave_sae: str) -> DeliveredKey:
        assert slave_sae == "bob"
        self.n_given += 1
        key_id, secret = UUID(int=self.n_given), random.Random(self.n_given).randbytes(32)
        self.assigned[key_id] = bytes(32) if self.lie else secret
        return DeliveredKey(key_id, secret, MEASURED)

    async def dec_key(self, master_sae: str, key_id: UUID) -> DeliveredKey:
        assert master_sae == "alice"
        if key_id not in self.assigned:
            raise KeyUnavailable("no such key")
        return DeliveredKey(key_id, self.assigned.pop(key_id), MEASURED)


@dataclass
class MemoryDaemon:
    """A daemon that remembers what it was told. broken: refuses to load."""

    verbs: list[str] = field(default_factory=list)
    secrets: dict[UUID, TunnelSecret] = field(default_factory=dict)
    taken: list[TunnelSecret] = field(default_factory=list)
    broken: bool = False
    gone: bool = False

    async def start(self) -> None:
        self.verbs.append("start")

    async def load(self, key_id: UUID, secret: TunnelSecret) -> None:
        if self.broken:
            secret.wipe()
            raise PeerError("the daemon is broken")
        self.secrets[key_id] = secret
        self.taken.append(secret)
        self.verbs.append("load")

    async def use(self, key_id: UUID) -> None:
        self.verbs.append("use")

    async def follow(self, key_id: UUID) -> None:
        self.verbs.append("follow")

    async def forget(self, key_id: UUID) -> None:
        self.verbs.append("forget")
        if secret := self.secrets.pop(key_id, None):
            secret.wipe()

    async def keep(self, key_id: UUID) -> None:
        self.verbs.append("keep")
        for other in self.secrets.keys() - {key_id}:
            self.secrets.pop(other).wipe()

    async def close(self) -> None:
        self.verbs.append("close")

    async def carries(self) -> bool:
        return True

    async def stop(self) -> None:
        self.verbs.append("stop")


@dataclass
class Ends:
    """Both agents. Index 0 is the initiator's, 1 the responder's."""

    pool: Pool
    daemons: tuple[MemoryDaemon, MemoryDaemon]
    events: tuple[list[VpnEvent], list[VpnEvent]]

    def heard(self, i: int, what: str) -> list[VpnEvent]:
        return [event for event in self.events[i] if event.what == what]

    async def until(self, i: int, what: str, count: int = 1) -> None:
        async with asyncio.timeout(20):
            while len(self.heard(i, what)) < count:
                await asyncio.sleep(0.01)


def configurations(folder: Path, name: str = "vpn-a") -> list[VpnConfiguration]:
    """VPN.toml of both ends. name: in the initiator's certificate."""
    authority = Authority(folder)
    at = f"127.0.0.1:{free_ports(1)[0]}"
    read = []
    for end, peer, role, where in (("a", "b", "initiator", "connect"), ("b", "a", "responder", "listen")):
        files = authority.issue(name if end == "a" else "vpn-b", stem=f"agent-{end}")
        tls = {"certificate": files.certificate, "private_key": files.private_key, "authority": files.authority}
        sae = {"a": "bob", "b": "alice"}[end]
        tables = {
            "vpn": {"name": "trial", "role": role},
            "kme": {"url": "https://127.0.0.1:1", "peer_sae": sae, **tls},
            "control": {"peer": f"vpn-{peer}", where: at, **tls},
            "policy": {"rotate_s": 0.2, "max_s": 60.0, "overlap_s": 0.05, "retry_s": 0.1},
        }
        write_document(folder / f"{end}.toml", tables)
        read.append(read_vpn_configuration(folder / f"{end}.toml"))
    return read


@contextlib.asynccontextmanager
async def running(folder: Path, name: str = "vpn-a", **faults: bool) -> AsyncIterator[Ends]:
    ends = Ends(Pool(), (MemoryDaemon(), MemoryDaemon(broken=faults.get("broken", False))), ([], []))
    ends.pool.lie = faults.get("lie", False)
    agents = [
        VpnAgent("ipsec", configuration, ends.pool, daemon, events.append)
        for configuration, daemon, events in zip(configurations(folder, name), ends.daemons, ends.events, strict=True)
    ]
    tasks = [asyncio.create_task(agent.run()) for agent in agents]
    try:
        yield ends
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert [daemon.verbs[-1] for daemon in ends.daemons] == ["stop", "stop"]


async def test_both_ends_use_the_same_keys_in_the_same_order(tmp_path: Path) -> None:
    async with running(tmp_path) as ends:
        await ends.until(1, "rotated", 3)
    ours, theirs = ([event.key_id for event in ends.heard(i, "rotated")] for i in (0, 1))
    assert ours[: len(theirs)] == theirs
    assert ends.heard(0, "rotated")[0].epsilon == MEASURED.epsilon
    assert ends.daemons[0].verbs[:5] == ["start", "load", "use", "keep", "load"]
    assert ends.daemons[1].verbs[:5] == ["start", "load", "use", "follow", "keep"]
    for one, other in zip(ends.daemons[0].taken[:2], ends.daemons[1].taken[:2], strict=True):
        assert bytes(one.octets) == bytes(other.octets) == bytes(32)  # retired, and wiped


async def test_key_managers_that_disagree_are_found_before_the_key_is_used(tmp_path: Path) -> None:
    async with running(tmp_path, lie=True) as ends:
        await ends.until(0, "failed")
    assert "different keys" in ends.heard(0, "failed")[0].text
    assert "use" not in ends.daemons[0].verbs + ends.daemons[1].verbs


async def test_a_daemon_that_refuses_refuses_the_key_at_both_ends(tmp_path: Path) -> None:
    async with running(tmp_path, broken=True) as ends:
        await ends.until(0, "refused", 2)
    assert "the daemon is broken" in ends.heard(0, "refused")[0].text
    assert "use" not in ends.daemons[0].verbs


async def test_an_agent_of_another_name_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, name="vpn-mallory") as ends:
        await ends.until(1, "waiting")
        assert "vpn-mallory" in ends.heard(1, "waiting")[0].text
    assert not ends.pool.n_given


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('role = "initiator"', 'role = "master"', "role must be 'initiator' or 'responder'"),
        ('connect = "127', 'listen = "127', "the initiator needs connect"),
        ("rotate_s = 0.2", "rotate_s = 200.0", "max_s must exceed"),
        ("rotate_s = 0.2", "rotate_min = 2", "rotate_s = 120"),
        ('url = "https:', 'url = "http:', "url is https"),
        ('name = "trial"', 'name = "a name"', "name must be"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_line(tmp_path: Path, capsys, old: str, new: str, text: str) -> None:
    configurations(tmp_path)
    path = tmp_path / "a.toml"
    written = path.read_text()
    assert old in written
    path.write_text(written.replace(old, new))
    assert main(["vpn", "ipsec", str(path)]) == 2
    said = capsys.readouterr().err
    assert text in said
    assert "a.toml:" in said


@pytest.mark.parametrize("kind", ["ipsec", "wireguard"])
def test_the_daemon_s_table_is_needed(tmp_path: Path, capsys, kind: str) -> None:
    configurations(tmp_path)
    assert main(["vpn", kind, str(tmp_path / "a.toml")]) == 2
    assert f"needs the table [{kind}]" in capsys.readouterr().err


async def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    configuration = configurations(tmp_path)[1]
    with socket.create_server(("127.0.0.1", int((configuration.control.listen or "").rpartition(":")[2]))):
        agent = VpnAgent("ipsec", configuration, Pool(), MemoryDaemon(), lambda event: None)
        with pytest.raises(ParameterError, match="cannot listen"):
            await agent.run()
