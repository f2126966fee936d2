"""The endpoint against itself, against clients that ask for less, and against the formulas of RFC 8446."""

import hashlib
import hmac
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from OpenSSL import SSL

from haris.nouns.errors import ParameterError, PeerError
from haris.service import tls_psk
from haris.service.tls_psk import Role, TlsPskEndpoint, offered_key
from haris.wire.client_hello import parse_client_hello

KEY_ID = UUID("6b2a1f6e-0000-8000-8000-0123456789ab")
KEY = bytes(range(32))
ALLOW_NO_DHE_KEX = 1 << 10  # SSL_OP_ALLOW_NO_DHE_KEX of OpenSSL


def shuttle(client, server) -> None:
    for _ in range(4):
        server.receive(client.outgoing())
        client.receive(server.outgoing())


def pair(client_key: bytes = KEY, server_key: bytes = KEY) -> tuple[TlsPskEndpoint, TlsPskEndpoint]:
    return TlsPskEndpoint(Role.CONNECTOR, KEY_ID, client_key), TlsPskEndpoint(Role.LISTENER, KEY_ID, server_key)


def test_both_ends_agree_on_everything():
    client, server = pair()
    shuttle(client, server)
    assert client.facts == server.facts
    facts = client.facts
    assert (facts.version, facts.group, facts.cipher, facts.psk, facts.key_id) == (
        "TLSv1.3",
        "X25519MLKEM768",
        "TLS_AES_256_GCM_SHA384",
        True,
        KEY_ID,
    )
    assert client.exporter("EXPERIMENTAL x", b"c", 48) == server.exporter("EXPERIMENTAL x", b"c", 48)
    assert client.exporter("EXPERIMENTAL x", b"c", 48) != client.exporter("EXPERIMENTAL x", b"d", 48)
    text = bytes(range(256)) * 1000
    client.send(text)
    assert server.receive(client.outgoing()) == text
    server.send(text)
    server.close()
    assert client.receive(server.outgoing()) == text
    assert client.closed_by_peer
    assert KEY.hex() not in repr(vars(client))


def test_two_connections_under_one_key_share_nothing_that_is_exported():
    exporters = []
    for _ in range(2):
        client, server = pair()
        shuttle(client, server)
        exporters.append(client.exporter("EXPERIMENTAL x", b"", 48))
    assert exporters[0] != exporters[1]  # the ephemeral exchange is part of it: the key alone reads no traffic


def test_a_wrong_key_is_refused():
    client, server = pair(server_key=bytes(32))
    with pytest.raises(PeerError, match="binder"):
        shuttle(client, server)


def test_a_tampered_record_is_refused():
    client, server = pair()
    shuttle(client, server)
    client.send(b"order")
    record = bytearray(client.outgoing())
    record[-1] ^= 1
    with pytest.raises(PeerError, match="refused"):
        server.receive(bytes(record))


def test_noise_is_refused():
    _, server = pair()
    with pytest.raises(PeerError):
        server.receive(b"GET / HTTP/1.1\r\n\r\n")


def test_a_key_of_another_size_is_our_callers_mistake():
    with pytest.raises(ParameterError, match="32 octets"):
        TlsPskEndpoint(Role.CONNECTOR, KEY_ID, bytes(16))


class Stranger(TlsPskEndpoint):
    """A client that is not ours: what it does differently is done to its context."""

    def __init__(self, groups: bytes = b"X25519MLKEM768", options: int = 0, psk: bool = True) -> None:
        self.groups, self.options, self.psk = groups, options, psk
        super().__init__(Role.CONNECTOR, KEY_ID, KEY)

    def _context(self, role: Role) -> SSL.Context:
        context = super()._context(role)
        context.set_options(self.options)
        tls_psk._lib.SSL_CTX_set1_curves_list(context._context, self.groups)
        if not self.psk:
            tls_psk._lib.SSL_CTX_set_psk_use_session_callback(context._context, tls_psk._ffi.NULL)
        return context


def hello_of(client: TlsPskEndpoint) -> tuple[bytes, object]:
    first = client.outgoing()
    return first, parse_client_hello(first)


