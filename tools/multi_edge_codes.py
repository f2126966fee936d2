"""Makes the codes for continuous variables (src/haris/quantum/distill/soft_codes) from their ensembles and a seed.

    python tools/multi_edge_codes.py [NAME ...]

Codes of rate 0.02 to 0.2 are multi-edge: a small core of bits of high degree, checks that hold a few of the core and
one leaf, and a few checks of the core alone (Richardson, Urbanke, "Multi-edge type LDPC codes", 2004). 0.02 has the
degrees in Jouguet, Kunz-Jacques, Leverrier, PRA 84, 062317 (2011), 0.05 and 0.1 nearly so, with more columns of three
own checks; 0.2 was found by density evolution with Gaussians.
Those of rate 0.6 and above are ordinary irregular codes, from tools/soft_ensembles.py, built as those of one-way
reconciliation are.

Every row of a multi-edge code takes the core's columns that have most room; shifts are drawn so that no two rows meet
in two columns with the same difference: the graph has no cycle of length 4.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent.parent / "src" / "haris" / "quantum" / "distill" / "soft_codes"


def beside(name: str) -> ModuleType:
    """Another program of this folder."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class MultiEdge(NamedTuple):
    """Columns of the core by (edges to core's own checks, edges to checks with a leaf); rows with a leaf, and rows of
    the core's own, by how many of the core's bits they hold. threshold: the channel's standard deviation."""

    core: dict[tuple[int, int], int]
    leafy: dict[int, int]
    own: dict[int, int]
    lifting: int
    threshold: float


MULTI_EDGE = {
    "rate_0.02": MultiEdge({(2, 57): 36, (3, 57): 28}, {2: 960, 3: 576}, {3: 17, 7: 15}, 640, 5.94),
    "rate_0.05": MultiEdge({(2, 34): 35, (3, 34): 35}, {2: 410, 3: 520}, {8: 5, 9: 15}, 1024, 3.66),
    "rate_0.10": MultiEdge({(2, 21): 20, (3, 20): 12, (3, 21): 18}, {2: 12, 3: 338}, {13: 10}, 2560, 2.5),
    "rate_0.20": MultiEdge(
        {(2, 12): 53, (3, 12): 49, (3, 13): 48, (3, 14): 28}, {3: 248, 4: 374}, {26: 5, 27: 13}, 1280, 1.72
    ),
}
LEAST_INFORMATION = {
    "rate_0.02": 0.0213,
    "rate_0.05": 0.0535,
    "rate_0.10": 0.1055,
    "rate_0.20": 0.2125,
    "rate_0.60": 0.632,
    "rate_0.65": 0.678,
    "rate_0.70": 0.722,
    "rate_0.75": 0.769,
    "rate_0.80": 0.816,
    "rate_0.85": 0.8645,
    "rate_0.90": 0.911,
    "rate_0.95": 0.957,
    "rate_0.98": 0.984,
}
"""Bits that the channel must tell of each bit for a code to be used, found by decoding: nearly every frame is right."""


codes = beside("ldpc_codes")


class OwnRows(codes.Construction):  # type: ignore[misc, name-defined]
    """The core's own checks, of the sizes of the ensemble. Columns with two of them are joined in long cycles only: all
    bits of a cycle may flip together, and noise can hide that if the cycle is short."""

    farthest = 24

    def __init__(self, ensemble: MultiEdge, seed: str) -> None:
        degrees: dict[int, float] = {}
        for (own, _), count in ensemble.core.items():
            degrees[own] = degrees.get(own, 0.0) + count
        self._sizes = [size for size, count in sorted(ensemble.own.items()) for _ in range(count)]
        columns = sum(ensemble.core.values())
        super().__init__(codes.Ensemble(0.0, columns, len(self._sizes), ensemble.lifting, degrees), seed)

    def _emptiest(self, counts: list[list[tuple[int, int]]]) -> list[int]:
        """Rows with room at random, the more likely the more they have: an order would make kinds of columns."""
        left = {row: size - len(self.rows[row]) for row, size in enumerate(self._sizes)}
        early = {row: -math.log((self._draws.below(1 << 32) + 1) / (1 << 32)) / n for row, n in left.items() if n}
        return sorted(early, key=lambda row: early[row])


