"""The messages of a supply of random numbers: what is asked, how an answer says where its bits come from, and how the
supply stands.

`GET /random?length=N&format=HEX|BINARY[&origin=source]` gives octets; `GET /entropy?minentropy=N` is SKIP's
(wire/skip.py); `GET /status` is a JSON object. Messages only: a server reads requests (ParameterError), a client reads
answers (PeerError).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from urllib.parse import urlencode

import msgspec

from haris.nouns.errors import ParameterError, PeerError

MOST_OCTETS = 2**20
"""Of one answer."""
ORIGIN_HEADER = "Haris-Origin"
BIRTH_HEADER = "Haris-Device"

Format = Literal["HEX", "BINARY"]
_FORMATS: dict[str, Format] = {"HEX": "HEX", "BINARY": "BINARY"}
_LENGTH = re.compile(r"[0-9]{1,7}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})+")


class BitOrigin(StrEnum):
    """What the bits of an answer are.

    SOURCE: hashed from samples of the noise source, each given once. DRBG: of a deterministic generator that is seeded
    by the source; computationally secret only.
    """

    SOURCE = "source"
    DRBG = "drbg"


class Birth(StrEnum):
    """Where the samples behind a supply come from.

    MEASURED: a noise source here. VENDOR: a maker's appliance, whose own processing is believed. RECORDED: a file,
    which others may have read. EMULATED: a model, for demonstrations.
    """

    MEASURED = "measured"
    VENDOR = "vendor"
    RECORDED = "recorded"
    EMULATED = "emulated"


TRUSTED = frozenset({Birth.MEASURED, Birth.VENDOR})
"""What keys may be made of."""


@dataclass(frozen=True, slots=True)
class RandomRequest:
    """What is asked. length: octets. source_only: nothing of the generator will do."""

    length: int
    format: Format = "HEX"
    source_only: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.length <= MOST_OCTETS:
            raise ParameterError(f"length shall lie in [1, {MOST_OCTETS}] octets, got {self.length}")


def read_random_query(query: Sequence[tuple[str, str]]) -> RandomRequest:
    """The request in decoded pairs of a query."""
    items = once(query, ("length", "format", "origin"))
    length = items.get("length", "")
    if not _LENGTH.fullmatch(length):
        raise ParameterError(f"length shall be a number of octets, 1 to {MOST_OCTETS}")
    form = _FORMATS.get(items.get("format", "HEX").upper())
    if form is None:
        raise ParameterError("format shall be HEX or BINARY")
    return RandomRequest(int(length), form, wants_source_only(items))


def wants_source_only(items: Mapping[str, str]) -> bool:
    """Whether `origin` asks for bits of the source alone."""
    origin = items.get("origin", "any")
    if origin not in ("any", BitOrigin.SOURCE):
        raise ParameterError("origin shall be source or any")
    return origin == BitOrigin.SOURCE


def once(query: Sequence[tuple[str, str]], names: tuple[str, ...]) -> dict[str, str]:
    """The items of a query. Raises ParameterError for one that is none of names, or stands twice."""
    items: dict[str, str] = {}
    for name, value in query:
        if name not in names:
            raise ParameterError(f"the query may hold {', '.join(names)}")
        if name in items:
            raise ParameterError(f"{name} stands twice")
        items[name] = value
    return items


def random_path(request: RandomRequest) -> str:
    """Path and query of a request."""
    items: dict[str, str | int] = {"length": request.length, "format": request.format}
    return "/random?" + urlencode(items | ({"origin": BitOrigin.SOURCE.value} if request.source_only else {}))


def write_random(octets: bytes, form: str) -> tuple[bytearray, str]:
    """Body, in a buffer to be wiped, and its content type."""
    if form == "BINARY":
        return bytearray(octets), "application/octet-stream"
    body = bytearray(2 * len(octets))
    body[:] = octets.hex().encode()
    return body, "text/plain"


def read_random(body: bytes, request: RandomRequest) -> bytes:
    """The octets of an answer. PeerError for another form or number."""
    octets = body
    if request.format == "HEX":
        text = body.strip()
        if not _HEX.fullmatch(text):
            raise PeerError("the answer shall be hexadecimal")
        octets = bytes.fromhex(text.decode("ascii"))
    if len(octets) != request.length:
        raise PeerError(f"the answer shall hold {request.length} octets, got {len(octets)}")
    return octets


def origin_headers(origin: BitOrigin, birth: Birth) -> tuple[tuple[str, str], ...]:
    """What each answer says of its bits."""
    return ((ORIGIN_HEADER, origin.value), (BIRTH_HEADER, birth.value))


def read_origin(headers: Mapping[str, str]) -> tuple[BitOrigin, Birth]:
    """What an answer says of its bits. PeerError when it does not."""
    try:
        return BitOrigin(headers.get(ORIGIN_HEADER, "")), Birth(headers.get(BIRTH_HEADER, ""))
    except ValueError:
        raise PeerError("the answer does not say where its bits come from") from None


class SupplyStatus(msgspec.Struct, frozen=True):
    """How a supply stands.

    state: starting, healthy or failed. reason: why it failed, in words. device, birth, source: what it is fed by.
    n_samples: raw samples read; n_rejected: of them, in chunks that gave no bit. n_octets: hashed; n_given: of them,
    handed out as they are; n_drbg: octets of the generator handed out. n_failures: of tests and device. pool_octets:
    ready; pool_limit: at most. bits_a_sample: hashed bits for each raw sample. epsilon: distance of one block's output
    from ideal. n_blocks: hashed. histogram: of the newest chunk, counts of at most 256 equal ranges of codes. time_s:
    since the start. frame_samples: raw samples that share their checks, without which no bit is certified. n_waiting:
    of a frame that is not complete, counted in n_samples.
    """

    name: str
    state: Literal["starting", "healthy", "failed"]
    reason: str
    device: str
    birth: Birth
    source: str
    n_samples: int
    n_rejected: int
    n_octets: int
    n_given: int
    n_drbg: int
    n_failures: int
    pool_octets: int
    pool_limit: int
    bits_a_sample: float
    epsilon: float
    n_blocks: int
    time_s: float
    histogram: tuple[int, ...] = field(default_factory=tuple)
    n_waiting: int = 0
    frame_samples: int = 0


_decoder = msgspec.json.Decoder(SupplyStatus)


def write_status(status: SupplyStatus) -> bytes:
    """One JSON object."""
    return msgspec.json.encode(status)


def read_status(body: bytes) -> SupplyStatus:
    """From write_status; PeerError for another form."""
    try:
        return _decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise PeerError(f"the supply's status cannot be read: {error}") from None
