"""What an end and the desk between the two ends tell each other, and how the desk decides over blocks.

The desk hands out the pads of a block's two tags, as people would carry them to two sites; a block begins when its
pads are there. They come with the verdict over the block DEPTH before, so that no end runs away from the other.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from haris.crypto.wegman_carter import PAD_OCTETS
from haris.nouns.bell_counts import BellCounts
from haris.nouns.blocks import AbortReason
from haris.nouns.errors import ParameterError, PeerError
from haris.quantum.distill.transcript import Sender

DEPTH = 3
"""Blocks in the air at once: one sifted, one asked about, one hashed."""


@dataclass(frozen=True, slots=True)
class Pads:
    """The pads of one block, of Alice's tag and of Bob's."""

    number: int
    octets: tuple[bytes, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a block: whether both ends keep its key."""

    number: int
    keep: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing follows: sync what was written."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An end has started."""


@dataclass(frozen=True, slots=True)
class Began:
    """An end has its half of a block."""

    number: int


@dataclass(frozen=True, slots=True)
class Exhausted:
    """There are no more halves: so many there were."""

    n_blocks: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One end's outcome of a block. digest: SHA-256 of its key, for the desk alone; None with a reason.

    errors, clicks: by basis; of continuous variables clicks are values, of the key and of the sample, and frames those
    of the key and those that both ends have, reconciled by scheme. n_reconciled, leaked_bits, leaked_bits_one_way: as
    in Distilled. terms: of the bound, by name. bell: of a Bell test. octets: that the tags cover.
    """

    number: int
    digest: bytes | None = field(default=None, repr=False)
    secret_bits: int = 0
    reason: AbortReason | None = None
    detail: str = ""
    clicks: tuple[int, int] = (0, 0)
    errors: tuple[int, int] = (0, 0)
    n_reconciled: int = 0
    leaked_bits: int = 0
    leaked_bits_one_way: int = 0
    octets: int = 0
    frames: tuple[int, int] = (0, 0)
    scheme: str = ""
    bell: BellCounts | None = None
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Times:
    """Where an end's time went: seconds by stage, of the wall and of the processor; octets that it sent."""

    wall_s: dict[str, float]
    cpu_s: dict[str, float]
    sent_octets: int


@dataclass(frozen=True, slots=True)
class Failed:
    """An end gives the whole run up. text: for people. of_input: what it was given is wrong, not it."""

    text: str
    of_input: bool


Told = Ready | Began | Exhausted | Outcome | Times | Failed
Order = Pads | Verdict | Finish


class Desk:
    """Both ends' accounts of the blocks in the air. draw: fresh octets of pad."""

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        self._draw = draw
        self._decided = 0
        self._reached = [0, 0]
        self._n_blocks: list[int | None] = [None, None]
        self._outcomes: tuple[dict[int, Outcome], dict[int, Outcome]] = ({}, {})
        self.aborted: list[Outcome] = []

    def opening(self) -> Iterator[Pads]:
        """The pads with which both ends begin."""
        return (self._pads(number) for number in range(DEPTH))

    @property
    def n_decided(self) -> int:
        """Blocks that are over."""
        return self._decided

    @property
    def done(self) -> bool:
        """Whether every block of both ends is over."""
        return self._n_blocks[0] == self._n_blocks[1] == self._decided

    def take(self, sender: Sender, told: Began | Exhausted | Outcome) -> Iterator[tuple[Verdict, Pads, Outcome]]:
        """Take in a word; yields the verdicts that it allows, in the order of the blocks, with Alice's outcome.

        Raises ParameterError when one end has more blocks than the other.
        """
        if isinstance(told, Began):
            self._reached[sender] = told.number + 1
        elif isinstance(told, Exhausted):
            self._n_blocks[sender] = told.n_blocks
        else:
            if told.number < self._decided or told.number in self._outcomes[sender]:
                raise PeerError(f"{sender.name.lower()} tells of block {told.number} twice")
            self._outcomes[sender][told.number] = told
        for end, n_blocks in enumerate(self._n_blocks):
            if n_blocks is not None and self._reached[1 - end] > n_blocks:
                ended, other = Sender(end).name.lower(), Sender(1 - end).name.lower()
                raise ParameterError(
                    f"{ended}'s half ends after {n_blocks} blocks, {other}'s has {self._reached[1 - end]} or more"
                )
        while all(self._decided in outcomes for outcomes in self._outcomes):
            yield self._decide()

    def _decide(self) -> tuple[Verdict, Pads, Outcome]:
        alice, bob = (outcomes.pop(self._decided) for outcomes in self._outcomes)
        keep = alice.digest is not None and bob.digest is not None and hmac.compare_digest(alice.digest, bob.digest)
        told = alice
        if not keep:
            # Who noticed knows the reason; the other only knows that its peer gave up.
            told = bob if alice.digest is not None or (alice.reason is AbortReason.PEER and bob.reason) else alice
            if told.digest is not None:
                told = Outcome(alice.number, reason=AbortReason.VERIFICATION, detail="the keys of the two ends differ")
            self.aborted.append(told)
        verdict = Verdict(self._decided, keep)
        self._decided += 1
        return verdict, self._pads(verdict.number + DEPTH), told

    def _pads(self, number: int) -> Pads:
        return Pads(number, (self._draw(PAD_OCTETS), self._draw(PAD_OCTETS)))