class Construction:
    """A base matrix of circulants, rows with a leaf first."""

    def __init__(self, ensemble: MultiEdge, seed: str) -> None:
        self._lifting = ensemble.lifting
        self._own = next(filter(None, (self._tried(ensemble, f"{seed} own {count}") for count in range(100))))
        self._draws = codes.Draws(seed)
        leafy = [size for size, count in sorted(ensemble.leafy.items()) for _ in range(count)]
        room = [leaves for (_, leaves), count in ensemble.core.items() for _ in range(count)]
        self._leafy = self._filled([leafy[i] for i in self._draws.shuffled(len(leafy))], room)
        self._differences: set[tuple[int, int, int]] = set()

    @staticmethod
    def _tried(ensemble: MultiEdge, seed: str) -> list[list[tuple[int, int]]] | None:
        """The core's own rows; None where the last columns found too few of them with room."""
        try:
            return list(OwnRows(ensemble, seed).build())
        except (RuntimeError, IndexError, TypeError):
            return None

    def build(self) -> tuple[list[list[tuple[int, int]]], int]:
        """Rows as (column, shift) of their edges, and how many of them have a leaf."""
        columns: dict[int, list[tuple[int, int]]] = {}
        for number, row in enumerate(self._own):
            for column, shift in row:
                edges = columns.setdefault(column, [])
                self._differences |= self._met(edges, len(self._leafy) + number, shift)
                edges.append((len(self._leafy) + number, shift))
        leafy = [
            [(column, self._shift(number, columns[column])) for column in row] for number, row in enumerate(self._leafy)
        ]
        return [*leafy, *self._own], len(leafy)

    def _filled(self, sizes: list[int], room: list[int]) -> list[list[int]]:
        """Columns of each row: those with the most room, none twice in a row."""
        left, rows = list(room), []
        for size in sizes:
            order = sorted(self._draws.shuffled(len(left)), key=lambda column: -left[column])[:size]
            for column in order:
                left[column] -= 1
            rows.append(sorted(order))
        assert not any(left), "the rows hold as many edges as the columns have"
        return rows

    def _met(self, edges: list[tuple[int, int]], row: int, shift: int) -> set[tuple[int, int, int]]:
        """Two rows that meet in a column, and the difference of their shifts."""
        return {
            (min(row, other), max(row, other), (before - shift if other < row else shift - before) % self._lifting)
            for other, before in edges
        }

    def _shift(self, row: int, edges: list[tuple[int, int]]) -> int:
        start = self._draws.below(self._lifting)
        for step in range(self._lifting):
            shift = (start + step) % self._lifting
            found = self._met(edges, row, shift)
            if found.isdisjoint(self._differences):
                self._differences |= found
                edges.append((row, shift))
                return shift
        raise RuntimeError("no room for an edge without a cycle of length 4")


def text(name: str, columns: int, leaves: int, lifting: int, rows: list[list[tuple[int, int]]], words: str) -> str:
    """The text of one code's file."""
    lines = [
        f"# Made by tools/multi_edge_codes.py: {words}.",
        "# Each row lists its circulants in the core as column:shift; the first rows have a leaf each.",
        f"least_information = {LEAST_INFORMATION[name]:g}",
        f"columns = {columns}",
        f"leaves = {leaves}",
        f"lifting = {lifting}",
        "rows = [",
        *(f'  "{" ".join(f"{column}:{shift}" for column, shift in row)}",' for row in rows),
        "]",
    ]
    return "\n".join(lines) + "\n"


def code_file(name: str) -> str:
    """The text of one code's file."""
    if name in MULTI_EDGE:
        ensemble = MULTI_EDGE[name]
        rows, leaves = Construction(ensemble, f"haris {name} 1").build()
        words = f"multi-edge, threshold {ensemble.threshold:g} of the channel's standard deviation"
        return text(name, sum(ensemble.core.values()), leaves, ensemble.lifting, rows, words)
    ordinary = beside("soft_ensembles").ENSEMBLES[name]
    rows = codes.Construction(ordinary, f"haris {name} 1").build()
    return text(name, ordinary.columns, 0, ordinary.lifting, rows, "irregular")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or [*MULTI_EDGE, *beside("soft_ensembles").ENSEMBLES]:
        (FOLDER / f"{name}.toml").write_text(code_file(name))
        print(name, flush=True)
