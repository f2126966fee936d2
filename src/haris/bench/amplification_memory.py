"""Memory that one hash takes at most: a process of its own, `python -m haris.bench.amplification_memory N_BITS SEED`.

It prints by how many octets the process's peak has grown over what it held before its key and seed were there, so that
both and the hash are counted.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from haris.kernels.toeplitz import toeplitz_packed

_STATUS = Path("/proc/self/status")


def peak_octets(n_bits: int, seed: int) -> int:
    """Octets at most for the hash of n_bits to half as many, in a new process."""
    command = [sys.executable, "-m", "haris.bench.amplification_memory", str(n_bits), str(seed)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main(n_bits: int, seed: int) -> int:
    """Hash once, and print the growth."""
    rng = np.random.default_rng(seed)
    before = _octets("VmRSS")
    key, matrix = (rng.integers(0, 256, -(-size // 8), dtype=np.uint8) for size in (n_bits, n_bits + n_bits // 2 - 1))
    for octets, size in ((key, n_bits), (matrix, n_bits + n_bits // 2 - 1)):
        octets[-1] &= 0xFF >> -size % 8
    toeplitz_packed(key, n_bits, matrix, n_bits // 2)
    print(_octets("VmHWM") - before)
    return 0


def _octets(field: str) -> int:
    """Of this program alone: what getrusage gives as the peak begins with that of the process which started it."""
    line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
