"""Why a request came to nothing on its way: in words for whoever asked, and whether to ask again makes sense."""

from __future__ import annotations

import ssl

import aiohttp
from cryptography import x509
from cryptography.x509.oid import NameOID

from haris.node.supply.peers import without_context
from haris.nouns.errors import KeyUnavailable, PeerError

_RETRY_S = 1
_OF_CERTIFICATES = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")
"""Alerts by which the other end refuses ours (RFC 8446, 6.2)."""
_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""No refusal: the other end went away in the middle of TLS."""


def unreached(who: str, where: str, error: Exception, context: ssl.SSLContext) -> KeyUnavailable | PeerError:
    """The error of a client whose request came to nothing.

    who: what it asked, such as `the key manager`. where: its URL, or HOST:PORT. error: of aiohttp, TLS or a socket.
    context: the TLS that it asked with. PeerError when the two ends do not trust each other, or share no TLS: asking
    again changes nothing. Everything else may pass, and is KeyUnavailable.
    """
    refused = _tls_error(error)
    if isinstance(refused, ssl.SSLCertVerificationError):
        why = getattr(refused, "verify_message", "") or refused.args[-1]
        return PeerError(f"{where}: the certificate of {who} is not trusted: {why} (trusted: {_authorities(context)})")
    if refused is not None and not isinstance(refused, _ENDED):
        reason = (refused.reason or str(refused)).replace("_", " ").lower()
        if any(word in (refused.reason or "") for word in _OF_CERTIFICATES):
            reason = reason.partition(" alert ")[2] or reason
            return PeerError(f"{where}: {who} does not accept our certificate: {reason}")
        return PeerError(f"{where}: TLS was refused: {reason}")
    text = without_context(str(error)) or ("time-out" if isinstance(error, TimeoutError) else type(error).__name__)
    return KeyUnavailable(f"{where}: {who} cannot be reached: {text}", _RETRY_S)


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The failure of TLS that is behind an error of aiohttp, which wraps some and copies others."""
    while error is not None:
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            error = error.certificate_error
        elif isinstance(error, aiohttp.ClientConnectorError):
            error = error.os_error
        elif isinstance(error, ssl.SSLError):
            return error
        else:
            error = error.__cause__
    return None


def _authorities(context: ssl.SSLContext) -> str:
    """The common names of the authorities that a context trusts."""
    trusted = (x509.load_der_x509_certificate(der) for der in context.get_ca_certs(binary_form=True))
    names = [
        str(name.value)
        for certificate in trusted
        for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    return ", ".join(names) or "nobody"
