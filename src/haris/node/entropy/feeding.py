"""Bits of a source for what is not haris: the kernel's pool, or a fifo that rngd reads."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from haris.nouns.errors import KeyUnavailable, ParameterError

RNDADDENTROPY = 0x40085203
"""_IOW('R', 0x03, int[2]) of <linux/random.h>."""
KERNEL = Path("/dev/random")
MOST_OCTETS = 4096
"""Of one write to a fifo: whole, or none of it (PIPE_BUF)."""


class KernelFeed:
    """Adds octets to the kernel's pool, credited as entropy; root alone may.

    credit: bits of entropy for each octet, 0 to 8. Raises ParameterError where the kernel does not let us.
    """

    def __init__(self, credit: float = 8.0, path: Path = KERNEL) -> None:
        if not 0.0 <= credit <= 8.0:
            raise ParameterError(f"credit must lie in [0, 8] bits an octet, got {credit}")
        self._credit = credit
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ParameterError(f"{path}: {error.strerror}") from None
        self._path = path

    def write(self, octets: bytes) -> bool:
        """Add octets; whether they were taken."""
        record = pool_record(octets, self._credit)
        try:
            fcntl.ioctl(self._file, RNDADDENTROPY, record)
        except OSError as error:
            raise ParameterError(f"{self._path}: the kernel takes no entropy from us: {error.strerror}") from None
        return True

    def close(self) -> None:
        """Close the device."""
        os.close(self._file)


def pool_record(octets: bytes, credit: float) -> bytes:
    """struct rand_pool_info of <linux/random.h>: credited bits, length in octets, octets."""
    return struct.pack("ii", int(credit * len(octets)), len(octets)) + octets


class FifoFeed:
    """Writes octets to a fifo as somebody reads it; made when there is none. Raises ParameterError for another file."""

    def __init__(self, path: Path) -> None:
        try:
            with contextlib.suppress(FileExistsError):
                os.mkfifo(path, 0o600)
            if not stat.S_ISFIFO(path.stat().st_mode):
                raise ParameterError(f"{path}: is no fifo")
        except OSError as error:
            raise ParameterError(f"{path}: {error.strerror}") from None
        self._path, self._file = path, -1

    def write(self, octets: bytes) -> bool:
        """Write up to 4096 octets; whether they were taken: there may be no reader, or one that has enough."""
        try:
            if self._file < 0:
                self._file = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.write(self._file, octets[:MOST_OCTETS])
        except BlockingIOError:
            return False
        except OSError:  # no reader, or not any more
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close our end."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1


class Into(Protocol):
    """Where octets go."""

    def write(self, octets: bytes) -> bool:
        """Hand them on; whether they were taken."""


def feed(
    take: Callable[[int], bytes],
    into: Into,
    n_octets: int,
    every_s: float,
    stopped: Callable[[], bool],
    epoch: Callable[[], int],
    wait: Callable[[float], object] = time.sleep,
) -> int:
    """Hand on n_octets each every_s, until stopped; returns how many were taken.

    take: raises KeyUnavailable while there are none. epoch: another number after each failure and each start of
    the source. What is not taken is kept for the next turn, unless the source failed meanwhile.
    """
    n_fed, octets, taken_in = 0, b"", epoch()
    while not stopped():
        if (now := epoch()) != taken_in:
            octets, taken_in = b"", now
        with contextlib.suppress(KeyUnavailable):
            octets = octets or take(n_octets)
        if octets and into.write(octets):
            n_fed, octets = n_fed + len(octets), b""
        wait(every_s)
    return n_fed
