"""A frame of squeezed light to certified bits, on one core: checks counted, its bound, blocks dealt and hashed.

The yardstick is the clock of examples/entropy/squeezed.toml. Certified bits are net of those that the source used up.
What holds the pace: hashing is half of the time and more; dealing reads the frame once from memory. Seconds are those
that this thread had a processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import thread_time

import numpy as np
from numpy.typing import NDArray

from haris.bench.contest import Conditions, Contest, Figures
from haris.kernels.block_toeplitz import paths
from haris.nouns.raw_samples import Codes, RawSamples
from haris.quantum.entropy.certificate import Certificate, certificate
from haris.quantum.entropy.extraction import certified_extractor, seed_octets
from haris.quantum.entropy.frames import dealt_blocks, drawn_turns
from haris.quantum.entropy.source import EntropySource, Extraction
from haris.quantum.entropy.squeezed import SQUEEZED, QuadratureChecks, SqueezedLight, check_probabilities

SOURCE = EntropySource(
    SQUEEZED,
    SqueezedLight(
        adc_bits=16,
        range_v=0.87,
        round_hz=67e6,
        signal_rms_v=0.1,
        dark_rms_v=0.02,
        calibration_samples=1_000_000_000,
        p_check=0.008,
        squeezing_db=3.0,
        antisqueezing_db=4.0,
        frame_blocks=131_072,
        dnl_lsb=0.7,
        oscillator_rms=0.003,
    ),
    Extraction(block_bits=3712, out_bits=2048),
)
SETTING = "squeezed light, 67 MSa/s, 16 bits, frames of 30 million samples"
STAGES = ("checks", "dealing", "hashing")


def contests(conditions: Conditions) -> Iterator[Contest]:
    """One contest, of whole frames; a smaller scale deals and hashes a part of one."""
    rng = np.random.default_rng(conditions.seed)
    parameters = SOURCE.parameters
    n_blocks = conditions.size(parameters.frame_blocks)
    few = SOURCE.emulate(2**20, conditions.seed).samples.values
    frame = RawSamples(_repeated(few, n_blocks * SOURCE.block_samples), parameters.bits)
    n_checks = round(SOURCE.frame_samples * parameters.p_check / (1.0 - parameters.p_check))
    checks = rng.choice(2**parameters.adc_bits, n_checks, p=check_probabilities(parameters)).astype(np.uint16)
    planned = certificate(SOURCE)
    seed = _seed(rng, planned)

    def ours() -> Figures:
        spent = dict.fromkeys(STAGES, 0.0)
        began = last = thread_time()

        def stage(name: str) -> None:
            nonlocal last
            now = thread_time()
            spent[name] += now - last
            last = now

        counts = np.bincount(checks, minlength=2**parameters.adc_bits)
        found = certificate(SOURCE, QuadratureChecks(counts))
        extractor = certified_extractor(found, seed)
        stage("checks")
        n_hashed = 0
        for samples, n in dealt_blocks(frame, drawn_turns(rng.bytes, SOURCE.block_samples, n_blocks)):
            stage("dealing")
            extractor.extract(samples.values.view(np.uint8), n)
            n_hashed += n
            stage("hashing")
        took = thread_time() - began
        net = n_hashed * max(0.0, found.out_bits - found.randomness.spent_bits)
        return {
            "certified Mbit/s at its clock": net / len(frame) * parameters.clock_hz / 1e6,
            "times its clock": len(frame) / took / parameters.clock_hz,
            **{f"share of {name}": spent[name] / took for name in STAGES},
        }

    yield Contest(SETTING, ours, instruction_set=paths()[0])


def _repeated(values: Codes, n: int) -> Codes:
    repeated: Codes = np.tile(values, -(-n // len(values)))[:n].copy()  # type: ignore[assignment]
    return repeated


def _seed(rng: np.random.Generator, planned: Certificate) -> NDArray[np.uint8]:
    n_bits = planned.raw_bits + planned.out_bits - 1
    seed = np.frombuffer(rng.bytes(seed_octets(planned.raw_bits, planned.out_bits)), np.uint8).copy()
    seed[-1] &= (1 << (n_bits % 8 or 8)) - 1
    return seed
