"""Mutual TLS of a key manager: both ends show a certificate, which says who they are (node/pki/identity.py)."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from haris.node.pki.credentials import load_key, read_certificate
from haris.node.pki.identity import IdentityTable, identity_of
from haris.nouns.errors import HarisError, ParameterError, PeerError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: our certificate with its chain, its private key, the authorities that the other end must be of.

    crls: revocation lists; if there is one, every authority of the other end's chain needs one.
    """

    certificate: Path
    private_key: Path
    authority: Path
    crls: tuple[Path, ...] = ()

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file."""
        return (self.certificate, self.private_key, self.authority, *self.crls)


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 or newer, client certificate required. ParameterError for a missing, foreign or expired file."""
    return _context(ssl.PROTOCOL_TLS_SERVER, files)


def peer_context(files: TlsFiles, require: Callable[[ssl.SSLObject], None]) -> ssl.SSLContext:
    """TLS as a client of one server, whatever its address.

    require: raises HarisError unless the other end is that server; asked at the end of the handshake, before
    anything else is sent.
    """

    class NamedPeer(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            try:
                require(self)
            except HarisError as error:
                raise ssl.SSLCertVerificationError(str(error)) from None

    context = _context(ssl.PROTOCOL_TLS_CLIENT, files)
    context.check_hostname = False
    context.sslobject_class = NamedPeer
    return context


def named(kme: str, table: IdentityTable | None = None) -> Callable[[ssl.SSLObject], None]:
    """What peer_context asks: that the other end's certificate names it kme."""
    table = table or IdentityTable()

    def require(connection: ssl.SSLObject) -> None:
        found = identity_of(connection.getpeercert(binary_form=True), table.kmes, table)
        if found != kme:
            raise PeerError(f"the peer's certificate names {found}, not {kme}")

    return require


def _context(protocol: int, files: TlsFiles) -> ssl.SSLContext:
    now = datetime.now(UTC)
    for path in (files.certificate, files.authority):
        read_certificate(path, now)
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        for path in (files.authority, *files.crls):
            context.load_verify_locations(path)
    except OSError as error:  # ssl.SSLError is one
        raise ParameterError(f"{path}: {error.strerror or error}") from None
    if files.crls:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    load_key(context, files.certificate, files.private_key)
    return context
