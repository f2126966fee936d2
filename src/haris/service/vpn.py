"""Keying a VPN: what happens to its agents, what they order, and how both prove that they hold the same key.

The two roles are pure step functions, `vpn_initiator.step` and `vpn_responder.step`: (state, event, time) to (state,
orders). The shell carries orders out one after the other and tells how those ended that an event waits for.

A key goes: fetched ─▶ loaded here ─▶ offered ─▶ loaded at both, proven ─▶ ready there ─▶ used here ─▶ used there ─▶ the
old one retired. Nothing but these steps brings a key into use, each waits for the one before, and until the last the
old key works:

- The initiator uses a key only after the responder's word that it is ready for it.
- Either end forgets the old key only after the other's word that it uses the new one.
- A connection that breaks in between leaves at most one question, whether the initiator uses the new key or the old
  one; the responder keeps both, and the initiator's next Hello answers it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from haris.nouns.checks import require_not_negative, require_positive
from haris.nouns.errors import ParameterError
from haris.wire.vpn import Message

SECRET_OCTETS = 32


class Role(StrEnum):
    """The initiator is the master SAE and takes keys with enc_keys; the responder fetches them by key_ID."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a key serves, in seconds.

    rotate_s: age at which the next key is fetched. max_s: age at which the tunnel is torn down if none came; nothing
    passes without a fresh key. overlap_s: how long old and new are both in place, for packets on their way.
    retry_s: pause after a failed rotation, doubled each time up to rotate_s. answer_s: patience with the other agent.
    """

    rotate_s: float = 120.0
    max_s: float = 3600.0
    overlap_s: float = 1.0
    retry_s: float = 1.0
    answer_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("rotate_s", "max_s", "retry_s", "answer_s"):
            require_positive(name, getattr(self, name))
        require_not_negative("overlap_s", self.overlap_s)
        if self.max_s <= self.rotate_s + self.overlap_s:
            raise ParameterError(
                f"max_s must exceed rotate_s + overlap_s, so that a late key finds the tunnel up: got {self.max_s:g}"
            )


@dataclass(frozen=True, slots=True)
class InUse:
    """A key that the tunnel uses, since a monotonic time."""

    key_id: UUID
    since_ns: int

    def older(self, age_s: float, now_ns: int) -> bool:
        """Whether it is at least that old."""
        return now_ns - self.since_ns >= age_s * 1e9


# -- events: what the shell tells an agent


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The other agent can be spoken to."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection to the other agent is gone."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The other agent's message."""

    message: Message


@dataclass(frozen=True, slots=True)
class Fetched:
    """A key has come from the key manager. proofs: what the initiator and the responder say to prove it."""

    key_id: UUID
    proofs: tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class NotFetched:
    """No key came. key_id: the one that was asked for by name."""

    text: str
    retry_s: float = 0.0
    key_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The daemon has carried out Load, Use or Follow of this key."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class Failed:
    """The daemon could not carry out Load, Use or Follow of this key."""

    key_id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class Vanished:
    """The daemon has no tunnel under the key in use any more."""


Event = Tick | Connected | Lost | Heard | Fetched | NotFetched | Done | Failed | Vanished


# -- orders: what an agent wants of the shell. Fetch, Load, Use and Follow are answered by an event.


@dataclass(frozen=True, slots=True)
class Fetch:
    """Take a fresh key (None), or the one of that key_ID, from the key manager."""

    key_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Make the daemon able to use this key beside the old one."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class Use:
    """At the responder: be ready for the first use of this key. At the initiator: use it."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class Follow:
    """At the responder: send under this key from now on. Whatever else is up is still listened to."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class Forget:
    """Undo Load and Use of this key; the one before it serves again. Wipe it."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class Keep:
    """Of all keys keep this one alone, and wipe the others."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class Close:
    """Nothing passes from now on, until another key is in use. Wipe every key."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send a message to the other agent."""

    message: Message


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection; it is made anew."""

    text: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the operator. kind: rotated, waiting, refused, failed or closed."""

    kind: str
    key_id: UUID | None = None
    text: str = ""


Order = Fetch | Load | Use | Follow | Forget | Keep | Close | Say | HangUp | Tell


# -- the key itself


@dataclass(frozen=True, slots=True)
class TunnelSecret:
    """What becomes of a delivered key. octets: the 32 that the daemon gets, a buffer to be wiped.

    proofs: the initiator's and the responder's. They are made under another key than octets, so that what is said
    about a key is never said under what protects traffic.
    """

    octets: bytearray = field(repr=False)
    proofs: tuple[bytes, bytes]

    def wipe(self) -> None:
        """Overwrite the octets."""
        self.octets[:] = bytes(len(self.octets))


def tunnel_secret(secret: bytes, vpn: str, key_id: UUID) -> TunnelSecret:
    """The daemon's secret and both proofs from a delivered key of 256 bits (HKDF-Expand of RFC 5869 with SHA-256).

    Raises ParameterError for a key of another length.
    """
    if len(secret) != SECRET_OCTETS:
        raise ParameterError(f"a VPN's key has {8 * SECRET_OCTETS} bits, got {8 * len(secret)}")
    about = f"haris vpn\0{vpn}\0{key_id}\0".encode()
    octets, proving = (
        HKDFExpand(SHA256(), SECRET_OCTETS, about + purpose).derive(secret) for purpose in (b"tunnel", b"proof")
    )
    proofs = tuple(hmac.digest(proving, role.value.encode(), "sha256") for role in Role)
    return TunnelSecret(bytearray(octets), (proofs[0], proofs[1]))
