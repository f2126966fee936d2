"""Expected counts of a block of three states at a receiver of time bins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.three_state_counts import TEST_STATE, ThreeStateCounts
from haris.quantum.emulate.clicks import outcomes, p_click, renewal
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.source import Source
from haris.quantum.optics.time_bin_receiver import TimeBinReceiver
from haris.quantum.protocols.three_state import ThreeState

Floats = NDArray[np.float64]


def detector_probabilities(
    source: Source,
    angles_rad: Sequence[float],
    fibre: Medium,
    receiver: TimeBinReceiver,
    p_key_basis: float,
    distance_m: ArrayLike | None = None,
) -> Floats:
    """Probability that a live detector clicks where the light is measured in its basis.

    Shape distance_m.shape + (k, n, 2, 2): [..., intensity, state, basis (key, test), outcome], n angles. Behind a beam
    splitter both bases are measured at once, each with its share of the light.
    Misalignment turns a photon to the other outcome in either basis; want of visibility does so in the test basis.
    """
    light = fibre.transmittance(distance_m)[..., None] * receiver.efficiency * np.array(source.intensities)
    angles = np.array(angles_rad)
    contrast = 1.0 - 2.0 * fibre.misalignment
    turned = np.stack([contrast * np.cos(angles), contrast * receiver.visibility * np.sin(angles)], axis=-1)
    to_each = np.stack([1.0 + turned, 1.0 - turned], axis=-1) / 2.0  # state, basis, outcome
    shares = np.array([p_key_basis, 1.0 - p_key_basis]) if receiver.choice == "passive" else 1.0
    enters = np.array([1.0, receiver.interferometer_transmittance]) * shares
    return p_click(light[..., None, None, None] * enters[:, None] * to_each, receiver.p_dark)


def outcome_probabilities(
    source: Source,
    angles_rad: tuple[float, float, float],
    fibre: Medium,
    receiver: TimeBinReceiver,
    p_key_basis: float,
    distance_m: ArrayLike | None = None,
) -> Floats:
    """Probability that a live gate gives each outcome, shape distance_m.shape + (k, 3, 2, 2).

    [..., intensity, state, basis (key, test), outcome]: a click that counts in that basis, the choice of the basis
    included. A double click is half of each outcome; clicks in both bases behind a beam splitter are a quarter of all.
    """
    three = outcomes(detector_probabilities(source, angles_rad, fibre, receiver, p_key_basis, distance_m))
    each = three[..., :2] + 0.5 * three[..., 2:]
    if receiver.choice == "active":
        return np.asarray(np.array([[p_key_basis], [1.0 - p_key_basis]]) * each)
    some = each.sum(axis=-1)
    other = some[..., ::-1]
    return np.asarray(each * (1.0 - other[..., None]) + (0.25 * some * other)[..., None])


def expected_three_state_counts(
    source: Source,
    angles_rad: tuple[float, float, float],
    fibre: Medium,
    receiver: TimeBinReceiver,
    protocol: ThreeState,
    n_pulses: float,
    distance_m: ArrayLike | None = None,
) -> ThreeStateCounts:
    """Expected clicks of n_pulses, float64, shape distance_m.shape and the axes of ThreeStateCounts.

    distance_m: any shape; by default the fibre's own length. Raises ParameterError on a negative n_pulses.
    """
    require_not_negative("n_pulses", n_pulses)
    given = outcome_probabilities(source, angles_rad, fibre, receiver, protocol.p_key_basis, distance_m)
    per_gate = given * np.array(source.p_intensities)[:, None, None, None] * np.array(protocol.p_states)[:, None, None]
    p_any = np.minimum(per_gate.sum(axis=(-4, -3, -2, -1)), 1.0)
    live = renewal(p_any, receiver.hold_off_gates(source.clock_hz), 0.0, 1.0).live
    clicks = n_pulses * live[..., None, None, None, None] * per_gate
    key = clicks[..., :TEST_STATE, 0, :]
    errors = key[..., 0, 1] + key[..., 1, 0]
    return ThreeStateCounts(
        n_pulses=n_pulses,
        intensities=source.intensities,
        p_intensities=source.p_intensities,
        key_clicks=errors + key[..., 0, 0] + key[..., 1, 1],
        key_errors=errors,
        test_clicks=np.moveaxis(clicks[..., 1, :], -3, -1),
    )
