"""Key managers back to back on the loopback interface, with a small authority for their certificates."""

import itertools
import json
import os
import ssl
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from uuid import UUID

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from haris.keys.directory import Directory
from haris.keys.supply import Supply
from haris.node.kme_server import KmeConfig, RunningKme, start_kme
from haris.node.kme_tls import TlsFiles
from haris.node.store import SqliteStore, open_store
from haris.nouns.keys import Origin, Pedigree, Proof, StoredKey

KEK = bytes(range(32))
MEASURED = Pedigree(1e-9, Origin.MEASURED, Proof("Lim et al. 2014", "coherent", True, ("fair sampling",)))
KMES = {"bank": "kme-bank", "exchange": "kme-exchange", "broker": "kme-broker"}
SAES = {"alice": "bank", "anna": "bank", "bob": "exchange", "bella": "exchange", "carol": "broker"}

SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Certificates as RFC 5280 wants them: Python 3.13 verifies strictly."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder, self.name, self.key = folder, name, ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self.subject, self.key, days=1)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(SIGNS_CERTIFICATES, critical=True)
        key_id = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        self._write(name, builder.add_extension(key_id, critical=False), None)

    def issue(self, *common_names: str, stem: str = "", days: int = 1) -> TlsFiles:
        stem, key = stem or common_names[0], ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
        self._write(stem, self._builder(subject, key, days).add_extension(names, False), key)
        return TlsFiles(self.folder / f"{stem}.crt", self.folder / f"{stem}.key", self.folder / f"{self.name}.crt")

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(authority_id, critical=False)
        return builder.not_valid_before(now - timedelta(days=2)).not_valid_after(now + timedelta(days=days))

    def _write(self, stem: str, builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey | None) -> None:
        certificate = builder.sign(self.key, hashes.SHA256())
        (self.folder / f"{stem}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        if key is not None:
            octets = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            (self.folder / f"{stem}.key").write_bytes(octets)


@dataclass
class Site:
    store: SqliteStore
    supply: Supply
    kme: RunningKme
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
        self._numbers = itertools.count(1)
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def start(self, site: str, laboratory: bool = False) -> Site:
        store = open_store(self.folder / f"{site}.store", KEK, os.urandom)
        supply = Supply(store, Directory(site, KMES, SAES), laboratory=laboratory)
        files, alarms = self.files[KMES[site]], []
        urls = {name: f"https://127.0.0.1:{there.kme.peer_port}" for name, there in self.sites.items()}
        config = KmeConfig("127.0.0.1", 0, "127.0.0.1", 0, files, files, urls, void_retry_s=0.05)
        self.sites[site] = Site(store, supply, await start_kme(config, supply, file_alarm=alarms.append), alarms)
        for name in self.sites:
            if name != site:
                self.route(name, site)
        return self.sites[site]

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
            return Answer(answer.status, await answer.json(), dict(answer.headers))
