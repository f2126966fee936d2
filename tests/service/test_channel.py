"""Two channels in one process, and a relay that holds every pre-shared key and tries to stand between them."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from haris.nouns.errors import ParameterError, PeerError
from haris.service.channel import SESSION_LABEL, Channel
from haris.service.framing import Data, Introduce, encode
from haris.service.signatures import EXPORTER_LABEL, EXPORTER_OCTETS, Occasion, sign
from haris.service.tls_psk import Role, TlsPskEndpoint

KEY_ID = UUID("6b2a1f6e-0000-8000-8000-0123456789ab")
KEY = bytes(range(32))


def shuttle(client: Channel, server: Channel, now_ns: int, answer: bool = True) -> list:
    """Carry octets both ways until both rest; the listener answers as soon as it may."""
    frames = []
    for _ in range(5):
        frames += server.receive(client.outgoing(), now_ns)
        if answer and server.introduced and not server.authenticated:
            server.answer()
        frames += client.receive(server.outgoing(), now_ns)
    return frames


@pytest.fixture
def ends(credentials):
    return (
        Channel(Role.CONNECTOR, KEY_ID, KEY, credentials("bank", "exchange")),
        Channel(Role.LISTENER, KEY_ID, KEY, credentials("exchange", "bank")),
    )


def test_both_ends_are_authenticated_and_name_one_session(ends, now_ns):
    client, server = ends
    assert shuttle(client, server, now_ns) == []
    assert client.authenticated
    assert server.authenticated
    assert client.session == server.session
    assert len(client.session) == 32
    client.send(Data(0, b"order"))
    assert server.receive(client.outgoing(), now_ns) == [Data(0, b"order")]


def test_a_later_epoch_names_its_session(credentials, now_ns):
    client = Channel(Role.CONNECTOR, KEY_ID, KEY, credentials("bank", "exchange"), b"s" * 32, 3)
    server = Channel(Role.LISTENER, KEY_ID, KEY, credentials("exchange", "bank"))
    shuttle(client, server, now_ns)
    assert client.authenticated
    assert (server.session, server.epoch) == (b"s" * 32, 3)


def test_nothing_of_the_application_passes_before_both_are_authenticated(ends, now_ns):
    client, server = ends
    with pytest.raises(ParameterError):
        client.send(Data(0, b"order"))
    shuttle(client, server, now_ns, answer=False)
    assert not client.authenticated
    for end in ends:
        with pytest.raises(ParameterError):
            end.send(Data(0, b"order"))
    client._tls.send(encode(Data(0, b"order")))  # a connector that does not wait for the answer
    with pytest.raises(PeerError, match="before both ends"):
        server.receive(client.outgoing(), now_ns)


def test_another_name_is_refused(credentials, now_ns):
    client = Channel(Role.CONNECTOR, KEY_ID, KEY, credentials("relay", "exchange"))
    server = Channel(Role.LISTENER, KEY_ID, KEY, credentials("exchange", "bank"))
    with pytest.raises(PeerError, match="'relay', expected 'bank'"):
        shuttle(client, server, now_ns)


def test_an_expired_certificate_is_refused(ends):
    late_ns = int(datetime(2030, 1, 1, tzinfo=UTC).timestamp()) * 10**9
    with pytest.raises(PeerError, match="not valid at this time"):
        shuttle(*ends, late_ns)


class Relay:
    """Knows the key and stands between: a listener towards the bank, a connector towards the exchange."""

    def __init__(self) -> None:
        self.to_bank = TlsPskEndpoint(Role.LISTENER, KEY_ID, KEY)
        self.to_exchange = TlsPskEndpoint(Role.CONNECTOR, KEY_ID, KEY)

    def occasion(self, side: TlsPskEndpoint, session: bytes) -> Occasion:
        return Occasion(session, 0, side.exporter(EXPORTER_LABEL, b"", EXPORTER_OCTETS))

    def handshake(self, bank: Channel, exchange: Channel, now_ns: int) -> bytes:
        """Complete TLS on both sides, as the holder of the key can; return what the bank says first."""
        heard = b""
        for _ in range(3):
            heard += self.to_bank.receive(bank.outgoing())
            bank.receive(self.to_bank.outgoing(), now_ns)
            exchange.receive(self.to_exchange.outgoing(), now_ns)
            self.to_exchange.receive(exchange.outgoing())
        assert self.to_bank.facts is not None  # the key alone does get the relay this far
        assert self.to_exchange.facts is not None
        return heard

    def say_to_exchange(self, exchange: Channel, introduction: bytes, now_ns: int) -> None:
        self.to_exchange.send(introduction)
        exchange.receive(self.to_exchange.outgoing(), now_ns)


def introduce(credentials, role: Role, occasion: Occasion) -> bytes:
    return encode(Introduce(occasion.session, 0, *sign(credentials, role, occasion)))


def test_a_relay_cannot_pass_the_banks_introduction_on(ends, now_ns):
    relay = Relay()
    said = relay.handshake(*ends, now_ns)
    with pytest.raises(PeerError, match="not for this connection"):
        relay.say_to_exchange(ends[1], said, now_ns)
    assert not ends[1].introduced


def test_a_relay_cannot_rename_the_session_and_pass_the_signature_on(ends, now_ns):
    relay = Relay()
    said = relay.handshake(*ends, now_ns)
    session = relay.to_exchange.exporter(SESSION_LABEL, b"", 32)
    with pytest.raises(PeerError, match="not for this connection"):
        relay.say_to_exchange(ends[1], said[:5] + session + said[37:], now_ns)


def test_a_relay_cannot_speak_in_its_own_name(ends, credentials, now_ns):
    relay = Relay()
    relay.handshake(*ends, now_ns)
    session = relay.to_exchange.exporter(SESSION_LABEL, b"", 32)
    own = introduce(credentials("relay", "exchange"), Role.CONNECTOR, relay.occasion(relay.to_exchange, session))
    with pytest.raises(PeerError, match="'relay', expected 'bank'"):
        relay.say_to_exchange(ends[1], own, now_ns)


def test_a_relay_cannot_sign_under_the_banks_certificate(ends, credentials, now_ns):
    relay = Relay()
    relay.handshake(*ends, now_ns)
    occasion = relay.occasion(relay.to_exchange, relay.to_exchange.exporter(SESSION_LABEL, b"", 32))
    bank, own = credentials("bank", "exchange"), credentials("relay", "exchange")
    certificate, _ = sign(bank, Role.CONNECTOR, occasion)  # public
    _, signature = sign(own, Role.CONNECTOR, occasion)
    forged = encode(Introduce(occasion.session, 0, certificate, signature))
    with pytest.raises(PeerError, match="not for this connection"):
        relay.say_to_exchange(ends[1], forged, now_ns)


def test_a_relay_cannot_use_a_certificate_of_an_authority_of_its_own(ends, credentials, now_ns, tmp_path):
    from haris.node.pki.authority import make_laboratory
    from haris.node.pki.credentials import signing_credentials

    now = datetime.fromtimestamp(now_ns / 1e9, UTC)
    make_laboratory(tmp_path, [], [], ["bank"], now)
    files = [tmp_path / name for name in ("bank.mldsa.crt", "bank.mldsa.key", "mldsa-ca.crt")]
    false_bank = signing_credentials(*files, "exchange", now)
    relay = Relay()
    relay.handshake(*ends, now_ns)
    occasion = relay.occasion(relay.to_exchange, relay.to_exchange.exporter(SESSION_LABEL, b"", 32))
    with pytest.raises(PeerError, match="not issued by our signature authority"):
        relay.say_to_exchange(ends[1], introduce(false_bank, Role.CONNECTOR, occasion), now_ns)


def test_a_relay_cannot_answer_the_bank(ends, credentials, now_ns):
    relay = Relay()
    relay.handshake(*ends, now_ns)
    bank = ends[0]
    own = introduce(credentials("relay", "bank"), Role.LISTENER, relay.occasion(relay.to_bank, bank.session))
    relay.to_bank.send(own)
    with pytest.raises(PeerError, match="'relay', expected 'exchange'"):
        bank.receive(relay.to_bank.outgoing(), now_ns)
    assert not bank.authenticated


def test_a_relay_cannot_reflect_the_banks_own_introduction(ends, now_ns):
    relay = Relay()
    relay.to_bank.send(relay.handshake(*ends, now_ns))
    with pytest.raises(PeerError, match="'bank', expected 'exchange'"):
        ends[0].receive(relay.to_bank.outgoing(), now_ns)


def test_a_signature_of_an_earlier_connection_is_worthless(ends, credentials, now_ns):
    """A relay recorded an honest introduction (it can read it: it knows the key and stands between)."""
    first = Relay()
    recorded = first.handshake(*ends, now_ns)
    exchange = Channel(Role.LISTENER, KEY_ID, KEY, credentials("exchange", "bank"))
    again = Relay()
    again.handshake(Channel(Role.CONNECTOR, KEY_ID, KEY, credentials("bank", "exchange")), exchange, now_ns)
    with pytest.raises(PeerError, match="not for this connection"):
        again.say_to_exchange(exchange, recorded, now_ns)


def test_the_honest_pair_of_the_same_parts_does_pass(ends, credentials, now_ns):
    """The relay's tools are sound: with the bank's own key they would get through, so the refusals above mean it."""
    relay = Relay()
    relay.handshake(*ends, now_ns)
    occasion = relay.occasion(relay.to_exchange, relay.to_exchange.exporter(SESSION_LABEL, b"", 32))
    relay.say_to_exchange(ends[1], introduce(credentials("bank", "exchange"), Role.CONNECTOR, occasion), now_ns)
    assert ends[1].introduced


def test_every_part_of_the_statement_counts(credentials):
    occasion = Occasion(b"s" * 32, 1, b"e" * 48)
    statement = occasion.statement(Role.CONNECTOR, "bank", "exchange")
    others = [
        replace(occasion, session=b"t" * 32).statement(Role.CONNECTOR, "bank", "exchange"),
        replace(occasion, epoch=2).statement(Role.CONNECTOR, "bank", "exchange"),
        replace(occasion, exporter=b"f" * 48).statement(Role.CONNECTOR, "bank", "exchange"),
        occasion.statement(Role.LISTENER, "bank", "exchange"),
        occasion.statement(Role.CONNECTOR, "ban", "kexchange"),
    ]
    assert len({statement, *others}) == 6
    with pytest.raises(ParameterError, match="do not belong together"):
        replace(credentials("bank", "exchange"), key=credentials("relay", "x").key)
