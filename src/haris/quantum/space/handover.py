"""Which passes are flown where they overlap: a satellite serves one station at a time, a station one satellite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_not_negative
from haris.quantum.orbit.many_passes import ManyPasses

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def flown(passes: ManyPasses, value: Floats, turn_s: float = 0.0) -> Flags:
    """The passes to fly so that the sum of their values is greatest, shape (n,); none of those without value.

    turn_s: from the end of one to the start of the next, at the satellite as at the station. The whole choice is one
    integer programme: at the start of each pass, of those that then last over one station, or from one satellite, one
    at most is flown (such cliques are all the conflicts of intervals; for one satellite or one station their programme
    has whole corners). Solved by SciPy's HiGHS to no gap, within its tolerances: a millionth of the greatest value.
    Raises ParameterError on a turn_s below 0.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    require_not_negative("turn_s", turn_s)
    chosen = np.zeros(len(passes), dtype=np.bool_)
    worth = np.flatnonzero(value > 0.0)
    if not worth.size:
        return chosen
    of = passes.taken(worth)
    rows, columns, n_rows = [], [], 0
    for party in (of.satellite, of.station):
        for row in _cliques(party, of.rise_s, of.set_s + turn_s):
            rows.append(np.full(len(row), n_rows))
            columns.append(row)
            n_rows += 1
    clash = np.unique(np.concatenate([*columns, np.zeros(0, np.int64)]))
    free = np.ones(worth.size, dtype=np.bool_)
    free[clash] = False
    chosen[worth[free]] = True
    if clash.size:
        place = np.zeros(worth.size, np.int64)
        place[clash] = np.arange(clash.size)
        at = (np.concatenate(rows), place[np.concatenate(columns)])
        most_one = LinearConstraint(coo_array((np.ones(at[0].size), at), shape=(n_rows, clash.size)).tocsr(), ub=1.0)
        # HiGHS' tolerances are absolute: values are brought to about 1.
        gain = value[worth[clash]] / value[worth].max()
        best = milp(
            -gain,
            constraints=most_one,
            integrality=np.ones(clash.size),
            bounds=Bounds(0.0, 1.0),
            options={"mip_rel_gap": 0.0},
        )
        if best.x is None:
            raise AssertionError(f"a programme that has a solution was not solved: {best.message}")
        chosen[worth[clash]] = best.x > 0.5
    return chosen


def _cliques(party: NDArray[np.int64], start: Floats, stop: Floats) -> list[NDArray[np.int64]]:
    """Passes of one party of which several last at the start of one of them."""
    found = []
    order = np.lexsort((start, party))
    lasting: list[int] = []
    for at in order.tolist():
        lasting = [i for i in lasting if party[i] == party[at] and stop[i] > start[at]] + [at]
        if len(lasting) > 1:
            found.append(np.array(lasting))
    return found
