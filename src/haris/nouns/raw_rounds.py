"""What a source gives whose light or detector is checked: of each round how it was set, and what came out."""

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
from haris.nouns.raw_samples import DESCRIPTION_FILE, SAMPLES_FILE, Codes, RawSamples, SamplesDescription

SETTINGS_FILE = "settings.bin"
MOST_SETTINGS = 256

Settings = NDArray[np.uint8]
"""One number a round."""


@dataclass(frozen=True, slots=True)
class RawRounds:
    """Rounds of a source in the order in which they were measured.

    outcomes: one code a round, shape (n,), uint8 of at most 8 bits, uint16 of more; each below 2^bits. settings: uint8,
    shape (n,), each below n_settings: which quadrature or basis was measured, which state was prepared.
    n_settings: 2 to 256. clock_hz: rounds a second; 0 where it is not known. Raises ParameterError on anything else.
    """

    outcomes: Codes = field(repr=False)
    bits: int
    settings: Settings = field(repr=False)
    n_settings: int
    clock_hz: float = 0.0

    def __post_init__(self) -> None:
        RawSamples(self.outcomes, self.bits)
        require_settings_number(self.n_settings)
        if self.settings.dtype != np.uint8 or self.settings.shape != self.outcomes.shape:
            raise ParameterError(
                f"settings must be uint8, one for each of {len(self.outcomes)} outcomes, "
                f"got {self.settings.dtype} of shape {self.settings.shape}"
            )
        if self.settings.size and int(self.settings.max()) >= self.n_settings:
            raise ParameterError(f"settings must be below {self.n_settings}, got {int(self.settings.max())}")
        require_not_negative("clock_hz", self.clock_hz)

    def __len__(self) -> int:
        return len(self.outcomes)

    def part(self, first: int, last: int) -> RawRounds:
        """Rounds first to last - 1, as views."""
        return RawRounds(
            self.outcomes[first:last], self.bits, self.settings[first:last], self.n_settings, self.clock_hz
        )

    @classmethod
    def joined(cls, parts: list[RawRounds]) -> RawRounds:
        """Parts of one source, one behind the other. Raises ParameterError unless there is one, and all are alike."""
        if len({(part.bits, part.n_settings) for part in parts}) != 1:
            raise ParameterError(f"parts must be of one source, got {len(parts)}")
        if len(parts) == 1:
            return parts[0]
        outcomes: Codes = np.concatenate([part.outcomes for part in parts])
        settings = np.concatenate([part.settings for part in parts])
        return RawRounds(outcomes, parts[0].bits, settings, parts[0].n_settings, parts[0].clock_hz)

    def write(self, folder: Path, source: str) -> None:
        """To a new folder: samples.bin, settings.bin and recording.toml. source: name of its kind. OSError as usual."""
        RawSamples(self.outcomes, self.bits, self.clock_hz).write(folder)
        (folder / SETTINGS_FILE).write_bytes(packed_settings(self.settings, self.n_settings))
        samples = {"bits": self.bits, "clock_hz": self.clock_hz}
        settings = {"file": SETTINGS_FILE, "number": self.n_settings, "source": source}
        write_document(folder / DESCRIPTION_FILE, {"samples": samples, "settings": settings})

    @classmethod
    def read(cls, folder: Path) -> tuple[Self, str]:
        """Rounds and the source's name, from what write has made. ParameterError, naming the file, on anything else."""
        document = read_document(folder / DESCRIPTION_FILE)
        document.only("samples", "settings")
        described = document.table("samples", SamplesDescription)
        settings = document.table("settings", SettingsDescription)
        samples = RawSamples.read_octets(folder / SAMPLES_FILE, described.bits, described.clock_hz)
        path = folder / settings.file
        try:
            octets = path.read_bytes()
        except OSError as error:
            raise ParameterError(f"{path}: cannot be read: {error.strerror}") from None
        try:
            unpacked = unpacked_settings(octets, len(samples), settings.number)
            return (
                cls(samples.values, described.bits, unpacked, settings.number, described.clock_hz),
                settings.source,
            )
        except ParameterError as error:
            raise ParameterError(f"{path}: {error}") from None


@dataclass(frozen=True, slots=True)
class SettingsDescription:
    """Table [settings] of recording.toml. number: of settings that there are. source: its kind. file: beside it."""

    number: int
    source: str
    file: str = SETTINGS_FILE

    def __post_init__(self) -> None:
        require_settings_number(self.number)
        if self.file != Path(self.file).name or self.file in ("", ".", ".."):
            raise ParameterError(f"file must be the name of a file beside recording.toml, got {self.file!r}")


def require_settings_number(n_settings: int) -> None:
    """Raise ParameterError unless 2 <= n_settings <= 256."""
    if not 2 <= n_settings <= MOST_SETTINGS:
        raise ParameterError(f"n_settings must lie in [2, {MOST_SETTINGS}], got {n_settings}")


def settings_octets(n_rounds: int, n_settings: int) -> int:
    """Octets of packed settings."""
    return -(-n_rounds * _width(n_settings) // 8)


def packed_settings(settings: Settings, n_settings: int) -> bytes:
    """Settings bit behind bit: 1, 2, 4 or 8 bits each, the first in the lowest bits of the first octet."""
    width = _width(n_settings)
    if width == 8:
        return settings.tobytes()
    if width == 1:
        return np.packbits(settings, bitorder="little").tobytes()
    each = 8 // width
    padded = np.zeros(-(-len(settings) // each) * each, np.uint8)
    padded[: len(settings)] = settings
    rows = padded.reshape(-1, each) << (width * np.arange(each, dtype=np.uint8))
    return bytes(np.bitwise_or.reduce(rows, axis=1).astype(np.uint8))


def unpacked_settings(octets: bytes | bytearray | memoryview, n_rounds: int, n_settings: int) -> Settings:
    """From packed_settings. Raises ParameterError on another number of octets, or bits beyond the last round."""
    width, given = _width(n_settings), np.frombuffer(octets, np.uint8)
    if len(given) != settings_octets(n_rounds, n_settings):
        raise ParameterError(
            f"settings of {n_rounds} rounds must be {settings_octets(n_rounds, n_settings)} octets, got {len(given)}"
        )
    if width == 8:
        return given.copy()
    if width == 1:
        spread = np.unpackbits(given, bitorder="little")
    else:
        shifts = width * np.arange(8 // width, dtype=np.uint8)
        of_octet = (np.arange(256, dtype=np.uint8)[:, None] >> shifts) & np.uint8((1 << width) - 1)
        spread = of_octet.view(np.uint32 if width == 2 else np.uint16).reshape(-1)[given].view(np.uint8)
    if np.any(spread[n_rounds:]):
        raise ParameterError("settings must have no bits set beyond those of the last round")
    return spread[:n_rounds]


def _width(n_settings: int) -> int:
    """Bits in which one setting is packed: so many that an octet holds whole ones."""
    return int(1 << ((n_settings - 1).bit_length() - 1).bit_length())
