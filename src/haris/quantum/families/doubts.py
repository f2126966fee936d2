"""Settings of a link that are valid and mean nothing: what a user is told of them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from haris.quantum.families.family import Parts

LARGE_EPSILON = 0.01
LONG_DEAD_TIME_S = 1e-3
BRIGHT_SIGNAL = 2.0
"""Photons: the best settings of every protocol here stay below."""
BRIGHT_DECOY = 1.5
"""Times the signal: up to about its own intensity a decoy may be the best choice of twin-field protocols."""


def doubts_of(parts: Parts) -> Iterator[str]:
    """A sentence for each setting that is valid and meaningless, with the reason."""
    if parts.security.epsilon >= LARGE_EPSILON:
        yield f"an epsilon of {parts.security.epsilon:.3g} lets one key in {1.0 / parts.security.epsilon:.3g} be known"
    dead_s = getattr(parts.detector, "dead_time_s", 0.0)
    if dead_s > LONG_DEAD_TIME_S:
        yield f"dead_time_s of {dead_s:g}: seconds, of which a detector lets pass micro- or nanoseconds after a click"
    name = "signal_intensity" if hasattr(parts.source, "signal_intensity") else "intensities"
    brightest = max(np.atleast_1d(getattr(parts.source, name, 0.0)))
    if brightest > BRIGHT_SIGNAL:
        single = brightest / math.expm1(brightest)
        yield (
            f"{name} of {brightest:g}: of pulses so bright that hold light {single:.2%} hold one photon, and hardly "
            "another is counted as secret"
        )
    signal, decoys = (getattr(parts.source, name, None) for name in ("signal_intensity", "decoy_intensities"))
    if signal is not None and decoys is not None and max(decoys) > BRIGHT_DECOY * signal:
        yield (
            f"decoy_intensities = {max(decoys):g} beside signals of {signal:g}: a decoy stronger than the signal tells "
            "of photon numbers that the signal hardly has"
        )
