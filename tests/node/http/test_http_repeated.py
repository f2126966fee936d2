"""A request that repeats the fields of the one before means what the parser says it means."""

from hypothesis import given
from hypothesis import strategies as st

from haris.node.http.limits import HttpLimits
from haris.node.http.messages import Certificate, Connected, Request, Response
from haris.node.http.protocol import HttpConnection
from haris.node.http.repeated import RepeatedFields
from haris.node.system.promise import Promise

LIMITS = HttpLimits(head_octets=400, body_octets=60)
PLAIN = b"GET /api/v1/keys/sae-b/enc_keys?number=1 HTTP/1.1\r\nHost: kme\r\nAccept: */*\r\n\r\n"


class Host:
    """A listener of one connection without TLS, which parses everything."""

    limits, date, now, buffer, vet = LIMITS, b"", 0.0, bytearray(16384), None

    def __init__(self):
        self.asked = []

    def handler(self, request):
        self.asked.append(request)
        return Response()

    def refuse(self, status, text):
        return Response(text.encode(), status)

    def identify(self, certificate: Certificate | None) -> str:
        return ""

    def admit(self, connection):
        return True

    def forget(self, connection):
        """Nobody to forget."""

    def refused(self, reason):
        """Nobody to tell."""


class Wire:
    """A transport that takes everything."""

    def __getattr__(self, name):
        return lambda *args: None


class Loop:
    def time(self):
        return 0.0


def parsed(octets: bytes) -> tuple[list[Request], bool]:
    """What a new connection that parses everything is asked by these octets, and whether it waits between two."""
    host = Host()
    connection = HttpConnection(host, Loop(), None)
    connection.connection_made(Wire())
    connection.data_received(octets)
    return host.asked, connection.phase.name == "IDLE" and not connection._last


def repeated(first: bytes, second: bytes) -> Request | None:
    """What is made of second after first; None when it is left to the parser, or first was no single request."""
    asked, between = parsed(first)
    if len(asked) != 1 or not between:
        return None
    fields = RepeatedFields(LIMITS.head_octets)
    fields.learn(bytearray(first) + b"left from a longer record", len(first), asked[0])
    return fields.read(bytearray(second) + b"left from a longer record", len(second), Connected())


def told(request: Request) -> tuple[object, ...]:
    return request.method, request.path, request.query, request.query_text, list(request.headers), request.body


METHODS = st.sampled_from((b"GET", b"POST", b"GET", b"POST", b"PUT", b"HEAD", b"get", b"CONNECT", b""))
TARGETS = st.one_of(
    st.sampled_from(
        (b"/a/enc_keys?number=1&size=256", b"/a/dec_keys", b"/%41?", b"*", b"http://x/y?z", b"/a?b?c", b"/#f")
    ),
    st.text('/aZ0?&=%._-#\\ "<>\x7f\xe9{}', max_size=12).map(lambda text: ("/" + text).encode("latin-1")),
    st.integers(300, 500).map(lambda n: b"/" + n * b"a"),
)
VERSIONS = st.sampled_from((b"HTTP/1.1",) * 6 + (b"HTTP/1.0", b"HTTP/2.0", b"http/1.1", b""))
FIELDS = st.lists(
    st.sampled_from(
        (
            *(b"Host: kme", b"Accept: */*", b"traceparent: 00-ab-cd-01", b"X: a\tb", b"Content-Length: 3"),
            *(b"Content-Length: 0", b"Content-Length: 70", b"Transfer-Encoding: chunked", b"Expect: 100-continue"),
            *(
                b"Connection: close",
                b"Connection: keep-alive",
                b"Connection: upgrade",
                b"Upgrade: x",
                b"bad",
                b" folded",
            ),
        )
    ),
    max_size=4,
)
ENDS = st.sampled_from((b"\r\n",) * 9 + (b"\n",))


@st.composite
def pairs(draw):
    """Two messages of one connection: the second often with the first one's fields and a body as long."""

    def message(fields, end):
        line = b" ".join((draw(METHODS), draw(TARGETS), draw(VERSIONS)))
        body = draw(st.sampled_from((b"", b"", b"{}\n", b"abc", b"\r\n\r\n", b"GET /b HTTP/1.1\r\n\r\n")))
        return end.join((line, *fields, b"", b"")) + body

    fields, end = draw(FIELDS), draw(ENDS)
    again = fields if draw(st.booleans()) else draw(FIELDS)
    return message(fields, end), message(again, draw(st.sampled_from((end, end, b"\r\n"))))


