"""A device that is no device: samples of a source's model, for demonstrations. Nobody may take them for keys."""

from __future__ import annotations

import os

from haris.quantum.entropy.source import Emission, EntropySource
from haris.wire.randomness import Birth


class EmulatedDevice:
    """A Device. source: whose model it follows. seed: of the model; None: another at each start."""

    def __init__(self, source: EntropySource, seed: int | None = None) -> None:
        self.name, self.birth = f"emulated {source.source.name}", Birth.EMULATED
        self._source = source
        self._seed = int.from_bytes(os.urandom(7), "big") if seed is None else seed

    def open(self) -> None:
        """Nothing is to be opened."""

    def read(self, n_samples: int) -> Emission:
        """Samples that follow those before: each read has a seed of its own."""
        self._seed += 1
        return self._source.emulate(n_samples, self._seed)

    def close(self) -> None:
        """Nothing is to be closed."""
