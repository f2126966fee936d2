"""Both ends on the loopback interface: real TCP and TLS, keys from a source in memory."""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from haris.node.pki.authority import make_laboratory
from haris.node.pki.credentials import signing_credentials
from haris.node.tunnel.ends import Connector, Listener, TunnelSettings
from haris.node.tunnel.stream import Line, Stream, TunnelEvent
from haris.nouns.errors import KeyUnavailable, ParameterError, PeerError
from haris.nouns.keys import DeliveredKey, Origin, Pedigree, Proof
from haris.service.channel import Channel
from haris.service.framing import Close, Data
from haris.service.tls_psk import Role, TlsPskEndpoint, offered_key
from haris.service.tunnel import RekeyPolicy
from haris.wire.client_hello import parse_client_hello

PEDIGREE = Pedigree(1e-10, Origin.EMULATED, Proof("test", "collective", True))


class Pool:
    """Keys that each side may take once; `dry` takes them away."""

    def __init__(self) -> None:
        self.assigned: dict[UUID, bytes] = {}
        self.n_given = 0
        self.dry = False
        self.wrong = False

    async def enc_key(self, slave_sae: str) -> DeliveredKey:
        assert slave_sae == "sae-exchange"
        if self.dry:
            raise KeyUnavailable("the pool is dry", retry_after_s=0)
        self.n_given += 1
        key_id, secret = UUID(int=self.n_given), random.Random(self.n_given).randbytes(32)
        self.assigned[key_id] = bytes(32) if self.wrong else secret
        return DeliveredKey(key_id, secret, PEDIGREE)

    async def dec_key(self, master_sae: str, key_id: UUID) -> DeliveredKey:
        assert master_sae == "sae-bank"
        if key_id not in self.assigned:
            raise ParameterError("one or more keys specified are not found on KME")
        return DeliveredKey(key_id, self.assigned.pop(key_id), PEDIGREE)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("laboratory")
    make_laboratory(directory, [], [], ["bank", "exchange", "relay"], datetime.now(UTC))
    return directory


class Bench:
    """A connector and a listener in front of an application server, and what they reported."""

    def __init__(self, laboratory: Path, pool: Pool, policy: RekeyPolicy, who: str = "bank") -> None:
        def settings(name: str, peer: str, sae: str, events: list[TunnelEvent]) -> TunnelSettings:
            files = [laboratory / f for f in (f"{name}.mldsa.crt", f"{name}.mldsa.key", "mldsa-ca.crt")]
            credentials = signing_credentials(*files, peer, datetime.now(UTC))
            return TunnelSettings(pool, credentials, sae, policy, events.append)

        self.pool = pool
        self.bank_events: list[TunnelEvent] = []
        self.exchange_events: list[TunnelEvent] = []
        self._bank = settings(who, "exchange", "sae-exchange", self.bank_events)
        self._exchange = settings("exchange", "bank", "sae-bank", self.exchange_events)

    @asynccontextmanager
    async def running(self, application) -> AsyncIterator[int]:
        server = await asyncio.start_server(application, "127.0.0.1", 0)
        listener = Listener(self._exchange, ("127.0.0.1", server.sockets[0].getsockname()[1]))
        await listener.start(("127.0.0.1", 0))
        self.listener_port = listener.port
        connector = Connector(self._bank, ("127.0.0.1", listener.port))
        await connector.start(("127.0.0.1", 0))
        try:
            async with asyncio.timeout(20):
                yield connector.port
        finally:
            await connector.close()
            await listener.close()
            server.close()
            await asyncio.sleep(0.02)  # the application's handlers see the end

    def kinds(self) -> list[str]:
        return [event.kind for event in self.bank_events]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while octets := await reader.read(1 << 16):
            writer.write(octets)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def until(condition) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def test_a_stream_is_carried_and_half_closed(laboratory):
    bench = Bench(laboratory, Pool(), RekeyPolicy())

    async def digest(reader, writer):
        writer.write(hashlib.sha256(await reader.read(-1)).digest())  # answers after the end of the request
        writer.close()

    async with bench.running(digest) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        text = random.Random(1).randbytes(3_000_000)
        writer.write(text)
        writer.write_eof()
        assert await reader.read(-1) == hashlib.sha256(text).digest()
        writer.close()
        await until(lambda: "closed" in bench.kinds())
    assert bench.kinds() == ["epoch", "closed"]
    first, closed = bench.bank_events
    assert first.tls == {"version": "TLSv1.3", "group": "X25519MLKEM768", "psk": True, "signed": True}
    assert (closed.sent_octets, closed.delivered_octets) == (len(text), 32)
    assert bench.pool.n_given == 1


