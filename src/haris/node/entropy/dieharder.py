"""dieharder as an outside program, where it is installed, fed with a live stream."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from typing import IO

from haris.quantum.entropy.dieharder import Result, Test, command, read_result

PROGRAM = "dieharder"
CHUNK_OCTETS = 2**16


def installed_version() -> str | None:
    """Version of the program that is found on the path; None where there is none."""
    path = shutil.which(PROGRAM)
    if path is None:
        return None
    words = subprocess.run([path, "-l"], capture_output=True, text=True, check=False).stdout.split()
    return words[words.index("version") + 1] if "version" in words[:-1] else "unknown"


def run_test(test: Test, read: Callable[[int], bytes]) -> Result:
    """One test on what `read(octets)` gives next. It gives b"" at its end; that is a failure of the test, as all else.

    The program reads a pipe and cannot go back in it. What it leaves in the pipe is lost: no octet is read twice.
    """
    with subprocess.Popen(
        [PROGRAM, *command(test)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        octets, ended = _feed(process.stdin, read)
        if ended:
            process.kill()
            return Result(test, (), octets, f"the stream ended after {octets} octets")
        printed = process.stdout.read().decode("ascii", "replace")
    if process.returncode:
        return Result(test, (), octets, f"the program ended with {process.returncode}")
    return read_result(test, printed, octets)


def _feed(pipe: IO[bytes], read: Callable[[int], bytes]) -> tuple[int, bool]:
    """Octets that the program took until it closed its end; whether the stream ended before."""
    octets = 0
    try:
        while chunk := read(CHUNK_OCTETS):
            left = memoryview(chunk)
            while left:
                written = pipe.write(left)
                octets += written
                left = left[written:]
    except BrokenPipeError:
        return octets, False
    return octets, True
