"""Which gates of a block click: the renewal of clicks.py drawn click by click, so that empty gates cost nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.quantum.emulate.clicks import renewal
from haris.quantum.emulate.sampled import derived_key

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

CHUNK_CLICKS = 2**18
"""Clicks that are drawn at once."""
MOST_CLICKS = 2e8
LEAST_P = 1e-15
"""Click probability of a gate below which no block of less than 2^40 pulses would see a click."""


def block_generator(seed: int | bytes, purpose: bytes, n_pulses: int, eve_fraction: float) -> np.random.Generator:
    """Randomness of one block. Raises ParameterError on arguments outside their range."""
    require_probability("eve_fraction", eve_fraction)
    if not 0 <= n_pulses < 2**53:
        raise ParameterError(f"n_pulses must lie in [0, 2^53), got {n_pulses}")
    return np.random.default_rng(np.frombuffer(derived_key(seed, purpose), dtype=np.uint32))


def clicking_gates(
    rng: np.random.Generator,
    n_gates: int,
    p_any: float,
    hold_off_gates: int = 0,
    p_afterpulse: float = 0.0,
    p_release: float = 1.0,
) -> tuple[Integers, Flags]:
    """Gates of a block that click, ascending, and in which of them a trapped carrier was released.

    p_any: of a live gate without a release. From one click to the next pass hold_off_gates and then the lesser of two
    waits: for a click of its own, and, with probability p_afterpulse, for the release. The receiver begins live and
    without trapped carriers. Raises ParameterError on more than MOST_CLICKS expected clicks.
    """
    rate = renewal(np.asarray(max(p_any, LEAST_P)), hold_off_gates, p_afterpulse, p_release).clicks
    expected = float(rate) * n_gates
    if expected > MOST_CLICKS:
        raise ParameterError(f"n_pulses must make at most {MOST_CLICKS:g} clicks, got {n_gates}: about {expected:.3g}")
    size = min(CHUNK_CLICKS, int(expected + 8.0 * expected**0.5) + 64)
    gates, released = [np.zeros(0, np.int64)], [np.zeros(0, np.bool_)]
    last, trapped_before = -1 - hold_off_gates, False
    while p_any >= LEAST_P and last < n_gates:
        own = np.minimum(rng.geometric(p_any, size), n_gates + 1)  # so that sums do not overflow
        trapped = rng.random(size) < p_afterpulse
        trapped[0] &= trapped_before
        release = np.where(trapped, np.minimum(rng.geometric(p_release, size), n_gates + 1), n_gates + 2)
        found = last + np.cumsum(np.minimum(own, release) + hold_off_gates)
        gates.append(found)
        released.append(release <= own)
        last, trapped_before = int(found[-1]), True
    every = np.concatenate(gates)
    within = every < n_gates
    return every[within], np.concatenate(released)[within]
