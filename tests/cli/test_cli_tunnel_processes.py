"""Two processes of `haris tunnel`, two key managers of the test's own, and a hundred FIX orders between them."""

import asyncio
import base64
import json
import signal
import ssl
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from aiohttp import web

from haris.node.pki.authority import make_laboratory
from haris.service.fix import Acceptor, Initiator
from haris.service.fix_orders import read_orders

ORDERS = read_orders((Path(__file__).parents[2] / "examples" / "orders.fix").read_bytes())


class KeyManagers:
    """Two sites that hold the same keys; each key is given once at either."""

    def __init__(self) -> None:
        self.n_given = 0
        self.assigned: set[str] = set()

    async def answer(self, request: web.Request) -> web.Response:
        caller = dict(pair[0] for pair in request.transport.get_extra_info("peercert")["subject"])["commonName"]
        other, method = request.path.split("/")[4:]
        if method == "enc_keys":
            assert (caller, other, request.query["size"]) == ("sae-bank", "sae-exchange", "256")
            self.n_given += 1
            key_id = str(UUID(int=self.n_given))
            self.assigned.add(key_id)
        else:
            assert (caller, other) == ("sae-exchange", "sae-bank")
            key_id = request.query["key_ID"]
            if key_id not in self.assigned:
                return web.json_response({"message": "one or more keys specified are not found on KME"}, status=400)
            self.assigned.discard(key_id)
        secret = UUID(key_id).bytes * 2
        return web.json_response({"keys": [{"key_ID": key_id, "key": base64.b64encode(secret).decode()}]})


async def kme(stack: AsyncExitStack, laboratory: Path, managers: KeyManagers, name: str) -> str:
    application = web.Application()
    application.router.add_get("/{path:.*}", managers.answer)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(laboratory / f"{name}.crt", laboratory / f"{name}.key")
    tls.load_verify_locations(laboratory / "ca.crt")
    tls.verify_mode = ssl.CERT_REQUIRED
    runner = web.AppRunner(application)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    return f"https://127.0.0.1:{runner.addresses[0][1]}"


class End:
    """One process of haris tunnel, with the events that it prints."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[dict] = []

    async def event(self, kind: str) -> dict:
        while True:
            line = await self.process.stdout.readline()
            assert line, (await self.process.stderr.read()).decode()
            self.events.append(json.loads(line))
            assert self.events[-1]["kind"] not in ("failed", "refused"), self.events[-1]
            if self.events[-1]["kind"] == kind:
                return self.events[-1]


async def start(stack: AsyncExitStack, laboratory: Path, end: str, url: str, name: str, peer: str, to: int) -> End:
    options = {
        "listen": "127.0.0.1:0",
        "to": f"127.0.0.1:{to}",
        "kme": url,
        "peer-sae": f"sae-{peer}",
        "sae-cert": f"sae-{name}.crt",
        "sae-key": f"sae-{name}.key",
        "ca": "ca.crt",
        "sign-cert": f"{name}.mldsa.crt",
        "sign-key": f"{name}.mldsa.key",
        "sign-ca": "mldsa-ca.crt",
        "peer-name": peer,
        "rekey-bytes": "8000",
    }
    arguments = [part for option, value in options.items() for part in (f"--{option}", value)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "haris.cli.main", "tunnel", end, *arguments, "--json"),
        cwd=laboratory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stack.callback(lambda: process.kill() if process.returncode is None else None)
    return End(process)


async def test_a_hundred_orders_cross_the_tunnel(tmp_path):
    make_laboratory(
        tmp_path, ["kme-bank", "kme-exchange"], ["sae-bank", "sae-exchange"], ["bank", "exchange"], datetime.now(UTC)
    )
    acceptor, managers = Acceptor("EXCHANGE", "BANK"), KeyManagers()

    async def exchange(reader, writer):
        acceptor.connect(time.time_ns())
        while octets := await reader.read(1 << 16):
            acceptor.serve(octets, time.time_ns())
            writer.write(acceptor.outgoing())
        writer.close()

    async with asyncio.timeout(30), AsyncExitStack() as stack:
        server = await asyncio.start_server(exchange, "127.0.0.1", 0)
        stack.callback(server.close)
        urls = [await kme(stack, tmp_path, managers, name) for name in ("kme-bank", "kme-exchange")]
        port = server.sockets[0].getsockname()[1]
        listener = await start(stack, tmp_path, "listen", urls[1], "exchange", "bank", port)
        port = int((await listener.event("listening"))["text"].rpartition(":")[2])
        connector = await start(stack, tmp_path, "connect", urls[0], "bank", "exchange", port)
        port = int((await connector.event("listening"))["text"].rpartition(":")[2])

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        initiator, confirmed = Initiator("BANK", "EXCHANGE"), []
        initiator.connect(time.time_ns())
        writer.write(initiator.outgoing())
        while len(confirmed) < len(ORDERS):
            confirmed += initiator.confirmations(await reader.read(1 << 16), time.time_ns())
            if len(confirmed) < len(ORDERS) and initiator.unconfirmed == 0:
                initiator.send_order(ORDERS[len(confirmed)], time.time_ns())
            writer.write(initiator.outgoing())
        writer.close()
        await connector.event("closed")
        for end in (connector, listener):
            end.process.send_signal(signal.SIGTERM)
            assert await end.process.wait() == 0
            assert await end.process.stderr.read() == b""

    assert [c.cl_ord_id for c in confirmed] == [order.cl_ord_id for order in ORDERS]
    epochs = [event for event in connector.events if event["kind"] == "epoch"]
    assert len(epochs) >= 3
    assert len({event["key_id"] for event in epochs}) == len(epochs) <= managers.n_given
    assert all(
        event["tls"] == {"version": "TLSv1.3", "group": "X25519MLKEM768", "psk": True, "signed": True}
        for event in epochs
    )
    round_trips_ms = sorted(c.round_trip_ns / 1e6 for c in confirmed)
    print(f"round trip: p50 {round_trips_ms[50]:.2f} ms, p99 {round_trips_ms[99]:.2f} ms")
