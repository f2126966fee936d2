"""What both ends know of a block of continuous variables when its length is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from haris.nouns.blocks import FrameCounts
from haris.nouns.errors import ParameterError

_SAME = 1e-9  # of float64 sums of up to 1e9 values


@dataclass(frozen=True, slots=True)
class QuadratureSums:
    """Sums over the disclosed symbols of a block, x Alice's value and y Bob's, in shot-noise units.

    n_symbols: of the sample. xx, xy, yy: of products, one for each quadrature that was measured. x_fourth: of fourth
    powers of Alice's, both quadratures together. y_cross: of the products of Bob's two quadratures; 0 of one.
    Raises ParameterError on no symbols, numbers that are not finite, or values that are all 0.
    """

    n_symbols: int
    xx: tuple[float, ...]
    xy: tuple[float, ...]
    yy: tuple[float, ...]
    x_fourth: float
    y_cross: float

    def __post_init__(self) -> None:
        if self.n_symbols < 1 or not len(self.xx) == len(self.xy) == len(self.yy) or len(self.xx) not in (1, 2):
            raise ParameterError(f"sums of {self.n_symbols} symbols of {len(self.xx)} quadratures")
        if not all(map(math.isfinite, self.numbers)):
            raise ParameterError("sums over a sample must be finite")
        if not (min(self.xx) > 0.0 and min(self.yy) > 0.0):
            raise ParameterError("a sample whose values are all 0 says nothing of the channel")

    @property
    def numbers(self) -> tuple[float, ...]:
        """All sums in one row, as they are told."""
        return (*self.xx, *self.xy, *self.yy, self.x_fourth, self.y_cross)

    @classmethod
    def of_numbers(cls, n_symbols: int, numbers: tuple[float, ...]) -> QuadratureSums:
        """From a row as numbers gives it. Raises ParameterError on another length, and as the class does."""
        v, rest = divmod(len(numbers) - 2, 3)
        if rest or v not in (1, 2):
            raise ParameterError(f"sums over a sample are 5 or 8 numbers, got {len(numbers)}")
        xx, xy, yy = (tuple(numbers[at : at + v]) for at in range(0, 3 * v, v))
        return cls(n_symbols, xx, xy, yy, x_fourth=numbers[-2], y_cross=numbers[-1])

    def agrees_with(self, other: QuadratureSums) -> bool:
        """Whether both are of the same values, but for the order in which two processors add."""
        if (self.n_symbols, len(self.xx)) != (other.n_symbols, len(other.xx)):
            return False
        xy = (math.sqrt(xx * yy) for xx, yy in zip(self.xx, self.yy, strict=True))
        scales = (*self.xx, *xy, *self.yy, self.x_fourth, sum(self.yy))
        pairs = zip(self.numbers, other.numbers, scales, strict=True)
        return all(abs(ours - theirs) <= _SAME * scale for ours, theirs, scale in pairs)

    @property
    def n_values(self) -> int:
        """Of the sample."""
        return self.n_symbols * len(self.xx)

    @property
    def alice_variance(self) -> float:
        """Of her values."""
        return sum(self.xx) / self.n_values

    @property
    def bob_variance(self) -> float:
        """Of his values."""
        return sum(self.yy) / self.n_values

    @property
    def amplitude(self) -> float:
        """t of y = t x + z by maximum likelihood."""
        return sum(self.xy) / sum(self.xx)

    @property
    def noise(self) -> float:
        """Variance of z, the mean square of y - t x."""
        return max(sum(self.yy) - self.amplitude * sum(self.xy), 0.0) / self.n_values

    @property
    def snr(self) -> float:
        """Signal to noise ratio of a value; 0 unless the values are positively correlated, infinite without noise."""
        if self.amplitude <= 0.0:
            return 0.0
        signal = self.amplitude**2 * self.alice_variance
        return signal / self.noise if self.noise > 0.0 else math.inf


@dataclass(frozen=True, slots=True)
class QuadratureCounts:
    """A block's sample, and what became of the symbols that are its key.

    n_key_symbols: of all frames. frames: and those that both ends have. scheme: how they were reconciled, in words.
    bits_per_value: that Bob's values were turned into; 0 before anything was. entropy_bits: of these bits, a value;
    entropy_deviation_bits: the standard deviation of that as an estimate, 0 where Bob drew the bits. values_per_group:
    whose bits were made together.
    """

    sums: QuadratureSums
    n_key_symbols: int
    frames: FrameCounts
    scheme: str = ""
    bits_per_value: int = 0
    entropy_bits: float = 0.0
    entropy_deviation_bits: float = 0.0
    values_per_group: int = 1

    @property
    def n_key_values(self) -> int:
        """Of all frames."""
        return self.n_key_symbols * len(self.sums.xx)

    @property
    def n_kept_values(self) -> int:
        """Of the frames that both ends have."""
        return self.n_key_values * self.frames.n_kept // self.frames.n_frames
