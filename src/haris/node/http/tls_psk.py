"""TLS of one connection under a pre-shared key instead of certificates: bytes in, bytes out, as http_tls.TlsServer.

AES-256 alone: TLS 1.3 with TLS_AES_256_GCM_SHA384 and an ephemeral exchange beside the key (psk_dhe_ke), and TLS 1.2
with the DHE_PSK suites of draft-cisco-skip-02, Table 1, over ffdhe3072 (RFC 7919). Python's ssl cannot do the first in
any version, so this is pyOpenSSL and the bindings that `cryptography` carries, as service/tls_psk.py is.
"""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL

from haris.nouns.errors import ParameterError
from haris.service.tls_psk import blank_session

MIN_KEY_OCTETS = 32
MAX_KEY_OCTETS = 64
DH_PARAMETERS = Path(__file__).with_name("ffdhe3072.pem")
SUITES = b"DHE-PSK-AES256-GCM-SHA384:DHE-PSK-AES256-CBC-SHA384:DHE-PSK-AES256-CBC-SHA"

_lib, _ffi = Binding().lib, Binding().ffi
_CLEANSE_PLAINTEXT = 1 << 1
_READ_OCTETS = 1 << 16


@dataclass(frozen=True, slots=True)
class PskKeys:
    """The pre-shared keys of a listener's clients. keys: by identity, 32 to 64 octets each."""

    keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        for identity, key in self.keys.items():
            if not MIN_KEY_OCTETS <= len(key) <= MAX_KEY_OCTETS:
                raise ParameterError(
                    f"the pre-shared key of {identity} has {len(key)} octets, not {MIN_KEY_OCTETS} to {MAX_KEY_OCTETS}"
                )

    def open(self) -> PskServer:
        """The server's end of a new connection."""
        return PskServer(self)

    def find(self, identity: bytes) -> tuple[str, bytes] | None:
        """The client of an identity as sent, and its key."""
        found = None
        for name, key in self.keys.items():
            if hmac.compare_digest(name.encode(), identity):
                found = name, key
        return found


class PskServer:
    """The server's end. Whatever a method puts out is fetched by take(). Failures are ssl.SSLError.

    identity: whose key it was, after the handshake.
    """

    certificate = None
    has_more = True  # nobody knows before read() has tried

    def __init__(self, keys: PskKeys) -> None:
        self._keys = keys
        self.identity: str | None = None
        self._tls = SSL.Connection(self._context(), None)
        self._tls.set_accept_state()

    def feed(self, ciphertext: bytes) -> None:
        """What came from the network."""
        if ciphertext:
            self._tls.bio_write(ciphertext)

    def take(self) -> bytes:
        """What is to go to the network."""
        parts = []
        while True:
            try:
                parts.append(self._tls.bio_read(_READ_OCTETS))
            except SSL.WantReadError:
                return b"".join(parts)

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is complete."""
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as error:
            raise _refused(error) from None
        if self.identity is None:
            raise ssl.SSLError("no pre-shared key was used")
        return True

    def send(self, octets: bytes | bytearray | memoryview) -> int:
        """Encrypt octets; returns how many, which is all of them."""
        view, at = memoryview(octets), 0
        try:
            while at < len(view):
                at += self._tls.send(view[at : at + (1 << 14)])
        except SSL.Error as error:
            raise _refused(error) from None
        return at

    def read(self, buffer: bytearray) -> int:
        """Decrypt into buffer; how many octets, 0 when the other end is done, -1 when more must come first."""
        try:
            return int(self._tls.recv_into(buffer))
        except SSL.WantReadError:
            return -1
        except SSL.ZeroReturnError:
            return 0
        except SSL.Error as error:
            raise _refused(error) from None

    def close(self) -> None:
        """Say that we are done."""
        try:
            self._tls.shutdown()
        except SSL.Error:
            return

    def _context(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_TICKET | _CLEANSE_PLAINTEXT)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_cipher_list(SUITES)
        context.load_tmp_dh(str(DH_PARAMETERS))
        if _lib.SSL_CTX_set_ciphersuites(context._context, b"TLS_AES_256_GCM_SHA384") != 1:
            raise ParameterError("this OpenSSL lacks TLS_AES_256_GCM_SHA384")
        kinds = (
            "int(SSL *, const unsigned char *, size_t, SSL_SESSION **)",
            "unsigned int(SSL *, char *, unsigned char *, unsigned int)",
        )
        self._find = _ffi.callback(kinds[0], self._find_session, error=0)  # OpenSSL borrows both
        self._key = _ffi.callback(kinds[1], self._write_key, error=0)
        _lib.SSL_CTX_set_psk_find_session_callback(context._context, self._find)
        _lib.SSL_CTX_set_psk_server_callback(context._context, self._key)
        return context

    def _find_session(self, connection: Any, identity: Any, n_octets: int, session: Any) -> int:
        """TLS 1.3: a session that stands for the key."""
        found = self._keys.find(bytes(_ffi.buffer(identity, n_octets)))
        if found is None:
            return 0  # ends the handshake
        self.identity, key = found
        session[0] = blank_session(connection, key)
        return 1

    def _write_key(self, connection: Any, identity: Any, into: Any, at_most: int) -> int:
        """TLS 1.2: the key itself."""
        found = None if identity == _ffi.NULL else self._keys.find(_ffi.string(identity))
        if found is None or len(found[1]) > at_most:
            return 0  # ends the handshake
        self.identity, key = found
        _ffi.memmove(into, key, len(key))
        return len(key)


def _refused(error: SSL.Error) -> ssl.SSLError:
    reasons = [str(entry[2]) for entry in error.args[0]] if error.args and isinstance(error.args[0], list) else []
    return ssl.SSLError("; ".join(reasons) or type(error).__name__)
