"""The codes by which continuous variables are reconciled, by their rate."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from haris.kernels.ldpc import Circulants
from haris.kernels.sum_product import LeafyCode
from haris.nouns.document import read_document
from haris.nouns.errors import ParameterError

FOLDER = Path(__file__).with_name("soft_codes")


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One file of soft_codes. columns: of the core. leaves: of the first rows. rows: edges, as `column:shift`.

    least_information: bits that the channel must tell of each bit for the code to be used.
    """

    least_information: float
    columns: int
    leaves: int
    lifting: int
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SoftCode:
    """name: of its file and its content, so that both ends know the same one. least_information: as in CodeFile."""

    name: str
    code: LeafyCode
    least_information: float

    @property
    def rate(self) -> float:
        """Bits that the parities leave open, for each bit."""
        return self.code.rate


@cache
def codes() -> tuple[SoftCode, ...]:
    """All of them, from the lowest rate on."""
    return tuple(sorted(map(_read, FOLDER.glob("*.toml")), key=lambda each: each.rate))


def code_of_rate(rate: float) -> SoftCode:
    """The code of that rate, within 0.001. Raises ParameterError, naming the rates that there are."""
    for each in codes():
        if abs(each.rate - rate) < 1e-3:
            return each
    raise ParameterError(f"no code has rate {rate:g}; there are {', '.join(f'{each.rate:.3g}' for each in codes())}")


def code_named(name: str) -> SoftCode:
    """The code of that name. Raises ParameterError, naming those that there are."""
    for each in codes():
        if each.name == name:
            return each
    raise ParameterError(f"no code is named {name}; there are {', '.join(each.name for each in codes())}")


def _read(path: Path) -> SoftCode:
    file = read_document(path).root(CodeFile)
    pairs = [[edge.split(":") for edge in row.split()] for row in file.rows]
    column, shift = np.array([edge for row in pairs for edge in row], np.int32).T
    start = np.cumsum([0, *map(len, pairs)], dtype=np.int32)
    core = Circulants(start, column.copy(), shift.copy(), file.columns, file.lifting)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return SoftCode(f"{path.stem}-{digest}", LeafyCode(core, file.leaves), file.least_information)
