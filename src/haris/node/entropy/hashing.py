"""The extractor of a supply: one seed for all its blocks, drawn when it starts or read from a file."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from haris.kernels.pack_samples import pack_samples
from haris.kernels.toeplitz import Workspace
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.extraction import Extractor, seed_octets


class SeededHash:
    """Hashes blocks of up to block_bits raw bits.

    seed: file of at least seed_octets(block_bits, block_bits) octets that do not come from the source; None: the
    operating system gives them. Raises ParameterError for a file that is missing or too short.
    """

    def __init__(self, block_bits: int, seed: Path | None) -> None:
        n_octets = seed_octets(block_bits, block_bits)
        self._seed = os.urandom(n_octets) if seed is None else _read(seed, n_octets)
        self._workspace = Workspace()
        self._extractor = lru_cache(maxsize=16)(self._made)

    def __call__(self, samples: RawSamples, n_blocks: int, out_bits: int) -> memoryview:
        """The hashes of n_blocks blocks of equal length, out_bits each, bit behind bit."""
        return (
            self._extractor(len(samples) * samples.bits // n_blocks, out_bits)
            .extract(pack_samples(samples.values, samples.bits), n_blocks)
            .data
        )

    def _made(self, n_in: int, n_out: int) -> Extractor:
        return Extractor(n_in, n_out, self._seed[: seed_octets(n_in, n_out)], self._workspace)


def _read(path: Path, n_octets: int) -> bytes:
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise ParameterError(f"seed {path}: {error.strerror}") from None
    if len(octets) < n_octets:
        raise ParameterError(f"seed {path} holds {len(octets)} octets; a block of this source wants {n_octets}")
    return octets[:n_octets]
