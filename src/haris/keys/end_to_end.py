"""The end-to-end layer beside relay: a mask from ML-KEM-1024 over relayed keys, K = K_qkd XOR KDF(secret, transcript).

Sites on the paths of a relay carry K_qkd; the mask is known to the two ends alone, while the lattice problem holds. It
is independent of K_qkd, so that K is as close to ideal as K_qkd is, whatever becomes of ML-KEM: epsilon is kept.

The owner draws an ML-KEM-1024 key pair for one session and signs the public half, the far end encapsulates and signs
offer and reply together (ML-DSA-65 under certificates of the operator's authority: signing.py). So both know who holds
the secret, and what is recorded today is not opened by a signature key that leaks tomorrow. No word confirms that both
hold the same secret: the comparison of each relay under its mask does (shares.py).

The session's key is HKDF-Extract by SHA-512 (RFC 5869) with the hash of the whole transcript as salt; the mask of key i
of a relay is HKDF-Expand with the relay's name and i. A session ends after so many keys or so long (Lifetime), and its
key is overwritten. The library draws the encapsulation's randomness itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM1024PrivateKey, MLKEM1024PublicKey
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from haris.crypto import signing
from haris.crypto.signing import Credentials
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.keys import KEY_OCTETS
from haris.wire.end_to_end import SessionOffer, SessionReply

ASSUMPTION = "also ML-KEM-1024 end to end: sites on the path learn nothing while the lattice problem holds"
"""What the pedigree of a masked key says beside its epsilon."""

SEED_OCTETS = 64
NAME_OCTETS = 16
_OFFER, _REPLY = b"haris end to end offer 1", b"haris end to end reply 1"  # FIPS 204 contexts


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session may serve: keys masked, and seconds since it began."""

    n_keys: int = 100_000
    seconds: float = 3600.0

    def __post_init__(self) -> None:
        if self.n_keys < 1 or not self.seconds > 0:
            raise ParameterError(f"a session serves for at least a key and a moment, got {self}")


@dataclass(slots=True)
class Session:
    """A secret of two ends. name: 16 octets. key: 64 octets. began_ns: when it was agreed. n_keys: masked so far."""

    name: bytes
    key: bytearray = field(repr=False)
    began_ns: int
    n_keys: int = 0

    @property
    def assumption(self) -> str:
        """What it adds to a key, in words."""
        return ASSUMPTION

    def mask(self, relay: UUID, n_octets: int) -> bytes:
        """n_octets for one relay: 32 for each key by its index, cut. ParameterError once the session is wiped."""
        if not self.key:
            raise ParameterError("a session that has ended masks nothing")
        units = range(-(-n_octets // KEY_OCTETS))
        return b"".join(_expand(self.key, relay, index) for index in units)[:n_octets]

    def is_over(self, lifetime: Lifetime, now_ns: int) -> bool:
        """Whether it has served its time, or the clock was set back behind its beginning."""
        age_ns = now_ns - self.began_ns
        return self.n_keys >= lifetime.n_keys or not 0 <= age_ns < lifetime.seconds * 1e9

    def wipe(self) -> None:
        """Overwrite the key; the session is of no more use."""
        self.key[:] = bytes(len(self.key))
        self.key.clear()


@dataclass(frozen=True, slots=True)
class Offering:
    """The owner's half of a session before the reply. private: of this session alone."""

    offer: SessionOffer
    private: MLKEM1024PrivateKey = field(repr=False)


def offer(credentials: Credentials, owner: str, far_end: str, entropy: Callable[[int], bytes]) -> Offering:
    """At the owner: a fresh key pair and the signed offer of its public half."""
    private = MLKEM1024PrivateKey.from_seed_bytes(entropy(SEED_OCTETS))
    message = SessionOffer(
        session=entropy(NAME_OCTETS),
        owner=owner,
        far_end=far_end,
        public_key=private.public_key().public_bytes_raw(),
        certificate=credentials.shown,
    )
    _, signature = signing.sign(credentials, message.signed_octets(), _OFFER)
    return Offering(msgspec.structs.replace(message, signature=signature), private)


def answer(
    credentials: Credentials, message: SessionOffer, owner: str, far_end: str, now_ns: int
) -> tuple[Session, SessionReply]:
    """At the far end: the session of an offer, and the signed reply.

    owner: the site that speaks, far_end: this one. Raises PeerError unless the offer is the owner's own, for us.
    """
    if (message.owner, message.far_end) != (owner, far_end):
        raise PeerError(f"an offer from {message.owner} to {message.far_end} came from {owner} to {far_end}")
    _verify(credentials, message.certificate, message.signed_octets(), message.signature, _OFFER, now_ns)
    try:
        secret, ciphertext = MLKEM1024PublicKey.from_public_bytes(message.public_key).encapsulate()
    except ValueError:
        raise PeerError("an encapsulation key fails the check of FIPS 203, clause 7.2") from None
    reply = SessionReply(
        session=message.session,
        owner=owner,
        far_end=far_end,
        ciphertext=ciphertext,
        certificate=credentials.shown,
    )
    _, signature = signing.sign(credentials, _transcript(message, reply), _REPLY)
    return _session(secret, message, reply, now_ns), msgspec.structs.replace(reply, signature=signature)


def accept(credentials: Credentials, offering: Offering, reply: SessionReply, now_ns: int) -> Session:
    """At the owner: the session that its offer and the far end's reply make. Raises PeerError for another's reply."""
    message = offering.offer
    if (reply.session, reply.owner, reply.far_end) != (message.session, message.owner, message.far_end):
        raise PeerError("a reply is for another session")
    _verify(credentials, reply.certificate, _transcript(message, reply), reply.signature, _REPLY, now_ns)
    secret = offering.private.decapsulate(reply.ciphertext)
    return _session(secret, message, reply, now_ns)


def _verify(
    credentials: Credentials, der: bytes, octets: bytes, signature: bytes | None, context: bytes, now_ns: int
) -> None:
    if signature is None:
        raise PeerError("a message of the end-to-end layer is not signed")
    signing.verify(signing.read_signer(credentials, der, now_ns), octets, signature, context)


def _transcript(message: SessionOffer, reply: SessionReply) -> bytes:
    """Every octet that both ends have seen, up to the reply's signature."""
    assert message.signature is not None
    return signing.statement(message.signed_octets(), message.signature, reply.signed_octets())


def _session(secret: bytes, message: SessionOffer, reply: SessionReply, now_ns: int) -> Session:
    salt = hashlib.sha512(_transcript(message, reply)).digest()
    return Session(message.session, bytearray(hmac.digest(salt, secret, "sha512")), now_ns)


def _expand(key: bytearray, relay: UUID, index: int) -> bytes:
    info = b"haris relay mask" + relay.bytes + index.to_bytes(4, "big")
    return HKDFExpand(SHA512(), KEY_OCTETS, info).derive(bytes(key))
