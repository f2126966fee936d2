"""Two operators' networks back to back on the loopback interface, and key managers in the place of others.

Network A: alice and anna at a1, gail at a2, the gateway to B. Network B: brian at b1, the gateway to A and D,
bob at b2, bella at b3, the gateway to C. Operators C and D are one key manager each, with chris and dora.
"""

import asyncio
import base64
import contextlib
import io
import itertools
import json
import os
import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
from kme_lab import KEK, MEASURED, Answer, Authority

from haris.keys.directory import Directory
from haris.keys.export import Exporting
from haris.keys.foreign import Operator
from haris.keys.interworking import Interworking
from haris.keys.supply import Supply
from haris.node.http.listener import HttpListener, listen
from haris.node.http.messages import Response
from haris.node.operators.etsi020_client import Etsi020Client, interworking_context
from haris.node.operators.etsi020_face import interworking_server_context, listen_to_operators, refused
from haris.node.operators.interworking import Gateway, GatewayConfig
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.store.store import Store, open_store
from haris.node.supply.server import KmeConfig, RunningKme, start_kme
from haris.node.system.free_ports import free_ports
from haris.nouns.keys import Pedigree, StoredKey
from haris.wire import etsi020, kme

KMES = {
    "A": {"a1": "kme-a1", "a2": "kme-a2"},
    "B": {"b1": "kme-b1", "b2": "kme-b2", "b3": "kme-b3"},
    "C": {"c": "kme-c"},
    "D": {"d": "kme-d"},
}
HOMES = {
    "A": {"alice": "a1", "anna": "a1", "gail": "a2"},
    "B": {"brian": "b1", "bob": "b2", "bella": "b3"},
    "C": {"chris": "c"},
    "D": {"dora": "d"},
}
DOORS = {
    "A": {"B": "a2", "C": "a2", "D": "a2"},
    "B": {"A": "b1", "C": "b3", "D": "b1"},
}
"""By network and operator: the gateway to it. A reaches C and D through B."""
NEXT = {"A": {"C": "B", "D": "B"}, "B": {}}
NEIGHBOURS = {"a2": {"B": "b1"}, "b1": {"A": "a2", "D": "d"}, "b3": {"C": "c"}, "c": {"B": "b3"}, "d": {"B": "b1"}}
"""By gateway: the operators at its door, and their gateways."""
NETWORK = {site: network for network, sites in KMES.items() for site in sites}
HOME = {sae: site for homes in HOMES.values() for sae, site in homes.items()}
KME = {site: kme for sites in KMES.values() for site, kme in sites.items()}


@dataclass
class Site:
    store: Store
    supply: Supply
    kme: RunningKme
    gateway: Gateway | None = None
    face: HttpListener | None = None
    alarms: list = field(default_factory=list)


