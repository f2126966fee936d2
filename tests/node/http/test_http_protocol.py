"""The HTTP server from the outside, octet by octet, over TLS and without."""

import asyncio
import logging
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from kme_lab import Authority

from haris.node.http.limits import HttpLimits
from haris.node.http.listener import listen
from haris.node.http.messages import Connected, Request, Response, RouteTable, split_target
from haris.node.pki.mutual_tls import server_context
from haris.node.supply.routes import Face, refused
from haris.nouns.errors import KeyUnavailable, ParameterError

LIMITS = HttpLimits(head_octets=2000, body_octets=1000)
QUICK = replace(LIMITS, handshake_s=0.2, head_s=0.2, body_s=0.2, idle_s=0.2, write_s=0.2, linger_s=0.2)
GET = b"GET /echo?n=%d HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("http"))
    return {name: authority.issue(name) for name in ("kme", "alice", "bob")} | {"two": authority.issue("a", "b")}


class Recorder:
    """Handlers that tell what they were asked. `slow` waits until it is let go."""

    def __init__(self):
        self.asked, self.go, self.bodies, self.errors = [], asyncio.Event(), [], []

    def echo(self, request):
        self.asked.append((request.method, request.query, bytes(request.body)))
        return Response(bytes(request.body) or request.query_text.encode())

    async def slow(self, request):
        self.asked.append((request.method, request.query, bytes(request.body)))
        await self.go.wait()
        return Response(request.query_text.encode())

    async def who(self, request):
        return Response(f"{request.caller} {request.params['name']}".encode())

    def secret(self, request):
        self.bodies.append(bytearray(b"a key that nobody may find " * 2000))
        return Response(self.bodies[-1])

    def broken(self, request):
        raise RuntimeError("boom")

    async def dry(self, request):
        raise KeyUnavailable("dry", 7)

    @property
    def face(self):
        routes = {f"/{name}": {"GET": getattr(self, name)} for name in ("secret", "broken", "dry")}
        routes |= {f"/{name}": {m: getattr(self, name) for m in ("GET", "POST")} for name in ("echo", "slow")}
        return Face({**routes, "/who/{name}": {"GET": self.who}}, self.errors.append)


