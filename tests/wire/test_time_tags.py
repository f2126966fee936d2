"""Recordings of two makers' units. The words of S-Fifteen's are those that fpfind's documentation prints (docs/user/
parser.md, of a recording of its unit); quTAG's octets are laid out by hand from qutools' manual and tdcbase.h."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.wire.time_tags import read_qutag, read_s_fifteen

PRINTED = (0xEDAE1BD74CE88F21, 0xEDAE1BD74F143308, 0xEDAE1BE0E65CEB38, 0xEDAE1BE31DED6721, 0xEDAE1BE320191F08)


def words(values, swapped=False):
    return b"".join(struct.pack("<Q", (v << 32 | v >> 32) & (1 << 64) - 1 if swapped else v) for v in values)


def word(time_256th_ns, pattern, flags=0):
    return (time_256th_ns & (1 << 54) - 1) << 10 | flags << 4 | pattern


def qutag(tags):
    return bytes(40) + b"".join(struct.pack("<qH", time, number) for time, number in tags)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_printed_recording_of_s_fifteen(swapped):
    tags = read_s_fifteen(words(PRINTED, swapped), swapped=swapped)
    assert tags.channel.tolist() == [0, 3, 0, 3]  # channels 1 and 4; the third word is a filler
    assert tags.time_ps[0] // 1000 == 65333_011796794  # "start: 65333.011796794" s
    assert np.diff(tags.time_ps)[::2] // 1000 == pytest.approx(139, abs=1)  # the peak printed at 139 ns


def test_detectors_may_be_wired_in_any_order_and_click_together():
    octets = words([word(256, 0b0001), word(512, 0b1010), word(768, 0b0000)])
    tags = read_s_fifteen(octets, detectors=(4, 3, 2, 1))
    assert tags.time_ps.tolist() == [1000, 2000, 2000]
    assert tags.channel.tolist() == [3, 0, 2]


def test_time_of_s_fifteen_goes_on_where_it_comes_round():
    top = 1 << 54
    tags = read_s_fifteen(words([word(top - 256, 1), word(top + 256, 2)]))
    assert tags.time_ps.tolist() == [(top - 256) * 125 // 32, (top + 256) * 125 // 32]


def test_short_mode_is_in_eighths_of_a_nanosecond():
    assert read_s_fifteen(words([word(1 << 5, 1)])).time_ps.tolist() == [125]


def test_qutag():
    octets = qutag([(5, 0), (1000, 1), (999, 4), (3000, 2), (3001, 104), (4000, 3)])
    tags = read_qutag(octets)
    assert tags.time_ps.tolist() == [999, 1000, 3000, 4000]  # neighbours in order, start input and marker left out
    assert tags.channel.tolist() == [3, 0, 1, 2]
    assert read_qutag(octets, detectors=(0, 1, 2, 3)).channel.tolist() == [0, 1, 2, 3]


def test_an_empty_recording_has_no_tags():
    assert read_s_fifteen(b"").time_ps.size == 0
    assert read_qutag(bytes(40)).time_ps.size == 0


@pytest.mark.parametrize(
    ("read", "octets", "told"),
    [
        (read_s_fifteen, words(PRINTED)[:-3], "within the tag at octet 32: 5 octets of 8"),
        (read_s_fifteen, words(PRINTED, swapped=True), "the tag at octet 16 is damaged, or the file is of another"),
        (read_s_fifteen, words([*PRINTED[:2], PRINTED[2] ^ 1 << 60, *PRINTED[3:]]), "octet (16|24) is damaged"),
        (read_s_fifteen, words([word(k << 51, 1) for k in range(25)]), "spans 59 hours"),
        (read_qutag, bytes(39), "within its header: 39 octets of 40"),
        (read_qutag, qutag([(1, 1), (2, 2)])[:-1], "within the tag at octet 50: 9 octets of 10"),
        (read_qutag, qutag([(1, 1), (2, 0x102)]), "octet 50 is damaged: there is no input 258"),
        (read_qutag, qutag([(1, 1), (2 << 40, 1), (3, 1)]), "octet 60 is damaged"),
    ],
)
def test_damage_is_told_with_its_octet(read, octets, told):
    with pytest.raises(ParameterError, match=told):
        read(octets)


@pytest.mark.parametrize("detectors", [(1, 2, 3), (1, 1, 2, 3), (1, 2, 3, 5)])
def test_detectors_are_four_different_inputs(detectors):
    with pytest.raises(ParameterError, match="detectors must be four different inputs of 1 to 4"):
        read_s_fifteen(b"", detectors)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_octets_are_tags_or_an_error_of_ours(octets, swapped):
    for read in (lambda: read_s_fifteen(octets, swapped=swapped), lambda: read_qutag(octets)):
        try:
            tags = read()
        except ParameterError:
            continue
        assert np.all(np.diff(tags.time_ps) >= 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 3)), max_size=50))
def test_both_formats_carry_the_same_recording(clicks):
    clicks = sorted((4 * t, c) for t, c in clicks)
    ours = read_qutag(qutag([(t * 125 // 32 + (t * 125 % 32 >= 16), c + 1) for t, c in clicks]))
    theirs = read_s_fifteen(words([word(t, 1 << c) for t, c in clicks]))
    assert np.array_equal(ours.time_ps, theirs.time_ps)
    assert np.array_equal(ours.channel, theirs.channel)
