"""What the two agents of a VPN say to each other about keys, by key_ID; over mutual TLS, as MessagePack in frames.

The initiator leads. It greets, and for each key it says Offer, Switch, Used and Retire; the responder answers the first
three, or refuses. Abort and Retire have no answer. A secret is never said; a proof shows that the sender holds it.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec

from haris.wire.message_pack import MessagePack, Tagged

VERSION = 1
MAX_MESSAGE_OCTETS = 4096
Proof = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Text = Annotated[str, msgspec.Meta(max_length=512)]


class Hello(Tagged, frozen=True):
    """The initiator's first word on a connection. vpn: both call it so. kind: `ipsec` or `wireguard`.

    active: the key that the initiator uses, None if it knows of none: this settles what a lost connection left open.
    """

    version: int
    vpn: Text
    kind: Text
    active: UUID | None


class Welcome(Tagged, frozen=True):
    """The responder's answer. active: the initiator's, if the responder uses it too; None asks for a new key."""

    active: UUID | None


class Offer(Tagged, frozen=True):
    """The initiator has fetched and loaded this key, and does not use it yet."""

    key_id: UUID


class Loaded(Tagged, frozen=True):
    """The responder has fetched the key and would accept it. proof: that it holds the same secret."""

    key_id: UUID
    proof: Proof


class Switch(Tagged, frozen=True):
    """Both have the key: the responder is to get ready for its use. proof: the initiator's."""

    key_id: UUID
    proof: Proof


class Switched(Tagged, frozen=True):
    """The responder is ready: the initiator may switch."""

    key_id: UUID


class Used(Tagged, frozen=True):
    """The initiator uses this key, and still takes what comes under the old one."""

    key_id: UUID


class Following(Tagged, frozen=True):
    """The responder uses this key, too: the old one carries nothing new."""

    key_id: UUID


class Retire(Tagged, frozen=True):
    """The initiator uses this key and no other: every other is to be forgotten."""

    key_id: UUID


class Abort(Tagged, frozen=True):
    """The initiator does not use this key and never will: the one before it stays."""

    key_id: UUID
    text: Text


class Refuse(Tagged, frozen=True):
    """The responder cannot take this key, and has forgotten it."""

    key_id: UUID
    text: Text


ToResponder = Hello | Offer | Switch | Used | Retire | Abort
ToInitiator = Welcome | Loaded | Switched | Following | Refuse
Message = ToResponder | ToInitiator

codec: MessagePack[Message] = MessagePack(Message, "a VPN's agents")
