"""A source that drops its keys into a folder at each end: NAME.key, the octets of one key, the same at both ends.

The box writes a file under another name (NAME.part) in the same folder and renames it to NAME.key when it is whole, so
that a file is either all there or not yet there. NAME is 1 to 64 characters of A-Z a-z 0-9 . _ - and never serves
twice. Files are used in the order of their names. The folder belongs to this site's user and is closed to others.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from haris.keys.vendor import SourceKey
from haris.node.system.threads import finish_in_thread
from haris.nouns.errors import KeyUnavailable, ParameterError

SUFFIX = ".key"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_MOST_OCTETS = 1 << 17


class FolderBox:
    """A Box. folder: where the box of this end drops its keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._given: set[str] = set()

    async def open(self, session: bytes) -> tuple[str, ...]:
        """What lies there; nothing while the folder cannot be read."""
        try:
            return tuple(await finish_in_thread(self.listed))
        except (KeyUnavailable, ParameterError):
            return ()

    async def fresh(self, n_keys: int) -> tuple[SourceKey, ...]:
        """The first files that were not given yet."""
        return await finish_in_thread(self._fresh, n_keys)

    async def named(self, names: Sequence[str]) -> tuple[SourceKey, ...]:
        """The files of these names that have arrived."""
        return await finish_in_thread(self._named, names)

    async def burn(self, names: Sequence[str]) -> None:
        """Overwrite and remove the files."""
        await finish_in_thread(self._burn, names)

    async def close(self) -> None:
        """Nothing to close."""

    def listed(self) -> list[str]:
        """Names of the keys in the folder, in their order. KeyUnavailable when it cannot be read or others can."""
        try:
            if self._folder.stat().st_mode & 0o077:
                raise ParameterError(f"{self._folder} is open to others: chmod 700 {self._folder}")
            files = os.listdir(self._folder)
        except OSError as error:
            raise KeyUnavailable(f"{self._folder}: {error.strerror}") from None
        names = (file.removesuffix(SUFFIX) for file in files if file.endswith(SUFFIX))
        return sorted(name for name in names if _NAME.fullmatch(name))

    def _fresh(self, n_keys: int) -> tuple[SourceKey, ...]:
        listed = self.listed()
        self._given &= set(listed)  # what the box drops once more is looked at once more, and found out
        names = [name for name in listed if name not in self._given][:n_keys]
        if not names:
            raise KeyUnavailable(f"{self._folder} holds no new {SUFFIX} file")
        keys = tuple(self._read(name) for name in names)
        self._given.update(names)
        return keys

    def _named(self, names: Sequence[str]) -> tuple[SourceKey, ...]:
        wrong = [name for name in names if not _NAME.fullmatch(name)]
        if wrong:
            raise ParameterError(f"{wrong[0]!r} cannot name a file of the folder")
        there = set(self.listed()) & set(names)
        if not there:
            raise KeyUnavailable(f"{self._folder} lacks {len(names)} keys that the other end holds")
        return tuple(self._read(name) for name in names if name in there)

    def _read(self, name: str) -> SourceKey:
        path = self._folder / (name + SUFFIX)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                return SourceKey(name, file.read(_MOST_OCTETS + 1))
        except OSError as error:
            raise KeyUnavailable(f"{path}: {error.strerror}") from None

    def _burn(self, names: Sequence[str]) -> None:
        for name in names:
            with contextlib.suppress(OSError):  # the next start of the site finds what could not be removed
                _overwrite(self._folder / (name + SUFFIX))
        self._given -= set(names)


def _overwrite(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.write(bytes(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    path.unlink()
