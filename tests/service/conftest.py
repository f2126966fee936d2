from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from haris.node.pki.authority import make_laboratory
from haris.node.pki.credentials import signing_credentials

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def now_ns() -> int:
    return int(NOW.timestamp()) * 10**9


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("laboratory")
    make_laboratory(directory, ["kme-a"], ["sae-a"], ["bank", "exchange", "relay"], NOW - timedelta(days=1))
    return directory


@pytest.fixture(scope="session")
def credentials(laboratory: Path):
    def of(name: str, peer: str):
        stem = laboratory / f"{name}.mldsa"
        return signing_credentials(
            stem.with_name(stem.name + ".crt"),
            stem.with_name(stem.name + ".key"),
            laboratory / "mldsa-ca.crt",
            peer,
            NOW,
        )

    return of
