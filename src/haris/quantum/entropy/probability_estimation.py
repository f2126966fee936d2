"""Probability estimation: what a device that nobody need trust gave, from scores of single rounds.

Zhang, Knill, Bierhorst, "Certifying quantum randomness by probability estimation", PRA 98, 040304 (2018); Knill, Zhang,
Bierhorst, "Quantum randomness generation by probability estimation with classical side information", Phys. Rev. Res. 2,
033465 (2020), arXiv 1709.06159. Scores F, at least 0, of the outcome b of a round whose state was x, such that

    sum over x of P(x) sum over b of F(x, b) sigma(b|x)^(1 + power)  <=  1

for every behaviour sigma that a device can have in one round, whatever went before. Which F a round has may follow from
earlier rounds; F = 1 is always valid and leaves a round out. Then all outcomes together have, for an adversary who
knows all states and has any classical knowledge of the device, a probability above (epsilon product of F)^(-1/power)
with probability at most epsilon. The device may have memory; its rounds need not be alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COARSE, _FINE = 180, 2**14
_POWERS = 10.0 ** np.arange(-1.0, -7.1, -0.5)
_NEARER = 10.0 ** np.arange(-0.4, 0.41, 0.1)
_RAREST = 1e-12
_MOST_STEPS, _GAP, _CENTRING, _NEAR_END, _RIDGE = 80, 1e-8, 0.1, 0.99, 1e-13


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


def design(p_states: Floats, expected: Floats, behaviours: Behaviours, n_rounds: float, epsilon: float) -> Scores:
    """The scores that certify most where the device does as expected, and that are valid whatever it does.

    p_states: P(x), float64, shape (n_states,). expected: sigma(1|x), same shape. n_rounds: that are scored.
    """
    # What is expected never may come all the same, and must not leave its score free.
    frequencies = np.maximum(p_states[:, None] * np.stack([1.0 - expected, expected], axis=1), _RAREST)
    gains = _gains(p_states, frequencies.reshape(-1), behaviours, _POWERS)
    bits = _expected_bits(gains, frequencies.reshape(-1), _POWERS, n_rounds, epsilon)
    near = _POWERS[int(np.argmax(bits))] * _NEARER
    near = near[near <= _POWERS[0]]
    gains = _gains(p_states, frequencies.reshape(-1), behaviours, near)
    best = int(np.argmax(_expected_bits(gains, frequencies.reshape(-1), near, n_rounds, epsilon)))
    return _valid(gains[best], p_states, behaviours, float(near[best]))


def _expected_bits(gains: Floats, frequencies: Floats, powers: Floats, n_rounds: float, epsilon: float) -> Floats:
    return (n_rounds * np.log1p(powers[:, None] * gains) @ frequencies + math.log(epsilon)) / powers


def _valid(gains: Floats, p_states: Floats, behaviours: Behaviours, power: float) -> Scores:
    """F = 1 + power f, over the most that any behaviour can make of them."""
    gains = np.maximum(np.where(np.isfinite(gains), gains, 0.0), (power - 1.0) / power)
    excess = _excess(gains, p_states, behaviours, power)
    log2_factors = (np.log1p(power * gains) - math.log1p(power * excess)) / math.log(2.0)
    return Scores(log2_factors.reshape(len(p_states), 2), power)


def _gains(p_states: Floats, frequencies: Floats, behaviours: Behaviours, powers: Floats) -> Floats:
    """f of F = 1 + power f for each power, shape (n_powers, 2 n_states). All is reckoned over power: F is close to 1.

    The greatest sum of frequencies times log F, where the sum over kinds of weight times t is at most 0, and t at least
    what each behaviour of the kind makes of f: a concave function within linear bounds, by a primal-dual interior
    point, all powers at once (Boyd, Vandenberghe, Convex Optimization (2004), 11.7).
    """
    n_kinds, n_f = len(behaviours.weights), len(frequencies)
    bounds, offsets = [], []
    for kind, sigma in enumerate(behaviours.extremes(_COARSE)):
        offset, slope = _spread(sigma, p_states, powers[:, None])
        own = np.broadcast_to(-np.eye(n_kinds)[kind], (*offset.shape, n_kinds))
        bounds.append(np.concatenate([slope, own], axis=2))
        offsets.append(offset)
    n_powers = len(powers)
    positive = np.concatenate([-np.eye(n_f), np.zeros((n_f, n_kinds))], axis=1)  # F at least 0
    total = np.concatenate([np.zeros(n_f), behaviours.weights])
    rows = np.concatenate(
        [
            *bounds,
            np.broadcast_to(positive, (n_powers, *positive.shape)),
            np.broadcast_to(total, (n_powers, 1, len(total))),
        ],
        axis=1,
    )
    ends = np.concatenate(
        [*offsets, np.repeat(-1.0 / powers[:, None], n_f, axis=1), np.zeros((n_powers, 1))],
        axis=1,
    )
    start = np.empty((n_powers, n_f + n_kinds))
    start[:, :n_f] = -1.0
    for kind, (bound, offset) in enumerate(zip(bounds, offsets, strict=True)):
        start[:, n_f + kind] = np.max(offset - bound[:, :, :n_f].sum(axis=2), axis=1) + 0.25
    return _interior(rows, ends, frequencies, powers, start)[:, :n_f]


def _interior(rows: Floats, ends: Floats, frequencies: Floats, powers: Floats, start: Floats) -> Floats:
    """v with the greatest sum of frequencies log(1 + power v) / power in each power, where rows v + ends <= 0.

    start: inside. What is found stays inside; how near it is to the greatest costs bits, never validity.
    """
    v, n_f = start.copy(), len(frequencies)
    across = np.ascontiguousarray(rows.transpose(0, 2, 1))
    slack = -((rows @ v[:, :, None])[:, :, 0] + ends)
    dual = 0.1 / slack
    curved, every = np.arange(n_f), np.arange(v.shape[1])
    for _ in range(_MOST_STEPS):
        factors = 1.0 + powers[:, None] * v[:, :n_f]
        downhill = np.zeros_like(v)
        downhill[:, :n_f] = frequencies / factors
        gap = np.sum(slack * dual, axis=1)
        unbalanced = np.max(np.abs(downhill - (across @ dual[:, :, None])[:, :, 0]), axis=1)
        moving = np.maximum(gap, unbalanced) > _GAP
        if not np.any(moving):
            break
        aim = _CENTRING * gap[:, None] / rows.shape[1]
        hessian = (across * (dual / slack)[:, None, :]) @ rows
        hessian[:, curved, curved] += powers[:, None] * frequencies / factors**2
        hessian[:, every, every] *= 1.0 + _RIDGE
        uphill = downhill - (across @ (aim / slack)[:, :, None])[:, :, 0]
        step = np.linalg.solve(hessian, uphill[:, :, None])[:, :, 0]
        closer = (rows @ step[:, :, None])[:, :, 0]
        turn = (aim + dual * closer) / slack - dual
        fastest = np.maximum(np.max(closer / slack, axis=1), np.max(-turn / dual, axis=1))
        reach = (moving * _NEAR_END / np.maximum(fastest, _NEAR_END))[:, None]
        v += reach * step
        dual += reach * turn
        slack -= reach * closer
    return v


def _spread(sigma: Floats, p_states: Floats, power: float | Floats) -> tuple[Floats, Floats]:
    """(sum of P F sigma^(1 + power) - 1) / power as an offset and slopes in f; of each behaviour, b = 0 before 1.

    power: a number, or shape (n_powers, 1); the results then have an axis of powers before that of behaviours.
    """
    both = np.clip(np.stack([1.0 - sigma, sigma], axis=-1), 0.0, 1.0)
    logs = np.log(np.where(both > 0.0, both, 1.0))
    weighted = p_states[:, None] * both
    powered = np.expm1((power if isinstance(power, float) else power[:, :, None, None]) * logs)
    offset = np.sum(weighted * powered, axis=(-2, -1)) / power
    slope = weighted * (1.0 + powered)
    return offset, slope.reshape(*slope.shape[:-2], -1)


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
