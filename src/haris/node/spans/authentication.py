"""One-time tags of one span at one site: the pad of every tag is burnt durably before the tag leaves."""

from __future__ import annotations

from haris.crypto.ledger import ledger_name
from haris.crypto.wegman_carter import tag, verify
from haris.keys.store import LedgerStore
from haris.nouns.errors import ForgedMessage
from haris.wire.span import Tag

PAD_OCTETS = 32


class Authenticator:
    """Signs with one ledger of the span and verifies with the other.

    alice: whether this site is the span's Alice, who signs from `ab`.
    """

    def __init__(self, store: LedgerStore, span: str, *, alice: bool) -> None:
        self._store = store
        self.sending = ledger_name(span, "auth", "ab" if alice else "ba")
        self.receiving = ledger_name(span, "auth", "ba" if alice else "ab")

    def sign(self, octets: bytes) -> Tag:
        """A fresh tag over octets. KeyUnavailable when the pad is used up."""
        pad = self._store.ledger_take(self.sending, PAD_OCTETS)
        return Tag(pad.offset, tag(octets, pad.octets))

    def check(self, octets: bytes, received: Tag | None) -> None:
        """Burn the tag's pad if it fits octets, and raise ForgedMessage if it does not.

        A forgery burns nothing: its pad place is only looked at, so that nobody can spend the reserve from outside.
        A tag is accepted once, even if two connections bring it at the same moment.
        """
        if received is None:
            raise ForgedMessage("a message that needs a tag came without one")
        pad = self._store.ledger_peek(self.receiving, received.offset, PAD_OCTETS)
        if not verify(octets, received.octets, pad):
            raise ForgedMessage("a tag does not fit its message: the classical channel was tampered with")
        self._store.ledger_take_at(self.receiving, received.offset, PAD_OCTETS)  # refuses if it was taken meanwhile
