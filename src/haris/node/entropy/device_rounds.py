"""A device that hands over rounds: samples and what checks them, each frame of a source's block or blocks at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from haris.node.entropy.device import DeviceError
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.raw_rounds import RawRounds, Settings
from haris.quantum.entropy.round_form import RoundForm, chosen_settings, require_well_chosen
from haris.quantum.entropy.source import Emission
from haris.wire.randomness import Birth
from haris.wire.rounds import HEADER_OCTETS, MAGIC, Header, read_header, read_rounds, write_order

_MOST_SKIPPED = 2**26
"""Octets before the first record of a start."""
AHEAD = 4
"""Orders that the device has before it answers the first."""


class RoundsReader(Protocol):
    """Gives rounds, some at a time."""

    @property
    def birth(self) -> Birth:
        """Where they come from."""

    @property
    def name(self) -> str:
        """What errors call it."""

    def open(self) -> None:
        """Make ready, again after an error. Raises DeviceError."""

    def next_rounds(self) -> RawRounds:
        """The next rounds, at least one. Raises DeviceError."""

    def close(self) -> None:
        """Let go."""


class Octets(Protocol):
    """A device's stream of octets."""

    @property
    def birth(self) -> Birth:
        """Where they come from."""

    @property
    def name(self) -> str:
        """What errors call it."""

    def open(self) -> None:
        """Make ready, again after an error. Raises DeviceError."""

    def octets(self, n_octets: int) -> bytearray:
        """The next octets. Raises DeviceError when they do not come in time."""

    def close(self) -> None:
        """Let go."""


class OrderedSettings(Protocol):
    """Where orders go."""

    def open(self) -> None:
        """Make ready. Raises DeviceError."""

    def write(self, octets: bytes) -> None:
        """All of them. Raises DeviceError when they are not taken in time."""

    def close(self) -> None:
        """Let go."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Settings that are chosen here. into: where they are written. rounds: of one order. fresh: random octets."""

    into: OrderedSettings
    rounds: int
    fresh: Callable[[int], bytes] = os.urandom


class RecordReader:
    """A RoundsReader of records (wire/rounds.py).

    stream: the device. form, parameters: of the source, whose kind, bits and number of settings records must have.
    orders: None where the device chooses; else each record must repeat the order of its number, setting by setting.
    At a start what lies before the first record is skipped; from then on each has the number that follows.
    """

    def __init__(self, stream: Octets, form: RoundForm, parameters: Any, orders: Orders | None = None) -> None:
        self._stream, self._form, self._parameters, self._orders = stream, form, parameters, orders
        self._p = form.p_settings(parameters)
        self._wanted = form.kind, form.bits(parameters), len(self._p)
        self._number: int | None = None
        self._ordered: list[tuple[int, Settings]] = []
        self._n_ordered = int.from_bytes(os.urandom(7), "little") if orders else 0

    @property
    def birth(self) -> Birth:
        """Of the stream."""
        return self._stream.birth

    @property
    def name(self) -> str:
        """Of the stream."""
        return self._stream.name

    def open(self) -> None:
        """Open the device; what was ordered before is forgotten."""
        self._number, self._ordered = None, []
        self._stream.open()
        if self._orders is not None:
            self._orders.into.open()
            for _ in range(AHEAD):
                self._order(self._orders)

    def close(self) -> None:
        """Close the device."""
        self._stream.close()
        if self._orders is not None:
            self._orders.into.close()

    def next_rounds(self) -> RawRounds:
        """The rounds of the next record."""
        try:
            header = self._first() if self._number is None else read_header(self._stream.octets(HEADER_OCTETS))
            self._require(header)
            rounds = read_rounds(header, self._stream.octets(header.body_octets))
            if self._orders is not None:
                self._require_ordered(header, rounds)
                self._order(self._orders)
        except PeerError as error:
            raise DeviceError(f"{self.name}: {error}") from None
        self._number = header.number
        return rounds

    def _first(self) -> Header:
        """The first header that there is; with orders that of the oldest."""
        held, skipped = bytearray(self._stream.octets(HEADER_OCTETS)), 0
        while True:
            if held.startswith(MAGIC):
                try:
                    header = read_header(held)
                except PeerError:
                    pass
                else:
                    if not self._ordered or header.number == self._ordered[0][0]:
                        return header
            at = held.find(MAGIC[:1], 1)
            gone = at if at > 0 else len(held)
            skipped += gone
            if skipped > _MOST_SKIPPED:
                raise DeviceError(f"{self.name}: gave no record of rounds in {skipped} octets")
            del held[:gone]
            held += self._stream.octets(gone)

    def _require(self, header: Header) -> None:
        """Raise DeviceError for a record of another source, or out of turn."""
        found = header.kind, header.bits, header.n_settings
        if found != self._wanted:
            raise DeviceError(
                f"{self.name}: record {header.number} is of kind {found[0]}, {found[1]} bits, {found[2]} settings; "
                f"{self._form.source} has kind {self._wanted[0]}, {self._wanted[1]} bits, {self._wanted[2]} settings"
            )
        if self._number is not None and header.number != (self._number + 1) % 2**64:
            raise DeviceError(f"{self.name}: record {header.number} follows record {self._number}")

    def _order(self, orders: Orders) -> None:
        settings = chosen_settings(orders.fresh, self._p, orders.rounds)
        self._ordered.append((self._n_ordered, settings))
        orders.into.write(write_order(settings, len(self._p), self._form.kind, self._n_ordered))
        self._n_ordered += 1

    def _require_ordered(self, header: Header, rounds: RawRounds) -> None:
        number, settings = self._ordered.pop(0)
        if header.number != number or not np.array_equal(rounds.settings, settings):
            raise DeviceError(f"{self.name}: record {header.number} has not the settings of order {number}")


