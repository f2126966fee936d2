"""From emulated light of continuous variables to the length of a key, by way of reconciliation."""

import numpy as np
import pytest

from haris.bench.continuous import reconcile
from haris.quantum.distill.continuous import FRAME_VALUES
from haris.quantum.distill.estimate_channel import estimated_channel
from haris.quantum.distill.soft_code import code_of_rate
from haris.quantum.families import coherent_hardware
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_bounds import gaussian_key_length
from haris.quantum.security.key_length import Security

N_ESTIMATION = 8_000_000
CODE = code_of_rate(0.1)
LINK = Link(
    ModulatedLaser(1e8, 0.25),
    NoisyFibre(1e3, 0.2, excess_noise_snu=0.001),
    CoherentReceiver("homodyne", 0.8, 0.01),
    GaussianCV(FRAME_VALUES + N_ESTIMATION, 0.84, p_estimation=N_ESTIMATION / (FRAME_VALUES + N_ESTIMATION)),
    Security("leverrier2010", 1e-9),
)


def estimated(alice, bob):
    """The channel by the symbols behind those of the key."""
    disclosed = (half.part(FRAME_VALUES, half.n_symbols) for half in (alice, bob))
    return estimated_channel(*disclosed, coherent_hardware.estimated(LINK, np.asarray(0.0))[0])


def length_bits(channel, beta):
    block = GaussianBlock(channel, FRAME_VALUES, N_ESTIMATION, beta, 0.0, 1)
    return int(gaussian_key_length(block, LINK.security).length_bits)


def test_emulated_light_becomes_key_of_the_planned_length():
    alice, bob = LINK.emulate(LINK.protocol.block_pulses, seed=11)
    channel = estimated(alice, bob)
    values = (half.part(0, FRAME_VALUES).standardised(float(channel.snr)) for half in (alice, bob))
    shared, _ = reconcile(*values, CODE, np.random.default_rng(2))
    assert shared.verified
    assert shared.n_bits == FRAME_VALUES
    beta = (shared.n_bits - shared.leaked_bits) / FRAME_VALUES / float(channel.mutual_information)
    # Estimates and beta differ from what was planned by little.
    assert length_bits(channel, beta) == pytest.approx(int(LINK.rate().key.length_bits), rel=0.15)
    assert LINK.rate().key.length_bits > 10_000


def test_an_eve_who_resends_leaves_no_key():
    channel = estimated(*LINK.emulate(LINK.protocol.block_pulses, seed=11, eve_fraction=0.2))
    assert length_bits(channel, 0.84) == 0
