"""The ClientHello of TLS 1.3, read before TLS itself does: RFC 8446, sections 4.1.2, 4.2.9, 4.2.11 and 5.1.

A server needs the pre-shared key to answer a ClientHello, and the ClientHello names it. Reading the name from the
octets that TLS will read anyway spares a preface of our own on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass

from haris.nouns.errors import PeerError

MAX_HELLO_OCTETS = 16384
PSK_KE = 0
PSK_DHE_KE = 1

_HANDSHAKE_RECORD = 22
_CLIENT_HELLO = 1
_MAX_FRAGMENT_OCTETS = 1 << 14
_SUPPORTED_GROUPS, _PRE_SHARED_KEY, _EARLY_DATA, _SUPPORTED_VERSIONS, _PSK_KEY_EXCHANGE_MODES = 10, 41, 42, 43, 45


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a ClientHello offers. psk_identities: opaque names of pre-shared keys, in the order of preference.

    versions, groups, cipher_suites: code points of the IANA registries. psk_modes: PSK_KE, PSK_DHE_KE.
    early_data: the client means to send 0-RTT data.
    """

    versions: tuple[int, ...]
    cipher_suites: tuple[int, ...]
    groups: tuple[int, ...]
    psk_modes: tuple[int, ...]
    psk_identities: tuple[bytes, ...]
    early_data: bool


def parse_client_hello(octets: bytes) -> ClientHello | None:
    """The ClientHello at the start of a connection's octets; None while it is incomplete.

    Raises PeerError as soon as the octets cannot become a ClientHello, or exceed MAX_HELLO_OCTETS.
    """
    message = _Reader(_handshake_octets(octets))
    if len(message.octets) < 4:
        return None
    if message.number(1) != _CLIENT_HELLO:
        raise PeerError("the first TLS message is not a ClientHello")
    length = message.number(3)
    if length > MAX_HELLO_OCTETS:
        raise PeerError(f"a ClientHello of {length} octets; {MAX_HELLO_OCTETS} are allowed")
    if message.left < length:
        return None
    if message.left > length:
        raise PeerError("octets follow the ClientHello in its record")
    return _client_hello(message)


def _handshake_octets(octets: bytes) -> bytes:
    """Join the fragments of the leading handshake records, the last of which may still be short."""
    fragments: list[bytes] = []
    at = 0
    while at < len(octets):
        header = octets[at : at + 5]
        if header[0] != _HANDSHAKE_RECORD or (len(header) > 1 and header[1] != 3):
            raise PeerError("the connection does not begin with a TLS handshake record")
        if len(header) < 5:
            break
        length = int.from_bytes(header[3:], "big")
        if not 0 < length <= _MAX_FRAGMENT_OCTETS:
            raise PeerError(f"a TLS handshake record of {length} octets")
        fragments.append(octets[at + 5 : at + 5 + length])
        at += 5 + length
    return b"".join(fragments)


def _client_hello(message: _Reader) -> ClientHello:
    if message.number(2) != 0x0303:
        raise PeerError("the ClientHello's legacy version is not 0x0303")
    message.take(32)  # random
    if len(message.vector(1)) > 32:
        raise PeerError("the ClientHello's session id exceeds 32 octets")
    cipher_suites = _Reader(message.vector(2)).numbers(2)
    if message.vector(1) != b"\0":
        raise PeerError("the ClientHello offers compression")
    extensions = _extensions(_Reader(message.vector(2)))
    message.end()
    return ClientHello(
        versions=_list_of(extensions.get(_SUPPORTED_VERSIONS), prefix=1, width=2),
        cipher_suites=cipher_suites,
        groups=_list_of(extensions.get(_SUPPORTED_GROUPS), prefix=2, width=2),
        psk_modes=_list_of(extensions.get(_PSK_KEY_EXCHANGE_MODES), prefix=1, width=1),
        psk_identities=_psk_identities(extensions.get(_PRE_SHARED_KEY)),
        early_data=_EARLY_DATA in extensions,
    )


def _extensions(reader: _Reader) -> dict[int, bytes]:
    extensions: dict[int, bytes] = {}
    while reader.left:
        kind = reader.number(2)
        if kind in extensions or _PRE_SHARED_KEY in extensions:
            raise PeerError("an extension is repeated, or follows pre_shared_key, which must be the last")
        extensions[kind] = reader.vector(2)
    return extensions


def _list_of(extension: bytes | None, prefix: int, width: int) -> tuple[int, ...]:
    if extension is None:
        return ()
    reader = _Reader(extension)
    numbers = _Reader(reader.vector(prefix)).numbers(width)
    reader.end()
    return numbers


def _psk_identities(extension: bytes | None) -> tuple[bytes, ...]:
    if extension is None:
        return ()
    reader = _Reader(extension)
    offered, binders = _Reader(reader.vector(2)), _Reader(reader.vector(2))
    reader.end()
    identities = []
    while offered.left:
        identities.append(offered.vector(2))
        offered.take(4)  # obfuscated ticket age: 0 for an external key
        if not 32 <= len(binders.vector(1)) <= 255:
            raise PeerError("a PSK binder is too short")
    binders.end()
    return tuple(identities)


class _Reader:
    """Takes numbers and length-prefixed vectors from octets; what does not fit is a PeerError."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self._at = 0

    @property
    def left(self) -> int:
        return len(self.octets) - self._at

    def take(self, n: int) -> bytes:
        if n > self.left:
            raise PeerError("a length in the ClientHello exceeds what holds it")
        self._at += n
        return self.octets[self._at - n : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, prefix: int) -> bytes:
        return self.take(self.number(prefix))

    def numbers(self, width: int) -> tuple[int, ...]:
        if not self.left or self.left % width:
            raise PeerError("an empty or torn list in the ClientHello")
        return tuple(self.number(width) for _ in range(self.left // width))

    def end(self) -> None:
        if self.left:
            raise PeerError("octets are left over in the ClientHello")