@asynccontextmanager
async def served(limits=LIMITS, context=None):
    recorder = Recorder()
    listener = await listen(recorder.face, refused, context, "127.0.0.1", 0, limits)
    recorder.listener = listener
    try:
        yield recorder
    finally:
        recorder.go.set()
        await listener.close()
        assert listener.n_connections == 0


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def send(self, octets):
        self.writer.write(octets)
        await self.writer.drain()

    async def answer(self):
        """(status, headers, body) of the next response."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        body = await self.reader.readexactly(int(headers.get("Content-Length", 0)))
        return int(first.split()[1]), headers, body

    async def closed(self):
        async with asyncio.timeout(5):
            return await self.reader.read()


@asynccontextmanager
async def client(recorder, context=None):
    port, name = recorder.listener.port, None if context is None else "localhost"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def as_client(files, name):
    context = ssl.create_default_context(cafile=files[name].authority)
    context.load_cert_chain(files[name].certificate, files[name].private_key)
    return context


@pytest.fixture(params=["plain", "tls"])
def both(request, files):
    """TLS of the server and of its client, or none."""
    return (None, None) if request.param == "plain" else (server_context(files["kme"]), as_client(files, "alice"))


async def test_requests_follow_each_other_on_one_connection(both):
    async with served(context=both[0]) as recorder, client(recorder, both[1]) as there:
        for n in range(3):
            await there.send(GET % n)
            status, headers, body = await there.answer()
            assert (status, body) == (200, b"n=%d" % n)
            assert headers["Cache-Control"] == "no-store"
            assert headers["Content-Type"] == "application/json"
            assert headers["Date"].endswith("GMT")
            assert "Connection" not in headers
        await there.send(b"GET /echo?z HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await there.answer())[1]["Connection"] == "close"
        assert await there.closed() == b""


async def test_requests_sent_ahead_are_answered_in_their_order(both):
    async with served(context=both[0]) as recorder, client(recorder, both[1]) as there:
        slow = b"GET /slow?n=first HTTP/1.1\r\n\r\n"
        await there.send(slow + GET % 1 + GET % 2 + (GET % 3)[:20])
        await asyncio.sleep(0.05)
        await there.send((GET % 3)[20:] + GET % 4)
        await asyncio.sleep(0.05)
        assert len(recorder.asked) == 1  # the others wait
        recorder.go.set()
        bodies = [(await there.answer())[2] for _ in range(5)]
        assert bodies == [b"n=first", b"n=1", b"n=2", b"n=3", b"n=4"]


async def test_a_flood_sent_ahead_is_not_read_while_one_waits(both):
    async with served(context=both[0]) as recorder, client(recorder, both[1]) as there:
        await there.send(b"GET /slow HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.05)
        sending = asyncio.create_task(flooded(there))
        await asyncio.sleep(0.5)
        assert not sending.done()
        assert len(recorder.asked) == 1
        sending.cancel()
        there.writer.transport.abort()


async def flooded(there):
    """Send 17 MB in pieces that leave one after another."""
    for _ in range(500):
        await there.send(GET % 1 * 1000)
        await asyncio.sleep(0)


async def test_bodies_whole_in_chunks_and_by_the_octet(both):
    async with served(context=both[0]) as recorder, client(recorder, both[1]) as there:
        await there.send(b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
        assert (await there.answer())[2] == b"hello"
        request = b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
        await there.send(request)
        assert (await there.answer())[2] == b"hello"
        for octet in request:
            await there.send(bytes([octet]))
        assert (await there.answer())[2] == b"hello"


async def test_a_client_that_waits_for_100_continue_gets_it(both):
    async with served(context=both[0]) as recorder, client(recorder, both[1]) as there:
        await there.send(b"POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert await there.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await there.send(b"hello")
        assert (await there.answer())[2] == b"hello"
        await there.send(b"POST /echo HTTP/1.1\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n")
        assert (await there.answer())[0] == 417
        assert await there.closed() == b""


BIG = b"POST /echo HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n"
CHUNK = b"3e8\r\n" + bytes(1000) + b"\r\n"


@pytest.mark.parametrize(
    ("octets", "status", "text"),
    [
        (b"nonsense\r\n\r\n", 400, b"not HTTP/1.1"),
        (b"GET /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, b"not HTTP/1.1"),
        (b"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, b"not HTTP/1.1"),
        (b"GET /echo HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 400, b"no other protocol"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, b"not HTTP/1.1"),
        (b"\x16\x03\x01\x02\x00", 400, b"not HTTP/1.1"),
        (BIG, 413, b"at most 1000 octets"),
        (BIG.replace(b"1000000000", b"9" * 17), 413, b"at most 1000 octets"),
        (BIG.replace(b"1000000000", b"9" * 30), 400, b"not HTTP/1.1"),
        (BIG + bytes(200_000), 413, b"at most 1000 octets"),
        (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK + CHUNK, 413, b"at most 1000"),
        (b"GET /echo HTTP/1.1\r\nX: " + b"x" * 3000 + b"\r\n\r\n", 431, b"at most 2000"),
        (b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\n\r\n", 431, b"at most 2000"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000, 431, b"at most 2000"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000, 431, b"at most 2000"),
    ],
)
async def test_what_breaks_a_rule_is_refused_early_and_ends_the_connection(both, octets, status, text):
    async with served(context=both[0]) as recorder, client(recorder, both[1]) as there:
        await there.send(GET % 1 + octets)
        assert (await there.answer())[0] == 200
        found, headers, body = await there.answer()
        assert (found, headers["Connection"]) == (status, "close")
        assert text in body
        assert await there.closed() == b""
        assert len(recorder.asked) == 1


async def test_routes_methods_and_failures():
    async with served() as recorder, client(recorder) as there:
        for target, status, header in (
            (b"/none", 404, ()),
            (b"/echo/", 404, ()),
            (b"/dry", 503, ("Retry-After", "7")),
            (b"/broken", 503, ()),
            (b"/who/x", 401, ()),
        ):
            await there.send(b"GET %s HTTP/1.1\r\n\r\n" % target)
            found, headers, body = await there.answer()
            assert (found, body.startswith(b'{"message":"')) == (status, True)
            assert not header or headers[header[0]] == header[1]
        await there.send(b"DELETE /echo HTTP/1.1\r\n\r\n")
        found, headers, _ = await there.answer()
        assert (found, headers["Allow"]) == (405, "GET,POST")
        assert [str(error) for error in recorder.errors] == ["dry", "a client certificate is needed"]


async def test_what_follows_a_head_request_cannot_be_taken_for_its_body(both):
    """A client takes the answer to HEAD to end with its head, whatever its Content-Length (RFC 9112, 6.3)."""
    async with served(context=both[0]) as recorder, client(recorder, both[1]) as there:
        await there.send(b"HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n" + GET % 1)
        head, _, _ = (await there.closed()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 405 ")
        assert b"Connection: close" in head
        assert not recorder.asked


async def test_only_the_certificate_says_who_calls(files):
    async with served(context=server_context(files["kme"])) as recorder:
        async with client(recorder, as_client(files, "alice")) as there:
            await there.send(b"GET /who/a%2Fb HTTP/1.1\r\nX-SSL-Client-CN: bob\r\n\r\n")
            assert (await there.answer())[2] == b"alice a/b"
        async with client(recorder, as_client(files, "two")) as there:
            await there.send(b"GET /who/x HTTP/1.1\r\n\r\n")
            assert (await there.answer())[0] == 401


async def test_a_body_with_secrets_is_wiped_when_it_has_left(both):
    async with served(context=both[0]) as recorder, client(recorder, both[1]) as there:
        await there.send(b"GET /secret HTTP/1.1\r\n\r\n")
        assert (await there.answer())[2] == b"a key that nobody may find " * 2000
        assert recorder.bodies == [bytearray(54_000)]


async def test_a_client_that_leaves_does_not_stop_its_request(both):
    async with served(context=both[0]) as recorder:
        async with client(recorder, both[1]) as there:
            await there.send(b"GET /slow HTTP/1.1\r\n\r\n")
            await asyncio.sleep(0.05)
            there.writer.transport.abort()
        await asyncio.sleep(0.05)
        recorder.go.set()
        async with asyncio.timeout(5):
            while recorder.listener.n_connections:
                await asyncio.sleep(0.01)
        assert len(recorder.asked) == 1


@pytest.mark.parametrize(
    ("octets", "status"),
    [(b"GET /echo HTTP/1.1\r\nX: ", 408), (b"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", 408), (b"", None)],
)
async def test_who_is_slow_is_shown_out(both, octets, status):
    async with served(QUICK, both[0]) as recorder, client(recorder, both[1]) as there:
        await there.send(octets)
        if status is not None:
            assert (await there.answer())[0] == status
        assert await there.closed() == b""


async def test_octets_one_at_a_time_do_not_hold_a_connection(both):
    async with served(QUICK, both[0]) as recorder, client(recorder, both[1]) as there:
        async with asyncio.timeout(5):
            answer = asyncio.create_task(there.answer())
            while not answer.done():
                there.writer.write(b"G" if not recorder.asked else b"x")
                await asyncio.sleep(0.03)
        assert answer.result()[0] in (400, 408)


async def test_a_handshake_that_never_ends_and_answers_that_nobody_takes(files):
    async with served(QUICK, server_context(files["kme"])) as recorder:
        async with client(recorder) as there:
            assert await there.closed() == b""
        async with client(recorder, as_client(files, "alice")) as there:
            there.writer.transport.pause_reading()
            there.writer.write(b"GET /secret HTTP/1.1\r\n\r\n" * 2000)
            async with asyncio.timeout(10):
                while recorder.listener.n_connections:
                    await asyncio.sleep(0.02)
            there.writer.transport.abort()


async def test_a_slow_handler_is_not_cut_short(both):
    async with served(QUICK, both[0]) as recorder, client(recorder, both[1]) as there:
        await there.send(b"GET /slow?x HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.6)
        recorder.go.set()
        assert (await there.answer())[2] == b"x"


async def test_one_identity_takes_its_share_and_no_more(files):
    context, alice, bob = server_context(files["kme"]), as_client(files, "alice"), as_client(files, "bob")
    async with served(replace(LIMITS, connections_each=2), context) as recorder:
        async with client(recorder, alice) as one, client(recorder, alice), client(recorder, alice) as third:
            assert (await third.answer())[0] == 503
            assert await third.closed() == b""
            async with client(recorder, bob) as other:
                for there in (one, other):
                    await there.send(GET % 1)
                    assert (await there.answer())[0] == 200
        async with client(recorder, alice) as again:
            await again.send(GET % 1)
            assert (await again.answer())[0] == 200


async def test_strangers_at_the_door_give_way_to_those_who_come_in(files, caplog):
    context, alice = server_context(files["kme"]), as_client(files, "alice")
    limits = replace(LIMITS, connections=6, handshakes=3, head_s=0.4)
    async with served(limits, context) as recorder:
        strangers = [await asyncio.open_connection("127.0.0.1", recorder.listener.port) for _ in range(8)]
        async with client(recorder, alice) as there:
            await there.send(GET % 1)
            assert (await there.answer())[0] == 200
            assert recorder.listener.n_connections <= 4
        with caplog.at_level(logging.WARNING):
            await asyncio.sleep(0.5)
        assert "too many connections" in caplog.text
        for _, writer in strangers:
            writer.close()


async def test_a_server_that_stops_answers_what_it_was_asked(both):
    async with (
        served(context=both[0]) as recorder,
        client(recorder, both[1]) as busy,
        client(recorder, both[1]) as idle,
    ):
        await busy.send(b"GET /slow?x HTTP/1.1\r\n\r\n")
        await idle.send(GET % 1)
        await idle.answer()
        stopping = asyncio.create_task(recorder.listener.close())
        assert await idle.closed() == b""
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", recorder.listener.port)
        recorder.go.set()
        _, headers, body = await busy.answer()
        assert (body, headers["Connection"]) == (b"x", "close")
        await stopping


def test_the_table_of_routes():
    table = RouteTable({"/a/{x}/b": {"GET": 1}, "/a/c/b": {"GET": 2}, "/": {"GET": 3}, "/{x}": {"GET": 4}})
    assert table.find("/a/%20é/b").params == {"x": " é"}
    assert table.find("/a//b").params == {"x": ""}
    assert table.find("/a/c/b").handlers == {"GET": 2}
    assert table.find("/").handlers == {"GET": 3}
    assert table.find("/q").params == {"x": "q"}
    assert table.find("/a/b") is None
    for n in range(5000):
        assert table.find(f"/a/{n}/c") is None
    long = "y" * 1000
    assert table.find(f"/a/{long}/b").params == {"x": long}
    assert 0 < len(table._known) <= 4096
    assert max(map(len, table._known)) < 1000
    with pytest.raises(ParameterError):
        RouteTable({"a": {}})


def test_targets():
    assert split_target(b"/a?b=c?d") == ("/a", "b=c?d")
    assert split_target(b"https://host:1/a?b") == ("/a", "b")
    assert split_target(b"https://host:1") == ("/", "")
    assert split_target(b"*") == ("*", "")


def test_a_query_of_very_many_fields_is_refused_however_it_is_written():
    for text in ("&".join(["a=1"] * 65), "&".join(["a=%31"] * 65)):
        with pytest.raises(ParameterError, match="too many"):
            _ = Request("GET", "/", text, (), bytearray(), Connected()).query
    for text in ("&".join(["a=1"] * 64), "&".join(["a=%31"] * 64)):
        assert Request("GET", "/", text, (), bytearray(), Connected()).query == [("a", "1")] * 64
