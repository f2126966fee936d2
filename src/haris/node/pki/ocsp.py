"""Asking whether a certificate is still good: OCSP, RFC 6960. Messages only; node/pki/revocation.py sends them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from haris.nouns.errors import PeerError

SKEW = timedelta(minutes=5)
UNDATED = timedelta(minutes=5)
"""How long an answer without nextUpdate serves: newer ones are always there (RFC 6960, 4.2.2.1)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a responder said of a certificate, and until when that may be relied on."""

    good: bool
    until: datetime
    text: str = ""


def responder_of(certificate: x509.Certificate) -> str | None:
    """The URL at which the certificate says that its status can be asked; None when it says nothing."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    for each in access:
        name = each.access_location
        if each.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
            name, x509.UniformResourceIdentifier
        ):
            return str(name.value)
    return None


def question(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """The request, DER. SHA-1 names the issuer, as every responder understands (RFC 5019); nothing rests on it."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())
    return builder.build().public_bytes(Encoding.DER)


def read_answer(der: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> Verdict:
    """What the answer says. Raises PeerError for one that is no answer, of another, out of date, or not signed.

    It is signed by the issuer, or by one whom the issuer gave a certificate for signing such answers.
    """
    try:
        answer = ocsp.load_der_ocsp_response(der)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise PeerError(f"the OCSP responder gives no answer: {answer.response_status.name.lower()}")
        _require_signed(answer, issuer, now)
        single = _of(answer, certificate, issuer)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PeerError(f"the OCSP answer cannot be read: {error}") from None
    until = single.next_update_utc or single.this_update_utc + UNDATED
    if not single.this_update_utc - SKEW <= now <= until + SKEW:
        raise PeerError(f"the OCSP answer is of {single.this_update_utc:%Y-%m-%d %H:%M} UTC and out of date")
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return Verdict(False, until, f"revoked on {single.revocation_time_utc:%Y-%m-%d %H:%M} UTC")
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return Verdict(False, until, "unknown to its issuer's OCSP responder")
    return Verdict(True, until)


def _of(answer: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> ocsp.OCSPSingleResponse:
    """The part that is about this certificate and no other."""
    request = ocsp.load_der_ocsp_request(question(certificate, issuer))
    for single in answer.responses:
        names = (single.serial_number, single.issuer_name_hash, single.issuer_key_hash)
        if not isinstance(single.hash_algorithm, hashes.SHA1):
            continue
        if names == (request.serial_number, request.issuer_name_hash, request.issuer_key_hash):
            return single
    raise PeerError("the OCSP answer is about another certificate")


def _require_signed(answer: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> None:
    signers = [issuer, *(each for each in answer.certificates if _may_sign(each, issuer, now))]
    for signer in signers:
        if _is_signed_by(answer, signer):
            return
    raise PeerError("the OCSP answer is not signed by the certificate's issuer, nor by one whom it appointed")


def _may_sign(certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    valid = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    return valid and ExtendedKeyUsageOID.OCSP_SIGNING in usages


def _is_signed_by(answer: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    public, signature, octets = signer.public_key(), answer.signature, answer.tbs_response_bytes
    try:
        if isinstance(public, MLDSA65PublicKey):
            public.verify(signature, octets)
            return True
        digest = answer.signature_hash_algorithm
        if isinstance(public, ec.EllipticCurvePublicKey) and digest is not None:
            public.verify(signature, octets, ec.ECDSA(digest))
        elif isinstance(public, rsa.RSAPublicKey) and digest is not None:
            public.verify(signature, octets, padding.PKCS1v15(), digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True
