"""What a source gives of which a named fault begins at a sample: for trials of what must catch it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from haris.nouns.errors import ParameterError
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy import faults
from haris.quantum.entropy.controlled_detector import CONTROLS, controlled_detector
from haris.quantum.entropy.mdi_qrng import MdiQrng, emulate_device
from haris.quantum.entropy.mdi_rounds import Rounds
from haris.quantum.entropy.source import Emission, EntropySource

_PERIOD, _ALIGNED, _COPIED = 9.31, 1024, 2**16
_DRIFT_SAMPLES = 2**18
"""In which a drift reaches a standard deviation."""


def _copied(samples: RawSamples, first: int, deviation: float) -> RawSamples:
    distance = min(first, _COPIED) // _ALIGNED * _ALIGNED
    if not distance:
        raise ParameterError(f"a block is copied from sample {_ALIGNED} on at the earliest, got {first}")
    return faults.copied_block(samples, first, distance, distance)


_OF_ANY: dict[str, Callable[[RawSamples, int, float], RawSamples]] = {
    "stuck-bit": lambda samples, first, _: faults.stuck_bit(samples, first, samples.bits - 1, 1),
    "copied-block": _copied,
}
_OF_VOLTAGES: dict[str, Callable[[RawSamples, int, float], RawSamples]] = {
    "drift": lambda samples, first, deviation: faults.bias_drift(samples, first, deviation / _DRIFT_SAMPLES),
    "saturation": lambda samples, first, _: faults.saturation(samples, first, 2.0),
    "tone": lambda samples, first, deviation: faults.tone(samples, first, deviation / 2.0, _PERIOD),
}
DETECTOR_FAULTS = {f"detector-{control}": control for control in CONTROLS}
FAULTS = (*_OF_ANY, *_OF_VOLTAGES, *DETECTOR_FAULTS)
"""The highest bit stuck at 1; samples given again; a standard deviation in 2^18 samples; twice the gain; a sine of half
a standard deviation; a detector under control, in each of the ways of controlled_detector.py."""


def emulate_fault(entropy: EntropySource, n_samples: int, seed: int, fault: str, first: int) -> Emission:
    """Samples of a source, good up to sample `first`, and what it then checks.

    fault: one of FAULTS. Raises ParameterError where the source cannot have it: samples of one bit do not drift, and a
    detector that the source trusts is not checked.
    """
    if not 0 <= first <= n_samples:
        raise ParameterError(f"first must lie in [0, {n_samples}], got {first}")
    name, parameters = entropy.source.name, entropy.parameters
    if fault in DETECTOR_FAULTS:
        if not isinstance(parameters, MdiQrng):
            raise ParameterError(f"{fault}: the bound of {name} trusts its detector, and nothing would show")
        return emulate_device(
            parameters, n_samples, seed, controlled_detector(parameters, first, DETECTOR_FAULTS[fault])
        )
    if fault not in FAULTS:
        raise ParameterError(f"fault must be one of {', '.join(FAULTS)}, got {fault}")
    if fault in _OF_VOLTAGES and int(parameters.bits) == 1:
        raise ParameterError(f"{fault}: samples of {name} are bits, which have no such fault")
    good = entropy.emulate(n_samples, seed)
    put = _OF_ANY.get(fault) or _OF_VOLTAGES[fault]
    deviation = math.sqrt(entropy.source.statistics(parameters).variance)
    if not math.isfinite(deviation):
        deviation = float(good.samples.values.std())
    samples = put(good.samples, first, deviation)
    checks = (
        replace(good.checks, bits=samples.values.astype(np.uint8)) if isinstance(good.checks, Rounds) else good.checks
    )
    return Emission(samples, checks)
