"""Key managers back to back on the loopback interface, with a small authority for their certificates."""

import itertools
import json
import os
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from openapi_check import require_described

from haris.keys.admission import Admission
from haris.keys.directory import Directory
from haris.keys.policy import Policy, Rule
from haris.keys.supply import Supply
from haris.node.pki.making import Holder, Wish, issue, make_root, pem
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.store.store import Store, open_store
from haris.node.supply.server import KmeConfig, RunningKme, start_kme
from haris.nouns.keys import Origin, Pedigree, Proof, StoredKey

KEK = bytes(range(32))
MEASURED = Pedigree(1e-9, Origin.MEASURED, Proof("Lim et al. 2014", "coherent", True, ("fair sampling",)))
KMES = {"bank": "kme-bank", "exchange": "kme-exchange", "broker": "kme-broker"}
SAES = {"alice": "bank", "anna": "bank", "bob": "exchange", "bella": "exchange", "carol": "broker"}


class Authority:
    """An authority of node/pki_certificates, whose certificates lie in a folder and are valid for two days already."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder, self.name, self._began = folder, name, datetime.now(UTC) - timedelta(days=2)
        self._root = make_root(name, name, ec.generate_private_key(ec.SECP256R1()), self._began, days=90)
        (folder / f"{name}.crt").write_bytes(pem(self._root.certificate))

    def issue(self, *common_names: str, stem: str = "", days: int = 1) -> TlsFiles:
        """Files of a server and client on this machine. days: until it expires. Several names: as none should have."""
        stem, key = stem or common_names[0], ec.generate_private_key(ec.SECP256R1())
        wish = Wish(common_names[0], days + 2, hosts=("localhost", "127.0.0.1"))
        certificate = issue(self._root, key.public_key(), self._began, wish)
        if len(common_names) > 1:
            certificate = self._renamed(certificate, common_names)
        for name, octets in Holder(stem, key, certificate).files().items():
            (self.folder / name).write_bytes(octets)
        return TlsFiles(self.folder / f"{stem}.crt", self.folder / f"{stem}.key", self.folder / f"{self.name}.crt")

    def _renamed(self, certificate: x509.Certificate, common_names: Sequence[str]) -> x509.Certificate:
        builder = x509.CertificateBuilder(
            certificate.issuer,
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names]),
            certificate.public_key(),
            certificate.serial_number,
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            list(certificate.extensions),
        )
        return builder.sign(self._root.key, hashes.SHA256())


@dataclass
class Site:
    store: Store
    supply: Supply
    kme: RunningKme
    config: KmeConfig
    alarms: list = field(default_factory=list)


@dataclass
class Answer:
    status: int
    items: dict
    headers: dict

    @property
    def message(self) -> str:
        return self.items["message"]


class Lab:
    """Sites of KMES that share stock pairwise."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.authority = folder, Authority(folder)
        self.files = {name: self.authority.issue(name) for name in (*KMES.values(), *SAES, "mallory")}
        self.sites: dict[str, Site] = {}
        self.rules: tuple[Rule, ...] = ()
        self.options: dict = {}  # further fields of each KmeConfig
        self._numbers = itertools.count(1)
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def start(self, site: str, laboratory: bool = False) -> Site:
        store = open_store(self.folder / f"{site}.store", KEK, os.urandom)
        admission = Admission(Policy(self.rules), store, time.time_ns)
        supply = Supply(store, Directory(site, KMES, SAES), laboratory=laboratory, admission=admission)
        supply = self.guarded(site, supply)
        files, alarms = self.files[KMES[site]], []
        urls = {name: f"https://127.0.0.1:{there.kme.peer_port}" for name, there in self.sites.items()}
        config = KmeConfig("127.0.0.1", 0, "127.0.0.1", 0, files, files, urls, 0.05, **self.options)
        routes, watch = self.routes(site, supply), self.watch(site)
        kme = await start_kme(config, supply, self.handlers(site), alarms.append, routes=routes, watch=watch)
        self.sites[site] = Site(store, supply, kme, config, alarms)
        for name in self.sites:
            if name != site:
                self.route(name, site)
        return self.sites[site]

    def handlers(self, site: str) -> dict:
        """Further verbs of the peer face of a site."""
        return {}

    def guarded(self, site: str, supply: Supply) -> Supply:
        """The supply of a site, as it is started with."""
        return supply

    def watch(self, site: str):
        """Who watches the faces of a site."""
        return lambda face: None

    def routes(self, site: str, supply: Supply) -> dict:
        """Further routes of the application face of a site."""
        return {}

    def route(self, site: str, peer: str, at: str = "") -> None:
        """Let the key manager of site reach that of peer, or another one in its place."""
        self.sites[site].kme.peers.route(peer, f"https://127.0.0.1:{self.sites[at or peer].kme.peer_port}")

    async def stop(self, site: str) -> None:
        there = self.sites.pop(site)
        await there.kme.close()
        there.store.close()

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        for site in list(self.sites):
            await self.stop(site)

    def seed(self, owner: str, peer: str, n_keys: int, pedigree: Pedigree = MEASURED) -> list[StoredKey]:
        """Stock that owner may assign to slaves at peer."""
        numbers = [next(self._numbers) for _ in range(n_keys)]
        keys = [StoredKey(UUID(int=n << 64), os.urandom(32), peer, owner, pedigree) for n in numbers]
        self.sites[owner].store.put_keys(keys, UUID(int=numbers[0]))
        if peer in self.sites:
            self.sites[peer].store.put_keys([replace(key, peer=owner) for key in keys], UUID(int=numbers[0]))
        return keys

    def url(self, site: str) -> str:
        return f"https://127.0.0.1:{self.sites[site].kme.port}"

    async def ask(self, sae: str, path: str, body=None, *, site: str = "", method: str = "", **options) -> Answer:
        """One request of an SAE at its own site's key manager. body: dict or octets, None for GET."""
        if sae not in self._sessions:
            context = ssl.create_default_context(cafile=self.files[sae].authority)
            context.load_cert_chain(self.files[sae].certificate, self.files[sae].private_key)
            self._sessions[sae] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=0))
        url = self.url(site or SAES[sae]) + "/api/v1/keys/" + path
        octets = json.dumps(body).encode() if isinstance(body, dict) else body
        method = method or ("GET" if body is None else "POST")
        async with self._sessions[sae].request(method, url, data=octets, **options) as answer:
            assert answer.content_type == "application/json"
            found = Answer(answer.status, await answer.json(), dict(answer.headers))
        require_described("014", method, "/api/v1/keys/" + path.partition("?")[0], found)
        return found
