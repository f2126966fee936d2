"""A block of a measurement-device-independent source to certified bits: tests, counts, bound, packing and hash.

The yardstick is the clock of examples/entropy/mdi.toml. Emulation is not timed. Certified bits are net of those that
chose the states. The bound speaks of a block as a whole, so that it is hashed as one: that holds the pace.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import thread_time

import numpy as np

from haris.bench.contest import Conditions, Contest, Figures
from haris.kernels.pack_samples import pack_samples
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.extraction import certified_extractor, seed_octets
from haris.quantum.entropy.health import health_tests
from haris.quantum.entropy.mdi_qrng import MDI_QRNG, MdiQrng, count_packed
from haris.quantum.entropy.source import EntropySource, Extraction

PARAMETERS = MdiQrng(125e6, mean_photons=0.5, p_test=1e-3, efficiency=0.9, p_dark=1e-7, p_flip=2e-3)
N_ROUNDS = 100_000_000
SETTING = "time-bin qubits, 125 MHz, blocks of 100 million rounds"
STAGES = ("health tests", "packing", "counts and bound", "hashing")


def contests(conditions: Conditions) -> Iterator[Contest]:
    """One contest, of whole blocks; a smaller scale takes a smaller block, whose own bound holds."""
    n = max(4_000_000, conditions.size(N_ROUNDS))
    source = EntropySource(MDI_QRNG, PARAMETERS, Extraction(block_bits=n))
    rng = np.random.default_rng(conditions.seed)
    emission = source.emulate(n, conditions.seed)
    chosen = rng.random(n) < PARAMETERS.p_test  # other rounds than the emulation's: as many octets to count
    tested, late = (np.packbits(flags, bitorder="little") for flags in (chosen, chosen & (rng.random(n) < 0.5)))
    planned = certificate(source)
    seed = rng.bytes(seed_octets(planned.raw_bits, planned.out_bits))
    extractor = certified_extractor(planned, seed)

    def ours() -> Figures:
        health = health_tests(source)
        times = [thread_time()]
        failures = health.feed(emission.samples)
        times.append(thread_time())
        packed = pack_samples(emission.samples.values, 1)
        times.append(thread_time())
        count_packed(packed, tested, late, n)
        found = certificate(source, emission.checks)
        times.append(thread_time())
        extractor.extract(packed, 1)
        times.append(thread_time())
        assert not failures, failures
        took = times[-1] - times[0]
        net = max(0.0, found.out_bits - found.randomness.spent_bits)
        spent = np.diff(times) / took
        return {
            "certified Mbit/s at its clock": net / n * PARAMETERS.pulse_hz / 1e6,
            "times its clock": n / took / PARAMETERS.pulse_hz,
            **{f"share of {stage}": float(share) for stage, share in zip(STAGES, spent, strict=True)},
        }

    yield Contest(SETTING, ours)
