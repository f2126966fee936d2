"""What a protocol family brings to a link: the classes of its parts, its bounds, its rate and its light.

A family is plain functions over Parts. link.py looks the family up by the name of the protocol and knows nothing else
of it, so that a protocol more is a file more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.nouns.block_counts import BlockCounts
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.pulses import Pulses
from haris.quantum.distill.engine import Engine, Entropy, Length
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.free_space.path import FreeSpacePath, Lit
from haris.quantum.optics.medium import Medium
from haris.quantum.security.key_length import STRONGEST, BlockLength, KeyLength, Security
from haris.wire.recording import BlockHeader, Octets

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
    channel: Medium
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


Allot = Callable[[int], bytes]
"""How a key of so many bits is to be cut, in octets."""


@dataclass(frozen=True, slots=True)
class Live:
    """How the light of a family becomes keys.

    bounds: those of its bounds that hold for one measured block. agreement: what the engines need to know of a link,
    without its physics. expected: counts of n pulses (None: a block) at distances (None: the link's own).
    length: secret bits of a measured block, from its counts and the bits that leaked. alice, bob: engines of the two
    ends, given the block's name, this end's half of it, and the agreement; see haris.quantum.distill.engine.
    read: an end's half of a recorded block, ParameterError on one that its engine would not take; the agreement has
    block_pulses, of a recorded block. halves: classes of Alice's half and of Bob's.
    """

    bounds: tuple[str, ...]
    agreement: Callable[[Parts], Any]
    expected: Callable[[Parts, float | None, ArrayLike | None], Any]
    length: Callable[[Parts, Any, int], BlockLength]
    alice: Callable[[bytes, Any, Any, Length, Allot, Entropy, Transcript], Engine]
    bob: Callable[[bytes, Any, Any, Length, Entropy, Transcript], Engine]
    read: Callable[[Sender, BlockHeader, Octets, Any], Any]
    halves: tuple[type, type] = (Pulses, Detections)


@dataclass(frozen=True, slots=True)
class Varying:
    """How a family makes one block over a channel that changes while it lasts, such as a satellite's.

    counts: expected counts of n pulses in each slot of parts whose channel is a SlotPath, slots along the first axis;
    the model of clicks is that of any other medium. key: length of a block by its summed counts, by these bounds.
    """

    counts: Callable[[Parts, float], BlockCounts]
    key: Callable[[Parts, Any], KeyLength]
    bounds: tuple[str, ...]


def _no_settings(parts: Parts) -> dict[str, float]:
    return {}


def _not_turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    return parts


@dataclass(frozen=True, slots=True)
class Family:
    """One protocol by its name in LINK.toml.

    title: in a few words. source, detector, protocol: classes of the parts. media: of the channel, by its kind.
    bounds: names that [security] bound may take, with the proof of each, the first of them by default.
    check: raises ParameterError, whose text begins with the field, on parts that do not fit together.
    rate: at distances in metres, any shape.
    emulate: sampled halves of n pulses for a seed and Eve's share of the pulses; None while there is no such light.
    live: how that light becomes keys; None while it does not. varying: over a channel that changes; None where no bound
    is known to hold of such a block, or none was asked for.
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
    live: Live | None = None
    varying: Varying | None = None
    media: Mapping[str, type[Medium]] = field(default_factory=lambda: {"fibre": Fibre})
    ignores: tuple[str, ...] = ()
    knobs: tuple[Knob, ...] = ()
    settings: Callable[[Parts], Mapping[str, float]] = _no_settings
    turned: Callable[[Parts, Mapping[str, float]], Parts] = _not_turned

    def require(self, parts: Parts) -> None:
        """Raise ParameterError unless the parts are of this family, and fit together."""
        for name in ("source", "detector", "protocol"):
            of(self.name, name, getattr(parts, name), getattr(self, name))
        self.kind(parts.channel)
        if parts.security.bound not in self.bounds:
            raise ParameterError(f"bound must be one of {', '.join(self.bounds)}, got {parts.security.bound!r}")
        self.check(parts)

    def kind(self, channel: Medium) -> str:
        """Of a channel, as LINK.toml names it. Raises ParameterError on one that this family does not take."""
        for kind, cls in self.media.items():
            if isinstance(channel, cls):
                return kind
        known = " or a ".join(cls.__name__ for cls in self.media.values())
        raise ParameterError(f"channel of {self.name} is a {known}, got {type(channel).__name__}")

    def require_live(self, parts: Parts) -> Live:
        """How these parts' light becomes keys. Raises ParameterError where it does not, or by no such bound.

        A bound is refused unless it is proved for finite, measured blocks, and against the attacks that
        security.accepted_attacks allows.
        """
        if self.live is None:
            finite = any(proof.finite for proof in self.bounds.values())
            why = "its light is not distilled" if finite else "its bounds are asymptotic, and issue none"
            raise ParameterError(f"name {self.name!r} has no live keys: {why}")
        bound = parts.security.bound
        if bound not in self.live.bounds or not self.bounds[bound].finite:
            raise ParameterError(f"a live key needs bound = {' or '.join(map(repr, self.live.bounds))}, got {bound!r}")
        attacks = self.bounds[bound].attacks
        if attacks not in parts.security.attacks_allowed:
            raise ParameterError(
                f"bound {bound!r} is proved against {attacks} attacks only: no key is issued by it unless "
                f"accepted_attacks = {attacks!r} says that this is enough"
            )
        return self.live

    def live_proof(self, parts: Parts) -> Proof:
        """Why the keys of these parts are secret, with what the operator accepted. Raises as require_live."""
        self.require_live(parts)
        return _as_accepted(self.bounds[parts.security.bound])

    def live_length(self, parts: Parts, counts: Any, leaked_bits: int) -> BlockLength:
        """Secret bits of one measured block, whose proof says what the operator accepted. Raises as require_live."""
        length = self.require_live(parts).length(parts, counts, leaked_bits)
        return replace(length, proof=_as_accepted(length.proof))

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


def _as_accepted(proof: Proof) -> Proof:
    """The proof as it is told with a key: one of a weaker class says that somebody allowed it."""
    if proof.attacks == STRONGEST:
        return proof
    accepted = f"no attacks but {proof.attacks} ones: accepted_attacks of the link allows it"
    return replace(proof, assumptions=(accepted, *proof.assumptions))


AIR_OR_FIBRE: Mapping[str, type[Medium]] = {"fibre": Fibre, "free-space": FreeSpacePath}
"""Media of families whose pulses need no phase to each other."""


def exposed(parts: Parts, detector: Lit) -> Lit:
    """A detector as it counts behind the channel: of a path in the air, the light of the surroundings is in it."""
    if isinstance(parts.channel, FreeSpacePath):
        return parts.channel.lit(detector, parts.source.clock_hz)
    return detector


def fibre_of(family: str, parts: Parts) -> Fibre:
    """The channel of a family whose light goes by fibre alone. Raises ParameterError on any other."""
    return of(family, "channel", parts.channel, Fibre)


def of(family: str, name: str, part: object, cls: type[T]) -> T:
    """A part as the class that its family has. Raises ParameterError on any other."""
    if not isinstance(part, cls):
        raise ParameterError(f"{name} of {family} is a {cls.__name__}, got {type(part).__name__}")
    return part
