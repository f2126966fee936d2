"""Two sites whose randomness comes from supplies: one over TLS, one in its own process. Neither asks the operating
system for any, and the one whose supply is gone says so and makes no more keys until it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from same_process import run_here
from test_commission import SITES, TwoSites

from haris.demo.processes import Process
from haris.node.pki.authority import add_to_laboratory
from haris.node.system.free_ports import free_ports

EXAMPLE = Path(__file__).parents[2] / "examples/supplies/emulated.toml"
LISTENING = """
import os, sys, traceback
_real = os.urandom
def _heard(n):
    stack = [frame.filename for frame in traceback.extract_stack()]
    ours = [name for name in stack if "/haris/" in name]
    if ours and not any("importlib" in name for name in stack):  # what libraries do as they are loaded is not ours
        with open(os.environ["HEARD"], "a") as file:
            file.write(ours[-1].split("/haris/")[-1] + chr(10))
    return _real(n)
os.urandom = _heard
"""
OF_ITS_OWN = {"node/entropy/hashing.py", "node/entropy/device_emulated.py"}
"""The seed of the extractor, which must not come from the source, and that of the emulated light."""


class SuppliedSites(TwoSites):
    """The sites of test_commission, with tables [randomness]."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        add_to_laboratory(directory / "pki", ["supply"], [], [], datetime.now(UTC), issuer="ca")
        (directory / "python").mkdir()
        (directory / "python/sitecustomize.py").write_text(LISTENING)
        environment = {"PYTHONPATH": str(directory / "python")}
        for site in SITES:
            self.processes[site].environment |= environment | {"HEARD": str(directory / f"{site}.heard")}
        arguments = ["haris.cli.main", "entropy", "serve", str(directory / "supply.toml"), "--json"]
        self.processes["supply"] = Process("supply", arguments, directory / "supply.log", lambda line: None)

    def configuration(self, site: str) -> str:
        if site == "a":
            (self.directory / "supply.toml").write_text(EXAMPLE.read_text().replace("7443", str(self.supply_port)))
            own = f"""
url = "https://127.0.0.1:{self.supply_port}"
certificate = "pki/kme-a.crt"
private_key = "pki/kme-a.key"
authority = "pki/ca.crt"
buffer_octets = 65536
wait_s = 1.0
"""
        else:
            own = 'supply = "supply.toml"\n'
        return f"{super().configuration(site)}[randomness]\n{own}"

    @property
    def supply_port(self) -> int:
        return self.ports.setdefault("supply", free_ports(1)[0])

    def alarmed(self, *, active: bool) -> bool:
        alarms = [line for line in self.told if line.get("kind") == "randomness"]
        return bool(alarms) and alarms[-1]["active"] is active

    def heard(self, site: str) -> set[str]:
        path = self.directory / f"{site}.heard"
        return set(path.read_text().split()) if path.exists() else set()


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not what():
            await asyncio.sleep(0.05)


@pytest.mark.timeout(400)
async def test_sites_take_all_from_their_supplies_and_do_without_none(tmp_path: Path) -> None:
    sites = SuppliedSites(tmp_path)
    try:
        for name in ("supply", "light", *SITES):
            await sites.processes[name].start()
        mine, theirs = await sites.take()
        assert mine == theirs
        await sites.processes["supply"].stop()
        async with asyncio.timeout(120):
            while not sites.alarmed(active=True):  # what was made ahead, and what is in the buffer, may go
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(2.0):
                        await sites.take()
        await sites.processes["supply"].start()
        await until(lambda: sites.alarmed(active=False))
        mine, theirs = await sites.take()
        assert mine == theirs
        for process in sites.processes.values():
            process.check()
        assert sites.heard("a") == set()
        assert sites.heard("b") <= OF_ITS_OWN
        assert sites.heard("b")  # the witness does listen
    finally:
        await asyncio.gather(*(process.stop() for process in sites.processes.values()))


def test_a_site_without_its_supply_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haris.node.entropy.site_randomness.START_S", 0.5)
    SuppliedSites(tmp_path)
    code, out, err = run_here("node", str(tmp_path / "a.toml"), "--json")
    assert code == 3
    assert "cannot be reached" in err
    assert '"started"' not in out
    assert not (tmp_path / "a.db").exists()
