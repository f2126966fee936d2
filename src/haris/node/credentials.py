"""Certificates and private keys from their files, with a clear word about what is wrong with them."""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from haris.nouns.errors import ParameterError
from haris.service.signatures import Credentials


def signing_credentials(certificate: Path, key: Path, authority: Path, peer_name: str, now: datetime) -> Credentials:
    """The ML-DSA credentials of a tunnel's end. Raises ParameterError, naming the file, as read_certificate does."""
    octets = _read(key)
    try:
        private = load_pem_private_key(octets, password=None)
    except (ValueError, TypeError):
        raise ParameterError(f"{key}: not an unencrypted private key in PEM form") from None
    if not isinstance(private, MLDSA65PrivateKey):
        raise ParameterError(f"{key}: not an ML-DSA-65 private key (haris pki makes NAME.mldsa.key)")
    return Credentials(
        read_certificate(certificate, now), private, read_certificate(authority, now), peer_name=peer_name
    )


def client_context(certificate: Path, key: Path, authority: Path, now: datetime) -> ssl.SSLContext:
    """TLS as a client with a certificate of its own, towards servers of one authority (TLS 1.2 at least).

    Raises ParameterError, naming the file, on what is missing, unreadable, out of date or does not fit.
    """
    read_certificate(certificate, now)
    read_certificate(authority, now)
    _read(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(authority)
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, ValueError) as error:
        raise ParameterError(f"{certificate} and {key}: {error}") from None
    return context


def read_certificate(path: Path, now: datetime) -> x509.Certificate:
    """The certificate in a PEM file. Raises ParameterError when it is missing, unreadable or not valid at `now`."""
    octets = _read(path)
    try:
        certificate = x509.load_pem_x509_certificate(octets)
    except ValueError:
        raise ParameterError(f"{path}: not a certificate in PEM form") from None
    if now > certificate.not_valid_after_utc:
        raise ParameterError(f"{path}: expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if now < certificate.not_valid_before_utc:
        raise ParameterError(f"{path}: not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    return certificate


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ParameterError(f"{path}: {error.strerror}") from None
