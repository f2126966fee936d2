"""One block of emulated light at a Bell-state measurement station: both senders' halves of what it announces.

Each pair of states and intensities meets in amplitudes on four threshold detectors, averaged over the phase between the
pulses; nothing here uses the closed forms. Pulses that nobody announces cost nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.announcements import Announcements
from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.pulses import Settings
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.optics.bell_station import BellStation
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.mdi_qkd import MdiQkd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PHASES = 256
"""Of the average: a mean over equal steps of a smooth periodic function misses less than rounding does."""
_STATES = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, -1.0]]]) / np.array([1.0, np.sqrt(2.0)])[:, None, None]
"""Amplitudes by basis, bit and polarisation."""


def emulate_announcements(
    source: Source,
    fibre: Fibre,
    station: BellStation,
    protocol: MdiQkd,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[Announcements, Announcements]:
    """Sample n_pulses pairs: Alice's and Bob's half, mismatched bases included. The same arguments give the same light.

    Misalignment flips a bit of Alice's light. Eve measures the share eve_fraction of Alice's pulses in a random basis
    and resends her result at their intensity. Memory grows with the announcements.
    Raises ParameterError on arguments outside their range.
    """
    require_probability("eve_fraction", eve_fraction)
    if not 0 <= n_pulses < 2**62:
        raise ParameterError(f"n_pulses must lie in [0, 2^62), got {n_pulses}")
    rng = np.random.default_rng(np.frombuffer(derived_key(seed, b"announcements"), dtype=np.uint32))
    p = announcement_probabilities(source, fibre, station, protocol, eve_fraction)
    flat = np.append(p.ravel(), max(0.0, 1.0 - p.sum()))
    per_case = rng.multinomial(n_pulses, flat / flat.sum())[:-1]
    case = rng.permutation(np.repeat(np.arange(p.size), per_case))
    index = some_pulses(rng, n_pulses, case.size)
    resent, basis_a, bit_a, intensity_a, basis_b, bit_b, intensity_b, bell = (
        axis.astype(np.uint8) for axis in np.unravel_index(case, p.shape)
    )
    # What Eve resends in the other basis tells nothing of the bit that Alice wrote down.
    bit_a = np.where(resent == 1, rng.integers(0, 2, case.size, dtype=np.uint8), bit_a)
    bit_a ^= (rng.random(case.size) < fibre.misalignment).astype(np.uint8)
    alice = Settings.of(basis_a ^ resent, bit_a, intensity_a)
    bob = Settings.of(basis_b, bit_b, intensity_b)
    return Announcements(n_pulses, index, bell, alice), Announcements(n_pulses, index, bell, bob)


def announcement_probabilities(
    source: Source, fibre: Fibre, station: BellStation, protocol: MdiQkd, eve_fraction: float
) -> Floats:
    """Probability that a pulse pair is of each case and announced, without misalignment.

    Shape (2, 2, 2, k, 2, 2, k, 2): resent by Eve in another basis than Alice's; of the light that arrives from Alice
    its basis, bit and intensity; Bob's; psi- and psi+.
    """
    arm_a, arm_b = station.arms(fibre)
    root = np.sqrt(np.array(source.intensities) * station.efficiency)
    a = np.sqrt(arm_a) * root[:, None] * _STATES[:, :, None, :]  # basis, bit, intensity, polarisation
    b = np.sqrt(arm_b) * root[:, None] * _STATES[:, :, None, :]
    announced = np.zeros((2, 2, root.size, 2, 2, root.size, 2))
    for turn in np.exp(2j * np.pi * np.arange(PHASES) / PHASES):
        sums = [a[:, :, :, None, None, None, :] + sign * turn * b for sign in (1.0, -1.0)]
        (c_h, c_v), (d_h, d_v) = (np.moveaxis(_p_click(np.abs(s) ** 2 / 2.0, station.p_dark), -1, 0) for s in sums)
        (no_c_h, no_c_v), (no_d_h, no_d_v) = (1.0 - c_h, 1.0 - c_v), (1.0 - d_h, 1.0 - d_v)
        announced[..., 0] += (c_h * d_v * no_c_v * no_d_h + c_v * d_h * no_c_h * no_d_v) / PHASES
        announced[..., 1] += (c_h * c_v * no_d_h * no_d_v + d_h * d_v * no_c_h * no_c_v) / PHASES
    p_basis = np.array([protocol.p_key_basis, 1.0 - protocol.p_key_basis])
    sent = p_basis[:, None, None] * 0.5 * np.array(source.p_intensities) * np.ones((2, 2, 1))
    resent = np.stack([sent * (1.0 - eve_fraction / 2.0), sent[::-1] * eve_fraction / 2.0])
    return np.asarray(resent[..., None, None, None, None] * sent[..., None] * announced)


def _p_click(photons: Floats, p_dark: float) -> Floats:
    return np.asarray(p_dark - (1.0 - p_dark) * np.expm1(-photons))


def some_pulses(rng: np.random.Generator, n: int, size: int) -> Integers:
    """Which `size` of n pulses, ascending and each once."""
    if 2 * size >= n:
        return np.sort(rng.permutation(n)[:size]).astype(np.int64)
    chosen = np.zeros(0, dtype=np.int64)
    while chosen.size < size:
        free = 1.0 - (size - chosen.size) / (n - chosen.size)
        draws = int(-(n - chosen.size) * np.log(free) * n / (n - chosen.size)) + 16  # some meet another
        drawn = np.sort(np.append(chosen, rng.integers(0, n, draws)))  # np.unique hashes, eight times as slowly
        chosen = drawn[np.append(True, drawn[1:] != drawn[:-1])]
    return np.delete(chosen, rng.choice(chosen.size, chosen.size - size, replace=False, shuffle=False))
