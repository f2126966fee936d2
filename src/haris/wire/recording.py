"""Our recordings of light, octet by octet: docs/reference/recording.md says the same in words.

A recording is two files, Alice's half and Bob's, each a file header, blocks, and a closing record. All numbers are
little-endian, so that NumPy reads them as they stand. A file is written and read from its front, and so may be a pipe.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from haris.kernels.checksum import crc32
from haris.nouns.announcements import Announcements
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin
from haris.nouns.pulses import Pulses, Settings
from haris.nouns.rounds import Rounds
from haris.nouns.sns_windows import STRONG, SnsWindows
from haris.nouns.symbols import Symbols

VERSION = 1
NAME_OCTETS = 16
MAGIC = b"HARISREC"
_FILE = struct.Struct("<8sIBBH16s")
_BLOCK = struct.Struct("<4sIQQQQQII8x")
_MARK = b"BLCK"
_ORIGINS = {1: Origin.MEASURED, 2: Origin.EMULATED}
FILE_OCTETS = _FILE.size
BLOCK_OCTETS = _BLOCK.size
TAG_OCTETS = 9
MOST_PULSES = 1 << 63
_SEALED = 52  # octets of a block's header that its own checksum covers


class Half(IntEnum):
    """Whose half a file is."""

    ALICE = 1
    BOB = 2


class Kind(IntEnum):
    """What a record holds: nothing (the last one), or a block's pulse key, settings, time tags, or quadratures.

    QUADRATURES, QUADRATURE_PAIRS: of symbols with one value each, or two. ANNOUNCEMENTS: of a Bell-state measurement
    station, as they were told to one end, with that end's settings. WINDOWS: the same
    of sending-or-not-sending. ROUNDS: those that clicked, with one end's settings and bits.
    """

    END = 0
    KEY = 1
    SETTINGS = 2
    TAGS = 3
    QUADRATURES = 4
    QUADRATURE_PAIRS = 5
    ANNOUNCEMENTS = 6
    WINDOWS = 7
    ROUNDS = 8


_ITEM_OCTETS = {
    Kind.END: 0,
    Kind.KEY: 32,
    Kind.SETTINGS: 1,
    Kind.TAGS: TAG_OCTETS,
    Kind.QUADRATURES: 2,
    Kind.QUADRATURE_PAIRS: 4,
    Kind.ANNOUNCEMENTS: 10,
    Kind.WINDOWS: 14,
    Kind.ROUNDS: 10,
}
_VALUES = {Kind.QUADRATURES: 1, Kind.QUADRATURE_PAIRS: 2}
STEP = struct.Struct("<d")
"""Before quadratures: how much of a shot-noise unit a step of their whole numbers is."""
MOST_STEPS = (1 << 15) - 1
_MOST_STEP_SNU = 1e30


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The first FILE_OCTETS of a file. name: 16 octets that both halves of a recording share."""

    half: Half
    origin: Origin
    name: bytes


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """The first BLOCK_OCTETS of a record.

    number: of the block in the recording, from 0; of the closing record: how many blocks there were. n_pulses: of the
    block, of quadratures its symbols. start: number of its first pulse in the link's life. n_items: pulse keys,
    settings, tags, or symbols. checksum: CRC-32 of the octets that follow.
    """

    kind: Kind
    number: int
    n_pulses: int = 0
    start: int = 0
    n_items: int = 0
    checksum: int = 0

    @property
    def n_octets(self) -> int:
        """Octets that follow the header."""
        return _ITEM_OCTETS[self.kind] * self.n_items + (STEP.size if self.kind in _VALUES else 0)


Octets = bytes | NDArray[np.uint8]
"""What follows a header, as it was read."""


