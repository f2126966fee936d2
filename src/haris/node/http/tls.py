"""TLS of one connection as bytes in, bytes out: no socket, no loop, and no plaintext but in buffers of our own."""

from __future__ import annotations

import contextlib
import ssl

from haris.node.http.messages import Certificate
from haris.node.pki.identity import verified_chain

READ_OCTETS = 16 * 1024  # the most that one TLS record holds
_CLEANSE_PLAINTEXT = 1 << 1  # SSL_OP_CLEANSE_PLAINTEXT (OpenSSL 3.0): what was read is wiped from OpenSSL's buffers


class TlsServer:
    """The server's end. Whatever a method puts out is fetched by take()."""

    __slots__ = ("_incoming", "_object", "_outgoing", "identity", "send")

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.identity: str | None = None  # the certificate says who it is
        self.send = self._object.write
        """Encrypt octets; returns how many, which is all of them."""

    def feed(self, ciphertext: bytes) -> None:
        """What came from the network."""
        self._incoming.write(ciphertext)

    def take(self) -> bytes:
        """What is to go to the network."""
        return self._outgoing.read() if self._outgoing.pending else b""

    @property
    def has_more(self) -> bool:
        """Whether something fed waits to be read."""
        return bool(self._incoming.pending)

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is complete. Raises ssl.SSLError, with an alert to take()."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def read(self, buffer: bytearray) -> int:
        """Decrypt into buffer; how many octets, 0 when the other end is done, -1 when more must come first.

        Raises ssl.SSLError for what is no TLS.
        """
        if not self._incoming.pending:
            return -1
        try:
            return self._object.read(len(buffer), buffer)  # type: ignore[return-value]
        except ssl.SSLWantReadError:
            return -1

    def close(self) -> None:
        """Say that we are done."""
        with contextlib.suppress(ssl.SSLError):
            self._object.unwrap()

    @property
    def certificate(self) -> Certificate | None:
        """Of the other end, after the handshake."""
        der = self._object.getpeercert(binary_form=True)
        return None if der is None else Certificate(der, verified_chain(self._object))


def harden(context: ssl.SSLContext) -> None:
    """Have OpenSSL wipe what was read from its own buffers, and every connection show its certificate anew.

    A resumed session would outlive the revocation of its certificate.
    """
    context.options |= _CLEANSE_PLAINTEXT | ssl.OP_NO_TICKET
    context.num_tickets = 0
