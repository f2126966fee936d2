"""Where a passphrase or a token's PIN comes from: never the command line, which all users can read."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from haris.nouns.errors import ParameterError

_MAX_OCTETS = 1024


def require_source(name: str, source: str) -> str:
    """Return source when it is one of `prompt`, `fd:N`, `credential:NAME`, `file:PATH`; else raise ParameterError."""
    kind, _, rest = source.partition(":")
    known = source == "prompt" or (kind == "fd" and rest.isdecimal()) or (kind in ("credential", "file") and rest)
    if not known or (kind == "credential" and "/" in rest):
        raise ParameterError(f'{name} must be "prompt", "fd:N", "credential:NAME" or "file:PATH", got "{source}"')
    return source


def read_unlocking(what: str, source: str) -> bytes:
    """The passphrase or PIN. what: how the prompt and errors call it. A newline at its end is no part of it.

    source: `prompt`, the terminal; `fd:N`, an open file that is read to its end; `credential:NAME`, what systemd's
    LoadCredential hands over; `file:PATH`, a file that only its owner can read. Raises ParameterError when it cannot
    be had.
    """
    kind, _, rest = require_source("the source of a passphrase", source).partition(":")
    if kind == "prompt":
        if not sys.stdin.isatty():
            raise ParameterError(f"{what}: there is no terminal to ask at; name another source (fd:N, credential:NAME)")
        return getpass.getpass(f"{what}: ").encode()
    try:
        octets = _read(kind, rest)
    except OSError as error:
        raise ParameterError(f"{what} from {source}: {error.strerror}") from None
    if len(octets) > _MAX_OCTETS:
        raise ParameterError(f"{what} from {source} is longer than {_MAX_OCTETS} octets")
    return octets.removesuffix(b"\n").removesuffix(b"\r")


def _read(kind: str, rest: str) -> bytes:
    if kind == "fd":
        with os.fdopen(int(rest), "rb") as file:
            return file.read(_MAX_OCTETS + 1)
    path = Path(rest)
    if kind == "credential":
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if folder is None:
            raise ParameterError("no credentials were handed over: CREDENTIALS_DIRECTORY is not set (systemd sets it)")
        path = Path(folder) / rest
    elif path.stat().st_mode & 0o077:
        raise ParameterError(f"{path} is open to others: chmod 600 {path}")
    with path.open("rb") as file:
        return file.read(_MAX_OCTETS + 1)
