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

SAMPLES, FIRST = 2**21 + 2**19, 2**20 + 12_345
BLOCK, CONTROLLED_FROM = 2**22, 2**21
"""A quarter of the example's block, which still certifies."""
UNIT = "of the stated samples"


def contests(conditions: Conditions) -> Iterator[Contest]:
    """One for each fault; its samples are others in each run."""
    vacuum = EntropySource(VACUUM, TEN_BITS, Extraction())
    pulses = EntropySource(MDI_QRNG, MDI_PULSES, Extraction(block_bits=BLOCK))
    for fault in FAULTS:
        seeds = count(conditions.seed)
        run = (
            partial(_bounded, pulses, fault, seeds)
            if fault in DETECTOR_FAULTS
            else partial(_tested, vacuum, fault, seeds)
        )
        yield Contest(f"{fault}, {'mdi' if fault in DETECTOR_FAULTS else 'vacuum'}", run)


def _tested(source: EntropySource, fault: str, seeds: Iterator[int]) -> Figures:
    samples = emulate_fault(source, SAMPLES, next(seeds), fault, FIRST).samples
    tests = health_tests(source)
    found = min(tests.feed(samples), key=lambda failure: failure.sample_number, default=None)
    if found is None or found.sample_number < FIRST:
        raise HarisError(f"{fault}: {'nothing' if found is None else 'good samples'} failed")
    return {UNIT: (found.sample_number + 1 - FIRST) / tests.detects_within[found.test]}


def _bounded(source: EntropySource, fault: str, seeds: Iterator[int]) -> Figures:
    """By blocks, of which the last holds no good round."""
    emission = emulate_fault(source, 2 * BLOCK, next(seeds), fault, CONTROLLED_FROM)
    for end in range(BLOCK, 2 * BLOCK + 1, BLOCK):
        found = certificate(source, _block(emission.checks, end - BLOCK))
        if found.out_bits < found.randomness.spent_bits:
            return {UNIT: (end - CONTROLLED_FROM) / (2 * BLOCK)}
    raise HarisError(f"{fault}: a block that was made under control certifies bits")


def _block(rounds: Rounds, first: int) -> Rounds:
    numbers = [each[(each >= first) & (each < first + BLOCK)] - first for each in (rounds.early, rounds.late)]
    return Rounds(rounds.bits[first : first + BLOCK], *numbers)
