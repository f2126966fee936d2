"""ETSI GS QKD 004: octets written by hand from the layout, both dialects, and what is no message."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import HarisError, ParameterError, PeerError
from haris.wire.etsi004 import (
    FIXED,
    HEADER_OCTETS,
    MAX_REQUEST_OCTETS,
    NO_STREAM,
    TERMINATED,
    Close,
    Closed,
    Dialect,
    Framing,
    GetKey,
    KeyGiven,
    OpenConnect,
    Opened,
    QoS,
    Service,
    Status,
    framing_of,
)
from haris.wire.etsi004_octets import read_answer, read_header, read_request, write_answer, write_request

KSID = UUID("00112233-4455-6677-8899-aabbccddeeff")
QOS = QoS(32, 40000, 5000, 10, 1, 5000, 3600, "application/json")
NUMBERS = "00000020 00009c40 00001388 0000000a 00000001 00001388 00000e10"
URIS = "636c69656e743a2f2f61 00 7365727665723a2f2f62 00"  # client://a, server://b
MIMETYPE = b"application/json".hex()
FIXED_QOS, TERMINATED_QOS = f"{NUMBERS} {MIMETYPE} {'00' * 240}", f"{NUMBERS} {MIMETYPE} 00"
KSID_HEX = "00112233445566778899aabbccddeeff"
OPEN = OpenConnect("client://a", "server://b", QOS, KSID)

# Each row: message, framing, octets in hex. 1.0.1 pads the mimetype to 256 octets, 2.1.1 ends it with a NUL.
REQUESTS = [
    (OPEN, FIXED, f"010001 02 00000142 {URIS} {FIXED_QOS} {KSID_HEX}"),
    (OPEN, TERMINATED, f"020101 02 00000053 {URIS} {TERMINATED_QOS} {KSID_HEX}"),
    (GetKey(KSID, 7, 1024), FIXED, f"010001 04 00000018 {KSID_HEX} 00000007 00000400"),
    (GetKey(KSID, 7, 4), TERMINATED, f"020101 04 0000001c {KSID_HEX} 00000007 00000004 00000000"),
    (GetKey(KSID, 0, 2, (0, 16)), TERMINATED, f"020101 04 0000001a {KSID_HEX} 00000000 00000002 0010"),
    (Close(KSID), FIXED, f"010001 08 00000010 {KSID_HEX}"),
    (Close(KSID), TERMINATED, f"020101 08 00000010 {KSID_HEX}"),
]
GIVEN = KeyGiven(Status.SUCCESSFUL, 7, bytes(range(4)), b'{"age": 1, "hops": 2}')
GIVEN_HEX = f"00000000 00000007 00000004 00010203 00000015 {GIVEN.metadata.hex()}"
ANSWERS = [
    (
        Opened(Status.SUCCESSFUL, QOS, KSID),
        FIXED,
        f"010001 03 00000130 00000000 {FIXED_QOS} {KSID_HEX}",
    ),
    (
        Opened(Status.QOS_NOT_MET, QOS, KSID),
        TERMINATED,
        f"020101 03 00000041 00000007 {TERMINATED_QOS} {KSID_HEX}",
    ),
    (Opened(Status.KSID_IN_USE, QOS, KSID), FIXED, "010001 03 00000004 00000005"),
    (
        Opened(Status.KSID_IN_USE, QOS, KSID),
        TERMINATED,
        f"020101 03 00000041 00000005 {TERMINATED_QOS} {KSID_HEX}",
    ),
    (GIVEN, FIXED, f"010001 05 00000029 {GIVEN_HEX}"),
    (GIVEN, TERMINATED, f"020101 05 00000029 {GIVEN_HEX}"),
    (KeyGiven(Status.INSUFFICIENT_KEY), FIXED, "010001 05 00000004 00000002"),
    (KeyGiven(Status.INSUFFICIENT_KEY, 7), TERMINATED, "020101 05 00000010 00000002 00000007 00000000 00000000"),
    (KeyGiven(Status.METADATA_SIZE_INSUFFICIENT, needed_octets=3), FIXED, "010001 05 00000008 00000008 00000003"),
    (
        KeyGiven(Status.METADATA_SIZE_INSUFFICIENT, 7, needed_octets=3),
        TERMINATED,
        "020101 05 00000013 00000008 00000007 00000000 00000003 000000",
    ),
    (Closed(Status.SUCCESSFUL), FIXED, "010001 09 00000004 00000000"),
    (Closed(Status.GET_KEY_PEER_NOT_CONNECTED), TERMINATED, "020101 09 00000004 00000003"),
]
ASKED = {Opened: OPEN, KeyGiven: GetKey(KSID), Closed: Close(KSID)}


def split(octets, wrong=ParameterError):
    header = read_header(octets[:HEADER_OCTETS], wrong)
    assert header.length == len(octets) - HEADER_OCTETS
    return header, octets[HEADER_OCTETS:]


@pytest.mark.parametrize(("message", "framing", "octets"), REQUESTS)
def test_requests_are_these_octets(message, framing, octets):
    assert write_request(message, framing).hex() == octets.replace(" ", "")
    assert read_request(*split(bytes.fromhex(octets))) == (message, framing)


@pytest.mark.parametrize(("message", "framing", "octets"), ANSWERS)
def test_answers_are_these_octets(message, framing, octets):
    assert write_answer(message, framing).hex() == octets.replace(" ", "")
    header, payload = split(bytes.fromhex(octets), PeerError)
    assert read_answer(header, payload, ASKED[type(message)], framing.dialect) == message


def test_the_structure_tells_the_dialect_whatever_the_version_says():
    for dialect, version in ((Dialect.FIXED, (2, 1, 1)), (Dialect.TERMINATED, (1, 0, 1)), (Dialect.FIXED, (1, 9, 0))):
        spoken = Framing(dialect, version)
        request, framing = read_request(*split(write_request(OPEN, spoken)))
        assert (request, framing) == (OPEN, spoken)
        assert write_answer(Closed(Status.SUCCESSFUL), framing)[:3] == bytes(version)


def test_where_the_structure_fits_both_the_version_tells():
    longest = OpenConnect("a", "b", QoS(32, mimetype="x" * 255), KSID)
    octets = write_request(longest, FIXED)[3:]
    assert octets == write_request(longest, TERMINATED)[3:]
    for framing in (FIXED, TERMINATED):
        assert read_request(*split(bytes(framing.version) + octets)) == (longest, framing)


def test_a_get_key_may_announce_a_buffer_that_it_does_not_send():
    octets = bytes.fromhex(f"020101 04 00000018 {KSID_HEX} 00000007 00000400")
    assert read_request(*split(octets)) == (GetKey(KSID, 7, 1024), TERMINATED)
    assert GetKey(KSID, 7, 2, (0, 0)).room_octets > GetKey(KSID, 7, 2).room_octets


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("030001 02 00000000", "version 3.0.1"),
        ("010001 06 00000000", "type 0x06"),
        (f"010001 02 {MAX_REQUEST_OCTETS + 1:08x}", "at most"),
        ("010001 02 0000", "8 octets"),
    ],
)
def test_headers_that_are_refused(octets, text):
    with pytest.raises(ParameterError, match=text):
        read_header(bytes.fromhex(octets))
    with pytest.raises(HarisError):
        read_header(bytes.fromhex(octets)[:7], PeerError)


@pytest.mark.parametrize("service", [Service.ERROR, Service.CLOSE_SERVER, Service.GET_KEY_ANSWER])
def test_types_that_no_client_may_send(service):
    header = read_header(bytes([2, 1, 1, service, 0, 0, 0, 0]))
    with pytest.raises(ParameterError, match=service.name):
        read_request(header, b"")


@pytest.mark.parametrize(
    ("service", "payload", "text"),
    [
        ("02", "61 62", "does not end"),
        ("02", f"00 62 00 {NUMBERS} 00 {KSID_HEX}", "1 to 1024"),
        ("02", f"{'61' * 1025} 00", "does not end within 1024"),
        ("02", f"6107 00 62 00 {NUMBERS} 00 {KSID_HEX}", "printable"),
        ("02", f"61 00 62 00 {NUMBERS}", "before its Key_stream_ID"),
        ("02", f"61 00 62 00 {NUMBERS} {KSID_HEX}", "before its Key_stream_ID"),
        ("02", f"61 00 62 00 {NUMBERS} 6100 62 {KSID_HEX}", "neither 256 octets"),
        ("02", f"61 00 62 00 {NUMBERS} {'61' * 300} 00 {KSID_HEX}", "neither 256 octets"),
        ("02", f"61 00 62 00 {NUMBERS} {'61' * 256} {KSID_HEX}", "neither 256 octets"),
        ("04", KSID_HEX, "reaches beyond"),
        ("04", f"{KSID_HEX} 00000000 00000004 00", "carries 1"),
        ("08", f"{KSID_HEX} 00", "follow the message"),
        ("08", KSID_HEX[2:], "reaches beyond"),
    ],
)
@pytest.mark.parametrize("version", ["010001", "020101"])
def test_requests_that_are_refused(version, service, payload, text):
    octets = bytes.fromhex(payload)
    header = read_header(bytes.fromhex(f"{version} {service} {len(octets):08x}"))
    with pytest.raises(ParameterError, match=text):
        read_request(header, octets)


@pytest.mark.parametrize(
    ("service", "payload", "asked", "text"),
    [
        ("09", "00000009", Close(KSID), "unknown status 9"),
        ("05", "00000000", Close(KSID), "type GET_KEY_ANSWER"),
        ("09", "0000", Close(KSID), "beyond"),
        ("09", "00000000 00", Close(KSID), "follow"),
        ("05", "00000000", GetKey(KSID), "beyond"),
        ("05", "00000000 00000000 ffffffff", GetKey(KSID), "beyond"),
        ("03", "00000000", OPEN, "beyond"),
        ("03", f"00000000 {NUMBERS} 61 {'00' * 254} 61 {KSID_HEX}", OPEN, "not padded"),
    ],
)
def test_answers_that_break_the_protocol(service, payload, asked, text):
    octets = bytes.fromhex(payload)
    header = read_header(bytes.fromhex(f"010001 {service} {len(octets):08x}"), PeerError)
    with pytest.raises(PeerError, match=text):
        read_answer(header, octets, asked, Dialect.FIXED)


def test_statuses_are_the_standards_nine():
    assert {status.value for status in Status} == set(range(9))


@pytest.mark.parametrize(
    "wrong", [{"key_chunk_octets": -1}, {"ttl_s": 1 << 32}, {"mimetype": "x" * 256}, {"mimetype": "\n"}]
)
def test_a_qos_that_no_message_can_carry(wrong):
    with pytest.raises(ParameterError):
        QoS(**{"key_chunk_octets": 32, **wrong})


numbers = st.integers(0, 0xFFFFFFFF)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60)
qoses = st.builds(QoS, *[numbers] * 7, st.one_of(st.just(""), texts))
requests = st.one_of(
    st.builds(OpenConnect, texts, texts, qoses, st.uuids()),
    st.builds(GetKey, st.uuids(), numbers, st.one_of(st.integers(0, 5), numbers)),
    st.builds(lambda stream, index, info: GetKey(stream, index, 2, info), st.uuids(), numbers, st.just((1, 17))),
    st.builds(Close, st.uuids()),
)
framings = st.sampled_from([FIXED, TERMINATED])


@given(requests, framings)
def test_requests_make_the_round_trip(request, framing):
    assert read_request(*split(write_request(request, framing))) == (request, framing)


@given(st.binary(max_size=64), st.sampled_from(list(Status)), numbers, st.binary(max_size=64), framings)
def test_key_answers_make_the_round_trip(key, status, index, metadata, framing):
    answer = KeyGiven(status, index, key, metadata) if status is Status.SUCCESSFUL else KeyGiven(status)
    header, payload = split(write_answer(answer, framing), PeerError)
    assert read_answer(header, payload, GetKey(KSID), framing.dialect) == answer
    assert key not in repr(answer).encode() or len(key) < 8


@given(st.sampled_from(list(Status)), qoses, st.uuids(), framings)
def test_open_answers_make_the_round_trip(status, qos, stream, framing):
    header, payload = split(write_answer(Opened(status, qos, stream), framing), PeerError)
    answer = read_answer(header, payload, OpenConnect("a", "b", qos, stream), framing.dialect)
    assert answer == Opened(status, qos, stream)


@given(st.binary(max_size=400), st.sampled_from([2, 4, 8]), framings)
def test_no_octets_break_the_reader(payload, service, framing):
    header = read_header(bytes([*framing.version, service, *len(payload).to_bytes(4, "big")]))
    try:
        request, spoken = read_request(header, payload)
    except ParameterError:
        return
    assert framing_of(spoken.version) == framing
    assert read_request(*split(write_request(request, spoken)))[0] == request


def test_no_stream_is_all_zero():
    assert NO_STREAM.bytes == bytes(16)
