"""Quasi-cyclic LDPC codes: syndromes, and decoding by layered belief propagation in 16-bit integers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.errors import ParameterError

Bits = NDArray[np.uint8]
Indices = NDArray[np.int32]

STEPS = 4  # messages are log-likelihood ratios, in steps of 1 / STEPS
KNOWN = 4096  # the posterior of a bit that is known to be 0
N_CLASSES = 32
N_LEVELS, FIRST_LEVEL = 64, 127 << 2
_WEIGHT_SCALE = 8192.0


@dataclass(frozen=True, slots=True)
class Circulants:
    """A binary matrix of circulants.

    Edge e of row r, start[r] <= e < start[r + 1], is the identity of lifting x lifting whose columns are turned by
    shift[e], at block column column[e]: check z of the row holds bit (z + shift[e]) mod lifting. int32 each.
    lifting: a multiple of 32. A row has 2 to 256 edges, at most one to a column.
    """

    start: Indices
    column: Indices
    shift: Indices
    n_columns: int
    lifting: int

    @property
    def n_bits(self) -> int:
        """Columns of the whole matrix."""
        return self.n_columns * self.lifting

    @property
    def n_checks(self) -> int:
        """Rows of the whole matrix."""
        return (len(self.start) - 1) * self.lifting


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What the decoder holds of each bit and edge; decode goes on from there.

    posterior: int16, n_bits, negative for a 1; messages: int8, one for each edge and check.
    """

    posterior: NDArray[np.int16] = field(repr=False)
    messages: NDArray[np.int8] = field(repr=False)

    @classmethod
    def of(cls, code: Circulants, bits: Bits, qber: float) -> Self:
        """Before decoding: bits (uint8 0/1, n_bits) are each wrong with probability qber, 0 < qber < 1/2."""
        _require_bits("bits", bits, code.n_bits)
        if not 0.0 < qber < 0.5:
            raise ParameterError(f"qber must lie between 0 and 1/2, got {qber}")
        ratio = max(1, round(STEPS * math.log((1.0 - qber) / qber)))
        posterior = np.array([ratio, -ratio], np.int16)[bits]
        return cls(posterior, np.zeros(len(code.column) * code.lifting, np.int8))

    @property
    def bits(self) -> Bits:
        """The likelier value of each bit."""
        return (self.posterior < 0).astype(np.uint8)


def syndrome(code: Circulants, bits: Bits) -> Bits:
    """The parity of every check, uint8 0/1. bits: uint8 0/1, n_bits. Raises ParameterError on other sizes or types."""
    _require_bits("bits", bits, code.n_bits)
    parities = np.empty(code.n_checks, np.uint8)
    try:
        _native.ldpc_syndrome(code.start, code.column, code.shift, code.lifting, np.ascontiguousarray(bits), parities)
    except ValueError as error:
        raise ParameterError(str(error)) from error
    return parities


def decode(code: Circulants, parities: Bits, beliefs: Beliefs, iterations: int, path: str | None = None) -> int | None:
    """Iterations until the bits of beliefs had these parities, or None when `iterations` did not suffice.

    parities: uint8 0/1, n_checks. beliefs: changed in place. path: one of paths(), each with the same result; None is
    the fastest. Raises ParameterError on a code, sizes, types or a path that do not fit.
    """
    _require_bits("parities", parities, code.n_checks)
    if beliefs.posterior.dtype != np.int16 or beliefs.messages.dtype != np.int8:
        raise ParameterError("beliefs are int16 posteriors and int8 messages")
    if not (beliefs.posterior.flags.c_contiguous and beliefs.messages.flags.c_contiguous):
        raise ParameterError("beliefs must be contiguous: they are changed in place, and a copy of them would be lost")
    try:
        done = _native.ldpc_decode(
            code.start,
            code.column,
            code.shift,
            code.lifting,
            np.ascontiguousarray(parities),
            WEIGHT,
            LEVEL,
            beliefs.posterior,
            beliefs.messages,
            iterations,
            path or paths()[-1],
        )
    except (ValueError, TypeError) as error:
        raise ParameterError(f"cannot decode: {error}") from error
    return None if done < 0 else int(done)


def paths() -> tuple[str, ...]:
    """The instruction sets that decode can run on here, the fastest last."""
    return tuple(_native.ldpc_paths())


def _phi(x: float) -> float:
    return -math.log(math.tanh(x / 2.0))


def _weights() -> NDArray[np.uint16]:
    """phi of each class of |v|, two steps wide, scaled: the mean over its steps, the lowest of which counts as 0.35."""
    pairs = [(_phi(max(2 * number, 0.35) / STEPS), _phi((2 * number + 1) / STEPS)) for number in range(N_CLASSES - 1)]
    means = [sum(pair) / 2 for pair in pairs]
    return np.array([round(_WEIGHT_SCALE * mean) for mean in [*means, _phi(2 * (N_CLASSES - 1) / STEPS)]], np.uint16)


def _levels() -> NDArray[np.int16]:
    """phi of each class of a sum, in steps: of the class's geometric middle; of 0.7 for sums of 0 and 1."""
    levels = []
    for number in range(N_LEVELS):
        octave, quarter = divmod(number, 4)
        low, high = (math.ldexp(1 + q / 4, octave) for q in (quarter, quarter + 1))
        total = {0: 0.7, 4: 2.0, 5: 2.0, 6: 3.0, 7: 3.0}.get(number, math.sqrt(low * high))
        levels.append(min(round(STEPS * _phi(total / _WEIGHT_SCALE)), 127))
    return np.array(levels, np.int16)


WEIGHT, LEVEL = _weights(), _levels()


def _require_bits(name: str, bits: Bits, count: int) -> None:
    if bits.dtype != np.uint8 or bits.shape != (count,):
        raise ParameterError(f"{name} must be {count} of uint8, got {bits.dtype} of shape {bits.shape}")
    if (largest := int(bits.max(initial=0))) > 1:
        raise ParameterError(f"{name} are 0 or 1, got {largest}")
