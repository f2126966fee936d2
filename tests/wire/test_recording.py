"""Recordings come back as they were written, and nothing else is taken for one."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin
from haris.nouns.pulses import Pulses, Settings
from haris.nouns.symbols import Symbols
from haris.wire import recording
from haris.wire.recording import BlockHeader, FileHeader, Half, Kind

NAME = bytes(range(16))


def parts(record):
    header, octets = record
    return recording.read_block_header(header), octets


@given(
    tags=st.lists(st.tuples(st.integers(-(2**40), 2**53), st.integers(0, 3)), max_size=50), n_pulses=st.integers(1, 9)
)
@settings(max_examples=50, deadline=None)
def test_tags_come_back(tags, n_pulses):
    tags.sort()
    sent = Detections(n_pulses, np.array([t for t, _ in tags], np.int64), np.array([c for _, c in tags], np.uint8))
    header, octets = parts(recording.write_tags(5, sent))
    got = recording.read_tags(header, octets)
    assert (header.number, got.n_pulses) == (5, n_pulses)
    assert np.array_equal(got.time_ps, sent.time_ps)
    assert np.array_equal(got.channel, sent.channel)


def test_pulses_come_back_keyed_or_recorded():
    keyed = Pulses(1000, start=7, key=bytes(range(32)))
    header, octets = parts(recording.write_pulses(2, keyed))
    assert recording.read_pulses(header, octets, 2) == keyed
    rng = np.random.default_rng(1)
    sent = Settings.of(*(rng.integers(0, n, 64, dtype=np.uint8) for n in (2, 2, 3)))
    header, octets = parts(recording.write_pulses(0, Pulses(64, recorded=sent)))
    got = recording.read_pulses(header, octets, 3).recorded
    for name in ("basis", "bit", "intensity"):
        assert np.array_equal(getattr(got, name), getattr(sent, name))
        assert getattr(got, name).dtype == np.uint8


def test_the_headers_are_little_endian_numbers_at_their_documented_places():
    octets = recording.write_file_header(FileHeader(Half.BOB, Origin.EMULATED, NAME))
    assert octets == b"HARISREC" + bytes([1, 0, 0, 0, 2, 2, 0, 0]) + NAME
    detections = Detections(3, np.array([258], np.int64), np.array([2], np.uint8))
    head, octets = recording.write_tags(1, detections)
    assert len(head) == 64
    assert np.frombuffer(head[8:48], "<u8").tolist() == [1, 3, 0, 1, 9]
    assert octets == bytes([2, 1, 0, 0, 0, 0, 0, 0, 2])


@pytest.mark.parametrize("at", range(recording.BLOCK_OCTETS))
def test_each_flipped_octet_of_a_header_is_noticed(at):
    octets = bytearray(recording.write_block_header(BlockHeader(Kind.TAGS, 1, 2, 3, 4, 5)))
    octets[at] ^= 0x10
    with pytest.raises(ParameterError):
        recording.read_block_header(bytes(octets))


def test_a_file_of_another_kind_version_or_half_is_refused():
    good = recording.write_file_header(FileHeader(Half.ALICE, Origin.MEASURED, NAME))
    assert recording.read_file_header(good, Half.ALICE) == FileHeader(Half.ALICE, Origin.MEASURED, NAME)
    for octets, words in (
        (b"PK" + good[2:], "no recording"),
        (good[:8] + bytes([9]) + good[9:], "version 9; this release reads version 1"),
        (good[:13] + bytes([3]) + good[14:], "origin 3 is unknown"),
        (good[:20], "20 octets of 32"),
    ):
        with pytest.raises(ParameterError, match=words):
            recording.read_file_header(octets, Half.ALICE)
    with pytest.raises(ParameterError, match=r"half 1 of a recording, where half 2 \(bob\) belongs"):
        recording.read_file_header(good, Half.BOB)
    with pytest.raises(ParameterError, match="measured or emulated"):
        recording.write_file_header(FileHeader(Half.ALICE, Origin.VENDOR, NAME))


def resealed(octets, kind, n_items, n_pulses=4):
    """A record whose checksums fit, whatever it says."""
    return recording.read_block_header(recording._record(kind, 0, n_pulses, 0, n_items, octets)[0])


def test_wrong_values_are_told_with_their_place_and_both_numbers():
    def tags(times, channels):
        return np.array(times, "<i8").tobytes() + bytes(channels)

    for octets, words in (
        (tags([1, 5, 4], [0, 0, 0]), "tag 2 at 4 ps comes after one at 5 ps"),
        (tags([1, 5, 6], [0, 7, 0]), "tag 1 has channel 7; there are 0 to 3"),
    ):
        with pytest.raises(ParameterError, match=words):
            recording.read_tags(resealed(octets, Kind.TAGS, 3), octets)
    with pytest.raises(ParameterError, match="setting 2 is 8; 2 intensities have 0 to 7"):
        recording.read_pulses(resealed(bytes([0, 7, 8, 255]), Kind.SETTINGS, 4), bytes([0, 7, 8, 255]), 2)
    with pytest.raises(ParameterError, match="3 settings for 4 pulses"):
        recording.read_pulses(resealed(bytes(3), Kind.SETTINGS, 3), bytes(3), 2)
    with pytest.raises(ParameterError, match="1 pulse key, got 2"):
        recording.read_pulses(resealed(bytes(64), Kind.KEY, 2), bytes(64), 2)
    with pytest.raises(ParameterError, match="a record of kind 3 where 1 belongs"):
        recording.read_pulses(resealed(tags([1], [1]), Kind.TAGS, 1), tags([1], [1]), 2)
    with pytest.raises(ParameterError, match="8 octets of 9"):
        recording.read_tags(resealed(tags([1], [1]), Kind.TAGS, 1), tags([1], [1])[:-1])
    with pytest.raises(ParameterError, match="the block is damaged: checksum"):
        recording.read_tags(resealed(tags([1], [1]), Kind.TAGS, 1), tags([2], [1]))


def test_pulses_beyond_what_their_numbers_hold_are_refused():
    header = recording.BlockHeader(recording.Kind.KEY, 0, 1000, 2**63 - 999, 1)
    with pytest.raises(ParameterError, match="their numbers lie below 9223372036854775808"):
        recording.read_block_header(recording.write_block_header(header))


@pytest.mark.parametrize("n_values", [1, 2])
def test_symbols_come_back_within_half_a_step_and_wrong_ones_are_refused(n_values):
    sent = Symbols(np.random.default_rng(4).normal(0.0, 3.0, (500, n_values)).astype(np.float32))
    header, octets = parts(recording.write_half(3, sent))
    assert (header.number, header.n_pulses, header.n_items) == (3, 500, 500)
    assert len(octets) == 8 + 2 * n_values * 500
    step = np.abs(sent.values).max() / 32767
    assert np.abs(recording.read_symbols(header, octets).values - sent.values).max() <= 0.501 * step
    nothing = Symbols(np.zeros((2, n_values), np.float32))
    assert np.array_equal(recording.read_symbols(*parts(recording.write_half(0, nothing))).values, nothing.values)
    for wrong in (b"\0" * 8, struct.pack("<d", -1.0), struct.pack("<d", float("nan")), struct.pack("<d", 1e300)):
        with pytest.raises(ParameterError, match="a step of the values is"):
            recording.read_symbols(resealed(wrong + octets[8:], header.kind, 500, 500), wrong + octets[8:])
    with pytest.raises(ParameterError, match="a record of kind 3 where 4 belongs"):
        recording.read_symbols(resealed(bytes(9), Kind.TAGS, 1), bytes(9))