def write_file_header(header: FileHeader) -> bytes:
    """The first octets of a file. Raises ParameterError on a name of another length, or an origin of no recording."""
    origins = {origin: number for number, origin in _ORIGINS.items()}
    if len(header.name) != NAME_OCTETS or header.origin not in origins:
        raise ParameterError(f"a recording is measured or emulated, and its name has {NAME_OCTETS} octets")
    return _FILE.pack(MAGIC, VERSION, header.half, origins[header.origin], 0, header.name)


def read_file_header(octets: bytes, half: Half) -> FileHeader:
    """The header of one half. Raises ParameterError on anything else, another version and the other half included."""
    if len(octets) != FILE_OCTETS:
        raise ParameterError(f"the file ends within its header: {len(octets)} octets of {FILE_OCTETS}")
    magic, version, found, origin, reserved, name = _FILE.unpack(octets)
    if magic != MAGIC:
        raise ParameterError(f"no recording: it begins with {magic.hex()}, not with {MAGIC.hex()}")
    if version != VERSION:
        raise ParameterError(f"a recording of version {version}; this release reads version {VERSION}")
    if found != half:
        raise ParameterError(f"half {found} of a recording, where half {half.value} ({half.name.lower()}) belongs")
    if reserved:
        raise ParameterError(f"the reserved octets of the header are {reserved}, not 0")
    if origin not in _ORIGINS:
        raise ParameterError(f"origin {origin} is unknown: there are {', '.join(map(str, _ORIGINS))}")
    return FileHeader(half, _ORIGINS[origin], name)


def write_block_header(header: BlockHeader) -> bytes:
    """The first octets of a record."""
    numbers = (header.number, header.n_pulses, header.start, header.n_items, header.n_octets)
    octets = _BLOCK.pack(_MARK, header.kind, *numbers, header.checksum, 0)
    return octets[:_SEALED] + crc32(octets[:_SEALED]).to_bytes(4, "little") + bytes(BLOCK_OCTETS - _SEALED - 4)


def read_block_header(octets: bytes) -> BlockHeader:
    """The header of a record. Raises ParameterError where it is not what was written, with both numbers."""
    if len(octets) != BLOCK_OCTETS:
        raise ParameterError(f"the file ends within a header: {len(octets)} octets of {BLOCK_OCTETS}")
    mark, kind, number, n_pulses, start, n_items, n_octets, checksum, own = _BLOCK.unpack(octets)
    found = crc32(octets[:_SEALED])
    if mark != _MARK or own != found or any(octets[_SEALED + 4 :]):
        raise ParameterError(f"the header is damaged: checksum {found:08x}, written {own:08x}")
    if kind not in set(Kind):
        raise ParameterError(f"a record of kind {kind} is unknown: there are 0 to {max(Kind).value}")
    if start + n_pulses > MOST_PULSES:
        raise ParameterError(f"pulses {start} to {start + n_pulses}: their numbers lie below {MOST_PULSES}")
    header = BlockHeader(Kind(kind), number, n_pulses, start, n_items, checksum)
    if header.n_octets != n_octets:
        raise ParameterError(f"{n_items} items take {header.n_octets} octets, the header says {n_octets}")
    return header


def write_half(
    number: int, half: Pulses | Detections | Symbols | Announcements | SnsWindows | Rounds
) -> tuple[bytes, bytes]:
    """Header and octets of either half of a block."""
    match half:
        case Pulses():
            return write_pulses(number, half)
        case Detections():
            return write_tags(number, half)
        case Symbols():
            return write_symbols(number, half)
        case Announcements():
            octets = half.index.astype("<i8").tobytes() + half.bell.tobytes() + half.settings.octets.tobytes()
            return _record(Kind.ANNOUNCEMENTS, number, half.n_pulses, 0, len(half.index), octets)
        case SnsWindows():
            told = half.window.astype("<i8").tobytes() + half.detector.tobytes()
            octets = told + half.setting.tobytes() + half.phase_rad.astype("<f4").tobytes()
            return _record(Kind.WINDOWS, number, half.n_pulses, 0, len(half.window), octets)
        case Rounds():
            octets = half.index.astype("<i8").tobytes() + half.setting.tobytes() + half.value.tobytes()
            return _record(Kind.ROUNDS, number, half.n_pulses, 0, len(half.index), octets)


