"""One-way reconciliation's ladder of quasi-cyclic LDPC codes, each of which tells more by splitting checks.

A mother code tells the parity of every check of its rows. One more row is told by splitting one: the parity of its
first half is disclosed, that of its second half follows, and both are checks from then on. Rows split in their order.
So the bits told grow one row at a time, and what was told before stays of use: the rate adapts to the error rate, and a
frame that fails is told more of (splitting: Varodayan, Aaron, Girod, Signal Processing 86, 3123 (2006); blind
reconciliation: Martinez-Mateo, Elkouss, Martin, Quantum Inf. Comput. 12, 791 (2012)).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from haris.kernels.ldpc import Circulants
from haris.nouns.document import read_document
from haris.nouns.errors import ParameterError

Bits = NDArray[np.uint8]

FOLDER = Path(__file__).with_name("mother_codes")
LIFTING_STEP = 32
FIRST_SHARE = 1.14  # bits told at first over Shannon's limit
_SLACK = 1.02  # a code also serves error rates a little below its own


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One file of mother_codes. columns: of the base matrix. lifting: the greatest. rows: edges, as `column:shift`."""

    columns: int
    lifting: int
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MotherCode:
    """A base matrix. name: of its file and its content, so that both ends know the same one.

    rows[r]: columns and shifts of a row's edges, int32 (2, edges). lifting: the greatest circulant; a smaller one takes
    the shifts modulo its own size.
    """

    name: str
    n_columns: int
    lifting: int
    rows: tuple[NDArray[np.int32], ...]

    @property
    def greatest_rows(self) -> int:
        """Rows told when every row is split."""
        return 2 * len(self.rows)

    def circulants(self, n_rows: int, lifting: int) -> Circulants:
        """The checks when n_rows are told: the halves of each split row, one behind the other, then the whole rows."""
        n_split = n_rows - len(self.rows)
        halves = [half for row in self.rows[:n_split] for half in np.array_split(row, 2, axis=1)]
        rows = [*halves, *self.rows[n_split:]]
        column, shift = np.concatenate(rows, axis=1)
        start = np.cumsum([0, *(row.shape[1] for row in rows)], dtype=np.int32)
        return Circulants(start, column.copy(), shift % lifting, self.n_columns, lifting)

    def told(self, parities: Bits, n_rows: int) -> Bits:
        """What crosses the channel for the parities of circulants(n_rows): whole rows, then first halves.

        parities, result: shape (n_rows, lifting). The first rows of the result do not depend on n_rows.
        """
        n_split = n_rows - len(self.rows)
        firsts, seconds = parities[0 : 2 * n_split : 2], parities[1 : 2 * n_split : 2]
        return np.concatenate([firsts ^ seconds, parities[2 * n_split :], firsts])

    def parities(self, told: Bits) -> Bits:
        """The inverse of told."""
        n_split = len(told) - len(self.rows)
        whole, firsts = told[: len(self.rows)], told[len(self.rows) :]
        halves = np.stack([firsts, firsts ^ whole[:n_split]], axis=1)
        return np.concatenate([halves.reshape(2 * n_split, told.shape[1]), whole[n_split:]])


@dataclass(frozen=True, slots=True)
class Frames:
    """How the bits of a block are cut into frames of nearly one size, and each into the columns of a code.

    lifting: the smallest that holds a frame. What a frame does not fill is known to be 0, the same in every column.
    """

    n_bits: int
    n_columns: int
    n_frames: int
    lifting: int

    @classmethod
    def of(cls, n_bits: int, code: MotherCode) -> Frames:
        """The frames of a block. Raises ParameterError on a block without bits."""
        if n_bits < 1:
            raise ParameterError(f"a block of {n_bits} bits has no frames")
        n_frames = ceil(n_bits / (code.n_columns * code.lifting))
        lifting = LIFTING_STEP * ceil(ceil(n_bits / n_frames) / (code.n_columns * LIFTING_STEP))
        return cls(n_bits, code.n_columns, n_frames, lifting)

    def bounds(self) -> Iterator[slice]:
        """The bits of each frame."""
        edges = [self.n_bits * frame // self.n_frames for frame in range(self.n_frames + 1)]
        yield from map(slice, edges[:-1], edges[1:])

    def spread(self, bits: Bits) -> Bits:
        """A frame in the columns of the matrix, shape (n_columns * lifting,), and zeros where it has no bits."""
        height = ceil(len(bits) / self.n_columns)
        filled = np.zeros(self.n_columns * height, np.uint8)
        filled[: len(bits)] = bits
        matrix = np.zeros((self.n_columns, self.lifting), np.uint8)
        matrix[:, :height] = filled.reshape(self.n_columns, height)
        return matrix.ravel()

    def gathered(self, spread: Bits, n_bits: int) -> Bits:
        """The n_bits of a frame that spread has laid out."""
        height = ceil(n_bits / self.n_columns)
        return spread.reshape(self.n_columns, self.lifting)[:, :height].ravel()[:n_bits]


@cache
def ladder() -> tuple[MotherCode, ...]:
    """Every mother code, by the share of bits told."""
    codes = map(_read, sorted(FOLDER.glob("*.toml")))
    return tuple(sorted(codes, key=lambda code: len(code.rows) / code.n_columns))


def code_named(name: str) -> MotherCode:
    """The code of that name. Raises ParameterError, naming those that there are."""
    for code in ladder():
        if code.name == name:
            return code
    raise ParameterError(f"no code is named {name}; there are {', '.join(code.name for code in ladder())}")


def choose(limit_bits: float, n_bits: int) -> tuple[MotherCode, int]:
    """The code, and how many of its rows are told at first, for n_bits of which Shannon's limit is limit_bits."""
    chosen, wanted = ladder()[0], 0.0
    for code in ladder():
        frames = Frames.of(n_bits, code)
        rows = FIRST_SHARE * limit_bits / frames.n_frames / frames.lifting
        if code is chosen or len(code.rows) <= _SLACK * rows:
            chosen, wanted = code, rows
    return chosen, min(max(round(wanted), len(chosen.rows)), chosen.greatest_rows)


def _read(path: Path) -> MotherCode:
    file = read_document(path).root(CodeFile)
    pairs = [[edge.split(":") for edge in row.split()] for row in file.rows]
    rows = tuple(np.array(edges, np.int32).T for edges in pairs)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return MotherCode(f"{path.stem}-{digest}", file.columns, file.lifting, rows)
