"""The light of a pass without a lamp: two ends that ask in one process, and clicks that are drawn at random."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from distill_pair import Allowed, agreed

from haris.kernels.light import pulse_settings
from haris.nouns.counts import KEY_BASIS, DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import PeerError
from haris.nouns.pulses import Pulses
from haris.wire import light as wire

AGREED = agreed(1, reconciliation="one-way")
ROLES = ("alice", "bob")
STRETCH_PULSES = 1000
STRETCH_S = 5.0


def stretch(name: bytes, number: int) -> tuple[Pulses, Detections]:
    """Both halves of a stretch of a light: clicks of perfect detectors that err at random."""
    key = hashlib.sha256(name).digest()
    rng = np.random.default_rng([*name, number])
    index = np.flatnonzero(rng.random(STRETCH_PULSES) < 0.4)
    start = number * STRETCH_PULSES
    p_key_basis = AGREED.protocol.p_key_basis
    basis, bit, _ = pulse_settings(key, start + index, p_key_basis, AGREED.p_intensities)
    measured = (rng.random(len(index)) >= p_key_basis).astype(np.uint8)
    wrong = rng.random(len(index)) < np.where(measured == basis, 0.01, 0.5)
    seen = Detections(STRETCH_PULSES, index * 1000 + 500, (2 * measured + (bit ^ wrong)).astype(np.uint8))
    return Pulses(STRETCH_PULSES, start, key), seen


def allowed(counts: DecoyCounts, leaked_bits: int) -> Allowed:
    """No bound: a length that tells ends apart which count otherwise."""
    return Allowed(int(counts.clicks[KEY_BASIS].sum()) // 4 + leaked_bits % 64)


@dataclass
class World:
    """A pass of n_stretches that begins now, and what its lamp has given. fails: (role, stretch) at which it is cut."""

    n_stretches: int
    fails: tuple[str, int] | None = None
    sky_s: float = 0.0
    waiting: dict[tuple[str, bytes, int], asyncio.Future[wire.Message]] = field(default_factory=dict)

    @property
    def set_s(self) -> float:
        return STRETCH_S * self.n_stretches

    def lasting(self) -> Any:
        left = self.sky_s < self.set_s - STRETCH_S
        return SimpleNamespace(flown=SimpleNamespace(set_s=self.set_s)) if left else None


class Attachment:
    """A site's end of the lamp."""

    def __init__(self, world: World, role: str) -> None:
        self.world, self.role, self.is_over = world, role, False
        for place in [place for place in world.waiting if place[0] == role]:
            waits = world.waiting.pop(place)
            if not waits.done():
                waits.set_exception(PeerError("attached anew"))
                waits.exception()  # its asker may be gone

    async def ask(self, message: wire.Message) -> wire.Message:
        assert isinstance(message, wire.WantStretch)
        name, number, world = message.block, message.number, self.world
        mine = world.waiting[self.role, name, number] = asyncio.get_running_loop().create_future()
        theirs = world.waiting.get((ROLES[self.role == "alice"], name, number))
        if theirs is not None and not theirs.done():
            await asyncio.sleep(0.002)
            halves = [wire.half(name, half) for half in stretch(name, number)]
            if world.sky_s >= world.set_s:
                halves = [wire.NoLight(name)] * 2
            world.sky_s += STRETCH_S
            for waits, half in ((mine, halves[self.role == "bob"]), (theirs, halves[self.role == "alice"])):
                if not waits.done():
                    waits.set_result(half)
        answer = await mine
        if world.fails == (self.role, number):
            raise PeerError("the lamp is gone")
        return answer

    async def close(self) -> None:
        self.is_over = True