def write_pulses(number: int, pulses: Pulses) -> tuple[bytes, bytes]:
    """Header and octets of Alice's half of a block."""
    sent = pulses.recorded
    if sent is None:
        assert pulses.key is not None
        return _record(Kind.KEY, number, pulses.n_pulses, pulses.start, 1, pulses.key)
    return _record(Kind.SETTINGS, number, pulses.n_pulses, pulses.start, pulses.n_pulses, sent.octets.tobytes())


def read_pulses(header: BlockHeader, octets: Octets, n_intensities: int) -> Pulses:
    """Alice's half of a block. Raises ParameterError on what write_pulses would not have written."""
    _require(header, octets, Kind.KEY, Kind.SETTINGS)
    if header.kind is Kind.KEY:
        if header.n_items != 1:
            raise ParameterError(f"a block has 1 pulse key, got {header.n_items}")
        return Pulses(header.n_pulses, header.start, key=bytes(octets))
    if header.n_items != header.n_pulses:
        raise ParameterError(f"{header.n_items} settings for {header.n_pulses} pulses")
    setting = np.frombuffer(octets, np.uint8)
    if int(setting.max(initial=0)) >= 4 * n_intensities:
        at = int(np.argmax(setting >= 4 * n_intensities))
        raise ParameterError(
            f"setting {at} is {setting[at]}; {n_intensities} intensities have 0 to {4 * n_intensities - 1}"
        )
    return Pulses(header.n_pulses, header.start, recorded=Settings(setting))


def write_tags(number: int, detections: Detections) -> tuple[bytes, bytes]:
    """Header and octets of Bob's half of a block."""
    octets = detections.time_ps.astype("<i8", copy=False).tobytes() + detections.channel.tobytes()
    return _record(Kind.TAGS, number, detections.n_pulses, 0, len(detections.channel), octets)


def read_tags(header: BlockHeader, octets: Octets, most_channel: int = 3) -> Detections:
    """Bob's half of a block. Raises ParameterError on tags that descend, or channels that there are not.

    most_channel: 7 where some windows test Bell's inequality.
    """
    _require(header, octets, Kind.TAGS)
    time_ps = np.frombuffer(octets, "<i8", header.n_items).astype(np.int64, copy=False)
    channel = np.frombuffer(octets, np.uint8, offset=8 * header.n_items)
    if (wrong := np.flatnonzero(channel > most_channel)).size:
        raise ParameterError(f"tag {wrong[0]} has channel {channel[wrong[0]]}; there are 0 to {most_channel}")
    try:
        return Detections(header.n_pulses, time_ps, channel)
    except ParameterError:
        at = int(np.flatnonzero(time_ps[1:] < time_ps[:-1])[0])
        raise ParameterError(f"tag {at + 1} at {time_ps[at + 1]} ps comes after one at {time_ps[at]} ps") from None


def write_symbols(number: int, symbols: Symbols) -> tuple[bytes, bytes]:
    """Header and octets of either half of a block of continuous variables, in steps of its greatest value / 32767."""
    values = symbols.values
    step = float(np.abs(values).max(initial=0.0)) / MOST_STEPS or 1.0
    octets = STEP.pack(step) + np.rint(values / np.float64(step)).astype("<i2").tobytes()
    kind = Kind.QUADRATURES if values.shape[1] == 1 else Kind.QUADRATURE_PAIRS
    return _record(kind, number, symbols.n_symbols, 0, symbols.n_symbols, octets)


