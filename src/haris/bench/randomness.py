"""Raw samples to certified bits on one core, and the assessment by SP 800-90B beside NIST's own tool.

Samples are emulated beforehand, which is not counted. Then everything is on: health tests, packing, extraction, and for
sources that check their device the bound of what was measured; what they used up is taken off. Seconds are those that
this thread had a processor; of many equal chunks the median counts.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time

import numpy as np
from numpy.typing import NDArray

from haris.bench import squeezed
from haris.bench.contest import Conditions, Contest, Figures
from haris.kernels.block_toeplitz import BlockToeplitz, paths
from haris.kernels.pack_samples import pack_samples
from haris.node.entropy.blocks import Blocks
from haris.node.entropy.hashing import SeededHash
from haris.nouns.errors import HarisError, ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.assessment.iid import assess_iid
from haris.quantum.entropy.assessment.non_iid import assess_non_iid
from haris.quantum.entropy.assessment.samples import Samples
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.extraction import certified_extractor, seed_octets
from haris.quantum.entropy.health import health_tests
from haris.quantum.entropy.mdi_qrng import MDI_QRNG, MdiQrng
from haris.quantum.entropy.source import Emission, EntropySource, Extraction
from haris.quantum.entropy.vacuum import VACUUM, VacuumFluctuations

SIZES = ((4096, 2048), (4096, 3072), (1024, 512))
EXTRACTED_OCTETS, N_TIMES = 1 << 20, 64
CHUNK, N_CHUNKS, N_KINDS = 2**18, 256, 4
N_FRAMES = 9
TEN_BITS = VacuumFluctuations(
    adc_bits=10,
    range_v=0.62,
    clock_hz=2.5e9,
    signal_rms_v=0.1,
    dark_rms_v=0.02,
    calibration_samples=10**9,
    bandwidth_hz=1.1e9,
)
"""examples/entropy/vacuum.toml."""
EIGHT_BITS = replace(TEN_BITS, adc_bits=8)
MDI_PULSES = MdiQrng(
    pulse_hz=100e6,
    mean_photons=1.0,
    p_test=0.002,
    efficiency=0.85,
    p_dark=1e-7,
    p_flip=0.002,
    dead_time_s=40e-9,
    detectors=4,
)
MDI_BLOCK = 2**24
"""examples/entropy/mdi.toml, where it is said what of it is assumed."""
VACUUM_BLOCK_BITS = 2048
"""Half of the examples': 7 % less comes out of a sample, and the hash is quicker by more than that."""
ASSESSED_SAMPLES = 10**6
PROGRAMS = {"non-IID track": "HARIS_EA_NON_IID", "IID track": "HARIS_EA_IID"}
"""Environment variables that name NIST's programs, built by whoever measures."""


def contests(conditions: Conditions) -> Iterator[Contest]:
    """Extraction, sources, and the two tracks of the assessment."""
    for n_in, n_out in SIZES:
        run = partial(_extracted, n_in, n_out, conditions)
        yield Contest(f"extraction, {n_in} to {n_out} bits", run, instruction_set=paths()[0])
    for words, parameters in (("8 bits", EIGHT_BITS), ("10 bits", TEN_BITS)):
        source = EntropySource(VACUUM, parameters, Extraction(block_bits=VACUUM_BLOCK_BITS))
        yield Contest(
            f"vacuum, {words}, everything on", partial(_trusted, source, conditions), instruction_set=paths()[0]
        )
    mdi = Extraction(block_bits=max(2**22, conditions.size(MDI_BLOCK)))
    for words, source in (
        ("squeezed light", squeezed.SOURCE),
        ("measurement-device-independent", EntropySource(MDI_QRNG, MDI_PULSES, mdi)),
    ):
        emission = cache(partial(source.emulate, source.frame_samples, conditions.seed))
        run = partial(_checked, source, emission, conditions.size(N_FRAMES), conditions.seed)
        yield Contest(f"{words}, a frame, everything on", run, instruction_set=paths()[0])
    yield from _assessments(conditions)


