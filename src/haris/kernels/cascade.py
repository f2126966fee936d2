"""The search of Cascade over many frames of packed words, which both parties carry out alike.

A party asks its own bits for the parities of a step (`parities`), and takes in the parities of the errors (`learn`):
the answers of the two parties, one XOR the other. Which parities a step asks for follows from the errors learnt so far,
and from nothing else, so that no party has to name them.

A frame is cut into blocks once a pass, each pass in an order of its own: the first in the order of the bits, every
other behind a butterfly network of random switches. Its stage of distance 2^k swaps the bits at x and x + 2^k, where x
has no bit k, if its mask has a one at x.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError

FRAME_BITS = 1 << 16
SEED_OCTETS = 32
_WORD_BITS = 64

Bits = NDArray[np.uint8]
_I32 = NDArray[np.int32]
_U32 = NDArray[np.uint32]
_U64 = NDArray[np.uint64]
_NOTHING = np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True)
class Plan:
    """How n_bits are cut into frames, and each frame into blocks, one pass after another.

    n_words: 64-bit words of a frame; the bits fill n_frames of them, the rest of the last one is zeros. levels: int32,
    block size of each pass as a power of two. stages: int32, k of every stage of the butterflies, one pass behind the
    other. rows: int32, where the stages of each pass begin, and their end. masks: uint64 (stages, n_words).
    """

    n_bits: int
    n_frames: int
    n_words: int
    levels: NDArray[np.int32]
    stages: NDArray[np.int32]
    rows: NDArray[np.int32]
    masks: NDArray[np.uint64] = field(repr=False)

    @classmethod
    def of(cls, n_bits: int, levels: tuple[int, ...], seed: bytes) -> Self:
        """The plan for that many bits; masks are drawn from Philox4x64-10 under seed.

        Raises ParameterError unless there is a bit, every level cuts a frame into two blocks or more, of two bits or
        more, and the seed has 32 octets.
        """
        n_frames, n_words = _frames(n_bits)
        if len(seed) != SEED_OCTETS:
            raise ParameterError(f"seed must have {SEED_OCTETS} octets, got {len(seed)}")
        depth = depth_of(n_bits)
        if not levels or min(levels) < 1 or max(levels) >= depth:
            raise ParameterError(f"levels must lie in [1, {depth - 1}] for {n_bits} bits, got {levels}")
        stages = [np.arange(depth - 1, level - 1, -1, dtype=np.int32) for level in levels]
        stages[0] = stages[0][:0]
        rows = np.cumsum([0, *map(len, stages)], dtype=np.int32)
        every = np.concatenate(stages)
        masks = np.empty((len(every), n_words), np.uint64)
        _native.cascade_masks(np.frombuffer(seed, "<u8").astype(np.uint64), every, masks)
        return cls(n_bits, n_frames, n_words, np.array(levels, np.int32), every, rows, masks)

    @property
    def most_blocks(self) -> int:
        """Blocks of all passes of one level, which open together, in a frame: of the level that has most."""
        levels, passes = np.unique(self.levels, return_counts=True)
        return int(np.max(passes * -(-_WORD_BITS * self.n_words >> levels)))


def depth_of(n_bits: int) -> int:
    """k of the smallest power of two, 2^k, that holds a frame of n_bits. Raises ParameterError below one bit."""
    return (frame_bits(n_bits) - 1).bit_length()


def frame_bits(n_bits: int) -> int:
    """Bits of each frame of n_bits: whole words. Raises ParameterError below one bit."""
    return _WORD_BITS * _frames(n_bits)[1]


def _frames(n_bits: int) -> tuple[int, int]:
    """How many frames n_bits are cut into, and the words of each."""
    if n_bits < 1:
        raise ParameterError(f"n_bits must be at least 1, got {n_bits}")
    n_words = -(-n_bits // (_WORD_BITS * -(-n_bits // FRAME_BITS)))
    return -(-n_bits // (_WORD_BITS * n_words)), n_words


@dataclass(slots=True)
class Search:
    """Where the search of one party stands; its meaning is that of CascadeSearch in native/cascade.hpp.

    bitmaps: uint64 (3, frames, passes, words): the party's bits in the order of each pass, the starts of known nodes,
    and those of odd ones. marks: uint64 (frames, passes, words / 64), words of the last bitmap that may hold a one.
    live: int32 (frames, passes), odd nodes. standing: int32 (3, frames): passes opened, the pass
    at work, nodes at work. nodes: uint32 (2, frames, capacity): where those begin and end.
    """

    plan: Plan
    bitmaps: NDArray[np.uint64] = field(repr=False)
    marks: NDArray[np.uint64] = field(repr=False)
    live: NDArray[np.int32] = field(repr=False)
    standing: NDArray[np.int32] = field(repr=False)
    nodes: NDArray[np.uint32] = field(repr=False)
    portable: bool
    n_parities: int
    _buffer: Bits = field(repr=False)

    @classmethod
    def over(cls, bits: Bits, plan: Plan, *, portable: bool = False) -> Self:
        """A search over bits, uint8 0/1 of shape (plan.n_bits,), of which nothing is known yet.

        portable: take the path without AVX2 (the same parities, slower). Raises ParameterError on other bits.
        """
        if bits.dtype != np.uint8 or bits.shape != (plan.n_bits,):
            raise ParameterError(f"bits must be {plan.n_bits} of uint8, got {bits.dtype} of shape {bits.shape}")
        if (greatest := int(bits.max(initial=0))) > 1:
            raise ParameterError(f"bits are 0 or 1, got {greatest}")
        return cls.over_packed(np.packbits(bits, bitorder="little"), plan, portable=portable)

    @classmethod
    def over_packed(cls, octets: Bits, plan: Plan, *, portable: bool = False) -> Self:
        """The same of packed octets, the least significant bit first. Raises ParameterError on others."""
        n_octets = -(-plan.n_bits // 8)
        if octets.dtype != np.uint8 or octets.shape != (n_octets,):
            raise ParameterError(f"bits must be {n_octets} octets, got {octets.dtype} of shape {octets.shape}")
        if plan.n_bits % 8 and octets[-1] >> plan.n_bits % 8:
            raise ParameterError("the padding behind packed bits must be zero")
        frames, passes, words = plan.n_frames, len(plan.levels), plan.n_words
        packed = np.zeros(frames * words * 8, np.uint8)
        packed[: len(octets)] = octets
        bitmaps = np.zeros((3, frames, passes, words), np.uint64)
        bitmaps[0, :, 0] = packed.view("<u8").reshape(frames, words)
        capacity = -(-_WORD_BITS * words >> int(plan.levels.min()))
        return cls(
            plan,
            bitmaps,
            marks=np.zeros((frames, passes, -(-words // _WORD_BITS)), np.uint64),
            live=np.zeros((frames, passes), np.int32),
            standing=np.zeros((3, frames), np.int32),
            nodes=np.zeros((2, frames, capacity), np.uint32),
            portable=portable,
            n_parities=0,
            _buffer=np.empty(-(-frames * max(capacity, plan.most_blocks) // 8), np.uint8),
        )

    def begin(self) -> int:
        """Ask for the first parities; returns how many they are."""
        return self._step(_NOTHING, False)

    def learn(self, errors: Bits, *, correct: bool) -> int:
        """Take in the parities of the errors of all that was asked, packed as parities are, and ask for the next.

        correct: flip the bits that prove wrong, as the party does that holds the errors. Returns how many parities are
        asked for; 0: nothing is odd, and no pass is left; -1: no errors have such parities, and the search is of no use
        any more. Raises ValueError on octets for another number of parities.
        """
        return self._step(errors, correct)

    def _step(self, errors: Bits, correct: bool) -> int:
        self.n_parities = _native.cascade_step(*self._arrays, errors, correct, self._buffer, self.portable)
        return self.n_parities

    @property
    def parities(self) -> Bits:
        """This party's parities of what is asked for: packed octets, the least significant bit first, padded with 0.

        A view, good until the next step.
        """
        return self._buffer[: -(-self.n_parities // 8)]

    def bits(self) -> Bits:
        """The party's bits as they are now, uint8 0/1."""
        return np.unpackbits(self.packed(), count=self.plan.n_bits, bitorder="little")

    def packed(self) -> Bits:
        """The same as packed octets; padding is zero."""
        n_bits = self.plan.n_bits
        octets = self.bitmaps[0, :, 0].astype("<u8").view(np.uint8).ravel()[: -(-n_bits // 8)]
        if n_bits % 8:
            octets[-1] &= 0xFF >> -n_bits % 8  # whatever a lying peer made of it
        return octets

    @property
    def _arrays(self) -> tuple[_I32, _I32, _U64, _U64, _U64, _I32, _I32, _U32]:
        plan = self.plan
        return plan.levels, plan.rows, plan.masks, self.bitmaps, self.marks, self.live, self.standing, self.nodes


def instruction_set() -> str:
    """What the search runs on here: `avx2` or `portable`."""
    return _native.cascade_instruction_set()