@given(pairs())
def test_what_is_read_by_repetition_is_what_the_parser_reads(pair):
    first, second = pair
    request = repeated(first, second)
    if request is not None:
        asked, between = parsed(second)
        assert between
        assert [told(each) for each in asked] == [told(request)]


def test_a_request_with_another_target_and_body_is_read_by_repetition():
    for first, second in (
        (PLAIN, PLAIN),
        (PLAIN, PLAIN.replace(b"enc_keys?number=1", b"dec_keys?key_ID=1b9d6bcd")),
        (b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", b"POST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]"),
    ):
        request = repeated(first, second)
        assert request is not None
        assert told(request) == told(parsed(second)[0][0])


def test_what_is_no_repetition_is_left_to_the_parser():
    chunked = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    expecting = b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
    for first, second in (
        (PLAIN, PLAIN.replace(b"kme", b"kmf")),
        (PLAIN, PLAIN[:-1]),
        (PLAIN, PLAIN + PLAIN),
        (PLAIN + PLAIN, PLAIN),
        (PLAIN, PLAIN.replace(b"1.1", b"1.0")),
        (PLAIN, PLAIN.replace(b"GET", b"PUT")),
        (PLAIN, PLAIN.replace(b"number=1", 400 * b"a")),
        (chunked, chunked),
        (expecting, expecting),
    ):
        assert repeated(first, second) is None


class Records:
    """TLS of which the records are given, and what is sent is kept."""

    identity = certificate = None

    def __init__(self):
        self.records, self.sent = [], bytearray()

    def feed(self, data):
        self.records.append(data)

    @property
    def has_more(self):
        return bool(self.records)

    def read(self, buffer):
        if not self.records:
            return -1
        record = self.records.pop(0)
        buffer[: len(record)] = record
        return len(record)

    def send(self, octets):
        self.sent += octets

    def take(self):
        return b""

    def close(self):
        """Nobody to tell."""


class Nothing:
    """Fields of which nothing is learnt."""

    def read(self, *args):
        return None

    def learn(self, *args):
        """Not learnt."""


def answered(records: list[bytes], waits: list[bool], learns: bool) -> tuple[object, ...]:
    """What a connection over TLS asks and sends, record by record. waits: which requests are answered later."""
    host, later = Host(), []

    def handler(request):
        host.asked.append(told(request))
        if waits and waits.pop(0):
            later.append(Promise())
            return later[-1]
        return Response(request.path.encode())

    host.handler = handler
    connection = HttpConnection(host, Loop(), None)
    connection._tls = tls = Records()
    if not learns:
        connection._repeated = Nothing()
    connection.connection_made(Wire())
    for record in records:
        held = list(later)
        connection.data_received(record)
        if held:
            later.remove(held[0])
            held[0].tell(Response(b"later"))  # when the next record is there
    while later:
        later.pop(0).tell(Response(b"later"))
    return host.asked, bytes(tls.sent), connection.phase, connection._last


POST = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n"
SHORT = b"GET /b HTTP/1.1\r\nHost: kme\r\n\r\n"
SOUND = (
    *(PLAIN, PLAIN.replace(b"enc_keys?number=1", b"dec_keys"), SHORT, SHORT.replace(b"/b", b"/c")),
    *(POST + b"{}", POST + b"[]", POST + b"\r\n", POST.replace(b"2", b"%d" % len(SHORT)) + SHORT),
)


@st.composite
def streams(draw):
    """Messages of one connection, as records cut anywhere; most of them are whole and sound, and repeat one another."""
    records = []
    for octets in draw(st.lists(st.one_of(*map(st.just, SOUND), pairs().map(lambda pair: pair[1])), max_size=12)):
        cut = draw(st.sampled_from((0,) * 6 + (1, 20, len(octets) - 1, octets.find(b"\r\n\r\n") + 4)))
        records += [part for part in (octets[:cut], octets[cut:]) if part]
    for place in draw(st.lists(st.integers(1, 12), max_size=2)):
        if place < len(records):
            records[place - 1 : place + 1] = [records[place - 1] + records[place]]
    return records


@given(streams(), st.lists(st.booleans(), max_size=12))
def test_a_connection_that_learns_fields_asks_and_answers_as_one_that_parses_everything(records, waits):
    assert answered(records, list(waits), True) == answered(records, list(waits), False)