async def test_an_end_that_comes_with_the_last_frame_is_no_loss(laboratory):
    """The peer's CLOSE and its FIN are read in one turn of the loop, before anybody else has run."""
    bench = Bench(laboratory, Pool(), RekeyPolicy())
    key = b"k" * 32
    near = Channel(Role.CONNECTOR, UUID(int=1), key, bench._bank.credentials)
    far = Channel(Role.LISTENER, UUID(int=1), key, bench._exchange.credentials)
    while not near.authenticated:
        far.receive(near.outgoing(), time.time_ns())
        if far.introduced and not far.authenticated:
            far.answer()
        near.receive(far.outgoing(), time.time_ns())
    far.send(Data(0, b"fill"))
    far.send(Close(4))
    far.close()

    async def sink(reader, writer):
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(sink, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    events: list[TunnelEvent] = []
    application, line = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    from_application, from_line = asyncio.StreamReader(), asyncio.StreamReader()
    stream = Stream(Role.CONNECTOR, RekeyPolicy(), (from_application, application[1]), events.append)
    running = asyncio.create_task(stream.run(Line(near, from_line, line[1])))
    from_application.feed_eof()
    await until(lambda: stream.tunnel._closed)
    from_line.feed_data(far.outgoing())
    from_line.feed_eof()
    await running
    server.close()
    await asyncio.sleep(0.02)
    assert [event.kind for event in events] == ["epoch", "closed"]
    assert events[-1].delivered_octets == 4


async def test_rekeys_under_load_lose_nothing(laboratory):
    bench = Bench(laboratory, Pool(), RekeyPolicy(max_bytes=400_000, max_seconds=0.5))
    text = random.Random(2).randbytes(4_000_000)
    async with bench.running(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def send():
            writer.write(text)
            await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        assert await reader.read(-1) == text
        await sending
        writer.close()
        await until(lambda: "closed" in bench.kinds())
    epochs = [event.epoch for event in bench.bank_events if event.kind == "epoch"]
    assert epochs == list(range(len(epochs)))
    assert len(epochs) >= 10
    assert len({event.key_id for event in bench.bank_events if event.kind == "epoch"}) == len(epochs)
    assert len({event.session for event in bench.bank_events}) == 1
    assert not bench.pool.assigned


async def test_dry_keys_stop_the_stream_and_fresh_keys_resume_it(laboratory):
    bench = Bench(laboratory, Pool(), RekeyPolicy(max_bytes=10_000, max_seconds=60))
    async with bench.running(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"a" * 9_000)
        assert await reader.readexactly(9_000) == b"a" * 9_000
        await until(lambda: "epoch" in bench.kinds()[1:])  # the rekey at 8 000
        bench.pool.dry = True
        writer.write(b"b" * 25_000)
        got = await reader.readexactly(10_000)
        await until(lambda: "waiting" in bench.kinds())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.readexactly(1)  # nothing goes out under the overdue key
        assert any("pool is dry" in event.text for event in bench.bank_events)
        bench.pool.dry = False
        assert got + await reader.readexactly(15_000) == b"b" * 25_000
        writer.close()
        await until(lambda: "closed" in bench.kinds())
    assert "resumed" in bench.kinds()


async def test_without_a_key_the_first_octet_waits(laboratory):
    bench = Bench(laboratory, Pool(), RekeyPolicy())
    bench.pool.dry = True
    async with bench.running(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"order")
        await until(lambda: "waiting" in bench.kinds())
        assert bench.exchange_events == []
        bench.pool.dry = False
        assert await reader.readexactly(5) == b"order"
        writer.close()


async def test_an_old_key_is_left_by_the_clock(laboratory):
    bench = Bench(laboratory, Pool(), RekeyPolicy(max_seconds=0.3))
    async with bench.running(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        start_s = time.monotonic()
        while time.monotonic() - start_s < 1.0:
            writer.write(b"tick")
            assert await reader.readexactly(4) == b"tick"
            await asyncio.sleep(0.01)
        assert bench.kinds().count("epoch") >= 3
        used = bench.pool.n_given
        await asyncio.sleep(0.7)
        assert bench.pool.n_given <= used + 1  # an idle stream spends no keys
        writer.close()


@pytest.mark.parametrize(("who", "wrong"), [("relay", False), ("bank", True)])
async def test_a_stranger_and_a_wrong_key_are_refused(laboratory, who, wrong):
    pool = Pool()
    pool.wrong = wrong
    bench = Bench(laboratory, pool, RekeyPolicy(), who)
    reached = []

    async def application(reader, writer):
        reached.append(await reader.read(-1))
        writer.close()

    async with bench.running(application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"order")
        with pytest.raises(ConnectionResetError):
            assert await reader.read(-1) == b"never"
        await until(lambda: bench.exchange_events)
        writer.close()
    assert bench.kinds() == ["refused"]
    assert [event.kind for event in bench.exchange_events] == ["refused"]
    assert not any(reached)


class Relay:
    """Stands on the wire with every key in hand: ends TLS on either side and passes the plaintext on."""

    def __init__(self, keys: dict[UUID, bytes], to_port: int) -> None:
        self.keys, self.to_port = keys, to_port
        self.read = bytearray()
        self.n_between = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(1 << 16)
        key_id = offered_key(parse_client_hello(first))
        to_bank = TlsPskEndpoint(Role.LISTENER, key_id, self.keys[key_id])
        to_exchange = TlsPskEndpoint(Role.CONNECTOR, key_id, self.keys[key_id])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        far_writer.write(to_exchange.outgoing())
        while to_exchange.facts is None:
            to_exchange.receive(await far_reader.read(1 << 16))
        far_writer.write(to_exchange.outgoing())
        self.n_between += 1
        bank = (to_bank, reader, writer)
        exchange = (to_exchange, far_reader, far_writer)
        await asyncio.gather(self._pass_on(bank, exchange, first), self._pass_on(exchange, bank))

    async def _pass_on(self, source, sink, octets: bytes = b"") -> None:
        source_tls, reader, source_writer = source
        sink_tls, _, sink_writer = sink
        try:
            while octets := octets or await reader.read(1 << 16):
                plaintext, octets = source_tls.receive(octets), b""
                self.read += plaintext
                source_writer.write(source_tls.outgoing())
                if plaintext:
                    sink_tls.send(plaintext)
                    sink_writer.write(sink_tls.outgoing())
        except (PeerError, OSError):
            pass
        finally:
            sink_writer.close()


async def test_a_relay_that_holds_every_key_cannot_stand_between(laboratory):
    bench = Bench(laboratory, Pool(), RekeyPolicy())
    keys: dict[UUID, bytes] = {}
    give = bench.pool.enc_key

    async def give_and_tell(slave_sae: str) -> DeliveredKey:
        key = await give(slave_sae)
        keys[key.key_id] = key.secret
        return key

    bench.pool.enc_key = give_and_tell
    reached = []

    async def application(reader, writer):
        reached.append(await reader.read(-1))
        writer.close()

    async with bench.running(application) as port:
        assert port
        relay = Relay(keys, bench.listener_port)
        server = await asyncio.start_server(relay, "127.0.0.1", 0)
        connector = Connector(bench._bank, ("127.0.0.1", server.sockets[0].getsockname()[1]))
        await connector.start(("127.0.0.1", 0))
        reader, writer = await asyncio.open_connection("127.0.0.1", connector.port)
        writer.write(b"a secret order")
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        await until(lambda: bench.exchange_events)
        writer.close()
        await connector.close()
        server.close()
    assert relay.n_between == 1  # TLS let it in on both sides: it does know the key
    assert len(relay.read) > 5000  # it reads the bank's certificate and signature, and passes them on
    assert b"order" not in relay.read
    assert [event.kind for event in bench.exchange_events] == ["refused"]
    assert "not for this connection" in bench.exchange_events[0].text or "own name" in bench.exchange_events[0].text
    assert not any(reached)


async def test_a_lost_line_resets_the_application_and_spares_the_process(laboratory):
    bench = Bench(laboratory, Pool(), RekeyPolicy())
    lines: list[asyncio.StreamWriter] = []
    async with bench.running(echo) as port:
        end = bench  # the connector's own address is replaced by a wire that can be cut
        target: list[int] = []

        async def wire(reader, writer):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target[0])
            lines.extend((writer, far_writer))

            async def copy(source, sink):
                try:
                    while octets := await source.read(1 << 16):
                        sink.write(octets)
                except OSError:
                    pass
                finally:
                    sink.close()

            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

        server = await asyncio.start_server(wire, "127.0.0.1", 0)
        listener = Listener(end._exchange, ("127.0.0.1", port))
        await listener.start(("127.0.0.1", 0))
        target.append(listener.port)
        connector = Connector(end._bank, ("127.0.0.1", server.sockets[0].getsockname()[1]))
        await connector.start(("127.0.0.1", 0))
        for _ in range(2):  # the second session shows that both processes live on
            reader, writer = await asyncio.open_connection("127.0.0.1", connector.port)
            writer.write(b"order")
            assert await reader.readexactly(5) == b"order"
            for line in lines:
                line.transport.abort()
            lines.clear()
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            writer.close()
        await connector.close()
        await listener.close()
        server.close()
    assert "failed" in bench.kinds()


async def test_nonsense_on_the_listeners_port_ends_only_itself(laboratory):
    bench = Bench(laboratory, Pool(), RekeyPolicy())
    async with bench.running(echo) as port:
        listener = Listener(bench._exchange, ("127.0.0.1", 1))
        await listener.start(("127.0.0.1", 0))
        for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(noise)
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            writer.close()
        await listener.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"order")
        assert await reader.readexactly(5) == b"order"
        writer.close()
    assert [event.kind for event in bench.exchange_events][:2] == ["refused", "refused"]


async def test_a_port_in_use_is_said(laboratory):
    bench = Bench(laboratory, Pool(), RekeyPolicy())
    async with bench.running(echo) as port:
        with pytest.raises(ParameterError, match=rf"127\.0\.0\.1:{port}"):
            await Connector(bench._bank, ("127.0.0.1", 1)).start(("127.0.0.1", port))