class RoundsDevice:
    """A Device. reader: of its rounds. form, parameters: how they become samples and checks.

    A read ends with the round that gives its last sample: what is checked of it are the rounds among them, as the
    bounds have it. n_waiting: samples that were given by the device, and by no read yet. fresh: random octets for the
    form.
    """

    def __init__(
        self, reader: RoundsReader, form: RoundForm, parameters: Any, fresh: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._reader, self._form, self._parameters, self._fresh = reader, form, parameters, fresh
        self._p = form.p_settings(parameters)
        self._left: RawRounds | None = None
        self.n_waiting = 0

    @property
    def birth(self) -> Birth:
        """Of the reader."""
        return self._reader.birth

    @property
    def name(self) -> str:
        """Of the reader."""
        return self._reader.name

    def open(self) -> None:
        """Open the device; rounds that were left are forgotten, since some may be lost behind them."""
        self._left, self.n_waiting = None, 0
        self._reader.open()

    def close(self) -> None:
        """Close the device."""
        self._reader.close()

    def read(self, n_samples: int) -> Emission:
        """The next samples and their checks. Raises DeviceError also where settings were not chosen at random."""
        parts, n_left = list[RawRounds](), 0
        self.n_waiting = 0
        while self.n_waiting < n_samples:
            rounds, self._left = self._left or self._reader.next_rounds(), None
            gives, missing = self._form.gives(rounds), n_samples - self.n_waiting
            given = int(np.count_nonzero(gives))
            if given > missing:
                end = int(np.flatnonzero(gives)[missing - 1]) + 1
                rounds, self._left, n_left = rounds.part(0, end), rounds.part(end, len(rounds)), given - missing
            parts.append(rounds)
            self.n_waiting += min(missing, given)
            self._require_finite(sum(map(len, parts)), n_samples)
        self.n_waiting = n_left
        whole = RawRounds.joined(parts)
        try:
            require_well_chosen(whole.settings, self._p)
        except ParameterError as error:
            raise DeviceError(f"{self.name}: settings are not chosen as stated: {error}") from None
        return self._form.sorted(self._parameters, whole, self._fresh)

    def _require_finite(self, n_rounds: int, n_samples: int) -> None:
        """Rounds that give nothing may not fill the memory."""
        most = 16.0 * n_samples / self._form.p_gives(self._parameters) + 2**20
        if n_rounds > most:
            raise DeviceError(f"{self.name}: gave {self.n_waiting} samples of {n_samples} in {n_rounds} rounds")
