"""Syslog over UDP, TCP and TLS to receivers of the test; what a receiver does not take waits, then is counted."""

import asyncio
import socket
import ssl

import pytest
from kme_lab import Authority

from haris.node.configuration.operation import SyslogTable
from haris.node.operation import outbox
from haris.node.operation.outbox import Outbox
from haris.node.operation.syslog import Syslog
from haris.nouns.errors import ParameterError
from haris.wire.syslog import Level, SyslogMessage


def message(number):
    return SyslogMessage(Level.NOTICE, 10**18, "alarm", (), f"message {number}")


class Receiver:
    """A TCP receiver that reads octet-counted messages (RFC 6587, 3.4.1)."""

    def __init__(self):
        self.messages, self.writers, self.server = [], [], None

    async def start(self, context=None, port=0):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", port, ssl=context)
        return self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        self.writers.append(writer)
        try:
            while True:
                count = int(await reader.readuntil(b" "))
                self.messages.append(await reader.readexactly(count))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def until(self, n_messages):
        async with asyncio.timeout(20):
            while len(self.messages) < n_messages:
                await asyncio.sleep(0.01)

    async def stop(self):
        self.server.close()
        for writer in self.writers:
            writer.close()
        await asyncio.sleep(0)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(outbox, "FIRST_PAUSE_S", 0.02)


async def test_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        syslog = Syslog(SyslogTable(f"127.0.0.1:{receiver.getsockname()[1]}"))
        syslog.box.put(message(1))
        sending = asyncio.create_task(syslog.box.run())
        got = await asyncio.to_thread(receiver.recv, 4096)
        sending.cancel()
        syslog.close()
    assert got.startswith(b"<133>1 2001-09-09T01:46:40.000000Z ")
    assert got.endswith(b"\xef\xbb\xbfmessage 1")


async def test_tcp_goes_on_when_the_receiver_comes_back(quick):
    receiver = Receiver()
    port = await receiver.start()
    syslog = Syslog(SyslogTable(f"127.0.0.1:{port}", transport="tcp"))
    sending = asyncio.create_task(syslog.box.run())
    syslog.box.put(message(1))
    await receiver.until(1)
    await receiver.stop()
    await asyncio.sleep(0.05)  # the receiver's end of the connection is seen
    syslog.box.put(message(2))
    syslog.box.put(message(3))
    await receiver.start(port=port)
    await receiver.until(3)
    sending.cancel()
    syslog.close()
    await receiver.stop()
    assert [octets.rpartition(b"\xbf")[2] for octets in receiver.messages] == [
        b"message 1",
        b"message 2",
        b"message 3",
    ]
    assert (syslog.box.sent, syslog.box.lost) == (3, 0)


async def test_tls_both_ends_show_a_certificate(tmp_path, quick):
    authority = Authority(tmp_path)
    server, client = authority.issue("localhost"), authority.issue("bank")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=server.authority)
    context.load_cert_chain(server.certificate, server.private_key)
    context.verify_mode = ssl.CERT_REQUIRED
    receiver = Receiver()
    port = await receiver.start(context)
    table = SyslogTable(
        f"localhost:{port}",
        transport="tls",
        authority=client.authority,
        certificate=client.certificate,
        private_key=client.private_key,
    )
    syslog = Syslog(table)
    sending = asyncio.create_task(syslog.box.run())
    syslog.box.put(message(1))
    await receiver.until(1)
    sending.cancel()
    syslog.close()
    await receiver.stop()


async def test_tls_to_a_stranger_sends_nothing(tmp_path, quick):
    own, other = Authority(tmp_path, "own"), Authority(tmp_path, "other")
    server = other.issue("localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.certificate, server.private_key)
    receiver = Receiver()
    port = await receiver.start(context)
    syslog = Syslog(SyslogTable(f"localhost:{port}", transport="tls", authority=tmp_path / f"{own.name}.crt"))
    with pytest.raises(OSError, match="certificate verify failed"):
        await syslog._send(message(1))
    syslog.close()
    await receiver.stop()
    assert receiver.messages == []


async def test_what_finds_the_box_full_is_counted():
    gate = asyncio.Event()

    async def send(item):
        await gate.wait()

    box = Outbox(send, at_most=3)
    for number in range(5):
        box.put(number)
    assert box.lost == 2
    sending = asyncio.create_task(box.run())
    await box.flush(0.01)
    assert box.lost == 4  # one is in the sender's hands
    gate.set()
    await box.flush(10)
    assert box.sent == 3
    sending.cancel()


@pytest.mark.parametrize(
    "wrong",
    [
        {"facility": "mail"},
        {"transport": "tls"},
        {"authority": "ca.crt"},
        {"certificate": "a.crt"},
        {"audit_head_s": 0.0},
    ],
)
def test_a_table_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ParameterError):
        SyslogTable("127.0.0.1:514", **wrong)
