"""Where a device is told its settings: a fifo, a character device, or a serial port that is written to."""

from __future__ import annotations

import os
import select
import time
import tty
from pathlib import Path

from haris.node.entropy.device import DeviceError

_POLL_S = 0.02


class OrderPath:
    """OrderedSettings by a path. timeout_s: within which somebody must take what is written."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path, self._timeout_s = path, timeout_s
        self._file: int | None = None

    def open(self) -> None:
        """Open the path; of a fifo its reader is waited for."""
        until = time.monotonic() + self._timeout_s
        while self._file is None:
            try:
                self._file = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if time.monotonic() > until or not self._path.is_fifo():
                    raise DeviceError(f"{self._path}: takes no orders: {error.strerror}") from None
                time.sleep(_POLL_S)
        if os.isatty(self._file):
            tty.setraw(self._file)

    def write(self, octets: bytes) -> None:
        """All of them, or DeviceError."""
        if self._file is None:
            raise DeviceError(f"{self._path}: is not open")
        left, until = memoryview(octets), time.monotonic() + self._timeout_s
        while left:
            left_s = until - time.monotonic()
            if left_s <= 0.0:
                raise DeviceError(f"{self._path}: took no order in {self._timeout_s:g} s: it blocks")
            try:
                if select.select([], [self._file], [], left_s)[1]:
                    left = left[os.write(self._file, left) :]
            except BlockingIOError:
                time.sleep(min(_POLL_S, left_s))
            except OSError as error:
                raise DeviceError(f"{self._path}: takes no orders: {error.strerror}") from None

    def close(self) -> None:
        """Close the path."""
        if self._file is not None:
            os.close(self._file)
        self._file = None
