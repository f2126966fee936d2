"""The first pad of a span by ML-KEM-1024, signed with ML-DSA-65: who says what, as values. See keys/commissioning.py.

The caller offers an encapsulation key of this moment, the listener encapsulates to it; each signs all that was said so
far. Then each proves that it holds the secret, the caller first; the listener stores the pad before it proves, the
caller when it has seen the proof. So a caller that holds the pad knows that the listener does, too; one that was cut
off before begins again, and the listener lets it as long as no block has been held.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM1024PrivateKey, MLKEM1024PublicKey
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from haris.crypto import signing
from haris.crypto.signing import Credentials
from haris.keys.commissioning import SECRET_OCTETS, auth_ledgers
from haris.nouns.errors import PeerError
from haris.wire.bootstrap import BootstrapOffer, BootstrapProof, BootstrapReply, signed_octets

SEED_OCTETS, NONCE_OCTETS = 64, 16
_OFFER, _REPLY = b"haris span offer 1", b"haris span reply 1"  # FIPS 204 contexts


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pad is to be. link: digest of what both ends must agree on of the span. tails: of our ledgers."""

    span: str
    site: str
    peer: str
    link: bytes
    tails: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Offering:
    """The caller's half. private: of this moment alone."""

    place: Place
    offer: BootstrapOffer
    private: MLKEM1024PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both ends hold. secret: of SECRET_OCTETS. starts: where the pad begins in each ledger. key: for proofs."""

    secret: bytes = field(repr=False)
    starts: dict[str, int]
    key: bytes = field(repr=False)

    def proof(self, who: bytes) -> BootstrapProof:
        """The word of `caller` or `listener` that it holds the secret."""
        return BootstrapProof(hmac.digest(self.key, who, "sha512")[:32])

    def require(self, proof: BootstrapProof, who: bytes) -> None:
        """Raise PeerError unless it is the word of who."""
        if not hmac.compare_digest(proof.word, self.proof(who).word):
            raise PeerError(f"the {who.decode()} does not hold the first pad's secret")


def offer(credentials: Credentials, place: Place, entropy: Callable[[int], bytes]) -> Offering:
    """At the caller."""
    private = MLKEM1024PrivateKey.from_seed_bytes(entropy(SEED_OCTETS))
    message = BootstrapOffer(
        span=place.span,
        site=place.site,
        nonce=entropy(NONCE_OCTETS),
        link=place.link,
        tails=dict(place.tails),
        public_key=private.public_key().public_bytes_raw(),
        certificate=credentials.shown,
    )
    _, signature = signing.sign(credentials, signed_octets(message), _OFFER)
    return Offering(place, msgspec.structs.replace(message, signature=signature), private)


def answer(
    credentials: Credentials, place: Place, message: BootstrapOffer, entropy: Callable[[int], bytes], now_ns: int
) -> tuple[Agreed, BootstrapReply]:
    """At the listener. Raises PeerError unless the offer is the peer's own, for this span as we know it."""
    _require_place(place, message)
    _require_signed(credentials, message, signed_octets(message), _OFFER, now_ns)
    try:
        secret, ciphertext = MLKEM1024PublicKey.from_public_bytes(message.public_key).encapsulate()
    except ValueError:
        raise PeerError("the offered encapsulation key is none (FIPS 203, 7.2)") from None
    reply = BootstrapReply(
        span=place.span,
        site=place.site,
        nonce=entropy(NONCE_OCTETS),
        link=place.link,
        tails=dict(place.tails),
        ciphertext=ciphertext,
        certificate=credentials.shown,
    )
    _, signature = signing.sign(credentials, signed_octets(message) + signed_octets(reply), _REPLY)
    reply = msgspec.structs.replace(reply, signature=signature)
    return _agree(secret, message, reply), reply


def accept(credentials: Credentials, offering: Offering, reply: BootstrapReply, now_ns: int) -> Agreed:
    """At the caller. Raises PeerError unless the reply is the peer's own, to our offer."""
    _require_place(offering.place, reply)
    _require_signed(credentials, reply, signed_octets(offering.offer) + signed_octets(reply), _REPLY, now_ns)
    return _agree(offering.private.decapsulate(reply.ciphertext), offering.offer, reply)


def _require_place(place: Place, message: BootstrapOffer | BootstrapReply) -> None:
    if (message.span, message.site) != (place.span, place.peer):
        raise PeerError(f"expected {place.peer} on span {place.span}, got {message.site} on {message.span}")
    if message.link != place.link:
        raise PeerError(f"{message.site} knows span {message.span} otherwise: what makes its keys would differ")
    if set(message.tails) != set(auth_ledgers(place.span)):
        raise PeerError(f"{message.site} names other ledgers than this span has")


def _require_signed(
    credentials: Credentials, message: BootstrapOffer | BootstrapReply, octets: bytes, context: bytes, now_ns: int
) -> None:
    certificate = signing.read_signer(credentials, message.certificate, now_ns)
    signing.verify(certificate, octets, message.signature, context)


def _agree(shared: bytes, offered: BootstrapOffer, reply: BootstrapReply) -> Agreed:
    """HKDF by SHA-512 (RFC 5869): extracted with the hash of all that was said, expanded for each ledger and proof."""
    transcript = hashlib.sha512(signed_octets(offered) + signed_octets(reply)).digest()
    key = hmac.digest(transcript, shared, "sha512")
    ledgers = auth_ledgers(offered.span)
    secret = b"".join(_expand(key, ledger.encode(), SECRET_OCTETS // 2) for ledger in ledgers)
    starts = {ledger: max(offered.tails[ledger], reply.tails[ledger]) for ledger in ledgers}
    return Agreed(secret, starts, _expand(key, b"proof", 64))


def _expand(key: bytes, use: bytes, n_octets: int) -> bytes:
    return HKDFExpand(SHA512(), n_octets, b"haris span first pad " + use).derive(key)
