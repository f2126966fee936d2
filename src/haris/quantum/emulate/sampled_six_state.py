"""One block of emulated light of the six-state protocol: both ends' bases and bits where Bob's detectors clicked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.rounds import UNDECIDED, Rounds
from haris.quantum.emulate.clicks import outcomes, p_click, photons_at_detectors, release_outcomes
from haris.quantum.emulate.sampled_gates import block_generator, clicking_gates
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.protocols.six_state import SixState, setting_of


def emulate_six_state(
    source: Source,
    fibre: Medium,
    detector: Detector,
    protocol: SixState,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[Rounds, Rounds]:
    """Sample n_pulses: Alice's and Bob's half of the pulses that clicked, mismatched bases included.

    Whether a gate clicks depends on neither bases nor bits, so gates are drawn first, then what they were. Eve measures
    the share eve_fraction of the pulses in one of the three bases, as likely each, and resends her result at their mean
    photon number. The same arguments give the same light. Raises ParameterError on arguments outside their range.
    """
    rng = block_generator(seed, b"six states", n_pulses, eve_fraction)
    p = p_click(photons_at_detectors(source, fibre, detector), detector.p_dark)
    fresh, freed = outcomes(p), release_outcomes(p)  # [intensity, aligned or not, only right, only wrong, both]
    p_intensities, p_clicks = np.array(source.p_intensities), fresh[:, 0].sum(axis=-1)
    clock_hz = source.clock_hz
    index, released = clicking_gates(
        rng,
        n_pulses,
        min(float(p_clicks @ p_intensities), 1.0),
        detector.hold_off_gates(clock_hz),
        detector.p_afterpulse,
        detector.p_release(clock_hz),
    )
    n = index.size
    intensity = np.where(released, _drawn(rng, p_intensities, n), _drawn(rng, p_intensities * p_clicks, n))
    bases = [_drawn(rng, np.array(protocol.p_bases), n) for _ in range(2)]
    disturbed = (rng.random(n) < eve_fraction) & (rng.integers(0, 3, n) != bases[0])
    unaligned = ((bases[0] != bases[1]) | disturbed).astype(np.int64)
    law = np.where(released[:, None], freed[intensity, unaligned], fresh[intensity, unaligned])
    law = np.cumsum(law, axis=1)
    drawn = rng.random(n) * law[:, 2]
    wrong, both = drawn >= law[:, 0], drawn >= law[:, 1]
    bit = rng.integers(0, 2, n, dtype=np.uint8)
    found = np.where(both, UNDECIDED, bit ^ wrong).astype(np.uint8)
    alice = Rounds(n_pulses, index, setting_of(bases[0], intensity), bit)
    return alice, Rounds(n_pulses, index, setting_of(bases[1], np.zeros_like(intensity)), found)


def _drawn(rng: np.random.Generator, weights: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """n draws of a number, each with its share of the weights; none of weights that are all 0."""
    if not n:
        return np.zeros(0, dtype=np.int64)
    return np.asarray(rng.choice(weights.size, n, p=weights / weights.sum()), dtype=np.int64)
