"""Where a PostgreSQL database is; its driver is loaded by who connects."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from haris.nouns.errors import ParameterError


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where the database is. password: of the user. authority: PEM file of who signs the server's certificate.

    url: postgresql://USER@HOST:PORT/DATABASE, or postgresql://USER@/DATABASE?host=/DIRECTORY for a Unix socket.
    """

    url: str
    password: str = field(default="", repr=False)
    authority: Path | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
            raise ParameterError(f"a database is postgresql://USER@HOST:PORT/DATABASE, got {self.url!r}")
        if parts.password:
            raise ParameterError("a password does not stand in a URL: name a file that holds it")
