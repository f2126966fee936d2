"""Certificates and private keys from their files, with a clear word about what is wrong with them."""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from haris.crypto.signing import Credentials
from haris.nouns.errors import ParameterError


def signing_credentials(certificate: Path, key: Path, authority: Path, peer_name: str, now: datetime) -> Credentials:
    """The ML-DSA credentials of a tunnel's end. Raises ParameterError, naming the file, as read_certificate does."""
    private = read_mldsa_key(key)
    read_certificate(certificate, now)
    own, *chain = read_certificates(certificate)
    return Credentials(own, private, read_certificate(authority, now), peer_name=peer_name, chain=tuple(chain))


def read_mldsa_key(path: Path) -> MLDSA65PrivateKey:
    """The ML-DSA-65 private key in a PEM file. ParameterError, naming the file, for anything else."""
    octets = _read(path)
    try:
        private = load_pem_private_key(octets, password=None)
    except (ValueError, TypeError):
        raise ParameterError(f"{path}: not an unencrypted private key in PEM form") from None
    if not isinstance(private, MLDSA65PrivateKey):
        raise ParameterError(f"{path}: not an ML-DSA-65 private key (haris pki makes NAME.mldsa.key)")
    return private


def client_context(certificate: Path, key: Path, authority: Path, now: datetime) -> ssl.SSLContext:
    """TLS as a client with a certificate of its own, towards servers of one authority (TLS 1.2 at least).

    Raises ParameterError, naming the file, on what is missing, unreadable, out of date or does not fit.
    """
    read_certificate(certificate, now)
    read_certificate(authority, now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(authority)
    except (ssl.SSLError, ValueError) as error:
        raise ParameterError(f"{authority}: {error}") from None
    load_key(context, certificate, key)
    return context


def read_certificate(path: Path, now: datetime) -> x509.Certificate:
    """The first certificate in a PEM file. Raises ParameterError when it is missing, unreadable or not valid at `now`.

    Those that follow it, such as the authorities between it and the root, must be valid, too.
    """
    certificates = read_certificates(path)
    for certificate in certificates:
        if now > certificate.not_valid_after_utc:
            raise ParameterError(f"{path}: expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
        if now < certificate.not_valid_before_utc:
            raise ParameterError(f"{path}: not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    return certificates[0]


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Every certificate in a PEM file, one at least. Raises ParameterError when it is missing or unreadable."""
    octets = _read(path)
    try:
        return x509.load_pem_x509_certificates(octets)
    except ValueError:
        raise ParameterError(f"{path}: not a certificate in PEM form") from None


def load_key(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Give a context its certificate, with its chain, and its key: PEM, or PEM that names a key in a PKCS#11 token.

    A key in a token is used through OpenSSL's provider pkcs11, which OPENSSL_CONF must activate.
    Raises ParameterError when they do not fit, or the key is encrypted.
    """
    in_token = b"-----BEGIN PKCS#11 PROVIDER URI-----" in _read(key)
    try:
        context.load_cert_chain(certificate, key, password=_refuse_passphrase)
    except (ssl.SSLError, OSError, ValueError) as error:
        advice = ": the key is in a token: does OPENSSL_CONF activate the provider pkcs11?" if in_token else ""
        raise ParameterError(f"certificate {certificate} with key {key}: {error}{advice}") from None


def _refuse_passphrase() -> str:
    raise ValueError("the key is encrypted; keys of TLS are kept without a passphrase, or in a token")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ParameterError(f"{path}: {error.strerror}") from None
