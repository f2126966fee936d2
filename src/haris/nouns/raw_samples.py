"""What a noise source's digitiser gives, before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_not_negative
from haris.nouns.document import read_document
from haris.nouns.document_text import write_document
from haris.nouns.errors import ParameterError

MOST_BITS = 16
SAMPLES_FILE = "samples.bin"
DESCRIPTION_FILE = "recording.toml"

Codes = NDArray[np.uint8] | NDArray[np.uint16]
"""One code a sample."""


def code_type(bits: int) -> type[np.uint8] | type[np.uint16]:
    """What samples of so many bits are held in. Raises ParameterError unless 1 <= bits <= 16."""
    if not 1 <= bits <= MOST_BITS:
        raise ParameterError(f"bits must lie in [1, {MOST_BITS}], got {bits}")
    return np.uint8 if bits <= 8 else np.uint16


@dataclass(frozen=True, slots=True)
class RawSamples:
    """Samples of a noise source in the order in which they were taken.

    values: shape (n,), uint8 of at most 8 bits, uint16 of more; each below 2^bits. An analogue-to-digital converter's
    codes are offset binary: 0 is the lowest voltage. clock_hz: samples a second; 0 where it is not known.
    Raises ParameterError on another type or shape, and on a sample that does not fit its bits.
    """

    values: Codes = field(repr=False)
    bits: int
    clock_hz: float = 0.0

    def __post_init__(self) -> None:
        wanted = code_type(self.bits)
        if self.values.dtype != wanted or self.values.ndim != 1:
            raise ParameterError(
                f"values of {self.bits} bits must be {wanted.__name__} in one dimension, "
                f"got {self.values.dtype} of shape {self.values.shape}"
            )
        full = self.bits == 8 * self.values.itemsize
        if not full and self.values.size and int(self.values.max()) >> self.bits:
            raise ParameterError(f"values must be below 2^{self.bits}, got {int(self.values.max())}")
        require_not_negative("clock_hz", self.clock_hz)

    def __len__(self) -> int:
        return len(self.values)

    def write(self, folder: Path) -> None:
        """To a new folder: samples.bin, an octet a sample or two (low first), and recording.toml. OSError as usual."""
        folder.mkdir(parents=True)
        self.values.astype(self.values.dtype.newbyteorder("<"), copy=False).tofile(folder / SAMPLES_FILE)
        write_document(folder / DESCRIPTION_FILE, {"samples": {"bits": self.bits, "clock_hz": self.clock_hz}})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """From what write has made. Raises ParameterError, naming the file, on anything else."""
        document = read_document(folder / DESCRIPTION_FILE)
        if "settings" in document.values:
            raise ParameterError(f"{folder}: holds rounds of several settings, not samples alone")
        document.only("samples")
        description = document.table("samples", SamplesDescription)
        return cls.read_octets(folder / SAMPLES_FILE, description.bits, description.clock_hz)

    @classmethod
    def read_octets(cls, path: Path, bits: int, clock_hz: float = 0.0) -> Self:
        """From a bare file: an octet a sample for up to 8 bits, else two, low first. ParameterError as read."""
        wanted = np.dtype(code_type(bits)).newbyteorder("<")
        try:
            octets = path.read_bytes()
        except OSError as error:
            raise ParameterError(f"{path}: cannot be read: {error.strerror}") from None
        if len(octets) % wanted.itemsize:
            raise ParameterError(f"{path}: {len(octets)} octets are no whole number of samples of {bits} bits")
        try:
            return cls(np.frombuffer(octets, wanted).astype(wanted.newbyteorder("="), copy=False), bits, clock_hz)
        except ParameterError as error:
            raise ParameterError(f"{path}: {error}") from None


@dataclass(frozen=True, slots=True)
class SamplesDescription:
    """Table [samples] of recording.toml."""

    bits: int
    clock_hz: float = 0.0

    def __post_init__(self) -> None:
        code_type(self.bits)
        require_not_negative("clock_hz", self.clock_hz)
