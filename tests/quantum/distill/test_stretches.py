"""Light told of in stretches: the key of one block, nothing but positions told while it comes, and lines that break."""

from dataclasses import replace

import numpy as np
import pytest
from distill_pair import BLOCK, End, agreed, drive, entropy_from, length, light, pair

from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.counts import TEST_BASIS
from haris.nouns.detections import Detections
from haris.nouns.pulses import Pulses, Settings
from haris.quantum.distill import stretches
from haris.quantum.distill.stretches import OtherLight, SeenLight, SentLight, alice_in_stretches, bob_in_stretches
from haris.quantum.distill.transcript import Sender, Transcript
from haris.wire.distillation import Limits, decode, encode
from haris.wire.packing import unpack_ascending
from haris.wire.stretches import Noted

LIGHT = b"a light of a day"


@pytest.fixture(scope="module")
def halves():
    return [light(10_000, 0.01, seed) for seed in range(5)]


def lit(halves, agreement=None):
    """Both ends' halves of a light of which nothing was told."""
    agreement = agreement or agreed(1, reconciliation="one-way")
    sent, seen = SentLight(LIGHT, agreement), SeenLight(LIGHT, agreement, entropy_from(3))
    for pulses, detections in halves:
        sent.add(pulses)
        seen.add(detections)
    return sent, seen


def tell(sent, seen):
    """All that is left to tell; returns what was said."""
    said = []
    while (told := seen.to_tell) is not None:
        noted = sent.hear(decode(encode(told)))
        seen.hear(noted.number)
        said += [told, noted]
    return said


def ends(sent, seen, reconciliation="one-way"):
    agreement = agreed(1, reconciliation=reconciliation)
    transcripts = Transcript(BLOCK), Transcript(BLOCK)
    a = alice_in_stretches(
        BLOCK, sent, agreement, length, lambda bits: bits.to_bytes(8, "big"), entropy_from(1), transcripts[0]
    )
    b = bob_in_stretches(BLOCK, seen, agreement, length, entropy_from(2), transcripts[1])
    return End(Sender.ALICE, a, transcripts[0]), End(Sender.BOB, b, transcripts[1])


def made(halves, reconciliation="one-way"):
    sent, seen = lit(halves)
    tell(sent, seen)
    return drive(*ends(sent, seen, reconciliation))


@pytest.mark.parametrize("reconciliation", ["one-way", "cascade"])
def test_the_counts_are_those_of_one_block_of_the_same_light(halves, reconciliation):
    alice, bob = made(halves, reconciliation)
    assert isinstance(alice, Distilled)
    assert np.array_equal(alice.bits, bob.bits)
    pulses = Pulses(50_000, recorded=Settings(np.concatenate([sent.recorded.octets for sent, _ in halves])))
    times = [seen.time_ps + 10_000_000 * i for i, (_, seen) in enumerate(halves)]
    detections = Detections(50_000, np.concatenate(times), np.concatenate([seen.channel for _, seen in halves]))
    whole, _ = drive(*pair(pulses, detections, agreed(50_000, reconciliation=reconciliation)))
    assert bob.counts.n_pulses == whole.counts.n_pulses == 50_000
    assert np.array_equal(bob.counts.clicks, whole.counts.clicks)
    assert np.array_equal(bob.counts.errors, whole.counts.errors)
    assert len(bob.bits) == length(bob.counts, bob.leaked_bits).length_bits


def test_pulses_under_a_key_are_told_of_as_recorded_ones(halves):
    key = bytes(range(32))
    clicks = Detections(1000, np.arange(0, 1_000_000, 7000) + 500, np.zeros(143, np.uint8))
    sent, seen = lit([(Pulses(1000, 0, key), clicks), (Pulses(1000, 1000, key), clicks)])
    tell(sent, seen)
    assert sent.told.n_pulses == 2000
    row = stretches._settings(Pulses(2000, 0, key), seen.accepted().pulse, agreed(1))
    assert np.array_equal(sent.settings(), row)
    assert len(set(row.tolist())) > 4


def test_nothing_but_positions_is_told_while_light_comes(halves):
    """The same positions with all bases and bits other are the same words."""
    sent, seen = lit(halves[:1])
    pulses, detections = halves[0]
    others = Detections(detections.n_pulses, detections.time_ps, np.uint8(3) - detections.channel)
    turned = Pulses(pulses.n_pulses, recorded=Settings(pulses.recorded.octets ^ np.uint8(3)))
    assert tell(sent, seen) == tell(*lit([(turned, others)]))


@pytest.mark.parametrize("told", [2, 3])
def test_a_block_whose_light_ends_early_is_a_shorter_block(halves, told):
    whole, _ = made(halves)
    alice, bob = made(halves[:told])
    assert np.array_equal(alice.bits, bob.bits)
    assert bob.counts.n_pulses == 10_000 * told
    assert 0 < len(bob.bits) < len(whole.bits)


