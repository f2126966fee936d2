"""Requests for certificates (PKCS #10, RFC 2986) to an operator's own authority, and what a certificate says."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
    load_pem_private_key,
)
from OpenSSL import crypto

from haris.node.pki.credentials import read_certificates
from haris.node.pki.making import CLIENT, SERVER, PrivateKey, digest, general_names, subject
from haris.node.pki.revocation import read_crls
from haris.node.pki.token import Token
from haris.nouns.errors import ParameterError
from haris.nouns.ids import require_name

Role = Literal["kme", "sae", "signer"]
"""A key manager (server and client of TLS), an application entity (client), an end of a span or tunnel (ML-DSA)."""

_USAGES = {"kme": [SERVER, CLIENT], "sae": [CLIENT], "signer": []}


def new_key(role: Role) -> PrivateKey:
    """A private key of the kind that a role needs."""
    return MLDSA65PrivateKey.generate() if role == "signer" else ec.generate_private_key(ec.SECP256R1())


def key_pem(key: PrivateKey) -> bytes:
    """A private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(path: Path) -> PrivateKey:
    """The private key in a PEM file. ParameterError for anything but EC and ML-DSA-65."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ParameterError(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise ParameterError(f"{path}: not an unencrypted private key in PEM form") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | MLDSA65PrivateKey):
        raise ParameterError(f"{path}: neither EC nor ML-DSA-65")
    return key


def make_request(name: str, role: Role, key: PrivateKey, hosts: Sequence[str] = (), uri: str = "") -> bytes:
    """The request, PEM. name: the SAE or KME ID. hosts: of a server. uri: the ID as a URI, "" for none.

    Raises ParameterError for a name that may not be one, and a key of another kind than the role needs.
    """
    if isinstance(key, MLDSA65PrivateKey) != (role == "signer"):
        raise ParameterError("a signer's key is ML-DSA-65, those of a key manager and an application are EC")
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject(require_name("a certificate's name", name)))
    builder = builder.add_extension(usage, critical=True)
    if _USAGES[role]:
        builder = builder.add_extension(x509.ExtendedKeyUsage(_USAGES[role]), critical=False)
    names = general_names(hosts, uri)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, digest(key)).public_bytes(Encoding.PEM)


class TokenKey(ec.EllipticCurvePrivateKey):
    """A private key on P-256 that stays in a token; it can sign, and nothing else."""

    def __init__(self, token: Token, label: str) -> None:
        self._token, self._label = token, label
        public = load_der_public_key(token.public_key(label))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ParameterError(f"the token's key {label} is not EC")
        self._public = public

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Its public half."""
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        """Of the pair."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """In bits."""
        return self._public.key_size

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """ECDSA, DER."""
        algorithm = signature_algorithm.algorithm
        assert isinstance(algorithm, hashes.HashAlgorithm)
        hashed = hashes.Hash(algorithm)
        hashed.update(bytes(data))
        return self._token.sign(self._label, hashed.finalize())

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """Never."""
        raise ParameterError("a key in a token only signs")

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        """Never."""
        raise ParameterError("a key in a token does not leave it")

    def private_bytes(self, encoding: Any, format: Any, encryption_algorithm: Any) -> bytes:
        """Never."""
        raise ParameterError("a key in a token does not leave it")

    def __copy__(self) -> TokenKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> TokenKey:
        return self


def token_key_pem(token: str, label: str) -> bytes:
    """PEM that names a key in a token, as OpenSSL's provider pkcs11 reads it in the place of a private key."""
    uri = f"pkcs11:token={quote(token, safe='')};object={quote(label, safe='')};type=private".encode()
    body = _der(0x30, _der(0x1A, b"PKCS#11 Provider URI v1.0") + _der(0x0C, uri))
    lines = base64.encodebytes(body).decode()
    title = "PKCS#11 PROVIDER URI"
    return f"-----BEGIN {title}-----\n{lines}-----END {title}-----\n".encode()


def describe(certificate: x509.Certificate) -> dict[str, str]:
    """What a certificate says, in words by name."""
    items = {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "valid from": f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
        "valid until": f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
        "key": type(certificate.public_key()).__name__.removesuffix("PublicKey"),
    }
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            items["names"] = ", ".join(str(name.value) for name in extension.value)
        elif isinstance(extension.value, x509.ExtendedKeyUsage):
            items["usages"] = ", ".join(getattr(usage, "_name", usage.dotted_string) for usage in extension.value)
        elif isinstance(extension.value, x509.BasicConstraints):
            items["authority"] = "yes" if extension.value.ca else "no"
    return items


def require_verified(certificate: Path, authority: Path, crls: Sequence[Path] = ()) -> None:
    """Return if OpenSSL verifies the certificate in a file, with the chain in it; else ParameterError with its reason.

    authority: file of trusted roots. crls: revocation lists, one for each authority of the chain.
    """
    chain, store = read_certificates(certificate), crypto.X509Store()
    for root in read_certificates(authority):
        store.add_cert(crypto.X509.from_cryptography(root))
    for crl in read_crls(crls):
        store.add_crl(crl)
    if crls:
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL)
    leaf, *others = (crypto.X509.from_cryptography(each) for each in chain)
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        raise ParameterError(f"{certificate}: {error}") from None


def _der(tag: int, body: bytes) -> bytes:
    """One value of fewer than 64 kB."""
    length = len(body)
    if length < 128:
        return bytes([tag, length]) + body
    return bytes([tag, 0x82]) + length.to_bytes(2, "big") + body if length > 255 else bytes([tag, 0x81, length]) + body