class OperatorsLab:
    """Ports of the 020 faces stay the same over a restart. spoilt: not fit for another test."""

    spoilt = False

    def __init__(self, folder: Path, synchronous: bool = False, timeout_s: float = 4.0, retry_s: float = 0.1) -> None:
        self.folder, self.synchronous, self.timeout_s, self.retry_s = folder, synchronous, timeout_s, retry_s
        self.authorities = {name: Authority(folder, f"ca-{name}") for name in KMES}
        self.files: dict[str, TlsFiles] = {}
        for network, sites in KMES.items():
            for name in (*sites.values(), *HOMES[network]):
                self.files[name] = self.authorities[network].issue(name)
        self.files["mallory"] = self.authorities["A"].issue("mallory")
        roots = b"".join((folder / f"ca-{name}.crt").read_bytes() for name in KMES)
        (folder / "operators.crt").write_bytes(roots)
        self.ports = dict(zip(NEIGHBOURS, free_ports(len(NEIGHBOURS)), strict=True))
        self.sites: dict[str, Site] = {}
        self.answers: list[tuple[str, str, Answer]] = []
        self.denials: list[tuple] = []
        self._numbers = itertools.count(1)
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    def url(self, gateway: str) -> str:
        return f"https://127.0.0.1:{self.ports[gateway]}"

    def callback_url(self, gateway: str) -> str:
        return self.url(gateway) + etsi020.ACK_PATH

    def directory(self, site: str) -> Directory:
        network = NETWORK[site]
        foreign = {sae: other for other in HOMES if other != network for sae in HOMES[other]}
        doors = {sae: DOORS[network][other] for sae, other in foreign.items()}
        neighbours = {sae: NEXT[network].get(other, other) for sae, other in foreign.items()}
        return Directory(site, KMES[network], {**HOMES[network], **doors}, neighbours)

    async def start_network(self, network: str, **options) -> None:
        for site in KMES[network]:
            await self.start(site, **options)

    async def start(self, site: str, laboratory: bool = False) -> Site:
        network, alarms = NETWORK[site], []
        store = open_store(self.folder / f"{site}.store", KEK, os.urandom)
        supply = Supply(store, self.directory(site), laboratory=laboratory)
        files = self.files[KMES[network][site]]
        urls = {
            name: f"https://127.0.0.1:{there.kme.peer_port}"
            for name, there in self.sites.items()
            if NETWORK[name] == network
        }
        config = KmeConfig("127.0.0.1", 0, "127.0.0.1", 0, files, files, urls, void_retry_s=0.05)
        gateway, handlers = None, {}
        if site in NEIGHBOURS:
            gateway = await self._gateway(site, store, supply, alarms)
            handlers = {kme.ASSIGN: gateway.exports.assign, kme.VOID: gateway.exports.void_assigned}
            gateway.recover()
        running = await start_kme(config, supply, handlers, alarms.append)
        self.sites[site] = Site(store, supply, running, gateway, None, alarms)
        for name in self.sites:
            if name != site and NETWORK[name] == network:
                self.sites[name].kme.peers.route(site, f"https://127.0.0.1:{running.peer_port}")
        if gateway is not None:
            await gateway.start(running.peers)
            tls, port = self.interworking_tls(site), self.ports[site]
            self.sites[site].face = await listen_to_operators(
                gateway, tls, "127.0.0.1", port, denied=lambda *told: self.denials.append(told)
            )
        return self.sites[site]

    async def _gateway(self, site: str, store: Store, supply: Supply, alarms: list) -> Gateway:
        operators = {
            name: Operator(name, KME[there], self.url(there), self.callback_url(there), self.synchronous)
            for name, there in NEIGHBOURS[site].items()
        }
        clients = {name: await self.client(site, name).__aenter__() for name in operators}
        return Gateway(
            Interworking(supply, store, operators),
            Exporting(store, supply.directory),
            clients,
            GatewayConfig(self.callback_url(site), self.timeout_s, self.retry_s),
            alarms.append,
        )

    def client(self, gateway: str, operator: str) -> Etsi020Client:
        """As one gateway, at that of an operator at its door."""
        there = NEIGHBOURS[gateway][operator]
        context = interworking_context(self.interworking_tls(gateway), KME[there])
        return Etsi020Client(self.url(there), context, timeout_s=5.0)

    def interworking_tls(self, gateway: str) -> TlsFiles:
        return replace(self.files[KME[gateway]], authority=self.folder / "operators.crt")

    def hasten(self, site: str, timeout_s: float = 0.3) -> None:
        """For tests that wait for a time-out; all others have time, however busy the machine is."""
        self.spoilt = True
        gateway = self.sites[site].gateway
        gateway._config = replace(gateway._config, timeout_s=timeout_s)
        gateway.exports._timeout_s = timeout_s

    async def stop(self, site: str) -> None:
        self.spoilt = True
        there = self.sites.pop(site)
        if there.face is not None:
            await there.face.close()
        await there.kme.close()
        if there.gateway is not None:
            await there.gateway.close()
        there.store.close()

    async def kill(self, site: str) -> None:
        """As kill -9 leaves it: the file is shut under the process, then everything ends."""
        self.sites[site].store.close()
        with contextlib.suppress(Exception):
            await self.stop(site)

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        for site in list(self.sites):
            await self.stop(site)

    def seed(self, owner: str, peer: str, n_keys: int, pedigree: Pedigree = MEASURED) -> None:
        """Stock that owner may assign to slaves at peer."""
        numbers = [next(self._numbers) for _ in range(n_keys)]
        keys = [StoredKey(UUID(int=n << 64), os.urandom(32), peer, owner, pedigree) for n in numbers]
        self.sites[owner].store.put_keys(keys, UUID(int=numbers[0]))
        self.sites[peer].store.put_keys([replace(key, peer=owner) for key in keys], UUID(int=numbers[0]))

    async def ask014(self, sae: str, path: str, body: dict | None = None) -> Answer:
        """One request of an application at its own site's key manager."""
        session = self._session(sae, self.files[sae])
        url = f"https://127.0.0.1:{self.sites[HOME[sae]].kme.port}/api/v1/keys/{path}"
        async with session.request("GET" if body is None else "POST", url, json=body) as answer:
            return Answer(answer.status, await answer.json(), dict(answer.headers))

    async def ask020(self, path: str, body=None, *, at="b1", name="kme-a2", method="", headers=None) -> Answer:
        """One request at a gateway, as another operator's. body: a value for JSON, or octets; None for GET."""
        files = self.files[name]
        tls = TlsFiles(files.certificate, files.private_key, self.folder / "operators.crt")
        octets = body if body is None or isinstance(body, bytes | io.BytesIO) else json.dumps(body).encode()
        headers = {"Content-Type": etsi020.CONTENT_TYPE} if headers is None else headers
        method = method or ("GET" if body is None else "POST")
        session = self._session(f"020 {name}", tls)
        async with session.request(method, self.url(at) + path, data=octets, headers=headers) as answer:
            octets = await answer.read()
            assert answer.headers["Content-Type"] == etsi020.CONTENT_TYPE
            found = Answer(answer.status, json.loads(octets) if octets else None, dict(answer.headers))
        self.answers.append((method, path, found))
        return found

    def _session(self, key: str, files: TlsFiles) -> aiohttp.ClientSession:
        if key not in self._sessions:
            context = ssl.create_default_context(cafile=files.authority)
            context.load_cert_chain(files.certificate, files.private_key)
            self._sessions[key] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=0))
        return self._sessions[key]


