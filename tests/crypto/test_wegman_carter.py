"""One-time tags against the vectors of RFC 8439."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.crypto.wegman_carter import forgery_probability, tag, verify
from haris.nouns.errors import ParameterError


def polynomial_tag(octets, pad):
    """RFC 8439, section 2.5.1, in Python integers."""
    r = int.from_bytes(pad[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(octets), 16):
        total = (total + int.from_bytes(octets[i : i + 16] + b"\x01", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(pad[16:], "little")) % (1 << 128)).to_bytes(16, "little")


def test_vector_of_rfc_8439_section_2_5_2():
    pad = bytes.fromhex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
    message = b"Cryptographic Forum Research Group"
    assert tag(message, pad).hex() == "a8061dc1305136c6c22b8baf0c0127a9"
    assert verify(message, bytes.fromhex("a8061dc1305136c6c22b8baf0c0127a9"), pad)


def test_vector_of_rfc_8439_appendix_a_3_number_7():
    # h reaches 2^130 - 5 and wraps: the case in which careless code errs.
    pad = bytes.fromhex("02" + "00" * 31)
    assert tag(b"\xff" * 16, pad).hex() == "03" + "00" * 15


@given(octets=st.binary(max_size=200), pad=st.binary(min_size=32, max_size=32))
def test_equals_the_polynomial_in_integers(octets, pad):
    assert tag(octets, pad) == polynomial_tag(octets, pad)


@given(octets=st.binary(min_size=1, max_size=100), pad=st.binary(min_size=32, max_size=32), at=st.integers(0, 799))
def test_a_flipped_bit_is_noticed(octets, pad, at):
    # r = 0 hides every change: an event of probability 2^-106, which hypothesis likes to try.
    changed = bytearray(octets)
    changed[at // 8 % len(octets)] ^= 1 << at % 8
    noticed = not verify(bytes(changed), tag(octets, pad), pad)
    assert noticed == (polynomial_tag(octets, pad) != polynomial_tag(bytes(changed), pad))
    assert not verify(octets, tag(octets, pad)[:-1], pad)


def test_a_pad_of_another_length_is_refused():
    with pytest.raises(ParameterError):
        tag(b"", bytes(31))


def test_forgery_probability_of_a_megabyte():
    assert forgery_probability(1 << 20) == pytest.approx(2.0**19 / 2.0**106)
    assert forgery_probability(1) == 8.0 / 2.0**106
