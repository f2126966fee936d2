"""TLS 1.3 keyed by a quantum key: bytes in, bytes out (RFC 8446; X25519MLKEM768: draft-ietf-tls-ecdhe-mlkem).

The quantum key enters as an external pre-shared key beside an ephemeral X25519MLKEM768 exchange (psk_dhe_ke), so an
eavesdropper must break both. TLS carries no certificates here: `signatures` says who is at the other end.

This is the only file that knows OpenSSL. pyOpenSSL has no call for external keys of TLS 1.3, so their two callbacks
are set through the bindings that `cryptography` carries. Their version is pinned for that reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL

from haris.nouns.errors import ParameterError, PeerError
from haris.wire.client_hello import PSK_DHE_KE, ClientHello

TLS_1_3 = 0x0304
X25519MLKEM768 = 0x11EC
TLS_AES_256_GCM_SHA384 = 0x1302
KEY_OCTETS = 32

_lib, _ffi = Binding().lib, Binding().ffi

# SSL_SESSION of OpenSSL in DER: structure version 1, TLS 1.3, TLS_AES_256_GCM_SHA384, no session id, no secret yet.
_BLANK_SESSION = bytes.fromhex("3010 020101 02020304 04021302 0400 0401 00")
_READ_OCTETS = 1 << 16
_RECORD_OCTETS = 1 << 14


class Role(StrEnum):
    """The two ends of a tunnel; the connector is the TLS client."""

    CONNECTOR = "connector"
    LISTENER = "listener"


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What a handshake settled on. psk: the external key was used; key_id names it."""

    version: str
    group: str
    cipher: str
    psk: bool
    key_id: UUID


def offered_key(hello: ClientHello) -> UUID:
    """The key_ID that a ClientHello offers, if the hello is one that our connector would send.

    Raises PeerError when it lacks TLS 1.3, X25519MLKEM768 or AES-256-GCM, offers psk_ke or 0-RTT, or does not name
    exactly one key.
    """
    if TLS_1_3 not in hello.versions:
        raise PeerError("the client does not offer TLS 1.3")
    if X25519MLKEM768 not in hello.groups:
        raise PeerError("the client does not offer the group X25519MLKEM768")
    if TLS_AES_256_GCM_SHA384 not in hello.cipher_suites:
        raise PeerError("the client does not offer TLS_AES_256_GCM_SHA384")
    if hello.psk_modes != (PSK_DHE_KE,):
        raise PeerError("the client must offer psk_dhe_ke, and no other use of a pre-shared key")
    if hello.early_data:
        raise PeerError("the client offers 0-RTT data")
    if len(hello.psk_identities) != 1:
        raise PeerError(f"the client names {len(hello.psk_identities)} pre-shared keys, not one")
    try:
        text = hello.psk_identities[0].decode("ascii")
        key_id = UUID(text)
    except ValueError:
        raise PeerError("the client's pre-shared key is not named by a key_ID") from None
    if str(key_id) != text:
        raise PeerError("the client's key_ID is not in its canonical form")
    return key_id


