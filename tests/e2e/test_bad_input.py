"""Bad input as a user meets it: one clear line on stderr, exit 2, nothing half-written; bad peers end sessions only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from same_process import run_here
from trial_network import QUICK_LINK, SPANS, TrialNetwork, running

from haris.demo.laboratory import Laboratory, build
from haris.node.events import BlockEvent, SiteEvent
from haris.node.pki.authority import make_laboratory
from haris.nouns.errors import KeyUnavailable
from haris.wire import span

HARIS = [sys.executable, "-m", "haris.cli.main"]


def refused(*words: str, says: str) -> None:
    """Run a command that must end with 2, nothing on stdout, and one line on stderr that holds `says`."""
    code, out, err = run_here(*words)
    assert out == ""
    one_line(words[0], code, err, says)


def process_refused(*words: str, says: str, before: Callable[[], None] | None = None) -> None:
    """The same of a process of its own."""
    done = subprocess.run([*HARIS, *words], capture_output=True, text=True, timeout=100, check=False, preexec_fn=before)
    assert done.stdout == ""
    one_line(words[0], done.returncode, done.stderr, says)


def one_line(command: str, code: int, err: str, says: str) -> None:
    assert code == 2, err
    assert err.startswith(f"haris {command}: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert says in err


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """A laboratory that each test copies and spoils."""
    directory = tmp_path_factory.mktemp("pattern")
    (directory / "quick.toml").write_text(QUICK_LINK)
    return build(directory / "laboratory", 4, 4, dict.fromkeys(SPANS, directory / "quick.toml"))


@pytest.fixture
def site(pattern: Laboratory, tmp_path: Path) -> Path:
    """NODE.toml of a bank of its own."""
    shutil.copytree(pattern.directory, tmp_path / "laboratory")
    return tmp_path / "laboratory" / "bank.toml"


def spoil(file: Path, old: str, new: str) -> int:
    """Replace the first occurrence; returns its line."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("clock_hz = 1e9", "clock_ghz = 1", "clock_ghz"),
        ("length_m = 10_000", "length_km = 10", "length_km"),
        ("length_m = 10_000", 'length_m = "10 km"', "length_m"),
        ("efficiency = 0.6", "efficiency = 60", "efficiency"),
    ],
)
@pytest.mark.parametrize("command", ["rate", "light"])
def test_a_link_with_an_unknown_key_or_a_wrong_unit(
    tmp_path: Path, command: str, old: str, new: str, says: str
) -> None:
    link = tmp_path / "LINK.toml"
    link.write_text(QUICK_LINK)
    line = spoil(link, old, new)
    options = [] if command == "rate" else ["--socket", str(tmp_path / "light.sock")]
    refused(command, str(link), *options, says=f"{link}:{line}: ")
    refused(command, str(link), *options, says=says)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["LINK.toml"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("laboratory = true", "labratory = true"),
        ('listen = "127.0.0.1:', 'listen = "127.0.0.1 '),
        ("keys = 4", 'keys = "four"'),
        ('role = "alice"', 'role = "eve"'),
    ],
)
def test_a_configuration_with_an_unknown_key_or_a_wrong_value(site: Path, old: str, new: str) -> None:
    line = spoil(site, old, new)
    refused("node", str(site), says=f"{site}:{line}: ")
    assert not (site.parent / "bank.db").exists()


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    process_refused("node", str(tmp_path / "NODE.toml"), says=str(tmp_path / "NODE.toml"))
    process_refused("rate", str(tmp_path / "LINK.toml"), says=str(tmp_path / "LINK.toml"))


@pytest.mark.parametrize("what", ["bank kme", "bank peers"])
def test_a_port_of_the_key_manager_in_use(site: Path, pattern: Laboratory, what: str) -> None:
    with socket.create_server(("127.0.0.1", pattern.ports[what])):
        refused("node", str(site), says=str(pattern.ports[what]))


def test_a_port_of_a_span_in_use(site: Path, pattern: Laboratory) -> None:
    port = pattern.ports["bank-midway"]
    with socket.create_server(("127.0.0.1", port)):
        code, _, err = run_here("node", str(site.parent / "midway.toml"), "--json")
    one_line("node", code, err, f"127.0.0.1:{port}")


def tunnel(site: Path, listen: int) -> list[str]:
    pki = site.parent / "pki"
    options = {
        "--listen": f"127.0.0.1:{listen}",
        "--to": "127.0.0.1:9",
        "--kme": "https://127.0.0.1:9",
        "--peer-sae": "sae-exchange",
        "--sae-cert": str(pki / "sae-bank.crt"),
        "--sae-key": str(pki / "sae-bank.key"),
        "--ca": str(pki / "ca.crt"),
        "--sign-cert": str(pki / "bank.mldsa.crt"),
        "--sign-key": str(pki / "bank.mldsa.key"),
        "--sign-ca": str(pki / "mldsa-ca.crt"),
        "--peer-name": "exchange",
    }
    return ["tunnel", "connect", *(word for option in options.items() for word in option)]


