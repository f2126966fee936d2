"""The word by which two key managers notice that either continues from an older store (keys/witness.py), in JSON."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from haris.nouns.errors import PeerError

VERB = "witness"

Nonce = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class WitnessWord(msgspec.Struct, frozen=True):
    """The sender's newest word. challenge: what the witness gave last, or none.

    anew: the sender knows that it went back, and has voided everything: it asks what was seen, and is not judged.
    """

    number: Number
    nonce: Nonce
    previous: Nonce
    challenge: bytes = b""
    anew: bool = False


class WitnessAnswer(msgspec.Struct, frozen=True):
    """What the word shows; the newest word that the witness has seen; the challenge of the next one."""

    verdict: Literal["next", "repeated", "sender-went-back", "witness-went-back", "again"]
    number: Number
    nonce: Nonce
    challenge: Nonce


def write(message: WitnessWord | WitnessAnswer) -> bytes:
    """A message as the body of a request or an answer."""
    return msgspec.json.encode(message)


def read_word(body: bytes) -> WitnessWord:
    """The word of a body; PeerError for another form."""
    try:
        return msgspec.json.decode(body, type=WitnessWord)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PeerError("a key manager sent a witness's word in a wrong form") from None


def read_answer(body: bytes) -> WitnessAnswer:
    """The answer of a body; PeerError for another form."""
    try:
        return msgspec.json.decode(body, type=WitnessAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PeerError("a key manager answered a witness's word in a wrong form") from None
