"""Syslog messages against the grammar of RFC 5424, section 6, written down here independently."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.wire.syslog import (
    MAX_DATAGRAM_OCTETS,
    Element,
    Level,
    Speaker,
    SyslogMessage,
    counted,
    datagram,
    write_syslog,
)

SPEAKER = Speaker("local0", "bank.example", "4711")
# RFC 5424, section 6: HEADER SP STRUCTURED-DATA [SP MSG]
NAME = rb"[!#-<>-\\^-~]{1,32}"  # SD-NAME: PRINTUSASCII except = SP ] "
PARAM = NAME + rb'="(?:[^"\\\]]|\\["\\\]])*"'
GRAMMAR = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([!-~]{1,255}) ([!-~]{1,48}) "
    rb"([!-~]{1,128}) ([!-~]{1,32}) (-|(?:\[" + NAME + rb"(?: " + PARAM + rb")*\])+) \xef\xbb\xbf(.*)",
    re.DOTALL,
)


def message(text="x", data=(), kind="alarm", level=Level.CRITICAL, time_ns=1_065_910_455_003_000_000):
    return SyslogMessage(level, time_ns, kind, data, text)


def test_a_message_as_rfc_5424_writes_it():
    """Priority 16 * 8 + 2; the time stamp is that of example 1 of section 6.5."""
    element = Element("alarm", (("resource", 'a"b]c\\d'),))
    octets = write_syslog(SPEAKER, message("dry – none", (element,)))
    assert octets == (
        b"<130>1 2003-10-11T22:14:15.003000Z bank.example haris 4711 alarm "
        b'[alarm resource="a\\"b\\]c\\\\d"] \xef\xbb\xbfdry \xe2\x80\x93 none'
    )


def test_no_data_is_a_dash():
    assert b" alarm - \xef\xbb\xbfx" in write_syslog(SPEAKER, message())


anything = st.text(max_size=60)


@given(anything, anything, anything, st.lists(st.tuples(anything.filter(bool), anything), max_size=3), anything)
@settings(max_examples=30)
def test_whatever_is_said_obeys_the_grammar(text, host, kind, items, sd_id):
    data = (Element(sd_id or "x", tuple(items)),)
    octets = write_syslog(Speaker("audit", host, kind), message(text, data, kind))
    assert GRAMMAR.fullmatch(octets)
    assert not set(octets) & {*range(0x20), 0x7F}
    octets.decode()


@given(st.text(min_size=600, max_size=1200))
def test_a_datagram_is_cut_between_characters(text):
    octets = datagram(write_syslog(SPEAKER, message(text)))
    assert len(octets) <= MAX_DATAGRAM_OCTETS
    octets.decode()


def test_a_stream_counts_octets():
    assert counted("é".encode()) == b"2 \xc3\xa9"


def test_an_unknown_facility_is_refused():
    with pytest.raises(ParameterError, match="facility is one of"):
        Speaker("local9", "h", "1")
