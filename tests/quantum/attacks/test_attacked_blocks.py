"""Blocks of attacked light through the ordinary distillation: the key is as long as is claimed, whatever is secret."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distill_pair import BLOCK, End, drive, entropy_from

from haris.nouns.blocks import Aborted, Distilled
from haris.quantum.attacks.attacked import attacked
from haris.quantum.attacks.intercept_resend import InterceptResend
from haris.quantum.attacks.laser_seeding import LaserSeeding
from haris.quantum.attacks.photon_number_splitting import PhotonNumberSplitting
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.link import Link

METRO = Link.read(Path(__file__).parents[3] / "examples" / "links" / "metro_25km.toml")
LINK = replace(
    METRO,
    channel=replace(METRO.channel, length_m=25e3, fixed_loss_db=3.0),
    detector=replace(METRO.detector, efficiency=0.5, dead_time_s=10e-9, p_afterpulse=0.0),
    protocol=replace(METRO.protocol, block_pulses=40_000_000),
)


def distilled(attack):
    pulses, detections = attacked(LINK, attack).emulate(LINK.protocol.block_pulses, seed=5)
    agreed, length = LINK.agreement(), LINK.block_length
    logs = Transcript(BLOCK), Transcript(BLOCK)
    sender = alice(BLOCK, pulses, agreed, length, lambda bits: bits.to_bytes(8, "big"), entropy_from(1), logs[0])
    receiver = bob(BLOCK, detections, agreed, length, entropy_from(2), logs[1])
    return drive(End(Sender.ALICE, sender, logs[0]), End(Sender.BOB, receiver, logs[1]))


def test_brighter_pulses_give_a_key_that_is_longer_than_what_is_secret():
    rate = attacked(LINK, LaserSeeding(2.0)).rate()
    a, b = distilled(LaserSeeding(2.0))
    assert isinstance(a, Distilled)
    np.testing.assert_array_equal(a.bits, b.bits)
    assert len(a.bits) == pytest.approx(float(rate.claimed_bits), rel=0.15)  # counts stray, and so does Cascade
    assert len(a.bits) > 1.5 * rate.secret.at_least


@pytest.mark.parametrize("attack", [PhotonNumberSplitting(), InterceptResend(0.6)], ids=lambda each: each.NAME)
def test_what_the_bound_notices_gives_no_key(attack):
    assert attacked(LINK, attack).rate().claimed_bits == 0.0
    assert all(isinstance(half, Aborted) for half in distilled(attack))


def test_the_eve_of_a_live_fibre_is_one_of_the_attacks():
    by_link = LINK.emulate(100_000, seed=3, eve_fraction=0.4)[1]
    by_attack = attacked(LINK, InterceptResend(0.4)).emulate(100_000, seed=3)[1]
    np.testing.assert_array_equal(by_link.time_ps, by_attack.time_ps)
    np.testing.assert_array_equal(by_link.channel, by_attack.channel)
