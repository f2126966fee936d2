"""Makes the codes of one-way reconciliation (src/haris/quantum/distill/mother_codes) from ENSEMBLES and a seed.

    python tools/ldpc_codes.py

Columns come in ascending degree. A column of degree 2 takes the emptiest row and ends where the graph of such columns,
lifted, is farthest from it or not yet joined to it, so that no short cycle of them becomes a light word (progressive
edge growth: Hu, Eleftheriou, Arnold, IEEE Trans. Inf. Theory 51, 386 (2005); with circulants: Li and Kumar, ISCIT
2004). Every other column takes the emptiest rows. No two rows meet in two columns with the same difference of shifts:
the graph has no cycle of length 4 at the full lifting. Within a row, the columns are ordered so that its first half and
its second half have nearly the same degrees: where a check is split, it is split there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent.parent / "src" / "haris" / "quantum" / "distill" / "mother_codes"
Node = tuple[int, int]
"""A row and a shift: one check of the lifted graph, or one edge of the base matrix."""


class Ensemble(NamedTuple):
    """degrees: share of the columns by degree, as tools/ldpc_ensembles.py found them for an error rate of `qber`."""

    qber: float
    columns: int
    rows: int
    lifting: int
    degrees: dict[int, float]


ENSEMBLES = {
    "leak_0.051": Ensemble(
        0.005,
        2048,
        105,
        512,
        {2: 0.102, 3: 0.464, 5: 0.036, 6: 0.080, 7: 0.027, 8: 0.021, 10: 0.069, 12: 0.034, 14: 0.043, 16: 0.124},
    ),
    "leak_0.091": Ensemble(
        0.010, 1024, 93, 512, {2: 0.093, 3: 0.487, 4: 0.025, 6: 0.142, 7: 0.051, 14: 0.039, 16: 0.059, 20: 0.104}
    ),
    "leak_0.158": Ensemble(
        0.020,
        1024,
        162,
        256,
        {2: 0.248, 3: 0.378, 4: 0.039, 5: 0.045, 6: 0.026, 8: 0.010, 10: 0.018, 12: 0.163, 14: 0.073},
    ),
    "leak_0.217": Ensemble(
        0.030, 512, 111, 512, {2: 0.228, 3: 0.400, 4: 0.064, 6: 0.108, 8: 0.008, 14: 0.164, 16: 0.007, 20: 0.021}
    ),
    "leak_0.320": Ensemble(0.050, 512, 164, 512, {2: 0.308, 3: 0.382, 5: 0.095, 6: 0.009, 12: 0.206}),
    "leak_0.449": Ensemble(
        0.080, 256, 115, 512, {2: 0.360, 3: 0.356, 4: 0.068, 6: 0.068, 7: 0.031, 10: 0.021, 12: 0.096}
    ),
    "leak_0.523": Ensemble(
        0.100, 256, 134, 512, {2: 0.367, 3: 0.348, 4: 0.080, 6: 0.060, 8: 0.068, 12: 0.033, 16: 0.027, 20: 0.017}
    ),
}


class Draws:
    """Random numbers that are the same everywhere and for ever: SHA-256 of a seed and a counter."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def below(self, bound: int) -> int:
        """A number in [0, bound); 64 bits of hash leave no bias that matters."""
        self._count += 1
        digest = hashlib.sha256(f"{self._seed}:{self._count}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % bound

    def shuffled(self, count: int) -> list[int]:
        """0 to count - 1 in random order."""
        items = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
        return items


class Construction:
    """A base matrix that grows column by column. rows[r]: (column, shift) of its edges.

    farthest: columns of degree 2 that a cycle of them has at least, where there is room.
    """

    farthest = 8

    def __init__(self, ensemble: Ensemble, seed: str) -> None:
        self._ensemble = ensemble
        self._draws = Draws(seed)
        self.rows: list[list[tuple[int, int]]] = [[] for _ in range(ensemble.rows)]
        self._pairs: list[list[Node]] = [[] for _ in range(ensemble.rows)]  # joined by a column of degree 2
        self._differences: set[tuple[int, int, int]] = set()

    def build(self) -> list[list[tuple[int, int]]]:
        """The finished rows."""
        for column, degree in enumerate(column_degrees(self._ensemble)):
            edges = self._pair() if degree == 2 else self._edges(degree)
            self._differences.update(self._differences_of(edges))
            for row, shift in edges:
                self.rows[row].append((column, shift))
        return [row[0::2] + row[1::2] for row in self.rows]

    def _emptiest(self, counts: list[list[Node]]) -> list[int]:
        return sorted(self._draws.shuffled(len(self.rows)), key=lambda r: (len(counts[r]), len(self.rows[r])))

    def _pair(self) -> list[Node]:
        lifting = self._ensemble.lifting
        order = self._emptiest(self._pairs)
        first = order[0]
        near, last = self._near(first)
        row, voltage = self._beyond(order[1:], near) or last
        turned = self._draws.below(lifting)
        self._pairs[first].append((row, voltage))
        self._pairs[row].append((first, -voltage % lifting))
        return [(first, turned), (row, (turned - voltage) % lifting)]

    def _near(self, row: int) -> tuple[set[Node], Node]:
        """The checks within `farthest` columns of degree 2 from check 0 of a row, and one of the last of other rows."""
        near, front, last = {(row, 0)}, [(row, 0)], (row, 0)
        for _ in range(self.farthest):
            reached = [(r, (s + v) % self._ensemble.lifting) for q, s in front for r, v in self._pairs[q]]
            front = [node for node in dict.fromkeys(reached) if node not in near]
            near.update(front)
            others = [node for node in front if node[0] != row]
            if others:
                last = others[self._draws.below(len(others))]
        return near, last

    def _beyond(self, order: list[int], near: set[Node]) -> Node | None:
        lifting = self._ensemble.lifting
        for row in order:
            free = [shift for shift in range(lifting) if (row, shift) not in near]
            if free:
                return row, free[self._draws.below(len(free))]
        return None

    def _edges(self, degree: int) -> list[Node]:
        edges: list[Node] = []
        for row in self._emptiest([[] for _ in self.rows]):
            if len(edges) == degree:
                break
            start = self._draws.below(self._ensemble.lifting)
            for step in range(self._ensemble.lifting):
                edge = (row, (start + step) % self._ensemble.lifting)
                if self._differences.isdisjoint(self._differences_of(edges, edge)):
                    edges.append(edge)
                    break
        if len(edges) < degree:
            raise RuntimeError("no room for a column without a cycle of length 4")
        return edges

    def _differences_of(self, edges: list[Node], new: Node | None = None) -> Iterator[tuple[int, int, int]]:
        """Row, other row and difference of the shifts, for every two edges, or for each with the new one."""
        for place, (row, shift) in enumerate(edges):
            for other_row, other in [new] if new else edges[:place]:
                a, b = sorted([(row, shift), (other_row, other)])
                yield a[0], b[0], (a[1] - b[1]) % self._ensemble.lifting


def column_degrees(ensemble: Ensemble) -> list[int]:
    """Degree of each column, ascending, in the shares of the ensemble."""
    degrees: list[int] = []
    total = 0.0
    for degree, share in sorted(ensemble.degrees.items()):
        total += share
        degrees += [degree] * (round(ensemble.columns * total / sum(ensemble.degrees.values())) - len(degrees))
    return degrees


def code_file(name: str) -> str:
    """The text of one code's file."""
    ensemble = ENSEMBLES[name]
    rows = Construction(ensemble, f"haris {name} 1").build()
    lines = [
        f"# Made by tools/ldpc_codes.py for error rates from {100 * ensemble.qber:g} % on.",
        "# Each row lists its circulants as column:shift.",
        f"columns = {ensemble.columns}",
        f"lifting = {ensemble.lifting}",
        "rows = [",
        *(f'  "{" ".join(f"{column}:{shift}" for column, shift in row)}",' for row in rows),
        "]",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for code in ENSEMBLES:
        (FOLDER / f"{code}.toml").write_text(code_file(code))
        print(code, flush=True)
