"""A pass flown: its light is sampled, and both ends distil it while it comes, over a line that is narrow and breaks.

Both engines are those of any live key; only the clock is emulated. It says when each stretch of light is over, when
each message has crossed the line, and so when the key was there. What a processor needs is measured beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from haris.nouns.blocks import Aborted, Distilled
from haris.nouns.checks import require_positive
from haris.nouns.counts import DecoyCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.stretches import SECTION_BITS, alice_in_stretches, bob_in_stretches
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.orbit.passes import Pass
from haris.quantum.security.key_length import BlockLength
from haris.quantum.space.classical import ClassicalLink, Line
from haris.quantum.space.live import agreement, live_length, require_live
from haris.quantum.space.pass_key import PassLink, slots_of
from haris.quantum.space.pass_light import emulate_pass
from haris.wire.block_message import Message
from haris.wire.distillation import Clicks, Opening, encode

STRETCH_S = 5.0
"""Light that is sifted at once."""
MOST_STRETCHES = 10_000
BLOCK = bytes(16)
TRIPS_TO_CLOSE = 10
"""Round trips from the last stretch to the key, a few frames that fail included."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of light. over_s: when it is over; the halves of both ends."""

    over_s: float
    sent: Pulses
    seen: Detections


@dataclass(frozen=True, slots=True)
class Step:
    """What had happened by a moment of a flight.

    stretches, clicks: told so far. sections: of them, opened for reconciliation. down_octets, up_octets: that have
    crossed the line.
    """

    unix_s: float
    stretches: int
    clicks: int
    sections: int
    down_octets: int
    up_octets: int


@dataclass(frozen=True, slots=True)
class Flight:
    """How a block of one or several passes became key, or did not.

    contacts: in which the line could hold; those with the numbers lit had light for the block. steps: by stretch.
    stretches: of light, of which the block holds `closed`. outcome: Bob's, None where contacts ended before the block.
    key_s: when both ends held the key. agree: whether they are the same bits.
    """

    contacts: tuple[Pass, ...]
    lit: tuple[int, ...]
    stretches: int
    closed: int
    steps: tuple[Step, ...]
    outcome: Distilled | Aborted | None
    key_s: float | None
    agree: bool

    @property
    def secret_bits(self) -> int:
        """Length of the key; 0: none, or not yet."""
        return len(self.outcome.bits) if isinstance(self.outcome, Distilled) and self.key_s is not None else 0

    @property
    def is_live(self) -> bool:
        """Whether the key was there before the last pass of its light was over."""
        return self.key_s is not None and self.key_s <= self.contacts[self.lit[-1]].set_s

    @property
    def finished_in(self) -> int | None:
        """Number of the contact in which the key was there, from 0."""
        if self.key_s is None:
            return None
        return max(i for i, each in enumerate(self.contacts) if each.rise_s <= self.key_s)


def light_of(
    flown: Pass, link: PassLink, most_age_s: float, seed: int | bytes, stretch_s: float = STRETCH_S
) -> tuple[Stretch, ...]:
    """The light of a pass, cut into stretches. Raises ParameterError on a stretch that is not above 0."""
    require_positive("stretch_s", stretch_s)
    if flown.duration_s / stretch_s > MOST_STRETCHES:
        raise ParameterError(f"stretch_s of {stretch_s:g} cuts a pass into more than {MOST_STRETCHES} stretches")
    slots = slots_of(flown, link, most_age_s)
    if not slots.unix_s.size:
        return ()
    pulses, detections = emulate_pass(slots, link, seed)
    clock_hz = link.source.clock_hz
    step = max(round(stretch_s * clock_hz), 1)
    first_s = float(slots.unix_s[0]) - slots.duration_s / 2.0
    found = []
    for start in range(0, pulses.n_pulses, step):
        n = min(step, pulses.n_pulses - start)
        bounds_ps = round(start * 1e12 / clock_hz), round((start + n) * 1e12 / clock_hz)
        low, high = np.searchsorted(detections.time_ps, bounds_ps)
        seen = Detections(n, detections.time_ps[low:high] - bounds_ps[0], detections.channel[low:high])
        sent = replace(pulses, n_pulses=n, start=pulses.start + start)
        found.append(Stretch(first_s + (start + n) / clock_hz, sent, seen))
    return tuple(found)


def fly(
    contacts: Sequence[Pass],
    link: PassLink,
    classical: ClassicalLink,
    most_age_s: float,
    seed: int,
    lit: Sequence[int] = (0,),
    stretch_s: float = STRETCH_S,
) -> Flight:
    """Fly some contacts, of which those with the numbers lit have light, all of it one block; all serve its messages.

    lit: ascending. The same seed gives the same flight. Raises ParameterError on numbers that are none, a link whose
    bound is not one for live keys, or as slots_of.
    """
    require_live(link)
    if not lit or list(lit) != sorted(set(lit)) or not 0 <= lit[0] <= lit[-1] < len(contacts):
        raise ParameterError(f"a block takes light of some of {len(contacts)} contacts in order, got {list(lit)}")
    light = [
        stretch
        for number in lit
        for stretch in light_of(contacts[number], link, most_age_s, derived_key(seed, b"pass %d" % number), stretch_s)
    ]
    line = Line(classical, contacts, np.random.default_rng([seed, 1]))
    return _Flown(contacts, lit, link, line, light, seed).run()


