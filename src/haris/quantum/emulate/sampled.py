"""One block of emulated light: Alice's pulses and Bob's detections."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from haris.kernels.light import ClickLaw, initial_state, sample_clicks
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.quantum.emulate.clicks import Arrivals, arrivals, class_rates, click_law
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84

CHUNK_TAGS = 2**20


def emulate(
    source: Source,
    fibre: Medium,
    detector: Detector,
    protocol: DecoyBB84,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
    start: int = 0,
) -> tuple[Pulses, Detections]:
    """sampled_block through an honest fibre."""
    arrived = arrivals(source, fibre, detector)
    return sampled_block(arrived, source, detector, protocol, n_pulses, seed, eve_fraction, start)


def sampled_block(
    arrived: Arrivals,
    source: Source,
    detector: Detector,
    protocol: DecoyBB84,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
    start: int = 0,
) -> tuple[Pulses, Detections]:
    """Sample n_pulses, numbered from start: Alice's half and Bob's half of one block.

    arrived: what of the light reaches the detectors, at one distance.
    The same arguments give the same light. Both halves come from the seed by a one-way function, so neither
    tells the other's; Bob's randomness differs for every start. Alice's settings do not depend on Eve, who measures
    the share eve_fraction of the pulses in a random basis and resends her result at their mean photon number.
    The receiver begins each block live and without trapped carriers.
    Cost and memory grow with the clicks (9 octets a tag), never with the empty pulses.
    Raises ParameterError on arguments outside their range, or a block beyond 2^53 ps.
    """
    law = click_law(arrived, source, detector, protocol, eve_fraction)
    pulse_key = derived_key(seed, b"pulses")
    receiver_key = derived_key(seed, b"receiver" + start.to_bytes(16, "big", signed=True))
    _, rates = class_rates(arrived, detector, source.clock_hz)
    expected = float(rates.clicks) * n_pulses
    n_tags = 0
    time_ps = np.empty(int(1.01 * expected + 8.0 * expected**0.5) + 64, dtype=np.int64)
    channel = np.empty(time_ps.size, dtype=np.uint8)
    for times, channels in sampled_tags(law, pulse_key, receiver_key, start, n_pulses):
        end = n_tags + times.size
        if end > time_ps.size:
            # Double clicks may outgrow the room that was expected.
            time_ps = np.concatenate([time_ps, np.empty(end, dtype=np.int64)])
            channel = np.concatenate([channel, np.empty(end, dtype=np.uint8)])
        time_ps[n_tags:end], channel[n_tags:end] = times, channels
        n_tags = end
    detections = Detections(n_pulses=n_pulses, time_ps=time_ps[:n_tags], channel=channel[:n_tags])
    return Pulses(n_pulses=n_pulses, start=start, key=pulse_key), detections


def sampled_tags(
    law: ClickLaw, pulse_key: bytes, receiver_key: bytes, start: int, n_pulses: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
    """Times and channels of a block in pieces of at most CHUNK_TAGS, for a consumer with bounded memory."""
    state = initial_state()
    while int(state[0]) < n_pulses:
        time_ps, channel, state = sample_clicks(
            law, pulse_key, receiver_key, start, n_pulses, state, capacity=CHUNK_TAGS
        )
        yield time_ps, channel


def derived_key(seed: int | bytes, purpose: bytes) -> bytes:
    """32 octets for one purpose from a seed: an integer in [0, 2^256) or up to 2^16 octets."""
    if isinstance(seed, int):
        if not 0 <= seed < 2**256:
            raise ParameterError(f"an integer seed lies in [0, 2^256), got {seed}")
        seed = b"integer" + seed.to_bytes(32, "big")
    return hashlib.sha256(b"haris light" + len(purpose).to_bytes(4, "big") + purpose + seed).digest()
