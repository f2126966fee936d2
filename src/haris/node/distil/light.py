"""Emulated light for a run or a recording, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from haris.quantum.link import Link


def emulated(link: Link, n_blocks: int, seed: bytes, eve_fraction: float = 0.0) -> Iterator[tuple[Any, Any]]:
    """Both halves of each block. The same seed gives the same light; no two blocks share a seed."""
    for number in range(1, n_blocks + 1):
        yield link.emulate(link.protocol.block_pulses, seed + number.to_bytes(8, "big"), eve_fraction)
