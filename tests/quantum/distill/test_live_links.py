"""A whole block of published links, from sampled light to key, shortened by the live bound."""

from pathlib import Path

import numpy as np
import pytest
from distill_pair import BLOCK, End, drive, entropy_from

from haris.nouns.blocks import Aborted, Distilled
from haris.nouns.counts import KEY_BASIS
from haris.quantum.distill.alice import alice
from haris.quantum.distill.bob import bob
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.link import Link
from haris.quantum.security.entropy import binary_entropy

LINKS = Path(__file__).parents[3] / "examples" / "links"


def distilled(link, eve_fraction=0.0):
    pulses, detections = link.emulate(link.protocol.block_pulses, seed=5, eve_fraction=eve_fraction)
    agreed, length = link.agreement(), link.block_length
    logs = Transcript(BLOCK), Transcript(BLOCK)
    sender = alice(BLOCK, pulses, agreed, length, lambda bits: bits.to_bytes(8, "big"), entropy_from(1), logs[0])
    receiver = bob(BLOCK, detections, agreed, length, entropy_from(2), logs[1])
    return drive(End(Sender.ALICE, sender, logs[0]), End(Sender.BOB, receiver, logs[1]))


@pytest.mark.parametrize("name", ["boaron2018_251km", "boaron2018_302km"])
def test_a_live_block_keeps_what_the_plan_promised(name):
    link = Link.read(LINKS / f"{name}.toml")
    a, b = distilled(link)
    assert isinstance(a, Distilled)
    np.testing.assert_array_equal(a.bits, b.bits)
    planned = int(link.rate().key.length_bits)
    # Counts stray by a part in a thousand; f_ec is set for the worse of what Cascade needs.
    assert 0.95 * planned < len(a.bits) < 1.1 * planned
    f_ec = a.leaked_bits / a.n_reconciled / binary_entropy(a.counts.qber[KEY_BASIS])
    assert 1.5 < f_ec < link.security.f_ec


def test_eve_on_a_fifth_of_the_pulses_leaves_nothing():
    assert all(isinstance(end, Aborted) for end in distilled(Link.read(LINKS / "boaron2018_251km.toml"), 0.2))
