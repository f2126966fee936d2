"""What a protocol family brings to a link: the classes of its parts, its bounds, its rate and its light.

A family is plain functions over Parts. link.py looks the family up by the name of the protocol and knows nothing else
of it, so that a protocol more is a file more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.quantum.optics.fibre import Fibre
from haris.quantum.security.key_length import KeyLength, Security

T = TypeVar("T")


class Clocked(Protocol):
    """Any source: pulses, pairs or states at a fixed rate."""

    @property
    def clock_hz(self) -> float:
        """A second."""


class Blocked(Protocol):
    """Any protocol: what both ends agree on, for blocks of a fixed number of pulses."""

    @property
    def block_pulses(self) -> int:
        """Of a block."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The five parts of a link. Which classes they are of, the protocol's family says."""

    source: Clocked
    channel: Fibre
    detector: Any
    protocol: Blocked
    security: Security


@dataclass(frozen=True, slots=True)
class Rate:
    """What a link gives at each distance, float64 arrays of one shape; 0 bits where there is no key.

    qber: error rate of the key basis; NaN where a protocol has none. plob_per_pulse: what no protocol without a station
    in the middle can pass on this channel. key: the length of one block with its terms and proof. settings: of an
    optimised rate, what was chosen at each distance, by name.
    """

    distance_m: NDArray[np.float64]
    secret_bits_per_pulse: NDArray[np.float64]
    secret_bits_per_s: NDArray[np.float64]
    qber: NDArray[np.float64]
    plob_per_pulse: NDArray[np.float64]
    key: KeyLength
    settings: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Knob:
    """A setting that may be chosen, within bounds; on a logarithmic scale where orders of magnitude matter."""

    name: str
    low: float
    high: float
    logarithmic: bool = False

    def value(self, share: float) -> float:
        """At a share of the range."""
        if self.logarithmic:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)

    def share(self, value: float) -> float:
        """Of the range, for a value; cut to it."""
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            return float(np.log(value / self.low) / np.log(self.high / self.low))
        return (value - self.low) / (self.high - self.low)


def _no_settings(parts: Parts) -> dict[str, float]:
    return {}


def _not_turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    return parts


@dataclass(frozen=True, slots=True)
class Family:
    """One protocol by its name in LINK.toml.

    title: in a few words. source, channel, detector, protocol: classes of the parts. bounds: names that
    [security] bound may take, with the proof of each, the first of them by default. check: raises ParameterError, whose
    text begins with the field, on parts that do not fit together. rate: at distances in metres, any shape.
    emulate: sampled halves of n pulses for a seed and Eve's share of the pulses; None while there is no such light.
    ignores: fields, as part.field, that this family's model does not use. knobs: what optimisation may choose, with
    settings (their values in parts) and turned (parts with other values; ParameterError where they do not fit).
    """

    name: str
    title: str
    source: type[Clocked]
    detector: type
    protocol: type[Blocked]
    bounds: Mapping[str, Proof]
    check: Callable[[Parts], None]
    rate: Callable[[Parts, NDArray[np.float64]], Rate]
    emulate: Callable[[Parts, int, int | bytes, float], tuple[Any, Any]] | None = None
    channel: type[Fibre] = Fibre
    ignores: tuple[str, ...] = ()
    knobs: tuple[Knob, ...] = ()
    settings: Callable[[Parts], Mapping[str, float]] = _no_settings
    turned: Callable[[Parts, Mapping[str, float]], Parts] = _not_turned

    def require(self, parts: Parts) -> None:
        """Raise ParameterError unless the parts are of this family, and fit together."""
        for name in ("source", "channel", "detector", "protocol"):
            of(self.name, name, getattr(parts, name), getattr(self, name))
        if parts.security.bound not in self.bounds:
            raise ParameterError(f"bound must be one of {', '.join(self.bounds)}, got {parts.security.bound!r}")
        self.check(parts)

    def unused(self, parts: Parts) -> list[str]:
        """Fields of the parts that were set and that the model ignores, as part.field = value."""
        found = []
        for path in self.ignores:
            part, name = path.split(".")
            holder = getattr(parts, part)
            (known,) = (each for each in fields(holder) if each.name == name)
            value = getattr(holder, name)
            if known.default is MISSING or value != known.default:
                found.append(f"{path} = {value}")
        return found


def of(family: str, name: str, part: object, cls: type[T]) -> T:
    """A part as the class that its family has. Raises ParameterError on any other."""
    if not isinstance(part, cls):
        raise ParameterError(f"{name} of {family} is a {cls.__name__}, got {type(part).__name__}")
    return part
