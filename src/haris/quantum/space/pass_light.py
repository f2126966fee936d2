"""The light of a pass, sampled slot by slot: the sender's pulses and the receiver's detections of one block."""

from __future__ import annotations

import numpy as np

from haris.kernels.light import initial_state, sample_clicks
from haris.nouns.detections import Detections
from haris.nouns.pulses import Pulses
from haris.quantum.emulate.clicks import click_law
from haris.quantum.emulate.sampled import CHUNK_TAGS, derived_key
from haris.quantum.space.live import agreement
from haris.quantum.space.pass_key import Slots, arrivals_of
from haris.quantum.space.pass_link import PassLink


class PassEmulation:
    """The light of a pass, sampled in order from its first slot. The same arguments give the same light.

    The model is that of expected counts (pass_counts), whose channel is constant within a slot. A trapped carrier is
    released within its slot or not at all. Raises ParameterError on a pass without slots.
    """

    def __init__(self, slots: Slots, link: PassLink, seed: int | bytes) -> None:
        self._slots, self._link = slots, link
        self._pulse_key, self._receiver_key = derived_key(seed, b"pulses"), derived_key(seed, b"receiver")
        channel = link.channel
        self._arrived = arrivals_of(
            link.source, link.detector, channel.misalignment, slots.transmittance, slots.background
        )
        self._n_pulses = n_pulses_of(slots, link.source.clock_hz)
        self._protocol = agreement(link, self._n_pulses).protocol
        self._state, self._slot = initial_state(), 0

    def stretch(self, until_slot: int, eve_fraction: float = 0.0) -> tuple[Pulses, Detections]:
        """Both halves of the slots that were not sampled yet, before a slot.

        eve_fraction: of the pulses, measured in a random basis and resent. Cost and memory grow with the clicks
        (9 octets a tag).
        """
        link = self._link
        start = self._first_of(self._slot)
        times, channels = [np.empty(0, np.int64)], [np.empty(0, np.uint8)]
        for number in range(self._slot, until_slot):
            end = self._first_of(number + 1)
            law = click_law(self._arrived.at(number), link.source, link.detector, self._protocol, eve_fraction)
            while int(self._state[0]) < end:
                keys = self._pulse_key, self._receiver_key
                time_ps, channel, self._state = sample_clicks(law, *keys, 0, end, self._state, CHUNK_TAGS)
                times.append(time_ps.copy())  # not all the room that there was
                channels.append(channel.copy())
        self._slot = max(self._slot, until_slot)
        n_pulses = self._first_of(self._slot) - start
        begin_ps = round(start * 1e12 / link.source.clock_hz)
        detections = Detections(n_pulses, np.concatenate(times) - begin_ps, np.concatenate(channels))
        return Pulses(n_pulses, start, self._pulse_key), detections

    def _first_of(self, slot: int) -> int:
        """Number of a slot's first pulse."""
        return min(self._n_pulses, round(slot * self._slots.duration_s * float(self._link.source.clock_hz)))


def emulate_pass(
    slots: Slots, link: PassLink, seed: int | bytes, eve_fraction: float = 0.0
) -> tuple[Pulses, Detections]:
    """Both halves of one block over all slots, as PassEmulation samples them in stretches."""
    return PassEmulation(slots, link, seed).stretch(slots.unix_s.size, eve_fraction)


def n_pulses_of(slots: Slots, clock_hz: float) -> int:
    """Pulses of all slots."""
    return round(slots.unix_s.size * slots.duration_s * clock_hz)
