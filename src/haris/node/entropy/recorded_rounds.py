"""Rounds of a recording, played once."""

from __future__ import annotations

from pathlib import Path

from haris.node.entropy.device import DeviceError
from haris.nouns.errors import ParameterError
from haris.nouns.raw_rounds import RawRounds
from haris.quantum.entropy.round_form import RoundForm
from haris.wire.randomness import Birth

_TOGETHER = 2**20


class RecordedRounds:
    """A RoundsReader. folder: as RawRounds.write makes it. form, bits, n_settings: that it must be of."""

    def __init__(self, folder: Path, form: RoundForm, bits: int, n_settings: int) -> None:
        self.name, self.birth = str(folder), Birth.RECORDED
        self._folder, self._wanted = folder, (form.source, bits, n_settings)
        self._rounds: RawRounds | None = None
        self._played = 0

    def open(self) -> None:
        """Read the recording; after an error it goes on where it was left."""
        try:
            rounds, source = RawRounds.read(self._folder)
        except ParameterError as error:
            raise DeviceError(str(error)) from None
        if (source, rounds.bits, rounds.n_settings) != self._wanted:
            raise DeviceError(
                f"{self.name}: is of {source}, {rounds.bits} bits, {rounds.n_settings} settings; wanted are "
                f"{self._wanted[0]}, {self._wanted[1]} bits, {self._wanted[2]} settings"
            )
        self._rounds = rounds

    def next_rounds(self) -> RawRounds:
        """The next of them."""
        if self._rounds is None:
            raise DeviceError(f"{self.name}: is not open")
        rounds = self._rounds.part(self._played, self._played + _TOGETHER)
        if not len(rounds):
            raise DeviceError(f"{self.name}: is at its end: all {self._played} rounds are played")
        self._played += len(rounds)
        return rounds

    def close(self) -> None:
        """Forget the rounds."""
        self._rounds = None
