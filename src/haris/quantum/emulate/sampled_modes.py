"""One block of emulated light of mode pairing: announcements, and what each end sent in those windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.mode_windows import ModeWindows
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.emulate.sampled_sns import CHUNK_WINDOWS, MOST_WINDOWS
from haris.quantum.optics.interference import turned_variance
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.pairing_source import PairingSource
from haris.quantum.optics.station import Station
from haris.quantum.protocols.mode_pairing import ModePairing, paired

Array = NDArray[np.float64]


def emulate_modes(
    source: PairingSource,
    fibre: Medium,
    station: Station,
    protocol: ModePairing,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[ModeWindows, ModeWindows]:
    """Sample n_pulses windows: Alice's and Bob's halves.

    Intensities and the phase at which the fields meet are drawn for windows that might be heralded, with the greatest
    probability that any has, and such a window is kept with the share of its own probability in that. The phase of the
    channel between the lasers is drawn anew for each pair; what it turns by within the pair is drawn for its gap.
    In the share eve_fraction of the windows Eve measures from which arm light comes, and announces a detector at random
    for it: the counts stay, the interference is gone. The same arguments give the same light.
    Raises ParameterError on arguments outside their range, or more than MOST_WINDOWS windows that might be heralded.
    """
    require_probability("eve_fraction", eve_fraction)
    arm = float(station.efficiency * np.sqrt(fibre.transmittance()))
    p_most = -np.expm1(2.0 * np.log1p(-min(station.p_dark, 1.0 - 1e-16)) - 2.0 * arm * source.intensities[0])
    if n_pulses < 0 or n_pulses * p_most > MOST_WINDOWS:
        raise ParameterError(
            f"n_pulses must be at least 0, with at most {MOST_WINDOWS:g} clicks, got {n_pulses}: about "
            f"{n_pulses * p_most:.3g} clicks"
        )
    rng = np.random.default_rng(np.frombuffer(derived_key(seed, b"modes"), dtype=np.uint32))
    light = _Light(source, station, arm, 1.0 - 2.0 * fibre.misalignment, eve_fraction, float(p_most), rng)
    size = int(max(CHUNK_WINDOWS // max(p_most, 1e-13), 1))
    found = [light.windows(first, min(first + size, n_pulses)) for first in range(0, n_pulses, size)]
    window, detector, sent_a, sent_b, met = (
        np.concatenate([np.zeros(0, kind), *(part[i] for part in found)])
        for i, kind in enumerate((np.int64, np.uint8, np.uint8, np.uint8, np.float64))
    )
    phase_a = rng.uniform(0.0, 2.0 * np.pi, window.size)
    channel = rng.uniform(0.0, 2.0 * np.pi, window.size)
    first, second = paired(window, protocol.max_interval_pulses)
    gap_s = (window[second] - window[first]) / source.clock_hz
    channel[second] = channel[first] + rng.normal(0.0, np.sqrt(turned_variance(source, station, gap_s)))
    phase_b = np.mod(phase_a - met + channel, 2.0 * np.pi)
    return (
        ModeWindows(n_pulses, window, detector, sent_a, phase_a.astype(np.float32)),
        ModeWindows(n_pulses, window, detector, sent_b, phase_b.astype(np.float32)),
    )


@dataclass(slots=True)
class _Light:
    source: PairingSource
    station: Station
    arm: float
    visibility: float
    eve_fraction: float
    p_most: float
    rng: np.random.Generator

    def windows(self, first: int, last: int) -> tuple[NDArray[np.generic], ...]:
        """Heralded windows from first to last - 1: number, detector, both intensities, phase at which fields meet."""
        n, rng = last - first, self.rng
        window = first + np.sort(rng.choice(n, rng.binomial(n, self.p_most), replace=False, shuffle=False))
        sent = [rng.choice(3, window.size, p=self.source.p_intensities).astype(np.uint8) for _ in range(2)]
        met = rng.uniform(0.0, 2.0 * np.pi, window.size)
        a, b = (self.arm * np.array([*self.source.intensities, 0.0])[each] for each in sent)
        seen = rng.random(window.size) >= self.eve_fraction
        swing = seen * self.visibility * np.sqrt(a * b) * np.cos(met)
        quiet0, quiet1 = ((1.0 - self.station.p_dark) * np.exp(-((a + b) / 2.0 + side * swing)) for side in (1.0, -1.0))
        right, wrong = (1.0 - quiet0) * quiet1, (1.0 - quiet1) * quiet0
        drawn = rng.random(window.size) * self.p_most
        kept = drawn < right + wrong
        detector = (drawn >= right)[kept].astype(np.uint8)
        return window[kept], detector, sent[0][kept], sent[1][kept], met[kept]
