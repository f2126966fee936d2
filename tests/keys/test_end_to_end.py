"""The end-to-end layer: who can make a session, what it masks, and ML-KEM-1024 beside an independent implementation."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM1024PrivateKey, MLKEM1024PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from kyber_py.ml_kem import ML_KEM_1024

from haris.crypto.signing import Credentials
from haris.keys import end_to_end
from haris.keys.end_to_end import Lifetime, Session
from haris.node.pki.authority import make_laboratory
from haris.node.pki.credentials import signing_credentials
from haris.nouns.errors import ParameterError, PeerError
from haris.wire.end_to_end import KEM_OCTETS, SessionOffer, SessionReply, decode, encode

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
RELAY = UUID(int=5)

Of = Callable[[str, str], Credentials]


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> Of:
    """The credentials of one site's key manager towards another's."""
    folder = tmp_path_factory.mktemp("pki")
    names = ["kme-bank", "kme-exchange", "kme-middle"]
    make_laboratory(folder, names, [], names, NOW - timedelta(days=1))

    def credentials(name: str, peer: str) -> Credentials:
        own = folder / f"{name}.mldsa.crt", folder / f"{name}.mldsa.key"
        return signing_credentials(*own, folder / "mldsa-ca.crt", peer, NOW)

    return credentials


def agree(of: Of, seed: int = 1) -> tuple[Session, Session]:
    """The session of the bank as owner and the exchange as far end, at either."""
    bank, exchange = of("kme-bank", "kme-exchange"), of("kme-exchange", "kme-bank")
    offering = end_to_end.offer(bank, "bank", "exchange", random.Random(seed).randbytes)
    offer = decode(encode(offering.offer))
    assert isinstance(offer, SessionOffer)
    theirs, reply = end_to_end.answer(exchange, offer, "bank", "exchange", NOW_NS)
    heard = decode(encode(reply))
    assert isinstance(heard, SessionReply)
    return end_to_end.accept(bank, offering, heard, NOW_NS), theirs


def test_both_ends_have_the_same_mask(of: Of) -> None:
    ours, theirs = agree(of)
    assert ours.name == theirs.name
    assert ours.mask(RELAY, 80) == theirs.mask(RELAY, 80)
    again, _ = agree(of)
    assert again.mask(RELAY, 80) != ours.mask(RELAY, 80), "the far end's randomness is in it"
    assert "ML-KEM-1024" in ours.assumption


def test_masks_differ_by_relay_and_index(of: Of) -> None:
    ours, _ = agree(of)
    masks = [ours.mask(UUID(int=n), 32 * 40) for n in range(20)]
    units = [mask[at : at + 32] for mask in masks for at in range(0, len(mask), 32)]
    assert len(set(units)) == len(units)
    assert ours.mask(RELAY, 33) == ours.mask(RELAY, 64)[:33]


def test_the_mask_is_rfc_5869_over_the_transcript(of: Of) -> None:
    """HKDF by its own formulas."""
    bank, exchange = of("kme-bank", "kme-exchange"), of("kme-exchange", "kme-bank")
    offering = end_to_end.offer(bank, "bank", "exchange", random.Random(1).randbytes)
    _, reply = end_to_end.answer(exchange, offering.offer, "bank", "exchange", NOW_NS)
    session = end_to_end.accept(bank, offering, reply, NOW_NS)
    parts = (offering.offer.signed_octets(), offering.offer.signature, reply.signed_octets())
    transcript = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    secret = offering.private.decapsulate(reply.ciphertext)
    prk = hmac.digest(hashlib.sha512(transcript).digest(), secret, "sha512")
    info = b"haris relay mask" + RELAY.bytes + (3).to_bytes(4, "big")
    assert session.mask(RELAY, 128)[96:] == hmac.digest(prk, info + b"\x01", "sha512")[:32]


@settings(max_examples=10)
@given(seed=st.binary(min_size=64, max_size=64))
def test_ml_kem_1024_is_that_of_kyber_py(seed: bytes) -> None:
    """kyber-py is a plain transcription of FIPS 203, tested against NIST's vectors: each end as one of the two."""
    ours = MLKEM1024PrivateKey.from_seed_bytes(seed)
    encapsulation_key, decapsulation_key = ML_KEM_1024.key_derive(seed)
    assert ours.public_key().public_bytes_raw() == encapsulation_key
    secret, ciphertext = MLKEM1024PublicKey.from_public_bytes(encapsulation_key).encapsulate()
    assert ML_KEM_1024.decaps(decapsulation_key, ciphertext) == secret
    secret, ciphertext = ML_KEM_1024.encaps(encapsulation_key)
    assert ours.decapsulate(ciphertext) == secret
    broken = bytes([ciphertext[0] ^ 1]) + ciphertext[1:]
    assert ours.decapsulate(broken) == ML_KEM_1024.decaps(decapsulation_key, broken) != secret, "implicit rejection"


@pytest.mark.parametrize("field", ["session", "owner", "far_end", "public_key", "signature", "certificate"])
def test_an_offer_that_was_changed_is_refused(of: Of, field: str) -> None:
    offer = end_to_end.offer(of("kme-bank", "kme-exchange"), "bank", "exchange", random.Random(1).randbytes).offer
    value = getattr(offer, field)
    other = "elsewhere" if isinstance(value, str) else bytes([value[0] ^ 1]) + value[1:]
    changed = msgspec.structs.replace(offer, **{field: other})
    with pytest.raises(PeerError):
        end_to_end.answer(of("kme-exchange", "kme-bank"), changed, "bank", "exchange", NOW_NS)


