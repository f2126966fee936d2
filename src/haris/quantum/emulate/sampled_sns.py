"""One block of emulated light of sending-or-not-sending: announcements, and each end's settings in those windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.sns_windows import DARK, EMPTY, SENT, STRONG, WEAK, SnsWindows
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.optics.interference import phase_variance
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.sending_source import SendingSource
from haris.quantum.optics.station import Station

Array = NDArray[np.float64]

CHUNK_WINDOWS = 2**18
"""Windows that might be heralded, held at once."""
MOST_WINDOWS = 2e9
"""Windows that might be heralded, in a block."""


def emulate_sns(
    source: SendingSource,
    fibre: Medium,
    station: Station,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[SnsWindows, SnsWindows]:
    """Sample n_pulses windows: Alice's and Bob's halves.

    Settings, phases and phase noise are drawn for windows that might be heralded, with the greatest probability that
    any has, and such a window is kept with the share of its own probability in that. Phase noise is drawn anew for each
    window, though neighbours share an estimate. In the share eve_fraction of the
    windows Eve measures from which arm light comes, and announces a detector at random for it: the counts stay, the
    interference is gone. The same arguments give the same light.
    Raises ParameterError on arguments outside their range, or more than MOST_WINDOWS windows that might be heralded.
    """
    require_probability("eve_fraction", eve_fraction)
    arm = float(station.efficiency * np.sqrt(fibre.transmittance()))
    p_most = -np.expm1(2.0 * np.log1p(-min(station.p_dark, 1.0 - 1e-16)) - 2.0 * arm * max(source.intensities))
    if n_pulses < 0 or n_pulses * p_most > MOST_WINDOWS:
        raise ParameterError(
            f"n_pulses must be at least 0, with at most {MOST_WINDOWS:g} clicks, got {n_pulses}: about "
            f"{n_pulses * p_most:.3g} clicks"
        )
    rng = np.random.default_rng(np.frombuffer(derived_key(seed, b"sns"), dtype=np.uint32))
    light = _Light(source, station, arm, 1.0 - 2.0 * fibre.misalignment, eve_fraction, float(p_most), rng)
    size = int(max(CHUNK_WINDOWS // max(p_most, 1e-13), 1))
    halves: tuple[list[SnsWindows], list[SnsWindows]] = ([], [])
    for first in range(0, n_pulses, size):
        for half, found in zip(halves, light.windows(first, min(first + size, n_pulses), n_pulses), strict=True):
            half.append(found)
    alice, bob = (_joined(half, n_pulses) for half in halves)
    return alice, bob


@dataclass(slots=True)
class _Light:
    source: SendingSource
    station: Station
    arm: float
    visibility: float
    eve_fraction: float
    p_most: float
    rng: np.random.Generator

    def windows(self, first: int, last: int, n_pulses: int) -> tuple[SnsWindows, SnsWindows]:
        """Halves of the windows from first to last - 1."""
        n = last - first
        window = first + np.sort(self.rng.choice(n, self.rng.binomial(n, self.p_most), replace=False, shuffle=False))
        settings = [self._settings(window.size) for _ in range(2)]
        phases = [self.rng.uniform(0.0, 2.0 * np.pi, window.size) for _ in range(2)]
        right, wrong = self._lone_clicks(settings, phases[0] - phases[1])
        drawn = self.rng.random(window.size) * self.p_most
        kept = drawn < right + wrong
        detector = (drawn >= right)[kept].astype(np.uint8)
        alice, bob = (
            SnsWindows(n_pulses, window[kept], detector, setting[kept], phase[kept].astype(np.float32))
            for setting, phase in zip(settings, phases, strict=True)
        )
        return alice, bob

    def _settings(self, size: int) -> NDArray[np.uint8]:
        source = self.source
        signal = self.rng.random(size) < source.p_signal
        sent = np.where(self.rng.random(size) < source.p_send, SENT, DARK)
        decoy = self.rng.choice([STRONG, WEAK, EMPTY], size, p=source.p_decoys)
        return np.where(signal, sent, decoy).astype(np.uint8)

    def _lone_clicks(self, settings: list[NDArray[np.uint8]], difference: Array) -> tuple[Array, Array]:
        """Probabilities that detector 0 alone, and 1 alone, clicks, given what was sent and what the phases do."""
        mu_z, mu_y, mu_x = self.source.intensities
        a, b = (self.arm * np.array([0.0, mu_z, 0.0, mu_x, mu_y])[setting] for setting in settings)
        age_s = self.rng.random(a.size) * self.station.reference_interval_s
        noise = self.rng.normal(0.0, np.sqrt(phase_variance(self.source, self.station, age_s)))
        seen = self.rng.random(a.size) >= self.eve_fraction
        swing = seen * self.visibility * np.sqrt(a * b) * np.cos(difference + noise)
        quiet0, quiet1 = ((1.0 - self.station.p_dark) * np.exp(-((a + b) / 2.0 + side * swing)) for side in (1.0, -1.0))
        return (1.0 - quiet0) * quiet1, (1.0 - quiet1) * quiet0


def _joined(halves: list[SnsWindows], n_pulses: int) -> SnsWindows:
    if not halves:
        empty = np.zeros(0, dtype=np.uint8)
        return SnsWindows(n_pulses, empty.astype(np.int64), empty, empty, empty.astype(np.float32))
    window, detector, setting, phase = (
        np.concatenate([getattr(half, name) for half in halves])
        for name in ("window", "detector", "setting", "phase_rad")
    )
    return SnsWindows(n_pulses, window, detector, setting, phase)
