"""Expected counts of a B92 block with single photons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from haris.nouns.checks import require_not_negative
from haris.nouns.conclusive_counts import ConclusiveCounts
from haris.quantum.emulate.clicks import renewal
from haris.quantum.emulate.photon_numbers import n_photon_outcomes
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.single_photon_source import SinglePhotonSource
from haris.quantum.protocols.b92 import B92


def expected_conclusive_counts(
    source: SinglePhotonSource,
    fibre: Medium,
    detector: Detector,
    protocol: B92,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
) -> ConclusiveCounts:
    """Expected clicks, conclusive ones and errors of n_pulses, float64, shape distance_m.shape.

    The fibre's misalignment is that of every basis: it depolarises. Pulses in the dead time count as lost; after-pulses
    are left out. A double click becomes a random outcome. Raises ParameterError on a negative n_pulses.
    """
    require_not_negative("n_pulses", n_pulses)
    eta = source.efficiency * fibre.transmittance(distance_m) * detector.gated_efficiency
    turned = fibre.misalignment
    # The outcome that decides is the orthogonal one: "wrong" in the basis of the state sent, and a bit error there.
    p_orthogonal = {"own": turned, "other": turned + (1.0 - 2.0 * turned) * (1.0 - protocol.overlap**2)}
    own, other = (n_photon_outcomes(1, eta, p, detector.p_dark) for p in p_orthogonal.values())
    p_any = np.minimum(own.sum(axis=-1), 1.0)
    live = renewal(p_any, detector.hold_off_gates(source.clock_hz), 0.0, 1.0).live
    wrong, right = (0.5 * (outcome[..., 1] + 0.5 * outcome[..., 2]) for outcome in (own, other))
    clicks, conclusive, errors = (n_pulses * live * p for p in (p_any, np.minimum(wrong + right, p_any), wrong))
    return ConclusiveCounts(n_pulses, clicks, conclusive, errors)
