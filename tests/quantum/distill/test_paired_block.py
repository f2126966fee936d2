"""Two recordings of unsynchronised sites, from octets to one key at both."""

import numpy as np
import pytest
from distill_pair import BLOCK, End, drive, entropy_from
from two_clocks import emulate, recorded

from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.errors import ParameterError
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.clock_search import SearchRange
from haris.quantum.distill.coincidences import sift
from haris.quantum.distill.paired_block import (
    pair_recordings,
    paired_agreement,
    paired_detections,
    paired_length,
    paired_pulses,
)
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.security.entangled_bounds import entangled_key_length
from haris.quantum.security.key_length import Security
from haris.wire.time_tags import read_qutag, read_s_fifteen

SECURITY = Security("variable-length", epsilon_secrecy=1e-9, epsilon_correctness=1e-15)
WITHIN = SearchRange(1_300_000_000_000, 10**12)


def paired(seed, **light):
    qutag, s_fifteen = recorded(emulate(seed, **light))
    ours, theirs = read_qutag(qutag), read_s_fifteen(s_fifteen, detectors=(4, 3, 2, 1))
    return pair_recordings(ours, theirs, WITHIN, entropy_from(seed))


def distil(block, seed=1, **agreed):
    n_events = len(block.alice.bit)
    agreement = paired_agreement(n_events, **agreed)
    length = paired_length(SECURITY, block.n_windows)
    transcripts = Transcript(BLOCK), Transcript(BLOCK)
    pulses, detections = paired_pulses(block.alice), paired_detections(n_events, block.bob, block.found)
    a = alice(BLOCK, pulses, agreement, length, lambda _: b"", entropy_from(seed), transcripts[0])
    b = bob(BLOCK, detections, agreement, length, entropy_from(seed + 1), transcripts[1])
    return drive(End(Sender.ALICE, a, transcripts[0]), End(Sender.BOB, b, transcripts[1]))


@pytest.mark.parametrize("reconciliation", ["cascade", "one-way"])
def test_recordings_of_two_makers_become_one_key(reconciliation):
    block = paired(1, seconds=10.0, qber=0.02)
    ours, theirs = distil(block, reconciliation=reconciliation)
    assert isinstance(ours, Distilled)
    assert isinstance(theirs, Distilled)
    assert np.array_equal(ours.bits, theirs.bits)
    assert 0.4 < ours.bits.mean() < 0.6
    counts = sift(block.alice, block.bob, block.found, block.n_windows).counts
    assert ours.counts.clicks[:, 0].tolist() == counts.coincidences.tolist()
    assert ours.counts.errors[:, 0].tolist() == counts.errors.tolist()
    bound = entangled_key_length(counts, SECURITY, ours.leaked_bits)
    assert len(ours.bits) == ours.length.length_bits == int(bound.length_bits) > 5000
    assert ours.length.proof == bound.proof


def test_an_eavesdropper_between_the_sites_is_noticed():
    for end in distil(paired(2, seconds=2.0, qber=0.25)):
        assert isinstance(end, Aborted)
        assert end.reason is AbortReason.QBER


def test_few_pairs_give_no_key():
    for end in distil(paired(3, seconds=0.3, qber=0.02)):
        assert isinstance(end, Aborted)
        assert end.reason is AbortReason.NO_KEY_LENGTH


def test_delays_of_detectors_are_told():
    delays = np.array([[300, -100, -100, -100], [0, 0, -200, 200]])
    light = emulate(5, seconds=4.0, skew_ps=delays)
    skew = pair_recordings(light.alice, light.bob, WITHIN, entropy_from(5)).skew_ps()
    assert np.abs(skew - delays).max() < 30.0  # 5 sigma of 10 000 pairs of 530 ps, and chance pairs


def test_the_window_is_six_jitters_where_none_is_asked():
    light = emulate(4, seconds=1.0, jitter_ps=100.0)
    block = pair_recordings(light.alice, light.bob, WITHIN, entropy_from(4))
    assert block.window_ps == pytest.approx(6 * 100 * 2**0.5, rel=0.05)
    assert block.n_windows == pytest.approx(1e12 / block.window_ps, rel=0.05)
    with pytest.raises(ParameterError, match="no coincidences in windows of 1 ps"):
        pair_recordings(light.alice, light.bob, WITHIN, entropy_from(4), window_ps=1)
