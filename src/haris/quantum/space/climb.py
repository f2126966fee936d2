"""The highest place of a smooth function on the unit cube that takes many places in one call."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_ROUNDS, SIDE_BY_SIDE = 48, 4
"""After some rounds the best start goes on alone."""
PATIENCE = 5
SLIGHT, SETTLED = 1e-7, 0.02
"""A gain that is none, of the best; and the radius below which it is believed. Both grow together, radii in squares."""
FIRST_RADIUS, LAST_RADIUS = 0.06, 0.0004
KEPT = 0.3
"""Of what a quadratic promised, below which it is trusted less."""
CORNER = 0.6
"""Of the radius, for places away from the axes."""
NEARNESS = 0.1
"""Values that lie a share of the best below it count half as much in the fit."""
_DAMPING = 10.0 ** np.arange(-6, 5)


def climb(
    value: Callable[[Floats], Floats], starts: Floats, first_radius: float = FIRST_RADIUS, least_gain: float = SLIGHT
) -> tuple[Floats, float]:
    """The best place found and its value. value: of places (n, d), float64 (n,). starts: (s, d), climbed side by side.

    Each round asks for a design about each start's place: its middle, on the axes, at corners. A quadratic fitted to it
    by weighted least squares says where to look next: at its highest point not much beyond the design, which shrinks
    where that point lies inside, or kept too little of what it promised. Of a small design, it ends where two rounds
    have gained no more than that share and the quadratic promises no more, or PATIENCE rounds have not gained it.
    Nothing is random.
    Source: response surfaces of Box and Wilson, J. R. Stat. Soc. B 13, 1 (1951), in a trust region.
    """
    d = starts.shape[1]
    design = _design(d)
    settled = SETTLED * np.sqrt(least_gain / SLIGHT)
    middle, radius = starts.copy(), np.full(len(starts), first_radius)
    best, best_value = starts.copy(), np.full(len(starts), -np.inf)
    due = np.zeros(len(starts))
    tops: list[float] = []
    for turn in range(MOST_ROUNDS):
        if turn == SIDE_BY_SIDE:
            first = [int(np.argmax(best_value))]
            middle, radius, best, best_value, due = (of[first] for of in (middle, radius, best, best_value, due))
        wide = radius[:, None]
        places = np.clip(middle[:, None, :] + wide[:, None] * design, 0.0, 1.0)
        values = value(places.reshape(-1, d)).reshape(len(middle), -1)
        each = np.arange(len(middle))
        top = np.argmax(values, axis=1)
        there, found = places[each, top], values[each, top]
        better, gained = found > best_value, found > best_value + SLIGHT * np.abs(found)
        kept = found - best_value >= KEPT * (due - best_value) if turn else gained
        best[better], best_value[better] = there[better], found[better]
        inside = (places - middle[:, None, :]) / wide[:, None]
        steps, promise = zip(*map(_highest, inside, values), strict=True)
        # A quadratic that knows of nothing as high as what was found is no guide: on from there.
        due = np.array(promise)
        strayed = due < found
        goal = np.clip(np.where(strayed[:, None], there, middle + wide * np.array(steps)), 0.0, 1.0)
        length = np.linalg.norm((goal - middle) / wide, axis=1)
        middle = np.where(better[:, None], goal, best)
        wider = length > np.where(strayed, 0.9, 1.5)
        trusted = np.where(kept, np.where(wider, 1.5, np.where(length > 0.5, 1.0, 0.6)), np.where(strayed, 1.0, 0.6))
        radius *= np.where(gained, trusted, 0.6)
        tops.append(float(best_value.max()))
        enough = tops[-1] - least_gain * abs(tops[-1])
        waited = turn >= max(SIDE_BY_SIDE, PATIENCE) and tops[-1 - PATIENCE] >= enough
        promised = turn > 1 and tops[-3] >= enough and due.max() <= 2.0 * tops[-1] - enough
        promised = promised and (not strayed.any() or radius.max() < settled / 4.0)
        if np.all(radius < LAST_RADIUS) or (radius.max() < settled and (waited or promised)):
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


def _highest(at: Floats, values: Floats) -> tuple[Floats, float]:
    """Where a quadratic through the values at some places is highest within 2 radii, in radii; and how high."""
    d = at.shape[1]
    first, second = _pairs(d)
    squares = np.concatenate([np.ones((len(at), 1)), at, at**2, at[:, first] * at[:, second]], axis=1)
    top = values.max()
    low = top - values
    scale = NEARNESS * max(abs(top), 1.0)
    weighted = squares / (1.0 + (low / scale) ** 2)[:, None]
    normal = weighted.T @ squares
    normal.flat[:: len(normal) + 1] += 1e-9
    c = np.linalg.solve(normal, weighted.T @ (-low / scale))
    gradient = c[1 : d + 1]
    curved = np.diag(2.0 * c[d + 1 : 2 * d + 1])
    curved[first, second] = curved[second, first] = c[2 * d + 1 :]
    bent, axes = np.linalg.eigh(curved)
    along = gradient @ axes
    damping = max(bent[-1], 0.0) + _DAMPING * max(-bent[0], bent[-1], 1e-12)
    steps = along / (damping[:, None] - bent)
    short = np.einsum("ij,ij->i", steps, steps) <= 4.0
    step = steps[int(np.argmax(short))] if short.any() else steps[-1]
    return axes @ step, float(top + scale * (c[0] + along @ step + 0.5 * bent @ step**2))


@lru_cache(maxsize=8)
def _pairs(d: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of axes."""
    first, second = np.array(list(combinations(range(d), 2))).T
    return first, second
