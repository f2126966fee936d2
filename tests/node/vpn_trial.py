"""A whole VPN on one machine: two key managers, two agents as processes, two daemons, and a ping that never stops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from vpn_lab import End, Forwarder, VpnLab, end_process

from haris.node.pki.mutual_tls import TlsFiles
from haris.nouns.document_text import write_document

KME_PORT, CONTROL_PORT = 8443, 7443
SAES = {"a": "alice", "b": "bob"}
SITES = {"a": "bank", "b": "exchange"}
ROLES = {"a": "initiator", "b": "responder"}


class Agent:
    """haris vpn as a process at one end, and the events that it prints."""

    def __init__(self, lab: VpnLab, end: End, kind: str) -> None:
        self.events: list[dict] = []
        self._lab, self._end, self._kind = lab, end, kind
        self.process: subprocess.Popen[bytes] | None = None
        self._reading: asyncio.Task[None] | None = None

    def start(self) -> None:
        words = [
            sys.executable,
            "-m",
            "haris.cli.main",
            "vpn",
            self._kind,
            str(self._end.folder / "VPN.toml"),
            "--json",
        ]
        with (self._end.folder / "agent.err").open("ab") as errors:
            self.process = subprocess.Popen(self._end.command(*words), stdout=subprocess.PIPE, stderr=errors)
        self._lab.processes.append(self.process)
        self._reading = asyncio.create_task(self._read())

    async def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        code = await asyncio.to_thread(end_process, self.process, number)
        assert self._reading is not None
        await self._reading
        return code

    async def until(self, condition: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
        end = asyncio.get_running_loop().time() + within_s
        while not condition():
            errors = (self._end.folder / "agent.err").read_text()
            assert asyncio.get_running_loop().time() < end, (
                f"not in {within_s:g} s: {what}\n{self.events[-5:]}\n{errors}"
            )
            assert self.process is not None
            assert self.process.poll() is None or condition(), f"the agent has ended: {errors}"
            await asyncio.sleep(0.05)

    def heard(self, what: str) -> list[dict]:
        return [event for event in self.events if event["what"] == what]

    async def rotations(self, count: int, within_s: float = 20.0) -> None:
        await self.until(lambda: len(self.heard("rotated")) >= count, f"{count} rotations", within_s)

    async def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            while line := await asyncio.to_thread(lines.readline):
                self.events.append(json.loads(line))


class Ping:
    """ping from the network behind a to the one behind b, per_s times a second."""

    def __init__(self, lab: VpnLab, per_s: float = 20.0) -> None:
        words = ["ping", "-n", "-q", "-i", f"{1 / per_s:g}", "-W", "2", "-I", lab.a.inner, lab.b.inner]
        self._process = subprocess.Popen(lab.a.command(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lab.processes.append(self._process)

    async def end(self) -> tuple[int, int]:
        """Pings sent and answered."""
        self._process.send_signal(signal.SIGINT)
        out, _ = await asyncio.to_thread(self._process.communicate)
        found = re.search(r"(\d+) packets transmitted, (\d+) received", out.decode())
        assert found, out.decode()
        return int(found[1]), int(found[2])


def reachable(lab: VpnLab) -> bool:
    """Whether one ping crosses."""
    words = lab.a.command("ping", "-n", "-c", "1", "-W", "1", "-I", lab.a.inner, lab.b.inner)
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@contextlib.asynccontextmanager
async def key_managers(lab: VpnLab, kmes: object) -> AsyncIterator[None]:
    """Each end's own key manager on its loopback interface."""
    async with contextlib.AsyncExitStack() as stack:
        for end in lab.ends:
            port = kmes.sites[SITES[end.folder.name]].kme.port  # type: ignore[attr-defined]
            await stack.enter_async_context(Forwarder(end, KME_PORT, port))
        yield


def configure(end: End, other: End, saes: dict[str, TlsFiles], control: dict[str, TlsFiles], **tables: dict) -> None:
    """Write an end's VPN.toml."""
    name, peer = end.folder.name, other.folder.name
    kme, agent = saes[SAES[name]], control[name]
    where = {"connect": f"{other.outer}:{CONTROL_PORT}"} if name == "a" else {"listen": f"{end.outer}:{CONTROL_PORT}"}
    document = {
        "vpn": {"name": "trial", "role": ROLES[name]},
        "kme": {
            "url": f"https://127.0.0.1:{KME_PORT}",
            "peer_sae": SAES[peer],
            "certificate": kme.certificate,
            "private_key": kme.private_key,
            "authority": kme.authority,
        },
        "control": {
            "peer": f"vpn-{peer}",
            "certificate": agent.certificate,
            "private_key": agent.private_key,
            "authority": agent.authority,
            **where,
        },
        **tables,
    }
    write_document(end.folder / "VPN.toml", document)


def ipsec_table(end: End, other: End, files: TlsFiles, vici: Path) -> dict:
    name, peer = end.folder.name, other.folder.name
    return {
        "local": end.outer,
        "remote": other.outer,
        "local_id": f"CN=vpn-{name}",
        "remote_id": f"CN=vpn-{peer}",
        "local_ts": [f"{end.inner}/32"],
        "remote_ts": [f"{other.inner}/32"],
        "certificate": files.certificate,
        "private_key": files.private_key,
        "authority": files.authority,
        "vici": vici,
        "kernel": "libipsec",
    }
