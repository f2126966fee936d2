"""Operations on a network under load: a site is added, a certificate rotated, a site upgraded and rolled back; and what
strangers send to a live site, whose applications do not notice.

About 90 s on a busy machine: five processes, each started once or twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import json
import random
import shutil
import signal
import ssl
import subprocess
import sys
import tarfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from great_applications import Applications
from great_network import SMALL, GreatNetwork, running, sae_of
from great_trial import examine
from history import faults
from test_great_network import postgres_address  # noqa: F401  (a fixture)

from haris.node.events import DenialEvent, SiteEvent
from haris.node.pki.authority import add_to_laboratory, make_laboratory
from haris.node.pki.credentials import client_context
from haris.node.store.postgres_address import PostgresAddress
from haris.node.supply.etsi014_client import KmeClient
from haris.nouns.errors import KeyUnavailable
from haris.nouns.keys import DeliveredKey
from haris.wire.etsi014 import KeyRequest

ROOT = Path(__file__).parents[2]
RETRY_S = 10.0
"""What an application may wait while its site is restarted, on a machine as busy as those of trials."""


async def served(network: GreatNetwork, master: str, slave: str, within_s: float = RETRY_S) -> float:
    """One key from a master's site to its slave; returns how long the two had to try."""
    began = time.monotonic()
    async with KmeClient(network.url(network.processes_of(master)[0]), network.context(master)) as kme:
        key = await tried(lambda: kme.enc_key(sae_of(slave)), began + within_s, f"{master} gets no key for {slave}")
    async with KmeClient(network.url(network.processes_of(slave)[0]), network.context(slave)) as kme:
        fetch = partial(kme.dec_key, sae_of(master), key.key_id)
        assert (await tried(fetch, began + within_s, f"{slave} gets no key of {master}")).secret == key.secret
    return time.monotonic() - began


async def tried(ask: Callable[[], Awaitable[DeliveredKey]], until: float, what: str) -> DeliveredKey:
    """The key that is asked for again and again until it comes."""
    while True:
        try:
            return await ask()
        except KeyUnavailable:
            assert time.monotonic() < until, what
            await asyncio.sleep(0.2)


async def refilled(network: GreatNetwork, master: str, slave: str) -> None:
    """Wait until a pair has keys: the first of a network that starts."""
    await served(network, master, slave, within_s=90)


@pytest.mark.trial
@pytest.mark.timeout(400)
async def test_a_site_is_added_and_a_certificate_rotated_under_load(tmp_path: Path) -> None:
    network = GreatNetwork(tmp_path, SMALL, random.Random(5))
    async with running(network):
        applications = Applications(network, random.Random(6), 0.5)
        try:
            applications.start()
            await refilled(network, "a01", "a02")
            await add_a_site(network, applications)
            await rotate(network)
            async with asyncio.timeout(60):
                await applications.rest()
            await asyncio.sleep(2)
        finally:
            await applications.close()
        await network.stop_processes()
        examine(network, applications.history)
    assert faults(applications.history) == []
    assert not any(kind.startswith("014 refused") for kind in applications.n), applications.n
    print(dict(applications.n))


async def add_a_site(network: GreatNetwork, applications: Applications) -> None:
    """Every site reads its tables anew, none is started anew: neighbours of the new one begin spans with it."""
    network.add_site("a04", {"a03-a04": ("a03", "a04"), "a00-a04": ("a00", "a04")})
    began = time.monotonic()
    for site in ("a00", "a01", "a02", "a03"):
        network.processes[site].send(signal.SIGHUP)
    await network.until(lambda: len(network.told(SiteEvent, what="configuration")) == 4, 20, "four sites read anew")
    joined = {"a00": "; new spans: a00-a04", "a03": "; new spans: a03-a04"}
    for event in network.told(SiteEvent, what="configuration"):
        told = "5 applications, 4 other sites and 0 rules are in use"
        assert event.detail == told + joined.get(event.site, "")
    await network.start_process("a04")
    for pair in (("a04", "a00"), ("a00", "a04"), ("a03", "a04")):
        await refilled(network, *pair)
    print(f"a04 shares keys with both neighbours {time.monotonic() - began:.1f} s after it was named to them")
    for one, other in (("a04", "a00"), ("a03", "a04")):
        applications.add(one, other)
    # a site that read anew knows the new application, and says that there is no pool rather than no such application
    async with KmeClient(network.url("a01"), network.context("a01")) as kme:
        assert (await kme.status(sae_of("a04"))).stored_key_count == 0


