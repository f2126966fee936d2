"""Messages of one interface as MessagePack: strict to read, one spelling to write."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from haris.nouns.errors import PeerError

M = TypeVar("M")


class Tagged(msgspec.Struct, tag=True, frozen=True, forbid_unknown_fields=True):
    """A message that bears the name of its class, and nothing that its class does not have."""


class MessagePack(Generic[M]):
    """The codec of a union of tagged Structs. what: how errors call such a message."""

    def __init__(self, union: Any, what: str) -> None:
        self._what = what
        self._encoder = msgspec.msgpack.Encoder(order="sorted")
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(union)

    def encode(self, message: M) -> bytes:
        """The message as octets; equal messages give equal octets."""
        return self._encoder.encode(message)

    def decode(self, octets: bytes) -> M:
        """The message in octets. Raises PeerError for anything else."""
        try:
            return self._decoder.decode(octets)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise PeerError(f"not a message of {self._what}: {error}") from None
