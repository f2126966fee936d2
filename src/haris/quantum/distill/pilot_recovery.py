"""From a coherent receiver's samples to symbols in shot-noise units: pilot, phase, timing, matched filter.

All of it is linear in the signal once the pilot has told the phase. So what comes out for a symbol is one quadrature
pair of one mode of light: the pulse, turned by the phase that the pilot had at its time. Modes of different symbols
are orthogonal as far as that phase stands still over a pulse, for Nyquist pulses are: the proofs for single modes then
hold for each (Chen et al., npj Quantum Inf. 9, 28 (2023)). What that assumes: docs/explanation/coherent-hardware.md.

The record is taken as periodic; symbols near its ends, where it is not, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from haris.nouns.detector_record import DetectorRecord, Samples
from haris.nouns.errors import ParameterError
from haris.nouns.symbols import Symbols
from haris.quantum.protocols.pulse_shape import band, pulse_spectrum
from haris.quantum.protocols.waveform import Waveform

LEAST_PILOT_RATIO = 10.0
"""Power of the pilot over the noise in its filter: with less, the phase is lost now and then."""

PULSE_REACH = 128
"""Symbols from the record's ends within which pulses are cut."""

FILTER_REACH = 2.0 / np.sqrt(np.pi)
"""Bandwidths of the pilot's filter times the time, four deviations of it, within which it sees beyond the ends."""

_OVERSAMPLED = 16
_NEWTON_STEPS = 3


@dataclass(frozen=True, slots=True)
class Recovered:
    """Symbols first to end of a record, in shot-noise units, and what was found on the way.

    pilot_ratio: power of the pilot over the noise in its filter. frequency_offset_hz: of both lasers. delay_s: of the
    symbols, within the record. electronic_noise_snu: as measured in the dark, of each value. shot_noise: of a value, in
    the converters' units.
    """

    symbols: Symbols
    first: int
    end: int
    pilot_ratio: float
    frequency_offset_hz: float
    delay_s: float
    electronic_noise_snu: float
    shot_noise: float


@dataclass(frozen=True, slots=True)
class PhaseLost:
    """A record whose pilot is too weak for a phase: a normal outcome, without symbols."""

    pilot_ratio: float

    @property
    def reason(self) -> str:
        """In words."""
        return (
            f"the pilot has {self.pilot_ratio:.2g} times the power of the noise in its filter, "
            f"{LEAST_PILOT_RATIO:g} are needed: the phase would slip"
        )


def recovered(
    record: DetectorRecord, waveform: Waveform, clock_hz: float, bandwidth_hz: float, known: Symbols
) -> Recovered | PhaseLost:
    """The symbols of a record.

    bandwidth_hz: noise bandwidth of the pilot's filter. known: Alice's disclosed values of the first symbols, two each,
    which tell delay and constant phase; each is off by about 1 / (2 n snr) in variance, for n of them.
    Raises ParameterError on a record or known symbols that do not fit the waveform, and where calibration shows no shot
    noise.
    """
    n, rest = divmod(record.signal.size, waveform.samples_per_symbol)
    if rest or not 0 < known.n_symbols <= n or known.values.shape[1] != 2:
        raise ParameterError("known symbols must be two values each, of a record of whole symbols that is no shorter")
    edge = PULSE_REACH + int(FILTER_REACH * clock_hz / bandwidth_hz)
    if n <= 2 * edge:
        raise ParameterError(f"a record must have more than {2 * edge} symbols with this pilot filter, got {n}")
    dark, shot = calibrated(record, waveform)
    pilot = _pilot(record, waveform, clock_hz, bandwidth_hz)
    if pilot.ratio < LEAST_PILOT_RATIO:
        return PhaseLost(pilot.ratio)
    turned = fft.fft(record.signal * pilot.unturning(record.signal.size))
    bins = band(n, waveform.roll_off)
    pulse = pulse_spectrum(bins / n, waveform.roll_off)
    filtered = turned[(bins + pilot.shift) % turned.size] * pulse
    sent = fft.fft(known.values[:, 0] + 1j * known.values[:, 1], n)[bins % n]
    delay, phase = _delay(filtered * (pulse * sent.conj()), bins, n)
    values = symbols_of(filtered * np.exp(1j * (2.0 * np.pi / n * delay * bins - phase)), n)
    kept = values[edge : n - edge] * np.float32(1.0 / np.sqrt(shot * waveform.samples_per_symbol))
    return Recovered(
        symbols=Symbols(kept.astype(np.complex64).view(np.float32).reshape(-1, 2)),
        first=edge,
        end=n - edge,
        pilot_ratio=pilot.ratio,
        frequency_offset_hz=pilot.shift * clock_hz / n + pilot.rest_hz,
        delay_s=delay / clock_hz,
        electronic_noise_snu=dark / shot,
        shot_noise=shot,
    )


def symbols_of(spectrum: NDArray[np.complexfloating], n: int) -> NDArray[np.complexfloating]:
    """n values, a symbol apart, of a band's spectrum as pulse_shape.band has it."""
    last = spectrum.size // 2
    folded = np.zeros(n, spectrum.dtype)
    folded[: last + 1] = spectrum[last:]
    folded[n - last :] += spectrum[:last]
    return np.asarray(fft.ifft(folded))


