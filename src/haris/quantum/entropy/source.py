"""What a kind of noise source brings: its parameters, its bound, its emulated samples.

A source is plain functions over its parameters. sources.py finds it by name and knows nothing else of it, so that a
source more is a file more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.randomness import Randomness

MOST_EPSILON = 2.0**-100
"""Of one block."""
LEAST_EPSILON = 2.0**-900
LEAST_BLOCK_BITS = 64
MOST_BLOCK_BITS = 2**33


@dataclass(frozen=True, slots=True)
class Emission:
    """What a source gives in one block.

    samples: raw, of the rounds that are hashed. checks: what the other rounds told of an untrusted part, in the
    source's own noun; None of a source that is trusted whole.
    """

    samples: RawSamples
    checks: Any = None


@dataclass(frozen=True, slots=True)
class SampleStatistics:
    """How good samples are distributed, in codes: what on-line health tests compare with.

    mean, variance: in codes and codes squared; infinite where it is not known. p_saturated: probability of the lowest
    and the highest code together. autocorrelation: normalised, of lags 1, 2, ...; further lags are 0.
    p_ones: probability that a bit of the code is 1, the least significant first; empty where nothing is known.
    """

    mean: float
    variance: float
    p_saturated: float
    autocorrelation: tuple[float, ...] = ()
    p_ones: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of source.

    name: its tag in SOURCE.toml. title: in words. parameters: its frozen dataclass; it has `bits` (of a sample) and
    `clock_hz` (raw samples a second) as fields or properties.
    randomness(parameters, n_samples, epsilon, checks): the bound, for a block of so many raw samples. checks None: what
    the parameters let one expect, a plan; else what was measured. One function for both.
    emulate(parameters, n_samples, seed): samples of the same model; the same seed gives the same samples.
    statistics(parameters): see SampleStatistics. proof: the bound's.
    samples_tell(samples): the checks of one block, where its raw samples tell them; None: they do not, or there are
    none. deals: checks are of a frame of `frame_blocks` blocks, a parameter, to which samples are dealt (frames.py).
    """

    name: str
    title: str
    parameters: type[Any]
    randomness: Callable[[Any, int, float, Any], Randomness]
    emulate: Callable[[Any, int, int], Emission]
    statistics: Callable[[Any], SampleStatistics]
    proof: Proof
    samples_tell: Callable[[RawSamples], Any] | None = None
    deals: bool = False


@dataclass(frozen=True, slots=True)
class Extraction:
    """How raw bits are hashed to certified ones.

    block_bits: raw bits that are hashed together. epsilon: distance of one block's output from ideal, half of it for
    the bound on the entropy, half for the hash; at most 2^-100.
    out_bits: of one block; None: as many as the bound allows.
    """

    block_bits: int = 4096
    epsilon: float = MOST_EPSILON
    out_bits: int | None = None

    def __post_init__(self) -> None:
        if not LEAST_BLOCK_BITS <= self.block_bits <= MOST_BLOCK_BITS:
            raise ParameterError(f"block_bits must lie in [{LEAST_BLOCK_BITS}, 2^33], got {self.block_bits}")
        if not LEAST_EPSILON <= self.epsilon <= MOST_EPSILON:
            raise ParameterError(f"epsilon must lie in [2^-900, 2^-100] a block, got {self.epsilon}")
        if self.out_bits is not None and not 1 <= self.out_bits <= self.block_bits:
            raise ParameterError(f"out_bits must lie in [1, block_bits], got {self.out_bits}")


@dataclass(frozen=True, slots=True)
class EntropySource:
    """A SOURCE.toml: a source with its parameters, and how its samples are hashed."""

    source: Source
    parameters: Any
    extraction: Extraction

    @property
    def block_samples(self) -> int:
        """Raw samples of one block: whole ones, within block_bits."""
        return max(1, self.extraction.block_bits // int(self.parameters.bits))

    @property
    def frame_samples(self) -> int:
        """Raw samples that share their checks: of one block, or of a frame."""
        return self.block_samples * (int(self.parameters.frame_blocks) if self.source.deals else 1)

    def randomness(self, checks: Any = None) -> Randomness:
        """The bound on one block; checks as in Source."""
        return self.source.randomness(self.parameters, self.block_samples, self.extraction.epsilon / 2.0, checks)

    def emulate(self, n_samples: int, seed: int) -> Emission:
        """Samples as the source would give them. Raises ParameterError unless n_samples is at least 1."""
        if n_samples < 1:
            raise ParameterError(f"n_samples must be at least 1, got {n_samples}")
        return self.source.emulate(self.parameters, n_samples, seed)
