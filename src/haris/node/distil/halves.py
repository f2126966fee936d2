"""What one end is given to distil, block after block: from a recording, a pipe, or a laboratory's raw keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin
from haris.nouns.pulses import Pulses, Settings
from haris.quantum.distill.transcript import Sender
from haris.quantum.link import Link
from haris.quantum.protocols.bb84 import Agreement
from haris.wire import raw_key, recording
from haris.wire.distillation import LIMITS
from haris.wire.recording import Half, Kind

MOST_OCTETS = 1 << 31
"""Of one block of a recording."""


@dataclass(frozen=True, slots=True)
class Given:
    """One end's half of one block, and what both ends agreed on for it."""

    number: int
    half: Any
    agreement: Any


def recorded(file: IO[bytes], name: str, role: Sender, link: Link) -> Iterator[Given]:
    """Blocks of one half of a recording, read from its front; a pipe will do.

    Raises ParameterError with the file's name, the block and the octet on whatever is not what was written: damage,
    a file that ends before its closing record, another block length than agreed, an Alice who sends three states.
    """
    live, agreement = link.family.require_live(link), link.agreement()
    half = Half.ALICE if role is Sender.ALICE else Half.BOB
    place, at = name, 0
    try:
        origin = recording.read_file_header(file.read(recording.FILE_OCTETS), half).origin
        at = recording.FILE_OCTETS
        number = 0
        while True:
            place = f"{name}: block {number} at octet {at}"
            header = recording.read_block_header(file.read(recording.BLOCK_OCTETS))
            if header.number != number:
                raise ParameterError(f"block {header.number} where block {number} belongs")
            if header.kind is Kind.END:
                if rest := file.read(1):
                    raise ParameterError(f"octet {rest.hex()} behind the closing record")
                return
            _require_bounded(header)
            if header.kind is Kind.KEY and origin is not Origin.EMULATED:
                raise ParameterError(f"settings that follow from a key belong to emulated light, this is {origin}")
            if header.n_pulses != agreement.block_pulses:
                raise ParameterError(f"{header.n_pulses} pulses; by link.toml a block has {agreement.block_pulses}")
            yield Given(number, live.read(role, header, _read(file, header.n_octets), agreement), agreement)
            at += recording.BLOCK_OCTETS + header.n_octets
            number += 1
    except ParameterError as error:
        raise ParameterError(f"{place}: {error}") from None


def recorded_origin(path: Path, half: Half) -> recording.FileHeader:
    """The header of one file of a recording. Raises ParameterError, with the file's name, on anything else."""
    try:
        with path.open("rb") as file:
            return recording.read_file_header(file.read(recording.FILE_OCTETS), half)
    except ParameterError as error:
        raise ParameterError(f"{path}: {error}") from None


def raw(paths: dict[str, Path], role: Sender, agreement: Agreement) -> Iterator[Given]:
    """Blocks of raw-key files. paths: of `alice`, `intensity` and `bob`; each end reads the lengths of all three.

    Such files know neither pulse numbers nor time tags: every state is a pulse that was detected, at the place that
    its order gives it, and the block is as long as its states. Gate, dead time and double clicks lie behind them.
    Raises ParameterError with the file's name, the block and the octet on lengths that differ, and on other pairs.
    """
    if len(agreement.intensities) != 2:
        raise ParameterError(f"raw-key files have 2 intensities, link.toml has {len(agreement.intensities)}")
    with ExitStack() as stack:
        files = {who: stack.enter_context(path.open("rb")) for who, path in paths.items()}
        number = at = 0
        while any((heads := {who: file.read(raw_key.LENGTH_OCTETS) for who, file in files.items()}).values()):
            blocks = {who: _raw_block(paths[who], files[who], heads[who], number, at) for who in files}
            _require_one_length(paths, blocks, number, at)
            n = raw_key.STATES_AN_OCTET * len(blocks["bob"])
            try:
                half = _prepared(n, blocks) if role is Sender.ALICE else _detected(n, blocks["bob"], agreement)
            except ParameterError as error:
                raise ParameterError(f"{paths['intensity']}: block {number} at octet {at}: {error}") from None
            protocol = replace(agreement.protocol, block_pulses=n)
            yield Given(number, half, replace(agreement, protocol=protocol, dead_time_s=0.0, gate_s=None))
            at += raw_key.LENGTH_OCTETS + len(blocks["bob"])
            number += 1


def _read(file: IO[bytes], n_octets: int) -> NDArray[np.uint8]:
    """The next octets of a file, fewer where it ends: into large pages of memory, which bytes would not lie in."""
    octets = np.empty(n_octets, np.uint8)
    n_read = 0
    while n_read < n_octets and (n := file.readinto(octets[n_read:])):  # type: ignore[attr-defined]
        n_read += n
    return octets[:n_read]


def _require_bounded(header: recording.BlockHeader) -> None:
    """Raise ParameterError on more than is taken at once, before it is read."""
    if header.n_octets > MOST_OCTETS:
        raise ParameterError(f"a block of {header.n_octets} octets; at most {MOST_OCTETS} are taken")
    if header.kind is Kind.TAGS and header.n_items > LIMITS.clicks:
        raise ParameterError(f"{header.n_items} time tags; at most {LIMITS.clicks} are taken: record shorter blocks")


def _raw_block(path: Path, file: IO[bytes], head: bytes, number: int, at: int) -> bytes:
    try:
        if not head:
            raise ParameterError(f"the file ends after {number} blocks, the others go on")
        length = raw_key.read_length(head)
        octets = file.read(length)
        if len(octets) != length:
            raise ParameterError(f"the file ends within the block: {len(octets)} octets of {length}")
        return octets
    except ParameterError as error:
        raise ParameterError(f"{path}: block {number} at octet {at}: {error}") from None


def _require_one_length(paths: dict[str, Path], blocks: dict[str, bytes], number: int, at: int) -> None:
    for who, octets in blocks.items():
        if len(octets) != len(blocks["bob"]):
            raise ParameterError(
                f"{paths[who]}: block {number} at octet {at}: {len(octets)} octets, "
                f"{paths['bob'].name} has {len(blocks['bob'])}"
            )


def _prepared(n: int, blocks: dict[str, bytes]) -> Pulses:
    basis, bit = raw_key.read_states(blocks["alice"])
    return Pulses(n, recorded=Settings.of(basis, bit, raw_key.read_intensities(blocks["intensity"])))


def _detected(n: int, octets: bytes, agreement: Agreement) -> Detections:
    basis, bit = raw_key.read_states(octets)
    time_ps = np.floor((np.arange(n) + 0.5) * (1e12 / agreement.clock_hz)).astype(np.int64)
    return Detections(n, time_ps, basis << np.uint8(1) | bit)


def origin_of(header: recording.FileHeader | None) -> Origin:
    """Origin of the keys: of a recording what it says; raw keys were made, and sifted, by the laboratory's box."""
    return Origin.VENDOR if header is None else header.origin