def test_our_own_hello_is_admitted():
    _, hello = hello_of(pair()[0])
    assert offered_key(hello) == KEY_ID


def test_psk_ke_is_refused_by_the_policy():
    _, hello = hello_of(Stranger(options=ALLOW_NO_DHE_KEX))
    assert set(hello.psk_modes) == {0, 1}
    with pytest.raises(PeerError, match="psk_dhe_ke"):
        offered_key(hello)


def test_psk_ke_alone_is_refused_by_tls_too():
    first, _ = hello_of(Stranger(options=ALLOW_NO_DHE_KEX))
    modes = b"\x00\x2d\x00\x03\x02\x01\x00"  # psk_key_exchange_modes: psk_dhe_ke, psk_ke
    assert first.count(modes) == 1
    server = pair()[1]
    with pytest.raises(PeerError):
        server.receive(first.replace(modes, b"\x00\x2d\x00\x03\x02\x00\x00"))


@pytest.mark.parametrize("groups", [b"X25519", b"P-256:X25519", b"MLKEM768"])
def test_a_group_that_is_not_hybrid_is_refused(groups: bytes):
    first, hello = hello_of(Stranger(groups))
    with pytest.raises(PeerError, match="X25519MLKEM768"):
        offered_key(hello)
    with pytest.raises(PeerError):
        pair()[1].receive(first)


def test_a_client_without_the_key_is_refused():
    first, hello = hello_of(Stranger(psk=False))
    with pytest.raises(PeerError, match=r"pre-shared|psk"):
        offered_key(hello)
    with pytest.raises(PeerError):
        pair()[1].receive(first)


def with_early_data(hello: bytes) -> bytes:
    """Insert an empty early_data extension in front of pre_shared_key, and mend every length around it."""
    marker = hello.rindex(b"\x00\x29", 0, hello.index(str(KEY_ID).encode()))
    octets = bytearray(hello[:marker] + b"\x00\x2a\x00\x00" + hello[marker:])
    session = 5 + 4 + 34
    suites = session + 1 + octets[session]
    compression = suites + 2 + int.from_bytes(octets[suites : suites + 2], "big")
    extensions = compression + 1 + octets[compression]
    for at, width in ((3, 2), (6, 3), (extensions, 2)):
        length = int.from_bytes(octets[at : at + width], "big") + 4
        octets[at : at + width] = length.to_bytes(width, "big")
    return bytes(octets)


def test_0_rtt_is_refused():
    first = with_early_data(pair()[0].outgoing())
    hello = parse_client_hello(first)
    assert hello.early_data
    with pytest.raises(PeerError, match="0-RTT"):
        offered_key(hello)
    with pytest.raises(PeerError):
        pair()[1].receive(first)


def expand_label(secret: bytes, label: bytes, context: bytes, n_octets: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446, section 7.1, with SHA-384."""
    label = b"tls13 " + label
    info = n_octets.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return HKDFExpand(SHA384(), n_octets, info).derive(secret)


def test_the_binder_is_that_of_an_external_key_as_rfc_8446_computes_it():
    """Independent of OpenSSL's key schedule: 'ext binder', not 'res binder', over the quantum key with SHA-384."""
    key = bytes(range(1, 33))
    first = TlsPskEndpoint(Role.CONNECTOR, KEY_ID, key).outgoing()
    message, binder = first[5:], first[-48:]
    truncated = message[: -(2 + 1 + 48)]  # up to the list of binders (section 4.2.11.2)
    early_secret = hmac.digest(bytes(48), key, "sha384")  # HKDF-Extract
    binder_key = expand_label(early_secret, b"ext binder", hashlib.sha384(b"").digest(), 48)
    finished_key = expand_label(binder_key, b"finished", b"", 48)
    assert binder == hmac.digest(finished_key, hashlib.sha384(truncated).digest(), "sha384")


def test_a_closed_connection_takes_no_more_octets() -> None:
    client, server = pair()
    shuttle(client, server)
    client.close()
    with pytest.raises(PeerError, match="takes no more"):
        client.send(b"late")
