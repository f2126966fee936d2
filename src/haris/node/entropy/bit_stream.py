"""A file, fifo or pipe of bits that are read once, in order, counted and hashed."""

from __future__ import annotations

import hashlib
from typing import BinaryIO


class BitStream:
    """Octets of a file that is never sought in. octets, sha256: of what was read so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.octets = 0

    def read(self, octets: int) -> bytes:
        """So many, or those that are left before the end."""
        data = self._file.read(octets)
        self.octets += len(data)
        self._hash.update(data)
        return data

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return self._hash.hexdigest()
