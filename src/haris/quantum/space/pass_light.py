"""The light of a pass, sampled slot by slot: the sender's pulses and the receiver's detections of one block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.kernels.light import initial_state, sample_clicks
from haris.nouns.detections import Detections
from haris.nouns.pulses import Pulses
from haris.quantum.emulate.clicks import click_law
from haris.quantum.emulate.sampled import CHUNK_TAGS, derived_key
from haris.quantum.space.live import agreement
from haris.quantum.space.pass_key import Slots, arrivals_of
from haris.quantum.space.pass_link import PassLink


def emulate_pass(
    slots: Slots, link: PassLink, seed: int | bytes, eve_fraction: float = 0.0
) -> tuple[Pulses, Detections]:
    """Both halves of one block over all slots. The same arguments give the same light.

    The model is that of expected counts (pass_counts), whose channel is constant within a slot. A trapped carrier is
    released within its slot or not at all. eve_fraction: of the pulses, measured in a random basis and resent.
    Cost and memory grow with the clicks (9 octets a tag). Raises ParameterError on a pass without slots.
    """
    pulse_key, receiver_key = derived_key(seed, b"pulses"), derived_key(seed, b"receiver")
    clock_hz = link.source.clock_hz
    arrived = arrivals_of(link.source, link.detector, link.channel.misalignment, slots.transmittance, slots.background)
    times: list[NDArray[np.int64]] = []
    channels: list[NDArray[np.uint8]] = []
    state, n_pulses = initial_state(), n_pulses_of(slots, clock_hz)
    protocol = agreement(link, n_pulses).protocol
    for number in range(slots.unix_s.size):
        end = min(n_pulses, round((number + 1) * slots.duration_s * clock_hz))
        law = click_law(arrived.at(number), link.source, link.detector, protocol, eve_fraction)
        while int(state[0]) < end:
            time_ps, channel, state = sample_clicks(law, pulse_key, receiver_key, 0, end, state, CHUNK_TAGS)
            times.append(time_ps.copy())  # not all the room that there was
            channels.append(channel.copy())
    detections = Detections(
        n_pulses=n_pulses,
        time_ps=np.concatenate([*times, np.empty(0, np.int64)]),
        channel=np.concatenate([*channels, np.empty(0, np.uint8)]),
    )
    return Pulses(n_pulses=n_pulses, start=0, key=pulse_key), detections


def n_pulses_of(slots: Slots, clock_hz: float) -> int:
    """Pulses of all slots."""
    return round(slots.unix_s.size * slots.duration_s * clock_hz)
