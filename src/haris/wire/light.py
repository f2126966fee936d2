"""Messages between an emulated fibre and the sites at its two ends."""

from __future__ import annotations

from typing import Literal

import numpy as np

from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.pulses import Pulses
from haris.nouns.symbols import Symbols
from haris.wire.message_pack import MessagePack, Tagged


class Attach(Tagged, frozen=True):
    """The first message: who is at the other end of this connection."""

    role: Literal["alice", "bob", "eve"]


class WantBlock(Tagged, frozen=True):
    """A site is ready for one block. Both sites name it alike; a session's name makes it unmistakable."""

    block: bytes


class WantStretch(Tagged, frozen=True):
    """A site is ready for stretch `number`, from 0, of a light that comes in stretches. Both sites name it alike."""

    block: bytes
    number: int


class Tap(Tagged, frozen=True):
    """Eve intercepts and resends this share of the pulses from the next block on."""

    fraction: float


class Tapped(Tagged, frozen=True):
    """The fibre's answer to Tap."""

    fraction: float


class Prepared(Tagged, frozen=True):
    """Alice's half of a block: the key of its counter function."""

    block: bytes
    n_pulses: int
    start: int
    key: bytes


class Detected(Tagged, frozen=True):
    """Bob's half of a block: time_ps as little-endian int64, channel as uint8."""

    block: bytes
    n_pulses: int
    time_ps: bytes
    channel: bytes


class Quadratures(Tagged, frozen=True):
    """Either half of a block of continuous variables: float32, little-endian, n_values of each symbol."""

    block: bytes
    n_values: Literal[1, 2]
    values: bytes


class NoLight(Tagged, frozen=True):
    """The answer to both ends alike where nothing of what they want shines: no pass lasts, or it is over."""

    block: bytes


Want = WantBlock | WantStretch
Message = Attach | WantBlock | WantStretch | Tap | Tapped | Prepared | Detected | Quadratures | NoLight

_codec: MessagePack[Message] = MessagePack(Message, "the light")
encode, decode = _codec.encode, _codec.decode


def half(block: bytes, light: Pulses | Detections | Symbols) -> Message:
    """Either half of a block as a message."""
    match light:
        case Pulses():
            return prepared(block, light)
        case Detections():
            return detected(block, light)
        case Symbols():
            return Quadratures(block, light.values.shape[1], light.values.astype("<f4").tobytes())


def read_half(message: Message) -> Pulses | Detections | Symbols:
    """The half of a block in a message. Raises ParameterError or PeerError when it is impossible, or there is none."""
    match message:
        case Prepared():
            return pulses(message)
        case Detected():
            return detections(message)
        case Quadratures():
            return symbols(message)
    raise PeerError(f"the light sent {type(message).__name__} in place of a block")


def prepared(block: bytes, pulses: Pulses) -> Prepared:
    """Pulses as a message. Only keyed pulses travel."""
    assert pulses.key is not None
    return Prepared(block, pulses.n_pulses, pulses.start, pulses.key)


def pulses(message: Prepared) -> Pulses:
    """The pulses of a message. Raises ParameterError when they are impossible."""
    return Pulses(n_pulses=message.n_pulses, start=message.start, key=message.key)


def detected(block: bytes, detections: Detections) -> Detected:
    """Detections as a message."""
    return Detected(
        block,
        detections.n_pulses,
        detections.time_ps.astype("<i8").tobytes(),
        detections.channel.tobytes(),
    )


def detections(message: Detected) -> Detections:
    """The detections of a message. Raises ParameterError or PeerError when they are impossible."""
    if len(message.time_ps) != 8 * len(message.channel):
        raise PeerError(f"{len(message.time_ps)} octets of time tags for {len(message.channel)} channels")
    if max(message.channel, default=0) > 3:
        raise ParameterError(f"channels lie in 0..3, got {max(message.channel)}")
    return Detections(
        n_pulses=message.n_pulses,
        time_ps=np.frombuffer(message.time_ps, dtype="<i8").astype(np.int64),
        channel=np.frombuffer(message.channel, dtype=np.uint8),
    )


def symbols(message: Quadratures) -> Symbols:
    """The symbols of a message. Raises PeerError unless they are whole."""
    values, rest = divmod(len(message.values), 4 * message.n_values)
    if rest:
        raise PeerError(f"{len(message.values)} octets are no whole symbols of {message.n_values} values")
    floats = np.frombuffer(message.values, "<f4").astype(np.float32)
    return Symbols(floats.reshape(values, message.n_values))