class _Flown:
    """One flight: the clock of the end whose turn it is, and what has crossed the line."""

    def __init__(
        self, contacts: Sequence[Pass], lit: Sequence[int], link: PassLink, line: Line, light: list[Stretch], seed: int
    ) -> None:
        self._contacts, self._lit, self._link, self._line, self._light = tuple(contacts), tuple(lit), link, line, light
        self._now_s = contacts[lit[0]].rise_s
        self._steps: list[Step] = []
        self._octets = {True: 0, False: 0}
        self._stretches, self._clicks, self._sections = 0, 0, 0
        self._transcripts = {sender: Transcript(BLOCK) for sender in Sender}
        self._results: dict[Sender, Distilled | Aborted] = {}
        agreed = agreement(link, max((each.sent.n_pulses for each in light), default=1))
        entropy = np.random.default_rng([seed, 2]).bytes
        sent = (each.sent for each in light)
        alice, bob = (self._transcripts[sender] for sender in Sender)
        self._engines: dict[Sender, Engine] = {
            Sender.ALICE: alice_in_stretches(BLOCK, sent, agreed, self._length, _whole, entropy, alice),
            Sender.BOB: bob_in_stretches(BLOCK, self._seen(), agreed, self._length, entropy, bob),
        }

    def run(self) -> Flight:
        """From the first light to the key, or to the last contact."""
        next(self._engines[Sender.ALICE])
        speaker, heard, key_s = Sender.BOB, None, None
        while (said := self._advance(speaker, heard)) is not None:
            arrived_s = self._cross(speaker, said)
            if said.ends_block:
                self._advance(speaker, None)
            if arrived_s is None:
                break
            self._now_s, speaker, heard = arrived_s, Sender(1 - speaker), said
        else:
            key_s = self._now_s
        alice, bob = (self._results.get(sender) for sender in Sender)
        both = isinstance(alice, Distilled) and isinstance(bob, Distilled)
        agree = both and np.array_equal(alice.bits, bob.bits)  # type: ignore[union-attr]
        n_pulses = 0 if bob is None else bob.counts.n_pulses
        ends = np.cumsum([each.sent.n_pulses for each in self._light])
        return Flight(
            contacts=self._contacts,
            lit=self._lit,
            stretches=len(self._light),
            closed=int(np.searchsorted(ends, n_pulses, side="right")),
            steps=tuple(self._steps),
            outcome=bob,
            key_s=key_s if both else None,
            agree=bool(agree),
        )

    def _length(self, counts: DecoyCounts, leaked_bits: int) -> BlockLength:
        """The block may end after any of its stretches, and whoever holds the line may say where."""
        security = self._link.security.for_endings(max(len(self._light), 1))
        return live_length(replace(self._link, security=security), counts, leaked_bits)

    def _advance(self, speaker: Sender, heard: Message | None) -> Message | None:
        """The next message of an end that heard one; None when it has ended."""
        if heard is not None:
            self._transcripts[speaker].append(Sender(1 - speaker), encode(heard), heard)
        try:
            said = self._engines[speaker].send(heard)
        except StopIteration as end:
            self._results[speaker] = end.value
            return None
        if said is not None:
            self._transcripts[speaker].append(speaker, encode(said), said)
        return said

    def _cross(self, speaker: Sender, said: Message) -> float | None:
        """When a message has arrived; None if it never does."""
        octets, down = len(encode(said)), self._is_down(speaker)
        arrived_s = self._line.delivered_s(self._now_s, octets, down)
        self._octets[down] += octets
        self._sections += isinstance(said, Opening)
        if isinstance(said, Clicks):
            self._stretches += 1
            self._clicks += said.n_clicks
            told_s = self._now_s if arrived_s is None else arrived_s
            self._steps.append(
                Step(told_s, self._stretches, self._clicks, self._sections, self._octets[True], self._octets[False])
            )
        return arrived_s

    def _is_down(self, speaker: Sender) -> bool:
        """Whether what an end says goes down: Alice sends the light, and is in the sky unless the light goes up."""
        return (speaker is Sender.ALICE) == (self._link.channel.direction == "downlink")

    def _seen(self) -> Iterator[Detections]:
        """Bob's halves, each when its light is over; no more when closing the block could not wait."""
        for number, each in enumerate(self._light):
            ready_s = max(self._now_s, each.over_s)
            if self._line.link.live and number and ready_s + self._closing_s(number) > self._end_s:
                return
            self._now_s = ready_s
            yield each.seen

    @property
    def _end_s(self) -> float:
        return self._contacts[self._lit[-1]].set_s

    def _closing_s(self, number: int) -> float:
        """How long it would take to sift one more stretch and then to close the block: the seed is most of it.

        Of each click Bob tells as much as so far, and Alice less than two bits; the seed has fewer bits than two for
        every click that is kept, and so than one for every click; a syndrome fewer than one for every bit of a section.
        """
        link, clicks = self._line.link, len(self._light[number].seen.time_ps)
        told_bits = 8.0 * self._octets[self._is_down(Sender.BOB)] / max(self._clicks, 1)
        alice_bps, bob_bps = (
            link.down_bps if self._is_down(sender) else link.up_bps for sender in (Sender.ALICE, Sender.BOB)
        )
        trips_s = 2.0 * TRIPS_TO_CLOSE * (self._line.travel_s(min(self._now_s, self._end_s)) + link.processing_s)
        alice_bits = 2.0 * clicks + 2.0 * (self._clicks + clicks) + SECTION_BITS
        return told_bits * clicks / bob_bps + alice_bits / alice_bps + trips_s


def _whole(length_bits: int) -> bytes:
    """A key that is not cut."""
    return b""
