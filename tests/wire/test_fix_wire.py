"""Framing of FIX 4.4. Witness: an execution report as published, with its BodyLength and CheckSum."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import PeerError
from haris.wire.fix import FixReader, utc_timestamp, write_message

# The example of the Wikipedia article "Financial Information eXchange".
WIKIPEDIA_4_2 = (
    b"8=FIX.4.2|9=178|35=8|49=PHLX|56=PERS|52=20071123-05:30:00.000|11=ATOMNOCCC9990900|20=3|150=E|39=E|55=MSFT|167=CS|"
    b"54=1|38=15|40=2|44=15|58=PHLX EQUITY TESTING|59=0|47=C|32=0|31=0|151=15|14=0|6=0|10=128|"
)


def test_the_checksum_rule_holds_for_the_published_example():
    """The example's CheckSum and BodyLength are right, so it must parse once its version (and their change) is ours."""
    octets = WIKIPEDIA_4_2.replace(b"|", b"\x01")
    assert sum(octets[:-7]) % 256 == 128
    with pytest.raises(PeerError, match=r"8=FIX\.4\.4"):
        FixReader().feed(octets)
    ours = octets.replace(b"FIX.4.2", b"FIX.4.4").replace(b"10=128", b"10=130")
    (message,) = FixReader().feed(ours)
    assert message.get(58) == "PHLX EQUITY TESTING"
    with pytest.raises(PeerError, match="CheckSum"):
        FixReader().feed(octets.replace(b"FIX.4.2", b"FIX.4.4"))


printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30).map(str.encode)


@given(st.lists(st.lists(st.tuples(st.integers(5000, 5999), printable), max_size=5), max_size=4), st.integers(1, 40))
def test_messages_survive_any_cut_of_the_stream(bodies, cut):
    octets = b"".join(write_message([(35, b"D"), *body]) for body in bodies)
    reader = FixReader()
    messages = [m for i in range(0, len(octets), cut) for m in reader.feed(octets[i : i + cut])]
    assert [list(m.fields[3:-1]) for m in messages] == bodies
    assert reader.empty


@given(st.integers(0, 200), st.integers(0, 255))
def test_no_changed_octet_goes_unseen(at, value):
    octets = bytearray(write_message([(35, b"D"), (11, b"x" * 100), (55, b"SAP"), (58, b"y" * 40)]))
    at %= len(octets)
    changed = octets[at] != value
    octets[at] = value
    reader = FixReader()
    with contextlib.suppress(PeerError):
        assert not (changed and reader.feed(bytes(octets)))


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1", b"8=FIX.4.4\x019=x\x01aaaaa", b"8=FIX.4.4\x019=999999\x01"])
def test_noise_is_refused(noise):
    with pytest.raises(PeerError):
        FixReader().feed(noise)


def test_a_timestamp_has_milliseconds():
    assert utc_timestamp(1_772_442_000_123_456_789) == b"20260302-09:00:00.123"
