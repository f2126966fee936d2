"""Named faults: where they begin, what catches them and within how many samples, and which sources have none."""

from pathlib import Path

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.controlled_detector import CONTROLS
from haris.quantum.entropy.faulty_emission import FAULTS, emulate_fault
from haris.quantum.entropy.health import health_tests
from haris.quantum.entropy.mdi_qrng import MDI_QRNG, MdiQrng, randomness
from haris.quantum.entropy.source import EntropySource, Extraction
from haris.quantum.entropy.sources import read_source

EXAMPLES = Path(__file__).parents[3] / "examples" / "entropy"
BLOCK = 1_000_000
EPSILON = 2.0**-101
PULSES = MdiQrng(1e8, 0.5, 0.02, 0.9, 1e-6, 1e-3, dead_time_s=15e-9)
SOURCE = EntropySource(MDI_QRNG, PULSES, Extraction(block_bits=BLOCK))


def certified(emission, n=BLOCK):
    return randomness(PULSES, n, EPSILON, emission.checks).min_entropy_bits


@pytest.mark.parametrize("control", CONTROLS)
def test_a_detector_under_control_is_caught_within_one_block(control):
    fault = f"detector-{control}"
    assert certified(emulate_fault(SOURCE, BLOCK, 5, fault, 0)) == 0.0
    good = SOURCE.emulate(BLOCK, 5)
    assert certified(good) > 0.1 * BLOCK
    # Where it comes late in a block, the block is worth no more than its good part.
    late = emulate_fault(SOURCE, BLOCK, 5, fault, BLOCK // 2)
    half = BLOCK // 2
    assert np.array_equal(late.samples.values[:half], good.samples.values[:half])
    one_photon = PULSES.mean_photons * np.exp(-PULSES.mean_photons)
    assert certified(late) < half * PULSES.scored * one_photon


@pytest.mark.parametrize(("source", "n"), [("vacuum", 2**22), ("mdi", 2**19)])
@pytest.mark.parametrize("fault", [name for name in FAULTS if not name.startswith("detector")])
def test_other_faults_fail_a_health_test_in_time(source, n, fault):
    entropy = SOURCE if source == "mdi" else read_source(EXAMPLES / f"{source}.toml")
    if source == "mdi" and fault in ("drift", "saturation", "tone"):
        with pytest.raises(ParameterError, match="bits, which have no such fault"):
            emulate_fault(entropy, n, 1, fault, n // 2)
        return
    first = n // 4 + 512 * 3
    emission = emulate_fault(entropy, n, 1, fault, first)
    tests = health_tests(entropy)
    found = tests.feed(emission.samples)
    assert found
    assert all(failure.sample_number >= first for failure in found)
    assert min(failure.sample_number for failure in found) < first + max(tests.detects_within.values())


def test_what_a_source_cannot_have_is_refused():
    vacuum = read_source(EXAMPLES / "vacuum.toml")
    with pytest.raises(ParameterError, match="trusts its detector"):
        emulate_fault(vacuum, 1000, 1, "detector-bright", 0)
    with pytest.raises(ParameterError, match="fault must be one of stuck-bit"):
        emulate_fault(vacuum, 1000, 1, "rust", 0)
    with pytest.raises(ParameterError, match="first"):
        emulate_fault(vacuum, 1000, 1, "tone", 1001)
    with pytest.raises(ParameterError, match="at the earliest"):
        emulate_fault(vacuum, 1000, 1, "copied-block", 500)