def test_a_port_of_a_tunnel_in_use(site: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(*tunnel(site, port), says=f"127.0.0.1:{port}")


@pytest.mark.parametrize("name", ["kme-bank.crt", "kme-bank.key", "ca.crt"])
def test_a_missing_certificate_or_key(site: Path, name: str) -> None:
    (site.parent / "pki" / name).unlink()
    refused("node", str(site), says=name)


@pytest.mark.parametrize("name", ["sae-bank.crt", "bank.mldsa.key", "mldsa-ca.crt"])
def test_a_missing_certificate_or_key_of_a_tunnel(site: Path, name: str) -> None:
    (site.parent / "pki" / name).unlink()
    refused(*tunnel(site, 0), says=name)


def test_an_expired_certificate(site: Path) -> None:
    old = site.parent / "old"
    made = datetime.now(UTC) - timedelta(days=30)
    make_laboratory(old, ["kme-bank"], ["sae-bank"], ["bank"], made, days=10)
    pki = site.parent / "pki"
    for name in ("kme-bank.crt", "kme-bank.key", "ca.crt", "bank.mldsa.crt", "bank.mldsa.key"):
        shutil.copy(old / name, pki / name)
    refused("node", str(site), says="expired")
    refused(*tunnel(site, 0), says="expired")


def make_store(site: Path) -> Path:
    """Let the bank's store be made, by a start that fails after it."""
    with socket.socket() as taken:
        port = int(site.read_text().split('listen = "127.0.0.1:')[1].split('"')[0])
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        refused("node", str(site), says=str(port))
    return site.parent / "bank.db"


def test_a_key_encryption_key_that_is_missing_wrong_or_open_to_others(site: Path) -> None:
    store, kek = make_store(site), site.parent / "bank.kek"
    before = store.read_bytes()
    kek.chmod(0o644)
    refused("node", str(site), says=f"chmod 600 {kek}")
    kek.chmod(0o600)
    kek.write_bytes(os.urandom(31))
    refused("node", str(site), says="31 octets, not 32")
    kek.write_bytes(os.urandom(32))
    refused("node", str(site), says="another key-encryption key")
    kek.unlink()
    refused("node", str(site), says=str(kek))
    assert store.read_bytes() == before


def test_a_store_of_a_newer_version(site: Path) -> None:
    store = make_store(site)
    with contextlib.closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = store.read_bytes()
    refused("node", str(site), says="version 99")
    assert store.read_bytes() == before


@pytest.mark.parametrize("limit", [0, 4096, 30_000])
def test_a_full_disk(site: Path, limit: int) -> None:
    """No file may grow beyond a limit: SQLite meets what a full disk gives, and the next start finds no damage."""
    before = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit))
    process_refused("node", str(site), says="store", before=before)
    make_store(site)


def _spoilt(kind: str, message: span.Message, body: bytes, earlier: list[span.Tag]) -> list[bytes] | None:
    """What goes on instead of a message; None when it is not one of the kind."""
    match kind, message:
        case (("sifting" | "error correction"), span.Distil(number=number, body=inner)) if len(inner) > 100:
            return [span.encode(span.Distil(number, _turned(inner, len(inner) // 2)))]
        case "replay", span.Distil():
            return [body, body]
        case "old tag", span.Confirm(number=number):
            return [span.encode(span.Confirm(number, earlier[0]))]
        case ("tag of a block", span.Confirm()) | ("word of holding", span.Held()):
            tag = span.Tag(message.tag.offset, _turned(message.tag.octets, 7))
            return [span.encode(type(message)(message.number, tag))]
    return None


def _turned(octets: bytes, at: int) -> bytes:
    """The octets with one bit turned."""
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


@pytest.mark.timeout(100)
async def test_changed_and_replayed_messages_cost_their_block_and_nothing_else(tmp_path: Path) -> None:
    """On the classical channel of the first span: one bit turned in a message of each kind, or a message twice."""
    network = TrialNetwork(tmp_path)
    line = network.lines["bank-midway"]
    kinds = ("sifting", "error correction", "tag of a block", "old tag", "replay", "word of holding")
    pending = list(kinds)
    earlier: list[span.Tag] = []
    n_good = 0  # blocks since the last fault: honest ones in between keep the sites from pausing longer and longer
    n_met = 0  # meetings up to the last fault

    def meetings() -> int:
        told = {"what": "span connected", "detail": "bank-midway"}
        return min(len(network.told(SiteEvent, site=site, **told)) for site in ("bank", "midway"))

    def change(from_caller: bool, body: bytes) -> list[bytes]:
        nonlocal n_good, n_met
        message = span.decode(body)
        changed = _spoilt(pending[0], message, body, earlier) if pending and n_good else None
        if isinstance(message, span.Confirm) and not from_caller:
            earlier.append(message.tag)
        if changed is None:
            n_good += isinstance(message, span.Held)
            return [body]
        pending.pop(0)
        n_good, n_met = 0, meetings()
        return changed

    line.change = change
    async with running(network):
        async with network.client("bank", "sae-bank") as kme:

            async def draw() -> None:
                while pending:
                    with contextlib.suppress(KeyUnavailable):
                        await kme.enc_key("sae-exchange")
                    await asyncio.sleep(0.05)

            drawing = asyncio.create_task(draw())
            await network.until(lambda: not pending, 80, lambda: f"still to do: {pending}")
            await drawing
        await network.until(lambda: meetings() > n_met, 60, "a meeting after the last fault, which ended one")
        await network.rest()  # to stop the sites amid a block would discard it, or leave it in doubt
        discarded = [block for block in network.told(BlockEvent, span="bank-midway", site="bank") if block.aborted]
    assert len(discarded) == len(kinds) - 1, discarded  # the word comes when both hold: no block is lost
    assert sum("a tag does not fit" in block.detail for block in discarded) >= 1
    with contextlib.closing(network.store("bank")) as bank, contextlib.closing(network.store("midway")) as midway:
        assert bank.blocks_in_doubt("bank-midway") == midway.blocks_in_doubt("bank-midway") == ()
        for owner in ("bank", "midway"):
            pools = [
                {key.key_id: key.secret for key in store.reserve(peer, owner, store.count_ready(peer, owner), "test")}
                for store, peer in ((bank, "midway"), (midway, "bank"))
            ]
            assert pools[0] == pools[1] != {}
