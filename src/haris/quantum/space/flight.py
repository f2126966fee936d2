"""A pass flown: its light is sampled, told of while it comes, and distilled, over a line that is narrow and breaks.

Both engines are those of any live key; only the clock is emulated. It says when each stretch of light is over, when
each message has crossed the line, and so when the key was there. What a processor needs is measured beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from haris.nouns.blocks import Aborted, Distilled
from haris.nouns.checks import require_positive
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.quantum.distill.engine import Engine
from haris.quantum.distill.stretches import SeenLight, SentLight, alice_in_stretches, bob_in_stretches
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.orbit.passes import Pass
from haris.quantum.space.classical import ClassicalLink, Line
from haris.quantum.space.closing import closing_s, sifted_bits
from haris.quantum.space.live import agreement, live_length, require_live
from haris.quantum.space.pass_key import slots_of
from haris.quantum.space.pass_light import emulate_pass
from haris.quantum.space.pass_link import PassLink
from haris.wire.block_message import Message
from haris.wire.distillation import Reconciled, encode

STRETCH_S = 5.0
"""Light that is told of at once."""
MOST_STRETCHES = 10_000
BLOCK = bytes(16)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of light. over_s: when it is over; the halves of both ends."""

    over_s: float
    sent: Pulses
    seen: Detections


@dataclass(frozen=True, slots=True)
class Step:
    """What had happened by a moment of a flight.

    stretches, clicks: told so far. down_octets, up_octets: that have crossed the line.
    """

    unix_s: float
    stretches: int
    clicks: int
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
        agreed, entropy = agreement(link, 1), np.random.default_rng([seed, 2]).bytes
        self._sent, self._seen = SentLight(BLOCK, agreed), SeenLight(BLOCK, agreed, entropy)
        self._transcripts = {sender: Transcript(BLOCK) for sender in Sender}
        self._results: dict[Sender, Distilled | Aborted] = {}
        alice, bob = (self._transcripts[sender] for sender in Sender)
        length = partial(live_length, link)
        self._engines: dict[Sender, Engine] = {
            Sender.ALICE: alice_in_stretches(BLOCK, self._sent, agreed, length, _whole, entropy, alice),
            Sender.BOB: bob_in_stretches(BLOCK, self._seen, agreed, length, entropy, bob),
        }

    def run(self) -> Flight:
        """From the first light to the key, or to the last contact."""
        key_s = self._now_s if self._tell() and self._close() else None
        alice, bob = (self._results.get(sender) for sender in Sender)
        both = isinstance(alice, Distilled) and isinstance(bob, Distilled)
        agree = both and np.array_equal(alice.bits, bob.bits)  # type: ignore[union-attr]
        return Flight(
            contacts=self._contacts,
            lit=self._lit,
            stretches=len(self._light),
            closed=self._seen.told.n_stretches,
            steps=tuple(self._steps),
            outcome=bob,
            key_s=key_s if both else None,
            agree=bool(agree),
        )

    def _tell(self) -> bool:
        """Bob tells of each stretch when its light is over, as long as closing the block can wait.

        False when contacts end before.
        """
        for number, each in enumerate(self._light):
            ready_s = max(self._now_s, each.over_s)
            may_be_live = self._line.link.live and number and ready_s <= self._end_s
            if may_be_live and ready_s + self._closing_s(number) > self._end_s:
                break
            self._now_s = ready_s
            self._sent.add(each.sent)
            self._seen.add(each.seen)
            told = self._seen.to_tell
            assert told is not None
            if not self._cross(Sender.BOB, told):
                return False
            noted = self._sent.hear(told)
            if not self._cross(Sender.ALICE, noted):
                return False
            self._seen.hear(noted.number)
            octets = self._octets[True], self._octets[False]
            self._steps.append(Step(self._now_s, self._seen.told.n_stretches, self._seen.told.n_clicks, *octets))
        return True

    def _close(self) -> bool:
        """From bases to key. False when contacts end before."""
        next(self._engines[Sender.ALICE])
        speaker, heard = Sender.BOB, None
        while (said := self._advance(speaker, heard)) is not None:
            if said.ends_block:
                self._advance(speaker, None)
            if isinstance(said, Reconciled):
                self._now_s += sifted_bits(self._link, self._seen.told.n_clicks) / self._line.link.sifted_bps
            if not self._cross(speaker, said):
                return False
            speaker, heard = Sender(1 - speaker), said
        return True

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

    def _cross(self, speaker: Sender, said: Message) -> bool:
        """Carry a message to the other end, whose clock goes on from its arrival. False if it never arrives."""
        octets, down = len(encode(said)), (speaker is Sender.ALICE) == (self._link.channel.direction == "downlink")
        arrived_s = self._line.delivered_s(self._now_s, octets, down)
        self._octets[down] += octets
        if arrived_s is None:
            return False
        self._now_s = arrived_s
        return True

    @property
    def _end_s(self) -> float:
        return self._contacts[self._lit[-1]].set_s

    def _closing_s(self, number: int) -> float:
        """How long it would take to tell of one more stretch and then to close the block.

        Of each click Bob tells as much as so far.
        """
        link, told, clicks = self._line.link, self._seen.told, len(self._light[number].seen.time_ps)
        down = self._link.channel.direction == "uplink"  # what Bob says
        told_bits = 8.0 * self._octets[down] / max(told.n_clicks, 1)
        travel_s = self._line.travel_s(min(self._now_s, self._end_s))
        telling_s = told_bits * clicks / (link.down_bps if down else link.up_bps)
        return telling_s + closing_s(self._link, link, told.n_clicks + clicks, travel_s)


def _whole(length_bits: int) -> bytes:
    """A key that is not cut."""
    return b""