class Neighbour:
    """A key manager in the place of another operator's gateway, which notes what it is told.

    refusal: the status of its answers, 0 for proper ones. relays: whether it acknowledges keys, in its answer or later.
    """

    def __init__(self, lab: OperatorsLab, gateway: str) -> None:
        self.lab, self.gateway = lab, gateway
        self.relays = True
        self.forget()
        self._listener = None
        self._told = asyncio.Event()

    async def start(self) -> None:
        context = interworking_server_context(self.lab.interworking_tls(self.gateway))
        self._listener = await listen(self._answer, refused, context, "127.0.0.1", self.lab.ports[self.gateway])

    async def close(self) -> None:
        if self._listener is not None:
            await self._listener.close()
            self._listener = None

    def forget(self) -> None:
        """Of what was told before."""
        self.acks, self.keys, self.voids, self.refusal, self.n_calls = [], [], [], 0, 0

    async def told(self, status: str, key_id: str) -> dict:
        """Wait for the acknowledgement of a key."""
        async with asyncio.timeout(30):
            while True:
                for container in self.acks:
                    ids = [key["key_id"] for key in container["key_id_container"]]
                    if container["ack_status"] == status and key_id in ids:
                        return container
                self._told.clear()
                await self._told.wait()

    def words(self, key_id: str) -> set[str]:
        """All that was said of a key."""
        return {each["ack_status"] for each in self.acks if {"key_id": key_id} in each["key_id_container"]}

    async def _answer(self, request) -> Response:
        self.n_calls += 1
        self._told.set()
        if self.refusal:
            return Response(b"", self.refusal)
        items = json.loads(bytes(request.body))
        if request.path == etsi020.ACK_PATH:
            self.acks += items
            return Response(b"", 200)
        (self.voids if request.path == etsi020.VOID_PATH else self.keys).append(items)
        ids = items["key_ids"] if "key_ids" in items else [key["key_id"] for key in items["keys"]]
        status = "voided" if "key_ids" in items else "relayed"
        acks = [
            {
                "key_id_container": [{"key_id": key_id} for key_id in ids],
                "ack_status": status,
                "initiator_sae_id": items["initiator_sae_id"],
                "target_sae_ids": items["target_sae_ids"],
            }
        ]
        if "ack_callback_url" not in items:
            return Response(json.dumps(acks).encode(), 200) if self.relays else Response(b"", 503)
        if self.relays:
            (there,) = NEIGHBOURS[self.gateway].values()
            name = KME[self.gateway]
            self._later = asyncio.create_task(self.lab.ask020(etsi020.ACK_PATH, acks, at=there, name=name))
        return Response(b"", 202)


def ext_key(octets: bytes = b"", key_id: str = "", **extension) -> dict:
    key = {"key_id": key_id or str(uuid4()), "value": base64.b64encode(octets or os.urandom(32)).decode()}
    return {**key, "extension": extension} if extension else key


async def eventually(condition, timeout_s: float = 30.0) -> None:
    """Wait until condition() holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)
