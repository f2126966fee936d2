"""The bits of a chunk of samples: of each block as many as its bound allows, net of what the source used up."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from haris.nouns.errors import KeyUnavailable
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.certificate import Certificate, certificate
from haris.quantum.entropy.frames import dealt_blocks, drawn_turns
from haris.quantum.entropy.source import Emission, EntropySource

_NONE = memoryview(b"")


class Hash(Protocol):
    """An extractor for one source."""

    def __call__(self, samples: RawSamples, n_blocks: int, out_bits: int) -> bytes | memoryview:
        """The hashes of n_blocks blocks of equal length, out_bits each, bit behind bit."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """octets: of the blocks that had bits. n_blocks: those. n_rejected: samples of the others. paid_octets: that were
    taken off for samples without bits.
    """

    octets: memoryview
    n_blocks: int
    n_rejected: int
    paid_octets: int = 0


class Blocks:
    """Hashes chunks of one source.

    A source that checks nothing has one length for all blocks, its plan's. Where samples tell the checks, each block
    has the length of its own; where others told them, the whole chunk is one block, or a frame that is dealt to blocks.
    fresh: random octets for that. Raises KeyUnavailable when the plan leaves no bit.
    """

    def __init__(self, source: EntropySource, hashing: Hash, fresh: Callable[[int], bytes] = os.urandom) -> None:
        self._source, self._hash, self._fresh = source, hashing, fresh
        self._tell: Callable[[RawSamples], Any] | None = source.source.samples_tell
        self.planned = certificate(source)
        self._debt_bits = 0
        if net_bits(self.planned) < 1:
            raise KeyUnavailable(f"{source.source.name}: the bound leaves no bit of a block of {source.block_samples}")
        self._found = lru_cache(maxsize=1024)(lambda checks: certificate(source, checks))

    def together(self, wanted: int) -> int:
        """How many samples to read at once, for about so many as are wanted."""
        block = self._source.block_samples
        return block * max(1, round(wanted / block))

    def hashed(self, emission: Emission) -> Hashed:
        """The bits of a chunk, less what samples without bits have used up until now."""
        hashed = self._hashed(emission)
        n_octets = len(hashed.octets)
        paid = min(n_octets, -(-self._debt_bits // 8))
        self._debt_bits = max(0, self._debt_bits - 8 * paid)
        return replace(hashed, octets=hashed.octets[: n_octets - paid], paid_octets=paid) if paid else hashed

    def unused(self, n_samples: int, checks: Any = None) -> None:
        """Samples that are not hashed: what the source has used up for them is taken off what comes later."""
        spent = self.planned.randomness.spent_bits
        if not spent or self._tell is not None:
            return
        if checks is not None:
            checks = checks.of_frame() if self._source.source.deals else checks
            spent = max(spent, certificate(self._source, checks).randomness.spent_bits)
        self._debt_bits += math.ceil(spent * n_samples / self._source.block_samples)

    def _hashed(self, emission: Emission) -> Hashed:
        samples, block = emission.samples, self._source.block_samples
        if self._tell is not None:
            return self._each(samples, self._tell)
        if self._source.source.deals:
            return self._dealt(emission)
        if emission.checks is not None:
            return self._joined(samples, 1, certificate(self._source, emission.checks))
        return self._joined(samples, len(samples) // block, self.planned)

    def _each(self, samples: RawSamples, tell: Callable[[RawSamples], Any]) -> Hashed:
        """Blocks of one length after those of another: which come first is no secret."""
        block = self._source.block_samples
        values = samples.values[: len(samples) // block * block].reshape(-1, block)
        found = [self._found(tell(RawSamples(each, samples.bits))) for each in values]
        parts = []
        for kind in {id(each): each for each in found}.values():
            alike = values[[each is kind for each in found]]
            parts.append(self._joined(RawSamples(alike.reshape(-1), samples.bits), len(alike), kind))
        return Hashed(
            memoryview(b"".join(part.octets for part in parts)),
            sum(part.n_blocks for part in parts),
            sum(part.n_rejected for part in parts),
        )

    def _dealt(self, emission: Emission) -> Hashed:
        """A whole frame. A part of one proves nothing of its blocks, and has no bits."""
        samples, block = emission.samples, self._source.block_samples
        if emission.checks is None or len(samples) != self._source.frame_samples:
            self.unused(len(samples))
            return Hashed(_NONE, 0, len(samples))
        found = certificate(self._source, emission.checks.of_frame())
        turns = drawn_turns(self._fresh, block, len(samples) // block)
        # One array from the start: of tens of megabytes each copy costs as much as the hash.
        octets = np.empty(max(0, len(samples) // block * net_bits(found) // 8), np.uint8)
        n_blocks = n_octets = 0
        for kept, n in dealt_blocks(samples, turns):
            part = self._joined(kept, n, found)
            octets[n_octets : n_octets + len(part.octets)] = part.octets
            n_blocks, n_octets = n_blocks + part.n_blocks, n_octets + len(part.octets)
        lost = len(samples) // block - n_blocks
        if n_octets:  # else they were counted block by block
            self._debt_bits += lost * math.ceil(found.randomness.spent_bits)
        return Hashed(octets.data[:n_octets], n_blocks, len(samples) - n_blocks * block)

    def _joined(self, samples: RawSamples, n_blocks: int, found: Certificate) -> Hashed:
        """Blocks of one length. What the source used up is taken off the end, for it to be given back."""
        n_octets = n_blocks * net_bits(found) // 8
        if n_octets < 1:
            self._debt_bits += n_blocks * math.ceil(found.randomness.spent_bits)
            return Hashed(_NONE, 0, len(samples))
        return Hashed(memoryview(self._hash(samples, n_blocks, found.out_bits))[:n_octets], n_blocks, 0)


def net_bits(found: Certificate) -> int:
    """Bits of a block, less those that the source used up; below 1 where nothing is left."""
    return found.out_bits - math.ceil(found.randomness.spent_bits)