def _extracted(n_in: int, n_out: int, conditions: Conditions) -> Figures:
    rng = np.random.default_rng(conditions.seed)
    n_blocks, n_times = 8 * EXTRACTED_OCTETS // n_in, conditions.size(N_TIMES)
    raw = rng.integers(0, 256, n_blocks * n_in // 8, dtype=np.uint8)
    matrix = BlockToeplitz(rng.integers(0, 256, seed_octets(n_in, n_out), dtype=np.uint8), n_in, n_out)
    matrix.hash(raw, n_blocks)  # touches the memory of its result
    times = []
    for _ in range(n_times):
        began = thread_time()
        matrix.hash(raw, n_blocks)
        times.append(thread_time() - began)
    return {"Gbit/s in": n_blocks * n_in / float(np.median(times)) / 1e9}


def _trusted(source: EntropySource, conditions: Conditions) -> Figures:
    """Chunk by chunk: tested, packed, hashed, and each part's share of the time."""
    found = certificate(source)
    seed = np.random.default_rng(conditions.seed).bytes(seed_octets(found.raw_bits, found.out_bits))
    extractor = certified_extractor(found, seed)
    n_blocks = max(1, CHUNK // source.block_samples)
    chunk = source.emulate(n_blocks * source.block_samples, conditions.seed).samples
    # Each chunk is another, so that none is taken for a copy.
    chunks = [
        RawSamples(np.roll(chunk.values, 97 * number), chunk.bits, chunk.clock_hz)
        for number in range(min(8, conditions.size(N_CHUNKS)))
    ]
    tests, times, n_out = health_tests(source), [], 0
    for number in range(conditions.size(N_CHUNKS)):
        samples = chunks[number % len(chunks)]
        if number % len(chunks) == 0:
            tests.restart()
        started = thread_time()
        failures = tests.feed(samples)
        tested = thread_time()
        packed = pack_samples(samples.values, samples.bits)
        joined = thread_time()
        n_out = 8 * len(extractor.extract(packed, n_blocks))
        times.append((tested - started, joined - tested, thread_time() - joined))
        if failures:
            raise HarisError(f"good samples fail: {failures[0].detail}")
    # Every fourth chunk holds a periodogram; each kind counts by its median.
    rounds = np.array(times[: len(times) // N_KINDS * N_KINDS] or times).reshape(-1, min(N_KINDS, len(times)), 3)
    testing, packing, extracting = np.median(rounds, axis=0).mean(axis=0)
    seconds = testing + packing + extracting
    return {
        "Gbit/s out": float(n_out / seconds / 1e9),
        "share of health tests": float(testing / seconds),
        "share of packing": float(packing / seconds),
        "share of extraction": float(extracting / seconds),
    }


def _checked(source: EntropySource, emulated: Callable[[], Emission], n_times: int, seed: int) -> Figures:
    """Frames of a source that checks its device: tested, its rounds counted and its bound found, dealt, hashed."""
    hashing = SeededHash(source.block_samples * int(source.parameters.bits), None)
    blocks, emission = Blocks(source, hashing, np.random.default_rng(seed).bytes), emulated()
    clock_hz, n_samples = float(source.parameters.clock_hz), len(emission.samples)
    hashed = blocks.hashed(emission)  # touches the memory that the hash keeps
    tests, times = health_tests(source), []
    for _ in range(n_times):
        tests.restart()
        started = thread_time()
        failures = tests.feed(emission.samples)
        tested = thread_time()
        hashed = blocks.hashed(emission)
        times.append((tested - started, thread_time() - tested))
        if failures:
            raise HarisError(f"good samples fail: {failures[0].detail}")
    testing, hashing_s = np.median(np.array(times), axis=0)
    seconds = float(testing + hashing_s)
    return {
        "Mbit/s net at its clock": 8 * len(hashed.octets) * clock_hz / n_samples / 1e6,
        "times its clock": n_samples / seconds / clock_hz,
        "share of health tests": float(testing) / seconds,
        "share of bound and extraction": float(hashing_s) / seconds,
    }


def _assessments(conditions: Conditions) -> Iterator[Contest]:
    """A million samples of 8 bits, every bit of which is fair, by both tracks."""
    values = np.random.default_rng(conditions.seed).integers(0, 256, conditions.size(ASSESSED_SAMPLES), dtype=np.uint8)
    tracks: dict[str, Callable[[Samples], object]] = {
        "non-IID track": assess_non_iid,
        "IID track": partial(assess_iid, seed=conditions.seed),
    }
    for track, assess in tracks.items():
        variable = PROGRAMS[track]
        named = os.environ.get(variable)
        yield Contest(
            f"SP 800-90B, {track}, 1e6 samples of 8 bits",
            partial(_assessed, assess, values),
            partial(_program, variable, named, values) if named else None,
            absent="" if named else f"{variable} names none",
        )


def _assessed(assess: Callable[[Samples], object], values: NDArray[np.uint8]) -> Figures:
    began = thread_time()
    assess(Samples(values, 8))
    return {"Msample/s": len(values) / (thread_time() - began) / 1e6}


def _program(variable: str, named: str, values: NDArray[np.uint8]) -> Figures:
    """By the processor time of NIST's program. Raises ParameterError where it is none, or fails."""
    program = Path(named)
    if not os.access(program, os.X_OK):
        raise ParameterError(f"{variable} names {named}, which is no program")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "samples.bin"
        values.tofile(file)
        before = os.times()
        order = [str(program.absolute()), "-i", "-a", str(file), "8"]
        ended = subprocess.run(order, cwd=program.parent, capture_output=True, check=False)
        after = os.times()
    if ended.returncode:
        raise ParameterError(f"{named} ended with {ended.returncode}: {ended.stderr.decode(errors='replace')[:200]}")
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return {"Msample/s": len(values) / max(seconds, 1e-3) / 1e6}
