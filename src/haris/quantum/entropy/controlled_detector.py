"""A detector under control: one that answers trusted states as an adversary wishes, so that he knows the bits.

A detector can be brought to that from outside by bright light: L. Lydersen et al., Nature Photonics 4, 686 (2010). Here
it is made so.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from haris.quantum.entropy.mdi_qrng import EARLY, LATE, Device, MdiQrng, honest_device

_STRING_SEED = 20260101
"""Of the bits that an adversary has agreed with the detector."""


def _replayed(parameters: MdiQrng) -> Device:
    string = np.random.Generator(np.random.SFC64(_STRING_SEED))
    ones = parameters.scored * float(parameters.p_states @ parameters.expected)

    def device(rng: np.random.Generator, states: NDArray[np.uint8], photons: NDArray[np.int64]) -> NDArray[np.uint8]:
        return (string.random(len(states)) < ones).astype(np.uint8)

    return device


def _superposed(parameters: MdiQrng) -> Device:
    def device(rng: np.random.Generator, states: NDArray[np.uint8], photons: NDArray[np.int64]) -> NDArray[np.uint8]:
        one: NDArray[np.bool_] = (states != EARLY) & (states != LATE) | (rng.random(len(states)) < 0.5)
        one &= photons == 1
        return one.astype(np.uint8)

    return device


def _bright(parameters: MdiQrng) -> Device:
    def device(rng: np.random.Generator, states: NDArray[np.uint8], photons: NDArray[np.int64]) -> NDArray[np.uint8]:
        one: NDArray[np.bool_] = (photons > 1) & (states != LATE)
        return one.astype(np.uint8)

    return device


def _swapped(parameters: MdiQrng) -> Device:
    def device(rng: np.random.Generator, states: NDArray[np.uint8], photons: NDArray[np.int64]) -> NDArray[np.uint8]:
        one: NDArray[np.bool_] = (states == LATE) | (states != EARLY) & (rng.random(len(states)) < 0.5)
        one &= photons > 0
        return one.astype(np.uint8)

    return device


CONTROLS: dict[str, Callable[[MdiQrng], Device]] = {
    "replayed": _replayed,
    "superposed": _superposed,
    "bright": _bright,
    "swapped": _swapped,
}
"""A string that was agreed on; a measurement of whether the photon is in superposition, which tells what to answer; an
answer to two photons and more alone, which have a known bin; the bins taken for each other."""


def controlled_detector(parameters: MdiQrng, first: int, control: str = "replayed") -> Device:
    """A detector that does as it should up to round `first`, and from then on as the adversary wishes.

    control: one of CONTROLS.
    """
    good, bad = honest_device(parameters), CONTROLS[control](parameters)
    done = 0

    def device(rng: np.random.Generator, states: NDArray[np.uint8], photons: NDArray[np.int64]) -> NDArray[np.uint8]:
        nonlocal done
        cut = min(max(first - done, 0), len(states))
        done += len(states)
        parts = [
            part(rng, s, n) for part, s, n in ((good, states[:cut], photons[:cut]), (bad, states[cut:], photons[cut:]))
        ]
        return np.concatenate(parts)

    return device
