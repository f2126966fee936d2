"""Probability estimation: what a device that nobody need trust gave, from scores of single rounds.

Zhang, Knill, Bierhorst, "Certifying quantum randomness by probability estimation", PRA 98, 040304 (2018); Knill, Zhang,
Bierhorst, "Quantum randomness generation by probability estimation with classical side information", Phys. Rev. Res. 2,
033465 (2020), arXiv 1709.06159. Scores F, at least 0, of the outcome b of a round whose state was x, such that

    sum over x of P(x) sum over b of F(x, b) sigma(b|x)^(1 + power)  <=  1

for every behaviour sigma that a device can have in one round, whatever went before. Then all outcomes together have,
for an adversary who knows all states and has any classical knowledge of the device, a probability above
(epsilon product of F)^(-1/power) with probability at most epsilon. The device may have memory; its rounds need not be
alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COARSE, _FINE = 180, 2**14
_TIGHTEST = 1e-6


@dataclass(frozen=True, slots=True)
class Behaviours:
    """What one round of a device can do, as a mixture of kinds of rounds that nobody chooses.

    weights: probability of each kind, float64, shape (k,). corners: of each kind, sigma(1|x) of the extreme behaviours,
    float64, shape (m, n_states). circle: of the kind of that index, more of them: half of 1 plus the cosine of the
    angle between the measurement and the state, on the great circle that holds all states, at state_angles.
    """

    weights: Floats
    corners: tuple[Floats, ...]
    circle: int
    state_angles: Floats

    def extremes(self, n_angles: int) -> list[Floats]:
        """sigma(1|x) of each kind, with n_angles measurements around the circle, of which every fourth of it is one."""
        around = 2.0 * math.pi * np.arange(n_angles) / n_angles
        half = 0.5 * (around[:, None] - self.state_angles)
        measured = np.cos(half) ** 2
        return [np.vstack([c, measured]) if k == self.circle else c for k, c in enumerate(self.corners)]


@dataclass(frozen=True, slots=True)
class Scores:
    """log2 of F, float64, shape (n_states, 2), valid for the behaviours that they were made for; power above 0."""

    log2_factors: Floats
    power: float

    def certified_bits(self, counts: Floats, epsilon: float) -> float:
        """Smooth min-entropy of all outcomes, states known, below 0 too; counts of rounds, shape (n_states, 2)."""
        return (float(np.sum(counts * self.log2_factors)) + math.log2(epsilon)) / self.power


def design(p_states: Floats, expected: Floats, behaviours: Behaviours, n_rounds: int, epsilon: float) -> Scores:
    """The scores that certify most where the device does as expected, and that are valid whatever it does.

    p_states: P(x), float64, shape (n_states,). expected: sigma(1|x), same shape.
    """
    frequencies = p_states[:, None] * np.stack([1.0 - expected, expected], axis=1)
    best: tuple[float, Scores] | None = None
    for power in 10.0 ** np.arange(-1.0, -7.1, -0.25):
        scores = _scores(p_states, frequencies, behaviours, float(power))
        bits = scores.certified_bits(frequencies * n_rounds, epsilon)
        if best is not None and bits < best[0]:
            break
        best = bits, scores
    assert best is not None
    return best[1]


def _scores(p_states: Floats, frequencies: Floats, behaviours: Behaviours, power: float) -> Scores:
    """Of one power. F = 1 + power f: what is sought is f, and all is reckoned over power, for F is close to 1."""
    n_states = len(p_states)
    spreads = [_spread(sigma, p_states, power) for sigma in behaviours.extremes(_COARSE)]
    offsets = [offset for offset, _ in spreads]
    slopes = [slope for _, slope in spreads]
    n_kinds = len(spreads)
    rows = np.concatenate([np.hstack([s, -np.eye(n_kinds)[np.full(len(s), k)]]) for k, s in enumerate(slopes)])
    right = np.concatenate(offsets)
    from scipy.optimize import minimize

    weights = frequencies.reshape(-1)
    kinds = behaviours.weights

    def cost(free: Floats) -> float:
        return -float(weights @ np.log1p(np.maximum(power * free[: 2 * n_states], power - 1.0))) / power

    def gradient(free: Floats) -> Floats:
        f = free[: 2 * n_states]
        return np.concatenate([-weights / (1.0 + np.maximum(power * f, power - 1.0)), np.zeros(n_kinds)])

    start = np.concatenate([np.zeros(2 * n_states), [float(np.max(o)) for o in offsets]])
    found = minimize(
        cost,
        start,
        jac=gradient,
        method="SLSQP",
        bounds=[((power - 1.0) / power, None)] * (2 * n_states) + [(None, None)] * n_kinds,
        constraints=[
            {"type": "ineq", "fun": lambda v: -(rows @ v) - right, "jac": lambda _: -rows},
            {
                "type": "ineq",
                "fun": lambda v: -float(kinds @ v[2 * n_states :]),
                "jac": lambda _: np.concatenate([np.zeros(2 * n_states), -kinds]),
            },
        ],
        options={"maxiter": 300, "ftol": 1e-12},
    )
    f = found.x[: 2 * n_states] if np.all(np.isfinite(found.x)) else np.zeros(2 * n_states)
    f = np.maximum(f, (power - 1.0) / power)
    excess = _excess(f, p_states, behaviours, power)
    log2_factors = (np.log1p(power * f) - math.log1p(power * excess)) / math.log(2.0)
    return Scores(log2_factors.reshape(n_states, 2), power)


def _spread(sigma: Floats, p_states: Floats, power: float) -> tuple[Floats, Floats]:
    """(sum of P F sigma^(1 + power) - 1) / power as an offset and slopes in f; of each behaviour, b = 0 before 1."""
    both = np.clip(np.stack([1.0 - sigma, sigma], axis=2), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        logs = np.where(both > 0.0, np.log(both), 0.0)
    offset = np.sum(p_states[None, :, None] * both * np.expm1(power * logs), axis=(1, 2)) / power
    slope = p_states[None, :, None] * both * np.exp(power * logs)
    return offset, slope.reshape(len(sigma), -1)


def _excess(f: Floats, p_states: Floats, behaviours: Behaviours, power: float) -> float:
    """The most of (sum of P F sigma^(1 + power) - 1) / power over all behaviours.

    The sum is convex in sigma, so extremes suffice. Around the circle the most of a fine grid, and what it can rise
    between: the second derivative is at most sum of P |f| (1 + power)^2 in size, and that of the part without f at
    most 2 and the logarithm of the step, which is singular only at points of the grid.
    """
    most = []
    for kind, sigma in enumerate(behaviours.extremes(_FINE)):
        offset, slope = _spread(sigma, p_states, power)
        value = float(np.max(offset + slope @ f))
        if kind == behaviours.circle:
            step = 2.0 * math.pi / _FINE
            steepest = float(np.sum(np.repeat(p_states, 2) * np.abs(f))) * (1.0 + power) ** 2
            value += step * step * (steepest + 2.0 - math.log(step))
        most.append(value)
    return float(behaviours.weights @ np.array(most))
