"""A recording on the disk: a folder with link.toml and both halves; what is read from it, and how it is made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from haris.node.distil.halves import recorded_origin
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin
from haris.quantum.distill.transcript import Sender
from haris.quantum.link import Link
from haris.wire import recording
from haris.wire.recording import FileHeader, Half

LINK, ALICE, BOB = "link.toml", "alice.pulses", "bob.tags"
RAW_FILES = ("alice", "intensity", "bob")


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies in a recording's folder.

    header: of both halves; None of raw-key files. paths: of `alice` and `bob`, and `intensity` of raw-key files.
    """

    link: Link
    header: FileHeader | None
    paths: dict[str, Path]


def open_folder(folder: Path) -> Folder:
    """A recording of ours, or the raw-key files of a laboratory, by the first octets of Alice's file.

    Raises ParameterError, with the file, on files that are missing or twice there, or halves of two recordings.
    """
    if not folder.is_dir():
        raise ParameterError(f"{folder}: no folder of a recording")
    link = Link.read_live(folder / LINK)
    alice = _only(folder, "alice")
    with alice.open("rb") as file:
        ours = file.read(len(recording.MAGIC)) == recording.MAGIC
    if not ours:
        return Folder(link, None, {who: _only(folder, who) for who in RAW_FILES})
    paths = {"alice": alice, "bob": _only(folder, "bob")}
    headers = recorded_origin(alice, Half.ALICE), recorded_origin(paths["bob"], Half.BOB)
    if headers[0].name != headers[1].name or headers[0].origin != headers[1].origin:
        raise ParameterError(
            f"{paths['bob']}: the half of recording {headers[1].name.hex()} ({headers[1].origin}); "
            f"{alice.name} is of {headers[0].name.hex()} ({headers[0].origin})"
        )
    return Folder(link, headers[0], paths)


def _only(folder: Path, who: str) -> Path:
    found = sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(who))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ParameterError(f"{folder}: one file {who}.* belongs there, found {len(found)}: {names}")
    return found[0]


class Recorder:
    """Writes both halves of a recording to two binary files, pipes included, block by block."""

    def __init__(self, alice: IO[bytes], bob: IO[bytes], origin: Origin, name: bytes) -> None:
        self._files = {Sender.ALICE: alice, Sender.BOB: bob}
        self._n_blocks = 0
        for file, half in ((alice, Half.ALICE), (bob, Half.BOB)):
            file.write(recording.write_file_header(FileHeader(half, origin, name)))

    def write(self, alice: Any, bob: Any) -> None:
        """The next block. Raises ParameterError unless its halves have one length."""
        if alice.n_pulses != bob.n_pulses:
            raise ParameterError(f"{alice.n_pulses} pulses, and detections of {bob.n_pulses}")
        for file, half in zip(self._files.values(), (alice, bob), strict=True):
            octets = recording.write_half(self._n_blocks, half)
            file.write(octets[0])
            file.write(octets[1])
            file.flush()
        self._n_blocks += 1

    def close(self) -> None:
        """Close the recording, not the files: what lacks its closing record counts as torn."""
        for file in self._files.values():
            file.write(recording.write_end(self._n_blocks))
            file.flush()


class NewFolder:
    """A recording's folder in the making; it exists, whole, when its block ends without an error.

    Raises ParameterError when the folder is there already.
    """

    def __init__(self, folder: Path, link: Link, origin: Origin, name: bytes) -> None:
        if folder.exists():
            raise ParameterError(f"{folder}: exists already")
        self._folder, self._part = folder, folder.with_name(folder.name + ".part")
        self._link, self._origin, self._name = link, origin, name

    def __enter__(self) -> Recorder:
        self._part.mkdir(parents=True, exist_ok=False, mode=0o700)
        self._link.write(self._part / LINK)
        self._files = [(self._part / name).open("wb") for name in (ALICE, BOB)]
        for file in self._files:
            os.chmod(file.fileno(), 0o600)  # Alice's pulses are secret
        self._recorder = Recorder(self._files[0], self._files[1], self._origin, self._name)
        return self._recorder

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._recorder.close()
        for file in self._files:
            if error is None:
                os.fsync(file.fileno())
            file.close()
        if error is None:
            self._part.rename(self._folder)
        else:
            for path in self._part.iterdir():
                path.unlink()
            self._part.rmdir()
