"""What a device of raw samples must do: be opened, give samples within a time, and say clearly when it cannot."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from haris.nouns.errors import HarisError, ParameterError
from haris.nouns.raw_samples import RawSamples, code_type
from haris.quantum.entropy.source import Emission
from haris.wire.randomness import Birth


class DeviceError(HarisError):
    """A device gave nothing that can be used: it went away, stayed silent, or its samples are none."""


class Device(Protocol):
    """A driver. It is used by one thread, which opens it again after an error.

    birth: where its samples come from, as consumers are told. name: what errors call it.
    """

    @property
    def birth(self) -> Birth:
        """As consumers are told."""

    @property
    def name(self) -> str:
        """What errors call it."""

    def open(self) -> None:
        """Make ready, again after an error. Raises DeviceError."""

    def read(self, n_samples: int) -> Emission:
        """So many samples, none of which was given before. Raises DeviceError when they do not come in time."""

    def close(self) -> None:
        """Let go of it, whatever state it is in."""


def samples_of(name: str, octets: bytes | bytearray, bits: int) -> RawSamples:
    """Samples from the octets of a device: one each of up to 8 bits, else two, low first.

    Raises DeviceError, in name's words, for a sample that does not fit its bits.
    """
    wanted = np.dtype(code_type(bits))
    values = np.frombuffer(octets, wanted.newbyteorder("<")).astype(wanted, copy=False)
    try:
        return RawSamples(values, bits)
    except ParameterError as error:
        raise DeviceError(f"{name}: {error}") from None


def octets_a_sample(bits: int) -> int:
    """Octets in which a device sends one sample."""
    return np.dtype(code_type(bits)).itemsize
