"""One block of emulated light of B92: the states that Alice sent and Bob looked for where his detectors clicked."""

from __future__ import annotations

import numpy as np

from haris.nouns.rounds import UNDECIDED, Rounds
from haris.quantum.emulate.photon_numbers import n_photon_outcomes
from haris.quantum.emulate.sampled_gates import block_generator, clicking_gates
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.single_photon_source import SinglePhotonSource
from haris.quantum.protocols.b92 import B92


def emulate_b92(
    source: SinglePhotonSource,
    fibre: Medium,
    detector: Detector,
    protocol: B92,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[Rounds, Rounds]:
    """Sample n_pulses: Alice's and Bob's half of the pulses that clicked, conclusive or not.

    Eve measures the share eve_fraction of the pulses as Bob does, and resends the state that her outcome speaks for.
    The same arguments give the same light. Raises ParameterError on arguments outside their range.
    """
    rng = block_generator(seed, b"b92", n_pulses, eve_fraction)
    eta = source.efficiency * float(fibre.transmittance()) * detector.gated_efficiency
    turned = fibre.misalignment
    p_orthogonal = turned + (1.0 - 2.0 * turned) * (1.0 - protocol.overlap**2)
    laws = np.stack([n_photon_outcomes(1, eta, p, detector.p_dark) for p in (turned, p_orthogonal)])
    p_any = min(float(laws[0].sum()), 1.0)
    index, _ = clicking_gates(rng, n_pulses, p_any, detector.hold_off_gates(source.clock_hz))
    n = index.size
    sent, looked, hers = (rng.integers(0, 2, n, dtype=np.uint8) for _ in range(3))
    # Eve takes the other state for the one sent if she looks for that and does not find it orthogonal.
    fooled = (rng.random(n) < eve_fraction) & (hers != sent) & (rng.random(n) < protocol.overlap**2)
    law = np.cumsum(laws[((sent ^ fooled) != looked).astype(np.int64)], axis=1)
    drawn = rng.random(n) * law[:, 2]
    orthogonal, both = drawn >= law[:, 0], drawn >= law[:, 1]
    found = np.where(both, UNDECIDED, orthogonal).astype(np.uint8)
    return Rounds(n_pulses, index, sent, sent), Rounds(n_pulses, index, looked, found)
