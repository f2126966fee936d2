"""A file that holds a secret: read only if it is whole and nobody else can read it."""

from __future__ import annotations

from pathlib import Path

from haris.nouns.errors import ParameterError


def read_secret_file(what: str, path: Path, n_octets: int) -> bytes:
    """The n_octets in a file. what: how errors call it.

    Raises ParameterError for a file that is missing, of another length, or open to others.
    """
    try:
        octets = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise ParameterError(f"{what} {path}: {error.strerror}") from None
    if len(octets) != n_octets:
        raise ParameterError(f"{what} {path} has {len(octets)} octets, not {n_octets}")
    if mode & 0o077:
        raise ParameterError(f"{what} {path} is open to others: chmod 600 {path}")
    return octets
