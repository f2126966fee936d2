"""Two sites as processes; the store of one is put back while it is down. All is void, and the link begins anew by hand.

About 20 s: seven starts of a site, each with a meeting over real TLS.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_source_sites import deliver, drop_keys, lay_out_folders, site

from haris.cli.main import main
from haris.crypto.ledger import span_ledgers
from haris.node.pki.credentials import client_context
from haris.node.store.store import open_store
from haris.node.supply.etsi014_client import KmeClient
from haris.nouns.errors import HarisError
from haris.wire.etsi014 import KeyRequest


async def refused(directory: Path, port: int) -> None:
    """Alice gets no key from the moment that her site serves until the alarm has come."""
    pki = directory / "pki"
    context = client_context(pki / "alice.crt", pki / "alice.key", pki / "ca.crt", datetime.now(UTC))
    deadline = time.monotonic() + 40
    async with KmeClient(f"https://127.0.0.1:{port}", context) as alice:
        while '"rolled-back"' not in (directory / "a.log").read_text():
            assert time.monotonic() < deadline, (directory / "a.log").read_text()
            with pytest.raises((HarisError, OSError)):
                await alice.enc_keys("bob", KeyRequest(1, 256))
            await asyncio.sleep(0.05)


def heads(directory: Path, name: str) -> list[tuple[int, int]]:
    store = open_store(directory / f"{name}.db", (directory / f"{name}.kek").read_bytes(), lambda n: bytes(n))
    try:
        return [store.ledger_bounds(ledger) for ledger in span_ledgers("ab")]
    finally:
        store.close()


def until(path: Path, word: str) -> None:
    deadline = time.monotonic() + 40
    while word not in path.read_text():
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.05)


@pytest.mark.timeout(240)
def test_a_store_put_back_is_void_at_both_sites_until_the_link_is_commissioned_anew(tmp_path: Path) -> None:
    ports = lay_out_folders(tmp_path)
    drop_keys(tmp_path, 0, 500)
    with site(tmp_path, "b") as b:
        with site(tmp_path, "a") as a:
            asyncio.run(deliver(tmp_path, ports))
            a.terminate()
            a.wait()
        shutil.copy(tmp_path / "a.db", tmp_path / "copy")
        with site(tmp_path, "a") as a:
            asyncio.run(deliver(tmp_path, ports))
            time.sleep(2.5)  # a word of the new life has been exchanged
            a.terminate()
            a.wait()
        shutil.copy(tmp_path / "copy", tmp_path / "a.db")
        for beside in ("a.db-wal", "a.db-shm"):
            (tmp_path / beside).unlink(missing_ok=True)
        with site(tmp_path, "a") as a:
            asyncio.run(refused(tmp_path, ports["alice"]))
            until(tmp_path / "b.log", "rolled-back")
            a.terminate()
            a.wait()
        b.terminate()
        b.wait()
    for name in ("a", "b"):
        bounds = heads(tmp_path, name)
        assert all(head == end for head, end in bounds), (name, bounds)
    carried = ["link", "secret", "ab", "--site", "a", "--site", "b", "--folder", str(tmp_path)]
    assert main(carried) == 0
    for name in ("a", "b"):
        halves = [str(tmp_path / f"ab.{number}.{name}") for number in (1, 2)]
        made = datetime.now(UTC).strftime("%Y-%m-%d")
        toml = str(tmp_path / f"{name}.toml")
        assert main(["link", "recommission", "ab", toml, "--secret", *halves, "--made", made]) == 0
    drop_keys(tmp_path, 500, 500)
    with site(tmp_path, "b"), site(tmp_path, "a"):
        asyncio.run(deliver(tmp_path, ports))
    log = (tmp_path / "a.log").read_text() + (tmp_path / "b.log").read_text()
    assert "Traceback" not in log
