"""Frames of squeezed light in the shell: dealt by fresh bits, hashed, paid for; a part of one is nothing."""

import math

import numpy as np

from haris.node.entropy.blocks import Blocks, net_bits
from haris.node.entropy.hashing import SeededHash
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.source import Emission, EntropySource, Extraction
from haris.quantum.entropy.squeezed import SQUEEZED, QuadratureChecks, SqueezedLight

LIGHT = SqueezedLight(
    adc_bits=8,
    range_v=1.2,
    round_hz=1e8,
    signal_rms_v=0.1,
    dark_rms_v=0.02,
    calibration_samples=10**9,
    p_check=0.3,
    squeezing_db=3.0,
    antisqueezing_db=4.0,
    frame_blocks=256,
)
SOURCE = EntropySource(SQUEEZED, LIGHT, Extraction(8192))


def blocks(drawn):
    def fresh(n):
        drawn.append(n)
        return np.random.default_rng(1).bytes(n)

    return Blocks(SOURCE, SeededHash(8192, None), fresh)


def test_a_frame_is_dealt_hashed_and_paid_for():
    drawn = []
    emission = SOURCE.emulate(SOURCE.frame_samples, 3)
    emission = Emission(emission.samples, emission.checks.of_frame())
    hashed = blocks(drawn).hashed(emission)
    assert drawn == [4 * 1024]
    assert hashed.n_blocks == 256
    assert hashed.n_rejected == 0
    assert 0.9 < len(hashed.octets) * 8 / (256 * net_bits(blocks([]).planned)) < 1.1


def test_a_block_with_a_first_or_last_code_is_left_out_and_paid_for():
    emission = SOURCE.emulate(SOURCE.frame_samples, 3)
    values = emission.samples.values.copy()
    values[5] = 0
    found = certificate(SOURCE, emission.checks.of_frame())
    hashed = blocks([]).hashed(Emission(RawSamples(values, 8), emission.checks))
    assert hashed.n_blocks == 255
    assert hashed.n_rejected == 1024
    assert len(hashed.octets) == 255 * net_bits(found) // 8 - math.ceil(math.ceil(found.randomness.spent_bits) / 8)


def test_less_than_a_frame_and_no_checks_give_nothing():
    emission = SOURCE.emulate(SOURCE.frame_samples, 3)
    part = RawSamples(emission.samples.values[:-1024], 8)
    for poor in (
        Emission(part, emission.checks),
        Emission(emission.samples, None),
        Emission(emission.samples, QuadratureChecks(np.zeros(256, np.int64))),
    ):
        assert blocks([]).hashed(poor).octets == b""
