"""Two sites of real `haris node` processes with full stores, and nginx: what `haris bench keys` measures."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID

import msgspec
import numpy as np

from haris.bench.key_load import End, Result, Task
from haris.node.pki.authority import make_laboratory
from haris.node.store.store import Store, open_store
from haris.node.system.free_ports import free_ports
from haris.nouns.errors import PeerError
from haris.nouns.ids import join_key_id, key_id, split_key_id
from haris.nouns.keys import KEY_OCTETS, Origin, Pedigree, Proof, StoredKey
from haris.wire.etsi014 import path

SITES = ("east", "west")
NGINX = "nginx"
PEDIGREE = Pedigree(1e-9, Origin.EMULATED, Proof("none: measures the store", "none", finite=True))
KEYS_PER_PUT = 128 * 128
_START_S = 60.0

_NODE = """
[site]
name = "{site}"
laboratory = true
[kme]
id = "kme-{site}"
listen = "127.0.0.1:{port}"
listen_peers = "127.0.0.1:{peer_port}"
certificate = "pki/kme-{site}.crt"
private_key = "pki/kme-{site}.key"
authority = "pki/ca.crt"
[store]
path = "{site}.store"
key_encryption_key = "{site}.kek"
[pools]
keys = 1000000
[[sae]]
id = "sae-east"
site = "east"
[[sae]]
id = "sae-west"
site = "west"
[[peer]]
site = "{other}"
kme = "kme-{other}"
address = "127.0.0.1:{other_peer_port}"
"""

_NGINX = """{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  default_type application/json;
  open_file_cache max=16;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/pki/kme-east.crt;
    ssl_certificate_key {folder}/pki/kme-east.key;
    ssl_client_certificate {folder}/pki/ca.crt;
    ssl_verify_client on;
    root {folder}/static;
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """One site's place: name, ports, and the processor that its process has for itself."""

    name: str
    other: str
    port: int
    peer_port: int
    processor: int


def two_sites(folder: Path) -> tuple[Site, Site]:
    """Lay out certificates and configurations in an empty folder. Each site has a processor, as far as there are."""
    make_laboratory(folder / "pki", [f"kme-{name}" for name in SITES], [f"sae-{name}" for name in SITES], [], _now())
    ports, processors = free_ports(4), sorted(os.sched_getaffinity(0))
    east = Site("east", "west", ports[0], ports[1], processors[0])
    west = Site("west", "east", ports[2], ports[3], processors[1 % len(processors)])
    for site, other in ((east, west), (west, east)):
        text = _NODE.format(
            site=site.name,
            other=site.other,
            port=site.port,
            peer_port=site.peer_port,
            other_peer_port=other.peer_port,
        )
        (folder / f"{site.name}.toml").write_text(text)
        (folder / f"{site.name}.kek").touch(mode=0o600)
        (folder / f"{site.name}.kek").write_bytes(bytes([site.processor]) * KEY_OCTETS)
    return east, west


def preload(folder: Path, n_keys: int, rng: np.random.Generator) -> None:
    """Put n_keys of stock owned by each site into the stores of both."""
    with ExitStack() as stack:
        stores = {name: _opened(folder, name, rng, stack) for name in SITES}
        for owner in SITES:
            for keys in batches(n_keys, owner, rng):
                relay = UUID(bytes=rng.bytes(16))
                for name, store in stores.items():
                    peer = SITES[1 - SITES.index(name)]
                    store.put_keys([StoredKey(key.key_id, key.secret, peer, owner, PEDIGREE) for key in keys], relay)


def batches(n_keys: int, owner: str, rng: np.random.Generator, peer: str = "") -> Iterator[list[StoredKey]]:
    """Keys as relays bring them, at most KEYS_PER_PUT at once."""
    for first in range(0, n_keys, KEYS_PER_PUT):
        size = min(KEYS_PER_PUT, n_keys - first)
        prefix, _ = split_key_id(key_id(rng.bytes(16), 0))
        octets = rng.bytes(KEY_OCTETS * size)
        yield [
            StoredKey(join_key_id(prefix, i), octets[KEY_OCTETS * i : KEY_OCTETS * (i + 1)], peer, owner, PEDIGREE)
            for i in range(size)
        ]


@contextmanager
def running(folder: Path, sites: Sequence[Site]) -> Iterator[None]:
    """The sites' processes, each on its processor."""
    with ExitStack() as stack:
        started = []
        for site in sites:
            command = [sys.executable, "-m", "haris.cli.main", "node", str(folder / f"{site.name}.toml")]
            log = folder / f"{site.name}.log"
            started.append((site.port, stack.enter_context(_process(command, site.processor, log)), log))
        for each in started:
            _await_port(*each)
        for site in sites:
            _await_key(folder, site)
        yield


def _await_key(folder: Path, site: Site) -> None:
    """Take keys until one comes: a site gives none before its peer has confirmed that its store did not go back."""
    pki = folder / "pki"
    context = ssl.create_default_context(cafile=pki / "ca.crt")
    context.load_cert_chain(pki / f"sae-{site.name}.crt", pki / f"sae-{site.name}.key")
    url, until = f"https://localhost:{site.port}{path(f'sae-{site.other}', 'enc_keys')}", monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(url, context=context):
                return
        except urllib.error.HTTPError as error:
            if error.code != 503 or monotonic() > until:
                raise PeerError(f"{site.name} gives no key: {error.code} {error.read(200).decode()}") from None
            sleep(0.1)


@contextmanager
def nginx(folder: Path, size_octets: int, processor: int) -> Iterator[End]:
    """nginx on one processor, serving one file of this size with mutual TLS; where the file is. FileNotFoundError."""
    (port,) = free_ports(1)
    user = "user root;" if os.geteuid() == 0 else ""  # else its worker could not read a folder of ours
    (folder / "static").mkdir(exist_ok=True)
    (folder / "static" / "file").write_bytes(b"x" * size_octets)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, user=user))
    command, log = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")], folder / "nginx.out"
    with _process(command, processor, log) as process:
        _await_port(port, process, log)
        yield _end(folder, "sae-east", port, "/file")


