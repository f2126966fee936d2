"""Cascade: Bob finds his errors by asking Alice for parities (Brassard, Salvail, EUROCRYPT '93).

Each pass permutes the bits in public and cuts them into blocks of 2^level. A block of odd error parity is halved,
question by question, down to one wrong bit; correcting it makes blocks of other passes odd, which are halved in turn.
All odd blocks of a pass go down together, one level a round trip. What was ever asked is kept as a tree for each
pass, so that a search starts at the smallest odd node that is known, in a block that is itself even, too
("sub-block reuse": Martinez-Mateo et al., Quantum Inf. Comput. 15, 453 (2015), arXiv 1407.3257).

A node is named by its heap number: with N = 2^depth >= n, node (N + i) >> l holds the permuted positions
[i, i + 2^l) for i a multiple of 2^l; its halves are 2 node and 2 node + 1.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from math import ceil, log2
from typing import Self

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import PeerError
from haris.quantum.distill.engine import expect
from haris.quantum.distill.permutation import Permutation, depth_of
from haris.wire.distillation import Estimate, Message, NextPass, Parities, Questions
from haris.wire.packing import pack_ascending, pack_bits, unpack_ascending, unpack_bits

Bits = NDArray[np.uint8]
Indices = NDArray[np.int64]

LATE_LEVELS = (12, 14, 14, 14, 14)
_REBUILD_AFTER = 1 << 15
_UNKNOWN, _EVEN, _ODD = 0, 2, 3  # of a node; _EVEN and _ODD differ in the last bit


def schedule(qber: float, n_bits: int) -> tuple[int, ...]:
    """Block sizes of the passes as powers of two, for an expected error rate.

    The first blocks hold 0.7 to 1.4 errors, as in option (8) of Martinez-Mateo et al.: 2^ceil(log2(1/Q) - 1/2). The
    second blocks of that option are several times larger; twice and then eight times the first instead cost a few
    hundredths of efficiency and save four of five round trips. The late passes catch what stayed hidden in pairs.
    """
    first = ceil(log2(1.0 / min(max(qber, 1.0 / n_bits), 0.25)) - 0.5)
    largest = max(depth_of(n_bits) - 2, 1)  # never one block: two errors must be able to part
    early = (first, first + 1, first + 3)
    return tuple(min(level, largest) for level in early + tuple(max(level, early[-1]) for level in LATE_LEVELS))


@dataclass(slots=True)
class Pass:
    """Parities of the nodes of one pass over bits that may still be corrected."""

    order: Permutation
    depth: int
    prefix: Bits = field(repr=False)

    @classmethod
    def over(cls, bits: Bits, seed: bytes, number: int) -> Self:
        """The pass of that number over bits as they are now."""
        order = Permutation.of(len(bits), seed, number)
        return cls(order, depth_of(len(bits)), _prefix_parity(bits, order))

    def first_node(self, level: int) -> int:
        """Heap number of the first node of a level."""
        return 1 << self.depth - level

    def blocks(self, level: int) -> Indices:
        """All nodes of a level that hold a bit."""
        return self.first_node(level) + np.arange(-(-self.order.n_bits >> level), dtype=np.int64)

    def span(self, nodes: Indices) -> tuple[Indices, Indices]:
        """First position and end of each node; a node beyond the last bit is empty."""
        level = self.depth + 1 - np.frexp(nodes)[1].astype(np.int64)
        start = (nodes << level) - (1 << self.depth)
        n_bits = self.order.n_bits
        return np.minimum(start, n_bits), np.minimum(start + (1 << level), n_bits)

    def parities(self, nodes: Indices) -> Bits:
        """Parity of each node over the bits that the pass was made from."""
        start, end = self.span(nodes)
        return self.prefix[start] ^ self.prefix[end]


def _prefix_parity(bits: Bits, order: Permutation) -> Bits:
    prefix = np.zeros(len(bits) + 1, np.uint8)
    np.bitwise_xor.accumulate(bits[order.indices()], out=prefix[1:])
    return prefix


def answer(bits: Bits, estimate: Estimate) -> Generator[Message | None, Message | None, Message | None]:
    """Alice's side: answers from the opening Estimate on; returns Bob's first message that is no question.

    Raises PeerError on passes or nodes that do not exist, and once more was asked than the key could bear.
    """
    depth, levels = depth_of(len(bits)), estimate.levels
    if max(levels) > depth:
        raise PeerError(f"the peer cuts {len(bits)} bits into blocks of 2^{max(levels)}")
    passes = [Pass.over(bits, estimate.seed, 0)]
    nodes, asked, answered = passes[0].blocks(levels[0]), passes[0], 0
    while True:
        answered += len(nodes)
        if answered > len(bits):
            raise PeerError("the peer asked for more parities than the key could bear")
        parities = asked.parities(nodes)
        message = yield Parities(n_parities=len(nodes), parities=pack_bits(parities))
        if isinstance(message, NextPass):
            if len(passes) == len(levels):
                raise PeerError("the peer opens a pass that it did not announce")
            asked = Pass.over(bits, estimate.seed, len(passes))
            nodes = asked.blocks(levels[len(passes)])
            passes.append(asked)
        elif isinstance(message, Questions):
            if message.number >= len(passes):
                raise PeerError("the peer asks about a pass that is not open")
            asked = passes[message.number]
            nodes = unpack_ascending(message.nodes, message.n_nodes, below=2 << depth)
            start, end = asked.span(nodes)
            if nodes[0] < 1 or np.any(start >= end):
                raise PeerError("the peer asks for the parity of no bits")
        else:
            return message


@dataclass(slots=True)
class Search(Pass):
    """Bob's tree of one pass: of which nodes he knows Alice's parity, and where it still differs from his own.

    errors: parity of the errors in each node, by heap number, where it is known. frontier: nodes that may be odd with
    unknown halves. corrected: positions that were corrected since prefix was made.
    """

    errors: Bits = field(repr=False, default_factory=lambda: np.empty(0, np.uint8))
    frontier: Indices = field(repr=False, default_factory=lambda: np.empty(0, np.int64))
    corrected: Indices = field(repr=False, default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        self.errors = np.full(2 << self.depth, _UNKNOWN, np.uint8)

    def parities(self, nodes: Indices) -> Bits:
        """Parity of each node over the bits as corrected so far."""
        start, end = self.span(nodes)
        corrected = np.sort(self.corrected)
        flips = np.searchsorted(corrected, end) - np.searchsorted(corrected, start)
        return self.prefix[start] ^ self.prefix[end] ^ (flips & 1).astype(np.uint8)

    def learn(self, nodes: Indices, alice: Bits) -> None:
        """Take in Alice's parities of nodes."""
        self.errors[nodes] = _EVEN | self.parities(nodes) ^ alice

    def live(self) -> Indices:
        """The odd nodes of the frontier, each once, ascending."""
        nodes = np.unique(self.frontier)
        self.frontier = nodes[self.errors[nodes] == _ODD]
        return self.frontier

    def correct(self, index: Indices, bits: Bits) -> None:
        """Note that the bits at index were flipped (bits: as they are now).

        Raises PeerError if one of them was known to be right: no bit string has such parities.
        """
        position = self.order.position(index)
        self.corrected = np.concatenate([self.corrected, position])
        if len(self.corrected) > _REBUILD_AFTER:
            self.prefix, self.corrected = _prefix_parity(bits, self.order), self.corrected[:0]
        nodes = position + self.first_node(0)
        while not np.all(found := self.errors[nodes] != _UNKNOWN):
            nodes = np.where(found, nodes, nodes >> 1)
        np.bitwise_xor.at(self.errors, nodes, np.uint8(1))
        if np.any(self.errors[nodes[nodes >= self.first_node(0)]] == _ODD):
            raise PeerError("the peer's parities contradict each other")
        self.frontier = np.concatenate([self.frontier, nodes])