def test_what_was_noted_is_not_told_again_though_the_answer_was_lost(halves):
    sent, seen = lit(halves[:3])
    sent.hear(seen.to_tell)  # its answer is lost
    seen.hear(sent.told.n_stretches)
    assert seen.to_tell.number == 1
    tell(sent, seen)
    seen.hear(sent.told.n_stretches)  # nothing new
    alice, bob = drive(*ends(sent, seen))
    assert np.array_equal(alice.bits, bob.bits)
    assert bob.counts.n_pulses == 30_000
    assert np.array_equal(bob.counts.clicks, made(halves[:3])[1].counts.clicks)


def test_what_alice_heard_and_bob_does_not_count_is_no_key(halves):
    sent, seen = lit(halves[:2])
    seen.hear(sent.hear(seen.to_tell).number)
    sent.hear(seen.to_tell)  # and Bob closes the block
    alice, bob = drive(*ends(sent, seen))
    assert alice.reason == bob.reason == AbortReason.SOURCE


def test_tags_cover_every_position(halves):
    """Not by a digest: tags hold whatever can be computed."""
    sent, seen = lit(halves[:2])
    said = tell(sent, seen)
    assert sent.told.octets == seen.told.octets
    assert all(told.pulses in seen.told.octets for told in said[::2])
    assert LIGHT in seen.told.octets
    fewer = lit(halves[:1])
    tell(*fewer)
    assert not seen.told.octets.startswith(fewer[1].told.octets)


def test_positions_that_were_changed_on_their_way_are_no_key(halves):
    sent, seen = lit(halves[:2])
    told = seen.to_tell
    pulses = unpack_ascending(told.pulses, told.n_clicks, 10_000)
    forged = replace_fields(told, n_clicks=told.n_clicks - 1, pulses=stretches.pack_ascending(pulses[:-1]))
    seen.hear(sent.hear(forged).number)
    tell(sent, seen)
    alice, bob = drive(*ends(sent, seen))
    assert alice.reason == bob.reason == AbortReason.SOURCE


def replace_fields(message, **changes):
    fields = {name: getattr(message, name) for name in message.__struct_fields__}
    return type(message)(**fields | changes)


def test_dark_stretches_cost_nothing_but_their_pulses(halves):
    pulses, detections = halves[0]
    dark = (pulses, Detections(pulses.n_pulses, detections.time_ps[:0], detections.channel[:0]))
    alice, bob = made([dark, halves[1], dark, halves[2]])
    assert np.array_equal(alice.bits, bob.bits)
    assert bob.counts.n_pulses == 40_000


def test_errors_of_the_test_basis_end_it_at_both_ends_alike():
    alice, bob = made([light(10_000, 0.2, seed) for seed in range(2)])
    assert isinstance(alice, Aborted)
    assert alice.reason == bob.reason == AbortReason.QBER
    assert bob.counts.qber[TEST_BASIS] == pytest.approx(0.2, abs=0.05)


def test_no_light_is_no_key():
    alice, bob = made([])
    assert alice.reason == bob.reason == AbortReason.TOO_FEW_CLICKS


def test_a_click_at_the_end_of_a_stretch_blinds_the_next(halves):
    held = replace(agreed(1, reconciliation="one-way"), dead_time_s=5e-9)
    told, free = (lit(halves[:1], agreement)[1].to_tell for agreement in (held, None))
    assert told.n_clicks < free.n_clicks
    assert unpack_ascending(told.pulses, told.n_clicks, below=10_000)[0] >= 5


def test_words_that_do_not_fit_are_refused(halves, monkeypatch):
    sent, seen = lit(halves[:2])
    first = seen.to_tell
    for changes in ({"number": 1}, {"light": bytes(16)}, {"n_pulses": 9_999}, {"n_clicks": 1}):
        with pytest.raises(OtherLight):
            sent.hear(replace_fields(first, **changes))
    with pytest.raises(OtherLight, match="noted 2"):
        seen.hear(2)
    assert sent.hear(first) == Noted(1)  # nothing of that was lost
    with pytest.raises(OtherLight, match="1 is next"):
        sent.hear(first)
    seen.hear(1)
    last = seen.to_tell
    monkeypatch.setattr(stretches, "MOST_CLICKS", first.n_clicks)
    with pytest.raises(OtherLight, match="clicks in a light"):
        sent.hear(last)
    assert sent.holds_next
    assert not lit([])[0].holds_next
    with pytest.raises(OtherLight, match="noted 1"):
        lit([])[1].hear(1)


@pytest.mark.parametrize("most", ["light", "message"])
def test_more_clicks_than_a_light_or_a_message_may_have_are_not_told(halves, monkeypatch, most):
    sent, seen = lit(halves[:2])
    first = seen.to_tell.n_clicks
    if most == "light":
        monkeypatch.setattr(stretches, "MOST_CLICKS", first)
        assert not seen.is_full
        seen.hear(sent.hear(seen.to_tell).number)
    else:
        monkeypatch.setattr(stretches, "LIMITS", Limits(clicks=first - 1))
    assert seen.is_full
    assert seen.to_tell is None