def task(folder: Path, site: Site, other: Site, n_requests: int, n_keys: int, n_connections: int) -> Task:
    """The master at site draws keys that the slave fetches at other."""
    master = _end(folder, f"sae-{site.name}", site.port, path(f"sae-{other.name}", "enc_keys"))
    slave = _end(folder, f"sae-{other.name}", other.port, path(f"sae-{site.name}", "dec_keys"))
    return Task(master, slave, n_requests, n_keys, n_connections)


def perform(tasks: Sequence[tuple[Task, int]]) -> list[Result]:
    """Run tasks at once, each in a generator of its own on a processor. Raises PeerError with what went wrong."""
    running = [_generator(each, processor) for each, processor in tasks]
    for process in running:
        if process.stdout is None or process.stdout.readline().strip() != "ready":
            raise PeerError(f"a load generator did not start: {process.communicate()[1]}")
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate() for process in running]
    for out, error in outputs:
        if not out:
            raise PeerError(f"a load generator failed: {error.strip().splitlines()[-1] if error else 'no word'}")
    return [msgspec.json.decode(out, type=Result) for out, _ in outputs]


def _generator(each: Task, processor: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "haris.bench.key_load"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    os.sched_setaffinity(process.pid, {processor})
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(each).decode() + "\n")
    process.stdin.flush()
    return process


@contextmanager
def _process(command: Sequence[str], processor: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    everywhere = os.sched_getaffinity(0)
    with log.open("wb") as output:
        os.sched_setaffinity(0, {processor})  # inherited by all its threads
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=output)
        finally:
            os.sched_setaffinity(0, everywhere)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = monotonic() + _START_S
    while True:
        if process.poll() is not None:
            raise PeerError(f"a server did not start: {log.read_text().strip()[-400:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if monotonic() > until:
                raise
            sleep(0.05)
        else:
            return


def _end(folder: Path, sae: str, port: int, where: str) -> End:
    pki = folder / "pki"
    return End("127.0.0.1", port, str(pki / f"{sae}.crt"), str(pki / f"{sae}.key"), str(pki / "ca.crt"), where)


def _opened(folder: Path, name: str, rng: np.random.Generator, stack: ExitStack) -> Store:
    store = open_store(folder / f"{name}.store", (folder / f"{name}.kek").read_bytes(), rng.bytes)
    stack.callback(store.close)
    return store


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (certificates of this run)
