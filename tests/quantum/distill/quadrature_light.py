"""A link of continuous variables whose block is two frames or so, and its engines back to back."""

from dataclasses import replace

import numpy as np
from distill_pair import BLOCK, End, drive, entropy_from, honest

from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.key_length import Security

LINK = Link(
    ModulatedLaser(1e8, 0.48),
    NoisyFibre(500.0, 0.2, excess_noise_snu=0.001),
    CoherentReceiver("homodyne", 0.8, 0.01),
    GaussianCV(2_100_000, 0.93, p_estimation=0.5),
    Security("leverrier2010", 1e-9, 1e-12, accepted_attacks="collective"),
)
"""Eight dimensions, one frame of 1 024 000 values."""
SLICED = replace(LINK, source=ModulatedLaser(1e8, 12.0), detector=CoherentReceiver("heterodyne", 0.8, 0.01))
"""Both quadratures, an SNR of some 4.7: slices, two frames."""


def pair(link, alice, bob, seed=1, length_bob=None):
    live, agreed, length = link.family.require_live(link), link.agreement(), link.block_length
    transcripts = Transcript(BLOCK), Transcript(BLOCK)
    a = live.alice(BLOCK, alice, agreed, length, lambda n: n.to_bytes(8, "big"), entropy_from(seed), transcripts[0])
    b = live.bob(BLOCK, bob, agreed, length_bob or length, entropy_from(seed + 1), transcripts[1])
    return End(Sender.ALICE, a, transcripts[0]), End(Sender.BOB, b, transcripts[1])


def distilled(link, halves, channel=honest, **others):
    return drive(*pair(link, *halves, **others), channel)


def same_key(alice, bob):
    return np.array_equal(alice.bits, bob.bits) and alice.allotment == bob.allotment
