"""A device that is a path: a character device, a serial port, a fifo, or a file, which is read to its end once."""

from __future__ import annotations

import os
import select
import stat
import termios
import time
import tty
from pathlib import Path

from haris.node.entropy.device import DeviceError, octets_a_sample, samples_of
from haris.quantum.entropy.source import Emission
from haris.wire.randomness import Birth

_AT_ONCE = 1 << 20
_POLL_S = 0.02
"""How often a fifo is asked whether somebody has opened its other end."""


class PathDevice:
    """A Device. bits: of a sample. timeout_s: within which each read must be complete."""

    def __init__(self, path: Path, bits: int, timeout_s: float) -> None:
        self.name, self.birth = str(path), Birth.MEASURED
        self._path, self._bits, self._timeout_s = path, bits, timeout_s
        self._file: int | None = None
        self._mode = 0
        self._offset = 0

    def open(self) -> None:
        """Open the path. A file goes on where it was left, so that nothing of it is given twice."""
        try:
            self._file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self._mode = os.fstat(self._file).st_mode
        except OSError as error:
            self.close()
            raise DeviceError(f"{self.name}: {error.strerror}") from None
        if os.isatty(self._file):  # a serial port: octets as they are, and none of before
            tty.setraw(self._file)
            termios.tcflush(self._file, termios.TCIFLUSH)
        if stat.S_ISDIR(self._mode):
            self.close()
            raise DeviceError(f"{self.name}: is a folder")
        if stat.S_ISREG(self._mode):
            self.birth = Birth.RECORDED
            os.lseek(self._file, self._offset, os.SEEK_SET)

    def read(self, n_samples: int) -> Emission:
        """The next samples."""
        octets = self.octets(n_samples * octets_a_sample(self._bits))
        return Emission(samples_of(self.name, octets, self._bits))

    def octets(self, n_octets: int) -> bytearray:
        """The next octets, as they are. Raises DeviceError when they do not come in time."""
        if self._file is None:
            raise DeviceError(f"{self.name}: is not open")
        octets, until = bytearray(), time.monotonic() + self._timeout_s
        while len(octets) < n_octets:
            left_s = until - time.monotonic()
            if left_s <= 0.0:
                raise DeviceError(
                    f"{self.name}: gave {len(octets)} of {n_octets} octets in {self._timeout_s:g} s: it blocks"
                )
            octets += self._some(self._file, n_octets - len(octets), left_s)
        self._offset += n_octets
        return octets

    def close(self) -> None:
        """Close the path."""
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def _some(self, file: int, n_octets: int, left_s: float) -> bytes:
        """What there is; nothing when the time is up or a fifo has no writer."""
        if not select.select([file], [], [], left_s)[0]:
            return b""
        try:
            octets = os.read(file, min(n_octets, _AT_ONCE))
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceError(f"{self.name}: went away: {error.strerror}") from None
        if octets:
            return octets
        if stat.S_ISFIFO(self._mode):
            time.sleep(min(_POLL_S, left_s))
            return b""
        raise DeviceError(f"{self.name}: is at its end" if stat.S_ISREG(self._mode) else f"{self.name}: went away")
