"""How soon faults of a noise source are caught, over the number of samples that is stated for it.

Health tests see samples of vacuum fluctuations; the one that finds a fault first says how many it may need. A detector
under control passes them: it is caught by the bound, and may have the block in which control begins and the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count

from haris.bench.contest import Conditions, Contest, Figures
from haris.bench.randomness import MDI_PULSES, TEN_BITS
from haris.nouns.errors import HarisError
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.faulty_emission import DETECTOR_FAULTS, FAULTS, emulate_fault
from haris.quantum.entropy.health import health_tests
from haris.quantum.entropy.mdi_qrng import MDI_QRNG
from haris.quantum.entropy.mdi_rounds import Rounds
from haris.quantum.entropy.source import EntropySource, Extraction
from haris.quantum.entropy.vacuum import VACUUM

SAMPLES, LEAST_SAMPLES = 2**21, 2**19
INSIDE = 12_345
"""Half of the samples and so many are good: the fault begins inside a window."""
BLOCK, LEAST_BLOCK = 2**22, 2**18
"""Rounds: a quarter of the example's, which still certify."""
UNIT = "of the stated samples"


def contests(conditions: Conditions) -> Iterator[Contest]:
    """One for each fault; its samples are others in each run."""
    block = max(LEAST_BLOCK, conditions.size(BLOCK))
    vacuum = EntropySource(VACUUM, TEN_BITS, Extraction())
    pulses = EntropySource(MDI_QRNG, MDI_PULSES, Extraction(block_bits=block))
    n_samples = max(LEAST_SAMPLES, conditions.size(SAMPLES))
    for fault in FAULTS:
        seeds = count(conditions.seed)
        if fault in DETECTOR_FAULTS:
            yield Contest(f"{fault}, mdi", partial(_bounded, pulses, fault, seeds))
        else:
            yield Contest(f"{fault}, vacuum", partial(_tested, vacuum, fault, n_samples, seeds))


def _tested(source: EntropySource, fault: str, n_samples: int, seeds: Iterator[int]) -> Figures:
    first = n_samples // 2 + INSIDE
    samples = emulate_fault(source, n_samples, next(seeds), fault, first).samples
    tests = health_tests(source)
    found = min(tests.feed(samples), key=lambda failure: failure.sample_number, default=None)
    if found is None or found.sample_number < first:
        raise HarisError(f"{fault}: {'nothing' if found is None else 'good samples'} failed")
    return {UNIT: (found.sample_number + 1 - first) / tests.detects_within[found.test]}


def _bounded(source: EntropySource, fault: str, seeds: Iterator[int]) -> Figures:
    """Two blocks: control begins in the middle of one, and the other holds no good round."""
    block = source.block_samples
    emission = emulate_fault(source, 2 * block, next(seeds), fault, block // 2)
    for first in (0, block):
        found = certificate(source, _part(emission.checks, first, block))
        if found.out_bits < found.randomness.spent_bits:
            return {UNIT: (first + block - block // 2) / (2 * block)}
    raise HarisError(f"{fault}: a block that was made under control certifies bits")


def _part(rounds: Rounds, first: int, n: int) -> Rounds:
    numbers = [each[(each >= first) & (each < first + n)] - first for each in (rounds.early, rounds.late)]
    return Rounds(rounds.bits[first : first + n], *numbers)