def calibrated(record: DetectorRecord, waveform: Waveform) -> tuple[float, float]:
    """Variance of a value in the dark, and that of shot noise, in the converters' units.

    Shot noise is what grows in proportion to the local oscillator's power p: with half and full = dark + a p + b p^2 it
    is 4 half - full - 3 dark, free of the oscillator's intensity noise, which grows with the square.
    Raises ParameterError where there is none.
    """
    dark, half, full = (_variance(samples, waveform) for samples in (record.dark, record.half, record.full))
    shot = 4.0 * half - full - 3.0 * dark
    if not shot > 0.0:
        raise ParameterError(
            f"half and full must show shot noise beside the dark, got {half:.4g}, {full:.4g}, {dark:.4g}"
        )
    return dark, shot


def _variance(samples: Samples, waveform: Waveform) -> float:
    """Of a value behind the matched filter, of either quadrature."""
    n = samples.size // waveform.samples_per_symbol
    bins = band(n, waveform.roll_off)
    power = np.abs(fft.fft(samples[: n * waveform.samples_per_symbol])[bins]) ** 2
    weights = pulse_spectrum(bins / n, waveform.roll_off) ** 2
    return float(power @ weights / (2.0 * n * n * waveform.samples_per_symbol))


@dataclass(frozen=True, slots=True)
class _Pilot:
    """phasor: of the tone, slowly sampled. shift: of the carrier, in bins of the record; rest_hz: less than a bin."""

    phasor: NDArray[np.complex128]
    ratio: float
    shift: int
    rest_hz: float

    def unturning(self, size: int) -> NDArray[np.complex64]:
        """Factors that turn each sample back by the pilot's phase."""
        at = np.arange(size) * (self.phasor.size / size)
        seen = np.interp(at, np.arange(self.phasor.size), self.phasor, period=self.phasor.size)
        return np.asarray((seen.conj() / np.abs(seen)).astype(np.complex64))


def _pilot(record: DetectorRecord, waveform: Waveform, clock_hz: float, bandwidth_hz: float) -> _Pilot:
    spectrum = fft.fft(record.signal)
    size = spectrum.size
    bin_hz = clock_hz * waveform.samples_per_symbol / size
    sent = round(waveform.pilot_offset_hz / bin_hz)
    at = _line(np.abs(spectrum) ** 2, sent, bandwidth_hz / bin_hz)
    m = min(max(64, 1 << int(np.ceil(np.log2(_OVERSAMPLED * bandwidth_hz / bin_hz)))), size)
    around = np.arange(m) - m // 2
    filter_ = np.exp(-np.pi / 2.0 * (around * bin_hz / bandwidth_hz) ** 2)
    phasor = fft.ifft(fft.ifftshift(spectrum[(at + around) % size].astype(np.complex128) * filter_)) * (m / size)
    noise = float(np.mean(np.abs(record.full) ** 2)) * float(filter_ @ filter_) / size
    rest_hz = sent * bin_hz - waveform.pilot_offset_hz
    phasor *= np.exp(2j * np.pi * rest_hz * np.arange(m) / (m * bin_hz))
    return _Pilot(phasor, float(np.mean(np.abs(phasor) ** 2)) / noise - 1.0, at - sent, rest_hz)


def _line(power: NDArray[np.float32], sent: int, width: float) -> int:
    """The bin about which the strongest line lies, width bins wide, wherever lasers may have moved the tone to."""
    reach = power.size // 2 - sent
    group = max(1, min(int(width / 2.0), reach))
    bins = (sent + np.arange(-(reach // group) * group, reach // group * group)) % power.size
    best = int(np.argmax(power[bins].reshape(-1, group).sum(axis=1)))
    first = max(best - 2, 0) * group
    near = power[bins[first : first + 5 * group]].astype(np.float64)
    middle = float(near @ np.arange(near.size) / near.sum())
    return sent - reach // group * group + first + round(middle)


def _delay(matched: NDArray[np.complexfloating], bins: NDArray[np.int64], n: int) -> tuple[float, float]:
    """Delay in symbols and phase of the greatest correlation. matched: its spectrum, of n symbols, in these bins."""
    correlation = np.zeros(2 * n, np.complex64)
    correlation[bins % (2 * n)] = matched
    peak = int(np.argmax(np.abs(fft.ifft(correlation))))
    delay = (peak if peak < n else peak - 2 * n) / 2.0
    turns = 2.0 * np.pi / n * bins
    for _ in range(_NEWTON_STEPS):
        here = matched * np.exp(1j * turns * delay)
        value, slope, bend = here.sum(), 1j * (here @ turns), -(here @ turns**2)
        curvature = abs(slope) ** 2 + (value.conjugate() * bend).real
        if not curvature < 0.0:
            break
        later = -float((value.conjugate() * slope).real / curvature)
        delay, value = delay + later, value + later * slope
    return delay, float(np.angle(value))