async def rotate(network: GreatNetwork) -> None:
    """The certificate of a key manager is replaced while keys are drawn over it; new connections see the new one."""
    old = await seen(network, "a02")
    for name in ("kme-a02.crt", "kme-a02.key"):
        network.pki(name).unlink()
    add_to_laboratory(network.pki(""), ["kme-a02"], [], [], datetime.now(UTC))
    network.processes["a02"].send(signal.SIGHUP)
    new = old
    async with asyncio.timeout(20):
        while new == old:
            new = await seen(network, "a02")
            await asyncio.sleep(0.2)
    assert await served(network, "a02", "a01") < RETRY_S
    assert await served(network, "a01", "a02") < RETRY_S


async def seen(network: GreatNetwork, site: str) -> int:
    """The serial number of the certificate that a site shows."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", network.ports[f"{site} kme"], ssl=network.context(site), server_hostname="127.0.0.1"
    )
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    del reader
    return x509.load_der_x509_certificate(der).serial_number


BEFORE = {
    "before versions": "src/haris/wire/versions.py",  # speaks no versions, knows no witnesses; schema 2 as it was then
    "before steps": "src/haris/node/store/schema_steps.py",  # the last whose store has schema 2, with all its tables
}
"""Releases before: no release was tagged yet, so the newest commits that lacked a file stand for them."""


@pytest.fixture(params=BEFORE)
def release_before(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The code of a release before, with the kernels of today."""
    git = ["git", "-C", str(ROOT)]
    asked = [*git, "log", "--diff-filter=A", "--format=%H", "--", BEFORE[request.param]]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    before = f"{found[-1]}^" if found else "none"
    made = subprocess.run([*git, "archive", before, "src"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("the history of the code is not here")
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(tmp_path / "before", filter="data")
    native = importlib.util.find_spec("haris.kernels._native")
    assert native is not None
    assert native.origin is not None
    shutil.copy(native.origin, tmp_path / "before" / "src" / "haris" / "kernels")
    return tmp_path / "before" / "src"


FUTURE = """
from haris.node.store import schema
from haris.node.store import schema_steps
from haris.node.store import store
from haris.wire import kme, span

kme.VERSIONS = span.VERSIONS = (1, 2)
more = schema.Step(
    store.SCHEMA.number + 1,
    store.SCHEMA.readable_from,
    "a table that only the future knows",
    lambda tx: tx.change("CREATE TABLE IF NOT EXISTS later (name TEXT PRIMARY KEY)"),
)
store.SCHEMA = schema.Schema(store.SCHEMA.tables, (*schema_steps.STEPS, more))
"""
"""A release that is to come: a version and a schema more."""


@pytest.mark.trial
@pytest.mark.timeout(500)
async def test_a_site_is_upgraded_beside_neighbours_of_the_release_before_and_rolled_back(
    tmp_path: Path, release_before: Path
) -> None:
    """All sites of the old release; one becomes new, then is of a release to come, and is rolled back step by step.

    Applications draw all the while; at the end every site is new, and all that was seen is examined.
    """
    (tmp_path / "network").mkdir()
    shape = replace(SMALL, streaming=None)
    old = dict.fromkeys(shape.sites, release_before)
    network = GreatNetwork(tmp_path / "network", shape, random.Random(7), python_path=old)
    future = tmp_path / "future"
    future.mkdir()
    (future / "sitecustomize.py").write_text(FUTURE)
    here = str(ROOT / "src")
    releases = {"new": here, "future": f"{future}:{here}", "new again": here, "old": str(release_before)}
    async with running(network):
        applications = Applications(network, random.Random(10), 0.5)
        try:
            applications.start()
            await refilled(network, "a01", "a02")
            await refilled(network, "a02", "a01")
            for what, path in releases.items():
                await become(network, applications, "a02", what, path)
            for site in shape.sites:  # and the whole network follows
                await become(network, applications, site, f"new {site}", here)
            async with asyncio.timeout(60):
                await applications.rest()
            await asyncio.sleep(3)
        finally:
            await applications.close()
        await network.stop_processes()
        examine(network, applications.history)
    assert faults(applications.history) == []
    assert not any(kind.startswith("014 refused") for kind in applications.n), applications.n
    print(dict(applications.n))
    for site in shape.sites:
        assert "Traceback" not in (network.directory / f"{site}.log").read_text()


async def become(network: GreatNetwork, applications: Applications, site: str, what: str, path: str) -> None:
    """Start a site anew from other code; returns once it and its neighbours serve as before."""
    n_met = len(network.told(SiteEvent, what="span connected", site=site))
    n_spans = len(network.spans_of(site))
    await network.processes[site].stop()
    network.processes[site].environment["PYTHONPATH"] = path
    await network.start_process(site)
    neighbour = next(iter(set(network.shape.spans[network.spans_of(site)[0]]) - {site}))
    waited = [await served(network, *pair, within_s=60) for pair in ((neighbour, site), (site, neighbour))]
    await network.until(
        lambda: len(network.told(SiteEvent, what="span connected", site=site)) >= n_met + n_spans,
        60,
        f"the spans of a site that is {what}",
    )
    print(f"{what}: a draw waited {max(waited):.2f} s; {applications.n['014']} keys drawn by now")


@pytest.mark.trial
@pytest.mark.timeout(600)
async def test_a_store_moves_from_sqlite_to_postgresql_under_load(
    tmp_path: Path,
    postgres_address: object,  # noqa: F811
) -> None:
    """A site is stopped, its store moved by haris's own command, and started; what that costs its applications."""
    if not isinstance(postgres_address, PostgresAddress):
        pytest.skip("no package brings a PostgreSQL server")
    network = GreatNetwork(tmp_path, replace(SMALL, streaming=None), random.Random(11))
    rest = asyncio.Event()
    async with running(network):
        applications = Applications(network, random.Random(12), 0.5)
        try:
            applications.start()
            pairs = (("a01", "a02"), ("a02", "a01"))
            for pair in pairs:
                await refilled(network, *pair)
            patient = [asyncio.create_task(longest_wait(network, *pair, rest)) for pair in pairs]
            for part in ("before", "move", "after"):
                if part == "move":
                    print(await move(network, "a02", postgres_address))
                for pair in pairs:
                    for _ in range(5):
                        await served(network, *pair, within_s=60)
            rest.set()
            waits_s = await asyncio.gather(*patient)
            async with asyncio.timeout(60):
                await applications.rest()
            await asyncio.sleep(3)
        finally:
            await applications.close()
        await network.stop_processes()
        examine(network, applications.history)
    assert faults(applications.history) == []
    print(f"the longest wait for a key: {max(waits_s):.1f} s; {dict(applications.n)}")


async def longest_wait(network: GreatNetwork, master: str, slave: str, rest: asyncio.Event) -> float:
    """Draw keys, again and again when none comes, until rest; returns the longest wait for one, seconds."""
    longest_s, began = 0.0, time.monotonic()
    async with KmeClient(network.url(network.processes_of(master)[0]), network.context(master)) as kme:
        while not rest.is_set():
            with contextlib.suppress(KeyUnavailable):
                await kme.enc_key(sae_of(slave))
                longest_s, began = max(longest_s, time.monotonic() - began), time.monotonic()
            await asyncio.sleep(0.1)
    return max(longest_s, time.monotonic() - began)


async def move(network: GreatNetwork, site: str, postgres: PostgresAddress) -> str:
    """Stop a site, move its store into a database, and start it. Returns how long each took, in words."""
    times_s = [time.monotonic()]
    await network.processes[site].stop()
    times_s.append(time.monotonic())
    before = network.move(site, postgres)
    command = [sys.executable, "-m", "haris.cli.main", "store", "copy", before, network.configuration(site)]
    moving = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = await moving.communicate()
    assert moving.returncode == 0, said.decode()
    times_s.append(time.monotonic())
    await network.start_process(site)
    times_s.append(time.monotonic())
    parts = zip(("stopped in", "moved in", "served again after"), pairwise(times_s), strict=True)
    rows = sum(int(line.split()[1]) for line in said.decode().splitlines() if line.endswith(" rows"))
    return ", ".join(f"{what} {stop - start:.1f} s" for what, (start, stop) in parts) + f"; {rows} rows"


NONE_SUCH = "00000000-0000-4000-8000-000000000000"


@pytest.mark.trial
@pytest.mark.timeout(300)
async def test_strangers_and_floods_are_refused_and_applications_do_not_notice(tmp_path: Path) -> None:
    network = GreatNetwork(tmp_path, replace(SMALL, streaming=None), random.Random(8))
    make_laboratory(tmp_path / "foreign", ["kme-a00"], ["sae-a00"], [], datetime.now(UTC))
    async with running(network):
        applications = Applications(network, random.Random(9), 0.3)
        try:
            applications.start()
            await refilled(network, "a00", "a01")
            await asyncio.sleep(8)
            calm = tail(applications)
            n_errors = sum(n for kind, n in applications.n.items() if "answer" in kind or "refused" in kind)
            memory_mb = network.processes["a00"].peak_memory_mb()
            applications.waits_s.clear()
            await asyncio.gather(*(attack(network, tmp_path) for attack in ATTACKS))
            await asyncio.sleep(2)
            busy = tail(applications)
            grown_mb = network.processes["a00"].peak_memory_mb() - memory_mb
            errors = sum(n for kind, n in applications.n.items() if "answer" in kind or "refused" in kind) - n_errors
            async with asyncio.timeout(60):
                await applications.rest()
        finally:
            await applications.close()
        log = (tmp_path / "a00.log").read_text()
        denied = network.told(DenialEvent, site="a00")
    print(f"p99 of a draw: {1e3 * calm:.0f} ms before, {1e3 * busy:.0f} ms meanwhile; {grown_mb:.0f} MB more")
    assert errors == 0, applications.n
    assert busy < max(2.0, 10 * calm)  # a second or two on a machine that others load, too
    assert grown_mb < 64
    assert log.count("TLS failed") >= 2  # without a certificate, and of another operator
    assert {"sae-a02", "sae-a00"} <= {event.caller for event in denied}
    assert {event.reason for event in denied} >= {"unauthorised"}
    assert "Traceback" not in log


def tail(applications: Applications) -> float:
    """The wait that one draw in a hundred exceeds, seconds."""
    waits = sorted(applications.waits_s)
    return waits[int(0.99 * (len(waits) - 1))]


async def say(network: GreatNetwork, context: ssl.SSLContext, request: bytes, patience_s: float = 20) -> bytes:
    """What a00 answers to the octets of a request; nothing when it drops the connection."""
    port = network.ports["a00 kme"]
    try:
        async with asyncio.timeout(patience_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="127.0.0.1")
            writer.write(request)
            answer = await reader.read(1 << 16)
            writer.transport.abort()
            return answer
    except OSError:
        return b""


def post(path: str, body: bytes, length: int | None = None, header: str = "") -> bytes:
    head = f"POST /api/v1/keys/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{header}"
    return f"{head}Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


async def without_certificate(network: GreatNetwork, directory: Path) -> None:
    context = ssl.create_default_context(cafile=network.pki("ca.crt"))
    for _ in range(20):
        assert await say(network, context, post("sae-a01/enc_keys", b"{}")) == b""


async def of_another_operator(network: GreatNetwork, directory: Path) -> None:
    """It bears the very name of one of ours."""
    foreign = directory / "foreign"
    context = client_context(foreign / "sae-a00.crt", foreign / "sae-a00.key", foreign / "ca.crt", datetime.now(UTC))
    context.load_verify_locations(network.pki("ca.crt"))
    for _ in range(20):
        assert await say(network, context, post("sae-a01/enc_keys", b"{}")) == b""


async def with_a_header_that_claims_an_identity(network: GreatNetwork, directory: Path) -> None:
    claims = "".join(
        f"{name}: {value}\r\n"
        for name in ("X-SSL-Client-CN", "X-Client-Cert", "X-Forwarded-User", "X-SAE-ID", "Forwarded", "Authorization")
        for value in ("sae-a00", "CN=sae-a00")
    )
    for _ in range(20):
        answer = await say(network, network.context("a02"), post("sae-a01/enc_keys", b"{}", header=claims))
        assert answer.split()[1] == b"401", answer


async def with_somebody_elses_key(network: GreatNetwork, directory: Path) -> None:
    async with KmeClient(network.url("a01"), network.context("a01")) as kme:
        (key,) = await kme.enc_keys("sae-a02", KeyRequest(1, 256))
    for key_id in (str(key.key_id), NONE_SUCH):
        body = json.dumps({"key_IDs": [{"key_ID": key_id}]}).encode()
        answer = await say(network, network.context("a00"), post("sae-a01/dec_keys", body))
        assert answer.split()[1] in (b"400", b"401", b"404"), answer
        assert b'"keys"' not in answer


async def with_a_million_slaves(network: GreatNetwork, directory: Path) -> None:
    body = b'{"additional_slave_SAE_IDs": [' + b",".join([b'"sae-a02"'] * 1_000_000) + b"]}"
    answer = await say(network, network.context("a00"), post("sae-a01/enc_keys", body))
    assert answer == b"" or answer.split()[1] in (b"413", b"400"), answer
    few = b'{"additional_slave_SAE_IDs": [' + b",".join([b'"sae-a02"'] * 5000) + b"]}"
    answer = await say(network, network.context("a00"), post("sae-a01/enc_keys", few))
    assert answer.split()[1] == b"400", answer


async def with_a_body_of_a_gigabyte(network: GreatNetwork, directory: Path) -> None:
    answer = await say(network, network.context("a00"), post("sae-a01/enc_keys", b"x" * 100_000, length=1 << 30))
    assert answer == b"" or answer.split()[1] == b"413", answer


async def slowly(network: GreatNetwork, directory: Path) -> None:
    """Connections that say an octet a second: before TLS, and within it."""
    writers = []
    context = network.context("a03")
    for number in range(120):
        tls = {"ssl": context, "server_hostname": "127.0.0.1"} if number % 4 == 0 else {}
        with contextlib.suppress(OSError):
            writers.append((await asyncio.open_connection("127.0.0.1", network.ports["a00 kme"], **tls))[1])
    for _ in range(10):
        for writer in writers:
            with contextlib.suppress(OSError):
                writer.write(b"G")
        await asyncio.sleep(0.7)
    for writer in writers:
        writer.transport.abort()


ATTACKS = (
    without_certificate,
    of_another_operator,
    with_a_header_that_claims_an_identity,
    with_somebody_elses_key,
    with_a_million_slaves,
    with_a_body_of_a_gigabyte,
    slowly,
)
