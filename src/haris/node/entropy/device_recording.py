"""A device that is a recording: raw samples of a converter with their bit width, played once."""

from __future__ import annotations

from pathlib import Path

from haris.node.entropy.device import DeviceError
from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.source import Emission
from haris.wire.randomness import Birth


class RecordingDevice:
    """A Device. folder: as RawSamples.write makes it. bits: that it must have."""

    def __init__(self, folder: Path, bits: int) -> None:
        self.name, self.birth = str(folder), Birth.RECORDED
        self._folder, self._bits = folder, bits
        self._samples: RawSamples | None = None
        self._played = 0

    def open(self) -> None:
        """Read the recording; after an error it goes on where it was left."""
        try:
            samples = RawSamples.read(self._folder)
        except ParameterError as error:
            raise DeviceError(str(error)) from None
        if samples.bits != self._bits:
            raise DeviceError(f"{self.name}: its samples have {samples.bits} bits, the source's {self._bits}")
        self._samples = samples

    def read(self, n_samples: int) -> Emission:
        """The next samples."""
        if self._samples is None:
            raise DeviceError(f"{self.name}: is not open")
        values = self._samples.values[self._played : self._played + n_samples]
        if len(values) < n_samples:
            raise DeviceError(f"{self.name}: is at its end: {len(values)} samples left of {n_samples} wanted")
        self._played += n_samples
        return Emission(RawSamples(values, self._bits, self._samples.clock_hz))

    def close(self) -> None:
        """Forget the samples."""
        self._samples = None
