"""One block of emulated light of three states: Alice's pulses and Bob's detections in time bins."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_probability
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Pulses
from haris.nouns.three_state_counts import sent_states
from haris.quantum.emulate.expected_three_state import detector_probabilities
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.optics.time_bin_receiver import TimeBinReceiver
from haris.quantum.protocols.preparation import settings_at
from haris.quantum.protocols.three_state import ThreeState

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHUNK_CLICKS = 2**18
"""Pulses that might click, held at once."""
MOST_CLICKS = 2e9
"""Pulses that might click, in a block."""
_RESENT_RAD = ((0.0, pi), (pi / 2.0, -pi / 2.0))
"""What Eve resends, by her basis and outcome."""


def emulate_three_states(
    source: Source,
    angles_rad: tuple[float, float, float],
    fibre: Medium,
    receiver: TimeBinReceiver,
    protocol: ThreeState,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[Pulses, Detections]:
    """Sample n_pulses: Alice's half and Bob's half of one block. The same arguments give the same light.

    Alice's settings are those of BB84, a keyed function of the pulse's number; of her test basis she sends one state,
    whatever the bit. Eve measures the share eve_fraction of the pulses in a random basis and resends her result at
    their mean photon number. Channels of detections: 2 * basis + outcome, a tag at the centre of the gate.
    Cost and memory grow with the clicks. Raises ParameterError on arguments outside their range, more than MOST_CLICKS
    pulses that might click, or a block beyond 2^53 ps.
    """
    require_probability("eve_fraction", eve_fraction)
    patterns = click_patterns(source, angles_rad, fibre, receiver, protocol.p_key_basis, eve_fraction)
    p_some = 1.0 - patterns[..., 0]
    p_most = float(p_some.max())
    period_ps = 1e12 / source.clock_hz
    if not 0 <= n_pulses * period_ps < 2.0**53 or n_pulses * p_most > MOST_CLICKS:
        raise ParameterError(
            f"n_pulses must be at least 0, with at most 2^53 ps and {MOST_CLICKS:g} clicks, got {n_pulses}: "
            f"{n_pulses * period_ps:.3g} ps and about {n_pulses * p_most:.3g} clicks"
        )
    pulses = Pulses(n_pulses=n_pulses, key=derived_key(seed, b"pulses"))
    rng = np.random.default_rng(np.frombuffer(derived_key(seed, b"receiver"), dtype=np.uint32))
    cumulative = np.cumsum(patterns[..., 1:], axis=-1)
    hold_off, blind_until = receiver.hold_off_gates(source.clock_hz), 0
    found_at, found = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    first = 0
    while first < n_pulses and p_most > 0.0:
        index, first = _candidates(rng, first, n_pulses, p_most)
        settings = settings_at(pulses, index, protocol.p_key_basis, source.p_intensities)
        which = (settings.intensity, sent_states(settings))
        at = rng.random(index.size) * p_most
        clicked = np.flatnonzero(at < p_some[which])
        if hold_off:
            clicked, blind_until = _live(index, clicked, hold_off, blind_until)
        within = cumulative[which[0][clicked], which[1][clicked]]
        found.append(1 + np.minimum((at[clicked, None] >= within).sum(axis=1), 14))
        found_at.append(index[clicked])
    return pulses, _detections(np.concatenate(found_at), np.concatenate(found), n_pulses, period_ps)


def click_patterns(
    source: Source,
    angles_rad: tuple[float, float, float],
    fibre: Medium,
    receiver: TimeBinReceiver,
    p_key_basis: float,
    eve_fraction: float = 0.0,
) -> Floats:
    """Probability of each set of detectors that click in a live gate, shape (k, 3, 16); bit 2 * basis + outcome."""
    resent = [angle for pair in _RESENT_RAD for angle in pair]
    all_angles = (*angles_rad, *resent)
    p = detector_probabilities(source, all_angles, fibre, receiver, p_key_basis)
    p = p.reshape(*p.shape[:-2], 4)
    bits = np.arange(16)[:, None] >> np.arange(4) & 1
    each = np.where(bits == 1, p[..., None, :], 1.0 - p[..., None, :])
    if receiver.choice == "passive":
        patterns = each.prod(axis=-1)
    else:
        closed = bits == 0
        key = np.where(closed[:, 2:].all(axis=1), each[..., :2].prod(axis=-1), 0.0)
        test = np.where(closed[:, :2].all(axis=1), each[..., 2:].prod(axis=-1), 0.0)
        patterns = p_key_basis * key + (1.0 - p_key_basis) * test
    angles = np.array(angles_rad)[:, None]
    seen = 0.25 * (1.0 + np.cos(angles - np.array(resent)))  # by a random basis, each outcome of it
    by_eve = np.einsum("je,kep->kjp", seen, patterns[:, 3:])
    return np.asarray((1.0 - eve_fraction) * patterns[:, :3] + eve_fraction * by_eve)


def _candidates(rng: np.random.Generator, first: int, n_pulses: int, p: float) -> tuple[Integers, int]:
    """Pulses from first on, each with probability p, up to a chunk of them; and the pulse to go on from."""
    size = int(min(CHUNK_CLICKS, (n_pulses - first) * p * 1.1 + 100.0))
    gaps = np.minimum(rng.geometric(p, size), n_pulses)  # a geometric number may pass any block
    index = first - 1 + np.cumsum(gaps)
    beyond = int(index[-1]) + 1
    return index[index < n_pulses], min(beyond, n_pulses)


def _live(index: Integers, clicked: Integers, hold_off: int, blind_until: int) -> tuple[Integers, int]:
    """Which of the clicks find the detectors live, and the first gate that is live after them."""
    gates, kept, at = index[clicked], [], 0
    while (at := at + int(np.searchsorted(gates[at:], blind_until))) < gates.size:
        kept.append(at)
        blind_until = int(gates[at]) + 1 + hold_off
        at += 1
    return clicked[kept], blind_until


def _detections(index: Integers, pattern: Integers, n_pulses: int, period_ps: float) -> Detections:
    bits = pattern[:, None] >> np.arange(4) & 1
    click, channel = np.nonzero(bits)
    time_ps = ((index[click] + 0.5) * period_ps).astype(np.int64)
    return Detections(n_pulses=n_pulses, time_ps=time_ps, channel=channel.astype(np.uint8))