def read_symbols(header: BlockHeader, octets: Octets) -> Symbols:
    """Either half of a block of continuous variables. Raises ParameterError on a step that is none."""
    _require(header, octets, *_VALUES)
    if header.n_items != header.n_pulses:
        raise ParameterError(f"{header.n_items} symbols in a block of {header.n_pulses}")
    (step,) = STEP.unpack(bytes(octets[: STEP.size]))
    if not 0.0 < step < _MOST_STEP_SNU:
        raise ParameterError(f"a step of the values is {step:g} shot-noise units, not a number above 0")
    steps = np.frombuffer(octets, "<i2", offset=STEP.size)
    return Symbols((steps * np.float32(step)).reshape(-1, _VALUES[header.kind]))


def read_announcements(header: BlockHeader, octets: Octets, n_intensities: int) -> Announcements:
    """Either half of a block at a Bell-state measurement station. Raises ParameterError on what cannot be."""
    _require(header, octets, Kind.ANNOUNCEMENTS)
    n = header.n_items
    index = np.frombuffer(octets, "<i8", n).astype(np.int64, copy=False)
    bell, setting = (np.frombuffer(octets, np.uint8, n, offset) for offset in (8 * n, 9 * n))
    if int(setting.max(initial=0)) >= 4 * n_intensities:
        raise ParameterError(
            f"a setting is {setting.max()}; {n_intensities} intensities have 0 to {4 * n_intensities - 1}"
        )
    return Announcements(header.n_pulses, index, bell, Settings(setting))


def read_windows(header: BlockHeader, octets: Octets) -> SnsWindows:
    """Either half of a block of sending-or-not-sending. Raises ParameterError on what cannot be."""
    _require(header, octets, Kind.WINDOWS)
    n = header.n_items
    window = np.frombuffer(octets, "<i8", n).astype(np.int64, copy=False)
    detector, setting = (np.frombuffer(octets, np.uint8, n, offset) for offset in (8 * n, 9 * n))
    phase = np.frombuffer(bytes(octets[10 * n :]), "<f4", n).astype(np.float32, copy=False)
    if int(detector.max(initial=0)) > 1 or int(setting.max(initial=0)) > STRONG or not np.isfinite(phase).all():
        raise ParameterError(f"detectors are 0 or 1, settings 0 to {STRONG}, and phases finite")
    return SnsWindows(header.n_pulses, window, detector, setting, phase)


def read_rounds(header: BlockHeader, octets: Octets, n_settings: int, n_values: int) -> Rounds:
    """Either half of a block of rounds that clicked. Raises ParameterError on what cannot be.

    n_settings, n_values: how many of them this end has.
    """
    _require(header, octets, Kind.ROUNDS)
    n = header.n_items
    index = np.frombuffer(octets, "<i8", n).astype(np.int64, copy=False)
    setting, value = (np.frombuffer(octets, np.uint8, n, offset) for offset in (8 * n, 9 * n))
    for name, row, known in (("setting", setting, n_settings), ("value", value, n_values)):
        if (greatest := int(row.max(initial=0))) >= known:
            raise ParameterError(f"a {name} is {greatest}; there are 0 to {known - 1}")
    return Rounds(header.n_pulses, index, setting, value)


def write_end(n_blocks: int) -> bytes:
    """The closing record."""
    return write_block_header(BlockHeader(Kind.END, n_blocks))


def _record(kind: Kind, number: int, n_pulses: int, start: int, n_items: int, octets: bytes) -> tuple[bytes, bytes]:
    return write_block_header(BlockHeader(kind, number, n_pulses, start, n_items, crc32(octets))), octets


def _require(header: BlockHeader, octets: Octets, *kinds: Kind) -> None:
    if header.kind not in kinds:
        raise ParameterError(f"a record of kind {header.kind.value} where {kinds[0].value} belongs")
    if len(octets) != header.n_octets:
        raise ParameterError(f"the file ends within the block: {len(octets)} octets of {header.n_octets}")
    if (found := crc32(octets)) != header.checksum:
        raise ParameterError(f"the block is damaged: checksum {found:08x}, written {header.checksum:08x}")
