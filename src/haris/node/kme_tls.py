"""Mutual TLS of a key manager: both ends show a certificate, and the Subject CN alone says who they are."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from haris.node.credentials import read_certificate
from haris.nouns.errors import ParameterError, Unauthorised


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: our certificate, its private key, and the authority that the other end must be of."""

    certificate: Path
    private_key: Path
    authority: Path


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 or newer, client certificate required. ParameterError for a missing, foreign or expired file."""
    return _context(ssl.PROTOCOL_TLS_SERVER, files)


def peer_context(files: TlsFiles, common_name: str) -> ssl.SSLContext:
    """TLS as a client of the one server whose certificate bears common_name, whatever its address.

    The name is compared within the handshake, before anything else is sent.
    """

    class NamedPeer(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            found = subject_common_name(self.getpeercert())
            if found != common_name:
                raise ssl.SSLCertVerificationError(f"the peer's certificate names {found}, not {common_name}")

    context = _context(ssl.PROTOCOL_TLS_CLIENT, files)
    context.check_hostname = False
    context.sslobject_class = NamedPeer
    return context


def subject_common_name(certificate: Mapping[str, Any] | None) -> str:
    """The one Subject CN of a certificate, as getpeercert() gives it. Unauthorised for none, several or a blank one."""
    subject = (certificate or {}).get("subject", ())
    names = [value for entry in subject for kind, value in entry if kind == "commonName"]
    if len(names) != 1 or not str(names[0]).strip():
        raise Unauthorised("the certificate shall have one Subject CN, which is the caller's ID")
    return str(names[0])


def _context(protocol: int, files: TlsFiles) -> ssl.SSLContext:
    now = datetime.now(UTC)
    for path in (files.certificate, files.authority):
        read_certificate(path, now)
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(files.authority)
        context.load_cert_chain(files.certificate, files.private_key)
    except OSError as error:  # ssl.SSLError is one
        raise ParameterError(f"certificate {files.certificate} with key {files.private_key}: {error}") from None
    return context
