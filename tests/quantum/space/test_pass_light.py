"""Sampled light of a pass: its clicks are those expected, slot by slot, and distil to the key that is expected."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from distill_pair import BLOCK, End, drive, entropy_from

from haris.nouns.blocks import Aborted, Distilled
from haris.nouns.counts import TEST_BASIS
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.space.contacts import contacts_of
from haris.quantum.space.live import agreement, live_length
from haris.quantum.space.pass_key import pass_counts
from haris.quantum.space.pass_light import emulate_pass
from haris.quantum.space.scenario import Scenario

EXAMPLE = Path(__file__).parents[3] / "examples" / "space" / "micius_xinglong_2016.toml"


@pytest.fixture(scope="module")
def half():
    """The second half of the Micius pass of 2016: its link, its expected key, and its light."""
    contacts = contacts_of(Scenario.read(EXAMPLE))
    flown = contacts.coming(1482166197.0)[0]
    key = contacts.key(contacts.rest_of(flown, flown.culmination_s))
    return contacts.link, key, emulate_pass(key.slots, contacts.link, b"light")


def distilled(link, pulses, detections):
    agreed, length, logs = (
        agreement(link, pulses.n_pulses),
        partial(live_length, link),
        (Transcript(BLOCK), Transcript(BLOCK)),
    )
    sender = alice(BLOCK, pulses, agreed, length, lambda bits: bits.to_bytes(8, "big"), entropy_from(1), logs[0])
    receiver = bob(BLOCK, detections, agreed, length, entropy_from(2), logs[1])
    return drive(End(Sender.ALICE, sender, logs[0]), End(Sender.BOB, receiver, logs[1]))


def test_clicks_follow_the_channel_slot_by_slot(half):
    link, key, (_, detections) = half
    slots = key.slots
    second = np.bincount((detections.time_ps / (slots.duration_s * 1e12)).astype(int), minlength=slots.unix_s.size)
    per_slot = np.split(slots.transmittance, slots.unix_s.size), np.split(slots.background, slots.unix_s.size)
    kept = [
        pass_counts(link.source, link.detector, 0.5, link.channel.misalignment, slots.duration_s, *each)
        for each in zip(*per_slot, strict=True)
    ]
    # In half of the gates both ends choose one basis alike; double clicks are two tags and far below the noise.
    expected = 2.0 * np.array([each.clicks.sum() for each in kept])
    off = (second - expected) / np.sqrt(expected)
    assert second.max() > 5 * second.min()  # the satellite sinks
    assert np.abs(off).max() < 5.0  # false alarm below 1e-4 for 136 slots
    assert abs(off.sum()) < 4.0 * np.sqrt(off.size)


def test_a_pass_distils_to_the_key_that_is_expected(half):
    link, key, (pulses, detections) = half
    a, b = distilled(link, pulses, detections)
    assert isinstance(a, Distilled)
    np.testing.assert_array_equal(a.bits, b.bits)
    assert len(a.bits) == pytest.approx(key.secret_bits, rel=0.2)
    assert a.counts.qber == pytest.approx(key.counts.qber, abs=0.002)


def test_who_measures_the_light_of_a_pass_is_seen():
    contacts = contacts_of(Scenario.read(EXAMPLE))
    flown = contacts.coming(1482166197.0)[0]
    key = contacts.key(replace(contacts.rest_of(flown, flown.culmination_s), set_s=flown.culmination_s + 10.0))
    a, b = distilled(contacts.link, *emulate_pass(key.slots, contacts.link, b"light", eve_fraction=1.0))
    assert isinstance(a, Aborted)
    assert isinstance(b, Aborted)
    assert a.counts.qber[TEST_BASIS] == pytest.approx(0.25, abs=0.02)
