"""Two sites as processes, without a quantum link: what their operators see and do, and what is left on record."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from datetime import UTC, datetime

import aiohttp
import pytest

from haris.cli.main import main
from haris.node.pki.authority import make_laboratory
from haris.node.system.free_ports import free_ports

NODE = """
[site]
name = "{site}"
laboratory = true

[kme]
id = "kme-{site}"
listen = "127.0.0.1:0"
listen_peers = "127.0.0.1:{port}"
certificate = "pki/kme-{site}.crt"
private_key = "pki/kme-{site}.key"
authority = "pki/ca.crt"

[store]
path = "{site}.db"
key_encryption_key = "{site}.kek"

[admin]
listen = "127.0.0.1:{admin}"
operators = ["ops"]
socket = "{site}.sock"
metrics = "127.0.0.1:{metrics}"

[syslog]
address = "127.0.0.1:{syslog}"
audit_head_s = 0.2

[[sae]]
id = "alice"
site = "bank"
customer = "north"

[[sae]]
id = "bob"
site = "exchange"

[[peer]]
site = "{peer}"
kme = "kme-{peer}"
address = "127.0.0.1:{peer_port}"
"""


class Site:
    def __init__(self, folder, name, peer, port, peer_port, syslog):
        self.name, self.folder = name, folder
        self.admin, self.metrics = free_ports(2)
        self.toml, self.socket = folder / f"{name}.toml", folder / f"{name}.sock"
        text = NODE.format(
            site=name,
            peer=peer,
            port=port,
            peer_port=peer_port,
            admin=self.admin,
            metrics=self.metrics,
            syslog=syslog,
        )
        self.toml.write_text(text)
        (folder / f"{name}.kek").write_bytes(os.urandom(32))
        (folder / f"{name}.kek").chmod(0o600)
        self.events = []

    async def start(self):
        arguments = ["-m", "haris.cli.main", "node", str(self.toml), "--json"]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            while not any(event.get("what") == "started" for event in self.events):
                line = await self.process.stdout.readline()
                assert line, (await self.process.stderr.read()).decode()
                self.events.append(json.loads(line))
        self.reading = asyncio.create_task(self.read())

    async def read(self):
        async for line in self.process.stdout:
            self.events.append(json.loads(line))

    async def stop(self):
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        await self.reading
        assert await self.process.stderr.read() == b""


@pytest.fixture
async def two_sites(tmp_path):
    make_laboratory(tmp_path / "pki", ["kme-bank", "kme-exchange"], ["alice", "ops"], [], datetime.now(UTC))
    ports = free_ports(2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as syslog:
        syslog.bind(("127.0.0.1", 0))
        syslog.setblocking(False)
        port = syslog.getsockname()[1]
        bank = Site(tmp_path, "bank", "exchange", *ports, port)
        exchange = Site(tmp_path, "exchange", "bank", *reversed(ports), port)
        await asyncio.gather(bank.start(), exchange.start())
        try:
            yield bank, exchange, syslog
        finally:
            await asyncio.gather(bank.stop(), exchange.stop())


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


async def haris(capsys, *arguments):
    return await asyncio.to_thread(run, capsys, *arguments)


async def until(capsys, holds, *arguments):
    async with asyncio.timeout(60):
        while True:
            code, out, _ = await haris(capsys, *arguments)
            if code == 0 and holds(out):
                return out
            await asyncio.sleep(0.2)


def certificate(folder, name):
    pki = folder / "pki"
    return "--cert", pki / f"{name}.crt", "--key", pki / f"{name}.key", "--ca", pki / "ca.crt"


async def test_an_operator_watches_and_acts(two_sites, tmp_path, capsys):
    bank, exchange, syslog = two_sites
    url = f"https://127.0.0.1:{bank.admin}"
    await until(capsys, lambda out: "exchange  up" in out, "status", bank.toml)  # over the socket that it names
    _, out, _ = await haris(capsys, "status", url, *certificate(tmp_path, "ops"), "--json")
    sites = {report["site"]: report["status"] for report in json.loads(out)["sites"]}
    assert list(sites) == ["bank", "exchange"]
    assert sites["exchange"]["version"]

    code, _, err = await haris(capsys, "status", url, *certificate(tmp_path, "alice"))
    assert (code, "alice is no operator" in err) == (2, True)

    # A refused application is counted, audited, and accounted for.
    kme = next(event["detail"] for event in bank.events if event["what"] == "started").rpartition(" ")[2]
    refused = await haris(
        capsys, "key", "enc", "bob", "--kme", f"https://127.0.0.1:{kme}", *certificate(tmp_path, "alice")
    )
    assert refused[0] == 3
    async with aiohttp.ClientSession() as session:
        text = ""
        async with asyncio.timeout(30):
            while "haris_denials_total{" not in text or "haris_certificate_expiry" not in text:
                async with session.get(f"http://127.0.0.1:{bank.metrics}/metrics") as answer:
                    text = await answer.text()
    assert 'haris_denials_total{interface="014",method="enc_keys",reason="unavailable"} 1.0' in text
    count = 'haris_request_duration_seconds_count{face="applications",method="enc_keys",status="503"} 1.0'
    assert count in text
    assert 'haris_pool_keys{peer="exchange",state="ready"} 0.0' in text

    # The log of a site that runs is read over its operators' face.
    await until(capsys, lambda out: json.loads(out)["entries"] >= 2, "audit", "verify", bank.toml, "--json")
    show = "audit", "show", url, *certificate(tmp_path, "ops")
    out = await until(capsys, lambda out: "reason=unavailable" in out, *show)  # refusals are written a moment later
    assert "kind=start" in out

    # So is what operators read of customers, and what they change.
    assert (await haris(capsys, "account", url, *certificate(tmp_path, "ops"), "--by", "sae"))[0] == 0
    bank.process.send_signal(signal.SIGHUP)
    show = "audit", "show", bank.toml
    out = await until(capsys, lambda out: "kind=configuration who=local subject=NODE.toml" in out, *show)
    assert "detail=SIGHUP: " in out
    assert " other sites and 0 rules are in use" in out
    assert out.count("kind=policy") == 2
    assert "kind=read who=ops subject=accounts" in out
    assert "kind=read who=ops subject=audit log" in out

    # Keys end by an operator's word.
    code, out, _ = await haris(capsys, "purge", bank.toml, "--master", "alice", "--slave", "bob", "--operator", "omar")
    assert (code, out) == (0, "alice bob: 0 keys are burnt here; the other site is told\n")
    code, _, err = await haris(capsys, "purge", bank.toml, "--master", "alice", "--slave", "alice")
    assert (code, "one of a pair" in err) == (2, True)
    assert (await haris(capsys, "site", "revoke", bank.toml, "exchange", "--operator", "omar"))[0] == 0
    await until(capsys, lambda out: "exchange  up" not in out, "status", bank.toml)
    assert (await haris(capsys, "site", "restore", bank.toml, "exchange"))[0] == 0
    assert (await haris(capsys, "site", "restore", bank.toml, "exchange"))[0] == 2
    await until(capsys, lambda out: "exchange  up" in out, "status", bank.toml)
    code, out, _ = await haris(capsys, "store", "backup", bank.toml, tmp_path / "bank.backup")
    assert (code, (tmp_path / "bank.backup").stat().st_size > 4096) == (0, True)
    code, out, _ = await haris(capsys, "audit", "show", tmp_path / "bank.backup")
    assert "kind=revoke who=omar" in out

    # A dead site is seen, told to the syslog, acknowledged.
    exchange.process.kill()
    await until(capsys, lambda out: "exchange  UNREACHABLE since" in out, "status", bank.socket)
    out = await until(capsys, lambda out: "site-unreachable" in out, "alarm", "list", bank.socket, "--json")
    (alarm,) = (each for each in json.loads(out) if each["kind"] == "site-unreachable")
    assert "SSLContext" not in alarm["text"]
    told = [event["detail"] for event in bank.events if event.get("what") == "told"]
    assert any(words.startswith(f"alarm {alarm['id']} raised") for words in told), told
    code, out, _ = await haris(capsys, "alarm", "ack", bank.socket, alarm["id"], "--operator", "omar")
    assert (code, "acknowledged by omar" in out) == (0, True)
    code, _, err = await haris(capsys, "alarm", "ack", bank.socket, alarm["id"])
    assert (code, "was acknowledged by omar" in err) == (2, True)
    said = b""
    async with asyncio.timeout(30):
        while b'kind="site-unreachable" change="acknowledged"' not in said:
            said += await asyncio.get_running_loop().sock_recv(syslog, 4096)
    assert b'kind="site-unreachable" change="raised"' in said
    assert b'haris@32473 site="bank" head="bank:' in said

    exchange.reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await exchange.reading
    exchange.reading = asyncio.create_task(asyncio.sleep(0))
    await bank.stop()
    _, out, _ = await haris(capsys, "audit", "verify", tmp_path / "bank.db", "--json")
    assert json.loads(out)["entries"] >= 4
    _, out, _ = await haris(capsys, "audit", "show", tmp_path / "bank.db")
    for words in ("kind=start", "kind=policy", "kind=stop", "reason=unavailable", "kind=acknowledge who=omar"):
        assert words in out
    _, out, _ = await haris(capsys, "account", bank.toml, "--log", tmp_path / "bank.db", "--by", "customer", "--csv")
    assert out == "customer,requests,keys,bits,denials\nnorth,1,0,0,1\n"
