"""The specification of the search of Cascade in plain Python and NumPy: slow, obvious, and equal parity for parity."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from haris.kernels.cascade import Plan
from haris.kernels.reference_light import keyed_block

Bits = NDArray[np.uint8]
Node = tuple[int, int]
_WORD_BITS = 64


def masks(seed: bytes, stages: NDArray[np.int32], n_words: int) -> NDArray[np.uint8]:
    """Switches of every stage, uint8 (stages, bits): one random bit for each x that has a partner, else 0.

    The words of a row are those of the blocks of a keyed stream that follow the row before.
    """
    n_bits, n_blocks = _WORD_BITS * n_words, -(-n_words // 4)
    rows = np.zeros((len(stages), n_bits), np.uint8)
    for row, k in enumerate(stages):
        words = [word for block in range(n_blocks) for word in keyed_block(seed, row * n_blocks + block)]
        for x in range(n_bits):
            if not x >> k & 1 and x + (1 << k) < n_bits:
                rows[row, x] = words[x // _WORD_BITS] >> x % _WORD_BITS & 1
    return rows


def order(switches: NDArray[np.uint8], stages: NDArray[np.int32]) -> NDArray[np.int64]:
    """Index of the bit at every position behind the stages of one butterfly."""
    index = np.arange(switches.shape[1])
    for row, k in zip(switches, stages, strict=True):
        low = np.flatnonzero(row)
        high = low + (1 << int(k))
        index[low], index[high] = index[high], index[low]
    return index


@dataclass(slots=True)
class Pass:
    """One pass over a frame. index: of the bit at each position. nodes: end of each known node by its begin.

    odd: begins of the nodes of odd error parity that nobody works at.
    """

    index: NDArray[np.int64]
    nodes: dict[int, int] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)

    def blocks(self, level: int) -> list[Node]:
        """The nodes that the pass begins with; the last one may be smaller."""
        n_bits, size = len(self.index), 1 << level
        return [(begin, min(begin + size, n_bits)) for begin in range(0, n_bits, size)]

    def node_at(self, position: int) -> int:
        """Begin of the node that holds a position."""
        return next(begin for begin, end in self.nodes.items() if begin <= position < end)


@dataclass(slots=True)
class Frame:
    """One frame of one party's search. work: nodes being halved, all of one pass; opening: passes that open."""

    bits: Bits
    levels: list[int]
    orders: list[NDArray[np.int64]]
    passes: list[Pass] = field(default_factory=list)
    at_work: int = 0
    work: list[Node] = field(default_factory=list)
    opening: list[int] = field(default_factory=list)

    def decide(self) -> None:
        """The next step: go on with the nodes at work; or take up those of a pass; or open the next passes."""
        self.opening = []
        if self.work:
            return
        odd_nodes_by_size = [len(p.odd) / 2**level for p, level in zip(self.passes, self.levels, strict=False)]
        if any(odd_nodes_by_size):
            self.at_work = int(np.argmax(odd_nodes_by_size))
            chosen = self.passes[self.at_work]
            capacity = -(-len(self.bits) >> min(self.levels))
            begins = sorted(chosen.odd)[:capacity]
            self.work = [(begin, chosen.nodes[begin]) for begin in begins]
            chosen.odd -= set(begins)
        elif len(self.passes) < len(self.levels):
            first = len(self.passes)
            number = first
            while number < len(self.levels) and self.levels[number] == self.levels[first]:
                self.opening.append(number)
                number += 1

    def asked(self) -> list[tuple[int, Node]]:
        """Pass and node of every parity of the step."""
        halves = [(self.at_work, (begin, (begin + end) // 2)) for begin, end in self.work]
        for number in self.opening:
            blocks = Pass(self.orders[number]).blocks(self.levels[number])
            halves += [(number, node) for node in (blocks[:-1] if number else blocks)]
        return halves

    def parities(self) -> list[int]:
        """This party's parities of what is asked."""
        return [int(self.bits[self.orders[number][begin:end]].sum() & 1) for number, (begin, end) in self.asked()]

    def learn(self, errors: list[int], correct: bool) -> bool:
        """Take in the errors' parities of what was asked; False if no errors have them."""
        if self.opening:
            self._learn_blocks(errors)
            return True
        return self._learn_halves(errors, correct)

    def _learn_blocks(self, errors: list[int]) -> None:
        told = iter(errors)
        for number in self.opening:
            new = Pass(self.orders[number])
            blocks = new.blocks(self.levels[number])
            odd = [next(told) for _ in (blocks[:-1] if number else blocks)]
            if number:  # the first pass has told the parity of the whole
                odd.append((sum(odd) + len(self.passes[0].odd)) & 1)
            new.nodes = dict(blocks)
            new.odd = {begin for (begin, _), is_odd in zip(blocks, odd, strict=True) if is_odd}
            self.passes.append(new)

    def _learn_halves(self, errors: list[int], correct: bool) -> bool:
        nodes, kept, wrong = self.passes[self.at_work].nodes if self.passes else {}, [], []
        for (begin, end), is_left in zip(self.work, errors, strict=True):
            middle = (begin + end) // 2
            nodes[begin], nodes[middle] = middle, end
            half = (begin, middle) if is_left else (middle, end)
            if half[1] - half[0] == 1:
                wrong.append(int(self.orders[self.at_work][half[0]]))
            else:
                kept.append(half)
        self.work = kept
        if correct:
            self.bits[wrong] ^= 1
        return self._settle(wrong)

    def _settle(self, wrong: list[int]) -> bool:
        possible = True
        for number, known in enumerate(self.passes):
            if number != self.at_work:
                for index in wrong:
                    begin = known.node_at(int(np.flatnonzero(known.index == index)[0]))
                    known.odd ^= {begin}
                    possible = possible and not (begin in known.odd and known.nodes[begin] == begin + 1)
        return possible


class Search:
    """Specification of haris.kernels.cascade.Search: one party's frames, with bits and parities as uint8 0/1 arrays."""

    def __init__(self, bits: Bits, plan: Plan, seed: bytes) -> None:
        padded = np.zeros(plan.n_frames * plan.n_words * _WORD_BITS, np.uint8)
        padded[: len(bits)] = bits
        switches = masks(seed, plan.stages, plan.n_words)
        orders = [order(switches[a:b], plan.stages[a:b]) for a, b in zip(plan.rows, plan.rows[1:], strict=False)]
        levels = [int(level) for level in plan.levels]
        self._n_bits = len(bits)
        self.frames = [Frame(frame.copy(), levels, orders) for frame in padded.reshape(plan.n_frames, -1)]

    def begin(self) -> int:
        """As of the kernel."""
        for frame in self.frames:
            frame.decide()
        return sum(len(frame.asked()) for frame in self.frames)

    def learn(self, errors: Bits, *, correct: bool) -> int:
        """As of the kernel, one parity an element."""
        start = 0
        for frame in self.frames:
            end = start + len(frame.asked())
            if not frame.learn([int(e) for e in errors[start:end]], correct):
                return -1
            start = end
        return self.begin()

    @property
    def parities(self) -> Bits:
        """As of the kernel, one parity an element."""
        return np.array([parity for frame in self.frames for parity in frame.parities()], np.uint8)

    def bits(self) -> Bits:
        """As of the kernel."""
        return np.concatenate([frame.bits for frame in self.frames])[: self._n_bits]
