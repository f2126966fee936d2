"""Emulated light for a run or a recording, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from haris.quantum.attacks.attack import Attack
from haris.quantum.attacks.attacked import attacked
from haris.quantum.link import Link


def emulated(link: Link, n_blocks: int, seed: bytes, attack: Attack | None = None) -> Iterator[tuple[Any, Any]]:
    """Both halves of each block, attacked or not. The same seed gives the same light; no two blocks share a seed."""
    light = link if attack is None else attacked(link, attack)
    for number in range(1, n_blocks + 1):
        yield light.emulate(link.protocol.block_pulses, seed + number.to_bytes(8, "big"))