@pytest.mark.parametrize("field", ["session", "owner", "far_end", "ciphertext", "signature", "certificate"])
def test_a_reply_that_was_changed_is_refused(of: Of, field: str) -> None:
    offering = end_to_end.offer(of("kme-bank", "kme-exchange"), "bank", "exchange", random.Random(1).randbytes)
    _, reply = end_to_end.answer(of("kme-exchange", "kme-bank"), offering.offer, "bank", "exchange", NOW_NS)
    value = getattr(reply, field)
    other = "elsewhere" if isinstance(value, str) else bytes([value[0] ^ 1]) + value[1:]
    changed = msgspec.structs.replace(reply, **{field: other})
    with pytest.raises(PeerError):
        end_to_end.accept(of("kme-bank", "kme-exchange"), offering, changed, NOW_NS)


def test_a_site_between_cannot_stand_in_for_an_end(of: Of) -> None:
    middle = end_to_end.offer(of("kme-middle", "kme-exchange"), "bank", "exchange", random.Random(1).randbytes)
    with pytest.raises(PeerError, match="kme-middle"):
        end_to_end.answer(of("kme-exchange", "kme-bank"), middle.offer, "bank", "exchange", NOW_NS)
    offering = end_to_end.offer(of("kme-bank", "kme-exchange"), "bank", "exchange", random.Random(1).randbytes)
    _, reply = end_to_end.answer(of("kme-middle", "kme-bank"), offering.offer, "bank", "exchange", NOW_NS)
    with pytest.raises(PeerError, match="kme-middle"):
        end_to_end.accept(of("kme-bank", "kme-exchange"), offering, reply, NOW_NS)


def test_a_reply_to_another_offer_is_refused(of: Of) -> None:
    """Even one that names the same session: the reply is signed over the whole offer."""
    bank, exchange = of("kme-bank", "kme-exchange"), of("kme-exchange", "kme-bank")
    one, other = (end_to_end.offer(bank, "bank", "exchange", random.Random(n).randbytes) for n in (1, 2))
    _, reply = end_to_end.answer(exchange, other.offer, "bank", "exchange", NOW_NS)
    with pytest.raises(PeerError):
        end_to_end.accept(bank, one, reply, NOW_NS)
    with pytest.raises(PeerError):
        end_to_end.accept(bank, one, msgspec.structs.replace(reply, session=one.offer.session), NOW_NS)
    end_to_end.accept(bank, other, reply, NOW_NS)


def test_an_offer_that_is_not_signed_or_out_of_date_is_refused(of: Of) -> None:
    offer = end_to_end.offer(of("kme-bank", "kme-exchange"), "bank", "exchange", random.Random(1).randbytes).offer
    exchange = of("kme-exchange", "kme-bank")
    with pytest.raises(PeerError, match="not signed"):
        end_to_end.answer(exchange, msgspec.structs.replace(offer, signature=None), "bank", "exchange", NOW_NS)
    with pytest.raises(PeerError, match="not valid at this time"):
        end_to_end.answer(exchange, offer, "bank", "exchange", NOW_NS + 400 * 86400 * 10**9)
    with pytest.raises(PeerError, match="came from middle"):
        end_to_end.answer(exchange, offer, "middle", "exchange", NOW_NS)


def test_an_encapsulation_key_out_of_range_is_refused(of: Of) -> None:
    """FIPS 203, clause 7.2: coefficients of 12 bits must lie below 3329."""
    bank = of("kme-bank", "kme-exchange")
    offer = end_to_end.offer(bank, "bank", "exchange", random.Random(1).randbytes).offer
    wrong = msgspec.structs.replace(offer, public_key=b"\xff" * KEM_OCTETS, signature=None)
    signature = bank.key.sign(wrong.signed_octets(), b"haris end to end offer 1")
    with pytest.raises(PeerError, match="FIPS 203"):
        end_to_end.answer(
            of("kme-exchange", "kme-bank"),
            msgspec.structs.replace(wrong, signature=signature),
            "bank",
            "exchange",
            NOW_NS,
        )


def test_a_session_ends() -> None:
    session = Session(b"n" * 16, bytearray(b"k" * 64), NOW_NS)
    lifetime = Lifetime(n_keys=10, seconds=2.0)
    assert not session.is_over(lifetime, NOW_NS + 10**9)
    assert session.is_over(lifetime, NOW_NS + 2 * 10**9)
    assert session.is_over(lifetime, NOW_NS - 1), "the clock was set back"
    session.n_keys = 10
    assert session.is_over(lifetime, NOW_NS)
    key = session.key
    session.wipe()
    assert bytes(key) == b""
    with pytest.raises(ParameterError):
        session.mask(RELAY, 32)


@pytest.mark.parametrize(("n_keys", "seconds"), [(0, 1.0), (1, 0.0), (1, float("nan"))])
def test_a_lifetime_is_some_time(n_keys: int, seconds: float) -> None:
    with pytest.raises(ParameterError):
        Lifetime(n_keys, seconds)


def test_secrets_do_not_show(of: Of) -> None:
    offering = end_to_end.offer(of("kme-bank", "kme-exchange"), "bank", "exchange", random.Random(1).randbytes)
    session = Session(b"n" * 16, bytearray(b"secret" * 10), NOW_NS)
    assert "private" not in repr(offering)
    assert "secret" not in repr(session)


@given(st.binary(max_size=64))
def test_noise_is_a_peer_error(octets: bytes) -> None:
    with pytest.raises(PeerError):
        decode(octets)