class TlsPskEndpoint:
    """One end of one TLS connection under one quantum key.

    key: 32 octets, used once. Feed octets of the wire to receive(), take octets for the wire from outgoing().
    Every failure of the handshake or of a record raises PeerError; the connection is then dead.
    """

    def __init__(self, role: Role, key_id: UUID, key: bytes) -> None:
        if len(key) != KEY_OCTETS:
            raise ParameterError(f"a tunnel's key has {KEY_OCTETS} octets, got {len(key)}")
        self._key_id = key_id
        self._identity = str(key_id).encode()
        self._identity_c = _ffi.new("unsigned char[]", self._identity)  # OpenSSL borrows it
        self._key: bytes | None = key
        context = self._context(role)
        self._tls = SSL.Connection(context, None)
        if role is Role.CONNECTOR:
            self._tls.set_connect_state()
        else:
            self._tls.set_accept_state()
        self._facts: TlsFacts | None = None
        self._closed_by_peer = False
        if role is Role.CONNECTOR:
            self._handshake()

    def receive(self, octets: bytes) -> bytes:
        """Take octets from the wire; return the plaintext that they complete."""
        if octets and self._tls.bio_write(octets) != len(octets):
            raise ParameterError("the TLS library took only part of the octets")
        if self._facts is None:
            self._handshake()
        return b"" if self._facts is None else self._read()

    def send(self, plaintext: bytes) -> None:
        """Encrypt plaintext for the peer. Only once established; PeerError once the connection has been closed."""
        if self._facts is None:
            raise ParameterError("nothing can be sent before the handshake is complete")
        at = 0
        try:
            while at < len(plaintext):
                at += self._tls.send(plaintext[at : at + _RECORD_OCTETS])
        except SSL.Error as error:
            raise PeerError(f"the TLS connection takes no more: {_reason(error)}") from None

    def outgoing(self) -> bytes:
        """Octets for the wire, possibly none."""
        parts = []
        while True:
            try:
                parts.append(self._tls.bio_read(_READ_OCTETS))
            except SSL.WantReadError:
                return b"".join(parts)

    def exporter(self, label: str, context: bytes, n_octets: int) -> bytes:
        """Keying material that only the two ends of this handshake share (RFC 8446, section 7.5)."""
        if self._facts is None:
            raise ParameterError("there is nothing to export before the handshake is complete")
        return bytes(self._tls.export_keying_material(label.encode(), n_octets, context))

    def close(self) -> None:
        """Say close_notify."""
        if self._facts is not None:
            self._tls.shutdown()

    @property
    def facts(self) -> TlsFacts | None:
        """What the handshake settled on; None until it is complete."""
        return self._facts

    @property
    def closed_by_peer(self) -> bool:
        """The peer has said close_notify: the end of octets is not a truncation."""
        return self._closed_by_peer

    def _handshake(self) -> None:
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise PeerError(f"the TLS handshake failed: {_reason(error)}") from None
        self._key = None
        facts = TlsFacts(
            version=self._tls.get_protocol_version_name(),
            group=_ffi.string(_lib.SSL_get0_group_name(self._tls._ssl)).decode(),
            cipher=self._tls.get_cipher_name() or "",
            psk=_lib.SSL_session_reused(self._tls._ssl) == 1,
            key_id=self._key_id,
        )
        settled = (facts.version, facts.group, facts.cipher, facts.psk)
        if settled != ("TLSv1.3", "X25519MLKEM768", "TLS_AES_256_GCM_SHA384", True):
            raise PeerError(f"the TLS handshake settled on {settled}")
        self._facts = facts

    def _read(self) -> bytes:
        parts = []
        try:
            while not self._closed_by_peer:
                parts.append(self._tls.recv(_READ_OCTETS))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self._closed_by_peer = True
        except SSL.Error as error:
            raise PeerError(f"a TLS record was refused: {_reason(error)}") from None
        return b"".join(parts)

    def _context(self, role: Role) -> SSL.Context:
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.set_max_proto_version(SSL.TLS1_3_VERSION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        # OpenSSL still issues one ticket, good for nothing: no cache holds it, and no end takes another identity.
        context.set_options(SSL.OP_NO_TICKET)
        # pyOpenSSL has a name for everything but the groups and the external keys of TLS 1.3.
        if _lib.SSL_CTX_set1_curves_list(context._context, b"X25519MLKEM768") != 1:
            raise ParameterError("this OpenSSL lacks X25519MLKEM768")
        if _lib.SSL_CTX_set_ciphersuites(context._context, b"TLS_AES_256_GCM_SHA384") != 1:
            raise ParameterError("this OpenSSL lacks TLS_AES_256_GCM_SHA384")
        if role is Role.CONNECTOR:
            self._callback = _ffi.callback(
                "int(SSL *, const EVP_MD *, const unsigned char **, size_t *, SSL_SESSION **)",
                self._use_session,
                error=0,
            )
            _lib.SSL_CTX_set_psk_use_session_callback(context._context, self._callback)
        else:
            self._callback = _ffi.callback(
                "int(SSL *, const unsigned char *, size_t, SSL_SESSION **)", self._find_session, error=0
            )
            _lib.SSL_CTX_set_psk_find_session_callback(context._context, self._callback)
        return context

    def _use_session(self, ssl: Any, digest: Any, identity: Any, n_identity: Any, session: Any) -> int:
        identity[0], n_identity[0] = self._identity_c, len(self._identity)
        session[0] = self._session(ssl)
        return 1

    def _session(self, ssl: Any) -> Any:
        if self._key is None:
            raise ParameterError("the external key has served")
        return blank_session(ssl, self._key)

    def _find_session(self, ssl: Any, identity: Any, n_identity: int, session: Any) -> int:
        if bytes(_ffi.buffer(identity, n_identity)) != self._identity:
            return 0  # ends the handshake: no other key, ticket or certificate is ever tried
        session[0] = self._session(ssl)
        return 1


def blank_session(connection: Any, key: bytes) -> Any:
    """A session of OpenSSL that stands for an external key of TLS 1.3; OpenSSL takes it over. connection: SSL *."""
    der = _ffi.new("unsigned char[]", _BLANK_SESSION)
    session = _lib.d2i_SSL_SESSION(_ffi.NULL, _ffi.new("const unsigned char **", der), len(_BLANK_SESSION))
    if session == _ffi.NULL:
        raise ParameterError("no session for the external key")
    _lib.SSL_SESSION_set_cipher(session, _lib.SSL_CIPHER_find(connection, TLS_AES_256_GCM_SHA384.to_bytes(2, "big")))
    _lib.SSL_SESSION_set1_master_key(session, key, len(key))
    return session


def _reason(error: SSL.Error) -> str:
    """OpenSSL's words for an error, which name no secret."""
    if isinstance(error, SSL.SysCallError):
        return "the connection ended"
    reasons = [entry[2] for entry in error.args[0]] if error.args else []
    return "; ".join(str(r) for r in reasons) or type(error).__name__
