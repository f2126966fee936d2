"""A block in stretches: the same key at both ends, counted as one block, wherever its light ends."""

import numpy as np
import pytest
from distill_pair import AGREEMENT, BLOCK, End, agreed, drive, entropy_from, length, light

from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.counts import KEY_BASIS, TEST_BASIS
from haris.nouns.detections import Detections
from haris.nouns.errors import PeerError
from haris.quantum.distill.stretches import alice_in_stretches, bob_in_stretches
from haris.quantum.distill.transcript import Sender, Transcript
from haris.wire.distillation import Clicks, CodedEstimate, decode
from haris.wire.packing import unpack_ascending


def ends(halves, reconciliation="one-way", section_bits=6000, agreement=None, told=None):
    agreement = agreement or agreed(1, reconciliation=reconciliation)
    transcripts = Transcript(BLOCK), Transcript(BLOCK)
    sent, seen = [pulses for pulses, _ in halves], [detections for _, detections in halves][:told]
    a = alice_in_stretches(
        BLOCK, sent, agreement, length, lambda bits: bits.to_bytes(8, "big"), entropy_from(1), transcripts[0]
    )
    b = bob_in_stretches(BLOCK, seen, agreement, length, entropy_from(2), transcripts[1], section_bits)
    return End(Sender.ALICE, a, transcripts[0]), End(Sender.BOB, b, transcripts[1])


@pytest.fixture(scope="module")
def halves():
    return [light(10_000, 0.01, seed) for seed in range(5)]


@pytest.mark.parametrize("reconciliation", ["one-way", "cascade"])
def test_both_ends_hold_one_key_of_all_stretches(halves, reconciliation):
    a, b = ends(halves, reconciliation)
    alice, bob = drive(a, b)
    assert isinstance(alice, Distilled)
    assert isinstance(bob, Distilled)
    assert np.array_equal(alice.bits, bob.bits)
    assert len(alice.bits) > 1000
    assert a.transcript.octets == b.transcript.octets
    n_clicks = sum(decode(octets).n_clicks for _, octets in b.transcript.messages if decode_is(octets, Clicks))
    counts = bob.counts
    assert counts.n_pulses == 50_000
    assert counts.clicks.sum() == pytest.approx(n_clicks * (0.9**2 + 0.1**2), rel=0.03)
    assert np.array_equal(counts.clicks, alice.counts.clicks)
    assert np.array_equal(counts.errors, alice.counts.errors)
    assert counts.qber == pytest.approx([0.01, 0.01], abs=0.01)
    # What leaked is what the messages disclosed, of all sections, and the key pays for it.
    assert bob.leaked_bits == sum(decode(octets).disclosed_bits for _, octets in b.transcript.messages)
    assert bob.n_reconciled == counts.clicks[KEY_BASIS].sum()
    assert len(bob.bits) == length(counts, bob.leaked_bits).length_bits


def decode_is(octets, kind):
    return isinstance(decode(octets), kind)


def test_sections_are_reconciled_while_light_comes(halves):
    a, b = ends(halves)
    drive(a, b)
    kinds = [type(decode(octets)) for _, octets in b.transcript.messages]
    first_opening = kinds.index(CodedEstimate)
    assert Clicks in kinds[first_opening:], "the first section waits for no more light than it needs"
    assert kinds.count(CodedEstimate) == 3  # 3240 bits a stretch, two stretches a section, and the last alone


@pytest.mark.parametrize("told", [2, 3])
def test_a_block_whose_light_ends_early_is_a_shorter_block(halves, told):
    whole, _ = drive(*ends(halves))
    alice, bob = drive(*ends(halves, told=told))
    assert np.array_equal(alice.bits, bob.bits)
    assert bob.counts.n_pulses == 10_000 * told
    assert 0 < len(bob.bits) < len(whole.bits)


def test_too_little_after_the_last_opening_belongs_to_no_block(halves):
    pulses, detections = halves[4]
    few = detections.time_ps < 400_000  # of 400 pulses
    poor = (pulses, Detections(pulses.n_pulses, detections.time_ps[few], detections.channel[few]))
    alice, bob = drive(*ends([*halves[:2], poor]))
    reference, _ = drive(*ends(halves[:2]))
    assert np.array_equal(alice.bits, bob.bits)
    assert bob.counts.n_pulses == 20_000
    assert np.array_equal(bob.counts.clicks, reference.counts.clicks)


def test_dark_stretches_cost_nothing_but_their_pulses(halves):
    pulses, detections = halves[0]
    dark = (pulses, Detections(pulses.n_pulses, detections.time_ps[:0], detections.channel[:0]))
    alice, bob = drive(*ends([dark, halves[1], dark, halves[2]]))
    assert np.array_equal(alice.bits, bob.bits)
    assert bob.counts.n_pulses == 40_000


def test_errors_of_the_test_basis_end_it_at_both_ends_alike():
    alice, bob = drive(*ends([light(10_000, 0.2, seed) for seed in range(2)]))
    assert isinstance(alice, Aborted)
    assert isinstance(bob, Aborted)
    assert alice.reason == bob.reason == AbortReason.QBER
    assert bob.counts.qber[TEST_BASIS] == pytest.approx(0.2, abs=0.05)


def test_no_light_is_no_key():
    alice, bob = drive(*ends([]))
    assert alice.reason == bob.reason == AbortReason.TOO_FEW_CLICKS


def test_a_click_at_the_end_of_a_stretch_blinds_the_next(halves):
    held = AGREEMENT.__class__(
        agreed(1, reconciliation="one-way").protocol, 1e9, AGREEMENT.intensities, AGREEMENT.p_intensities, 5e-9
    )
    _, b = ends(halves, agreement=held)
    first = b.engine.send(None)
    assert isinstance(first, Clicks)
    free = ends(halves)[1].engine.send(None)
    assert first.n_clicks < free.n_clicks
    assert unpack_ascending(first.pulses, first.n_clicks, below=10_000)[0] >= 5


def test_more_stretches_than_there_were_are_refused(halves):
    a, _b = ends(halves[:2])
    more = ends(halves)[1]
    alice, _ = drive(a, more)
    assert isinstance(alice, PeerError)