def correct(bits: Bits, estimate: Estimate) -> Generator[Message | None, Message | None, Bits]:
    """Bob's side: yields the opening Estimate and then questions; returns his bits, corrected.

    Raises PeerError on answers of a wrong length, or such as no bit string would give.
    """
    bits = bits.copy()
    passes: list[Search] = []
    opening: Message = estimate
    patience = len(bits) >> 13  # the long tail of a pass is searched together with the next one
    while True:
        live = [len(search.live()) for search in passes]
        if len(passes) < len(estimate.levels) and sum(live) <= patience:
            number = len(passes)
            search = Search.over(bits, estimate.seed, number)
            passes.append(search)
            blocks = search.blocks(estimate.levels[number])
            search.learn(blocks, _answers((yield opening), len(blocks)))
            search.frontier, opening = blocks, NextPass()
        elif not any(live):
            return bits
        else:
            number = int(np.argmax(live))
            wrong = yield from _halve(passes[number], number)
            if len(wrong):
                bits[wrong] ^= 1
                for search in passes:
                    search.correct(wrong, bits)


def _halve(search: Search, number: int) -> Generator[Message | None, Message | None, Indices]:
    """Go one level down from every odd node of the frontier; returns the bits that prove wrong."""
    left = 2 * search.frontier
    start, end = search.span(left + 1)
    asked = left[start < end]  # where the right half is empty the left one is the whole node
    search.errors[left], search.errors[left + 1] = _ODD, _EVEN
    if len(asked):
        question = Questions(number=number, n_nodes=len(asked), nodes=pack_ascending(asked))
        search.learn(asked, _answers((yield question), len(asked)))
        search.errors[asked + 1] = search.errors[asked] ^ 1  # the node is odd, so just one half is
    halves = left + (search.errors[left] == _EVEN)
    single = halves >= search.first_node(0)
    search.frontier = halves[~single]
    return search.order.index(halves[single] - search.first_node(0))


def _answers(message: Message | None, count: int) -> Bits:
    answers = expect(message, Parities)
    if answers.n_parities != count:
        raise PeerError(f"expected {count} parities, the peer sent {answers.n_parities}")
    return unpack_bits(answers.parities, count)
