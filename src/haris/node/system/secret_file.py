"""A file that holds a secret: for its owner only, and read only if it is whole."""

from __future__ import annotations

import os
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


def write_secret_file(path: Path, octets: bytes) -> None:
    """A new file that only its owner can read, whole on the disk on return. ParameterError when it exists."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ParameterError(f"{path}: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def read_password(what: str, path: Path) -> str:
    """The first line of a file. Raises ParameterError for one that is missing, empty, no text, or open to others."""
    lines = read_secret_text(what, path).splitlines()
    if not lines:
        raise ParameterError(f"{what} {path} has no line of text")
    return lines[0]


def read_secret_text(what: str, path: Path) -> str:
    """The text in a file. Raises ParameterError for one that is missing, no text, or open to others."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise ParameterError(f"{what} {path}: {error.strerror}") from None
    if path.stat().st_mode & 0o077:
        raise ParameterError(f"{what} {path} is open to others: chmod 600 {path}")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise ParameterError(f"{what} {path} has no line of text") from None
