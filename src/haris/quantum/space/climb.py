"""The highest place of a smooth function on the unit cube that takes many places in one call."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_ROUNDS, SIDE_BY_SIDE = 48, 4
"""After some rounds the best start goes on alone."""
PATIENCE, SETTLED = 5, 0.02
FIRST_RADIUS, LAST_RADIUS = 0.06, 0.0004
CORNER = 0.6
"""Of the radius, for places away from the axes."""
NEARNESS = 0.1
"""Values that lie a share of the best below it count half as much in the fit."""
DAMPING = tuple(10.0**k for k in range(-6, 5))


def climb(
    value: Callable[[Floats], Floats], starts: Floats, first_radius: float = FIRST_RADIUS, least_gain: float = 1e-7
) -> tuple[Floats, float]:
    """The best place found and its value. value: of places (n, d), float64 (n,). starts: (s, d), climbed side by side.

    Each round asks for a design about each start's place: its middle, on the axes, at corners. A quadratic fitted to it
    by weighted least squares says where to look next: at its highest point not much beyond the design, which shrinks
    where that point lies inside, or was no better. It ends where PATIENCE rounds have gained no more than that share.
    Nothing is random.
    Source: response surfaces of Box and Wilson, J. R. Stat. Soc. B 13, 1 (1951), in a trust region.
    """
    d = starts.shape[1]
    design = _design(d)
    squares = _monomials(design)
    middle, radius = starts.copy(), np.full(len(starts), first_radius)
    best, best_value = starts.copy(), np.full(len(starts), -np.inf)
    tops: list[float] = []
    for turn in range(MOST_ROUNDS):
        if turn == SIDE_BY_SIDE:
            first = [int(np.argmax(best_value))]
            middle, radius, best, best_value = middle[first], radius[first], best[first], best_value[first]
        inside = radius[:, None]
        middle = np.clip(middle, inside, 1.0 - inside)
        places = middle[:, None, :] + radius[:, None, None] * design
        values = value(places.reshape(-1, d)).reshape(len(middle), -1)
        top = np.argmax(values, axis=1)
        found = np.take_along_axis(values, top[:, None], axis=1)[:, 0]
        better = found > best_value
        best[better], best_value[better] = places[better, top[better]], found[better]
        step = np.array([_highest(squares, each, d) for each in values])  # in radii, from the middle
        length = np.linalg.norm(step, axis=1)
        middle = np.where(better[:, None], middle + radius[:, None] * step, best)
        radius *= np.where(better, np.where(length > 1.5, 1.5, np.where(length > 0.5, 1.0, 0.6)), 0.6)
        tops.append(float(best_value.max()))
        earlier = tops[-1 - PATIENCE] if turn >= max(SIDE_BY_SIDE, PATIENCE) else -np.inf
        still = radius.max() < SETTLED and tops[-1] - earlier <= least_gain * abs(tops[-1])
        if np.all(radius < LAST_RADIUS) or still:
            break
        radius = np.clip(radius, LAST_RADIUS / 2.0, 0.25)
    top_start = int(np.argmax(best_value))
    return best[top_start], float(best_value[top_start])


def _design(d: int) -> Floats:
    """The middle, both ends of each axis, and half of the corners, which still tell all pairs of axes apart."""
    corners = np.array(list(product((-1.0, 1.0), repeat=d)))
    if d >= 5:
        corners = corners[corners.prod(axis=1) > 0.0]
    return np.concatenate([np.zeros((1, d)), np.eye(d), -np.eye(d), CORNER * corners])


def _monomials(at: Floats) -> Floats:
    """1, x, x^2 and x y of each place."""
    pairs = [at[:, i] * at[:, j] for i, j in combinations(range(at.shape[1]), 2)]
    return np.column_stack([np.ones(len(at)), at, at**2, *pairs])


def _highest(squares: Floats, values: Floats, d: int) -> Floats:
    """Where a quadratic through the values is highest within 2 radii, from the middle, in radii."""
    low = values.max() - values
    scale = NEARNESS * max(abs(values.max()), 1.0)
    weight = 1.0 / (1.0 + (low / scale) ** 2)
    weighted = squares * weight[:, None]
    c = np.linalg.solve(weighted.T @ squares + 1e-9 * np.eye(squares.shape[1]), weighted.T @ (-low / scale))
    gradient, curved = c[1 : d + 1], np.diag(2.0 * c[d + 1 : 2 * d + 1])
    for (i, j), each in zip(combinations(range(d), 2), c[2 * d + 1 :], strict=True):
        curved[i, j] = curved[j, i] = each
    bent, axes = np.linalg.eigh(curved)
    along = axes.T @ gradient
    damping = np.maximum(bent[-1], 0.0) + np.array(DAMPING) * max(float(np.abs(bent).max()), 1e-12)
    steps = along / (damping[:, None] - bent)
    short = np.linalg.norm(steps, axis=1) <= 2.0
    return np.asarray(axes @ steps[int(np.argmax(short))] if short.any() else axes @ steps[-1])
