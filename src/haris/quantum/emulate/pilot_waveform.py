"""Sampled light with a pilot, and what a coherent receiver's converters make of it, fault by fault.

Each fault is applied where it is in the hardware, to waveforms; none of the budget's formulas are used, but for the
strength of white noise and the converters' range. So the noise that is found in recovered symbols tries the budget.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from haris.nouns.checks import require_positive
from haris.nouns.detector_record import DetectorRecord
from haris.nouns.errors import ParameterError
from haris.nouns.symbols import Symbols
from haris.quantum.emulate import hardware_noise as noise
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.converters import full_scale, step
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.pulse_shape import band, pulse_spectrum
from haris.quantum.protocols.waveform import Waveform

Samples = NDArray[np.complex64]


def sampled_record(
    source: ModulatedLaser | ConstellationLaser,
    fibre: NoisyFibre,
    receiver: CoherentReceiver,
    waveform: Waveform,
    n_symbols: int,
    seed: int | bytes,
    n_calibration: int | None = None,
) -> tuple[Symbols, DetectorRecord]:
    """Alice's symbols, and the receiver's record of them and of its calibration.

    n_calibration: symbols for whose time each of the three records of calibration lasts; None: n_symbols.

    The delay is drawn within 8 symbols; both ends' sampling clocks run alike. The same arguments give the same light,
    and noise of one cause does not depend on another cause's strength.
    Raises ParameterError on numbers of symbols below 1 and on an oscillator that comes with the signal.
    """
    n_calibration = n_symbols if n_calibration is None else n_calibration
    require_positive("n_symbols", n_symbols)
    require_positive("n_calibration", n_calibration)
    light = noise.reception(source, fibre, receiver, waveform)
    if light.bob.transmitted:
        raise ParameterError("local_oscillator must be local: one that is transmitted has no pilot to recover by")
    values = _values(source, n_symbols, seed)
    field = _shaped(values, waveform, _generator(seed, b"delay").uniform(-8.0, 8.0))
    sent = _modulated(field, light, seed)
    size = sent.size
    rate_hz = source.clock_hz * waveform.samples_per_symbol
    walk = np.sqrt(2.0 * np.pi * (light.alice.linewidth_hz + light.bob.linewidth_hz) / rate_hz)
    phase = np.cumsum(_normal(seed, b"phase", size) * np.float32(walk), dtype=np.float64)
    phase += 2.0 * np.pi * light.bob.frequency_offset_hz / rate_hz * np.arange(size)
    phase += _generator(seed, b"phase at first").uniform(0.0, 2.0 * np.pi)
    received = sent * _turning(phase) * np.float32(np.sqrt(light.gain * light.transmittance))
    received += _white(seed, b"fibre", size, light.gain * float(light.fibre_noise))
    no_light = np.zeros(n_calibration * waveform.samples_per_symbol, np.complex64)
    records = (
        _measured(light, seed, b"signal", received),
        _measured(light, seed, b"dark", no_light, power=0.0),
        _measured(light, seed, b"half", no_light, power=0.5),
        _measured(light, seed, b"full", no_light),
    )
    return Symbols(values), DetectorRecord(*records)


def _values(source: ModulatedLaser | ConstellationLaser, n: int, seed: int | bytes) -> NDArray[np.float32]:
    if isinstance(source, ConstellationLaser):
        drawn = _generator(seed, b"modulation").choice(source.levels_snu, (n, 2), p=source.probabilities)
        return np.asarray(drawn.astype(np.float32))
    return _normal(seed, b"modulation", 2 * n).reshape(n, 2) * np.float32(np.sqrt(source.modulation_variance_snu))


def _shaped(values: NDArray[np.float32], waveform: Waveform, delay: float) -> Samples:
    """Pulses of unit energy, so many symbols late, in a record taken as periodic."""
    n = len(values)
    bins = band(n, waveform.roll_off)
    symbols = fft.fft(values.view(np.complex64)[:, 0])
    spectrum = np.zeros(n * waveform.samples_per_symbol, np.complex64)
    pulse = pulse_spectrum(bins / n, waveform.roll_off) * np.sqrt(waveform.samples_per_symbol)
    spectrum[bins % spectrum.size] = symbols[bins % n] * pulse * np.exp(-2j * np.pi / n * delay * bins)
    return np.asarray(fft.ifft(spectrum))


def _modulated(field: Samples, light: noise.Reception, seed: int | bytes) -> Samples:
    """The field that enters the fibre: tone, converters, modulator and the laser's intensity."""
    assert light.waveform is not None
    variance = light.modulation / light.samples
    tone = float(np.sqrt(2.0 * light.ratio * variance))
    rate_hz = light.clock_hz * light.samples
    phase = 2.0 * np.pi * light.waveform.pilot_offset_hz / rate_hz * np.arange(field.size, dtype=np.float64)
    field = field + _turning(phase) * np.float32(tone)
    if light.alice.dac_bits is not None:
        field = _converted(field, float(full_scale(tone, variance, light.alice.dac_headroom)), light.alice.dac_bits)
    ratio, angle = 1.0 + light.alice.iq_gain_error, light.alice.iq_phase_error_rad
    if (ratio, angle) != (1.0, 0.0):
        field = field.real + 1j * (ratio * (np.cos(angle) * field.imag + np.sin(angle) * field.real))
    if light.alice.rin_db_per_hz is not None:
        field = field * _amplitude(_normal(seed, b"intensity", field.size), light.alice.rin_db_per_hz, rate_hz)
    return field.astype(np.complex64)


def _measured(
    light: noise.Reception, seed: int | bytes, purpose: bytes, received: Samples, power: float = 1.0
) -> Samples:
    """Samples in which the vacuum has variance power: with shot noise, the oscillator's intensity, electronics, ADC."""
    size, rate_hz = received.size, light.clock_hz * light.samples
    field = np.float32(np.sqrt(power)) * (received + _white(seed, purpose + b" vacuum", size, 1.0))
    if light.bob.lo_rin_db_per_hz is not None:
        fluctuation = _normal(seed, purpose + b" oscillator", size)
        field *= _amplitude(fluctuation, light.bob.lo_rin_db_per_hz, rate_hz)
        common = power * np.float32(np.sqrt(noise.common_mode(light))) * fluctuation
        field += common + 1j * common
    field += _white(seed, purpose + b" electronics", size, light.stated + float(noise.amplifier(light)))
    if light.bob.adc_bits is None:
        return field
    return _converted(field, float(noise.adc_scale(light)), light.bob.adc_bits)


def _amplitude(fluctuation: NDArray[np.float32], rin_db_per_hz: float, rate_hz: float) -> NDArray[np.float32]:
    """Of light whose power fluctuates, white up to half of the rate."""
    deviation = np.sqrt(10.0 ** (rin_db_per_hz / 10.0) * rate_hz / 2.0)
    return 1.0 + np.float32(deviation / 2.0) * fluctuation


def _converted(samples: NDArray[np.complexfloating], scale: float, bits: int) -> Samples:
    """Rounded to the middles of 2^bits steps from -scale to scale, each quadrature."""
    width = float(step(scale, bits))
    last = 2.0 ** (bits - 1)
    pairs = np.ascontiguousarray(samples.astype(np.complex64)).view(np.float32)
    codes = np.clip(np.floor(pairs / np.float32(width)), -last, last - 1.0)
    return np.asarray(((codes + np.float32(0.5)) * np.float32(width)).view(np.complex64))


def _turning(phase: NDArray[np.float64]) -> Samples:
    out = np.empty(phase.size, np.complex64)
    out.real, out.imag = np.cos(phase), np.sin(phase)
    return out


def _white(seed: int | bytes, purpose: bytes, size: int, variance: float) -> Samples:
    """Of each quadrature."""
    return np.asarray(_normal(seed, purpose, 2 * size).view(np.complex64) * np.float32(np.sqrt(variance)))


def _normal(seed: int | bytes, purpose: bytes, size: int) -> NDArray[np.float32]:
    return _generator(seed, purpose).standard_normal(size, dtype=np.float32)


def _generator(seed: int | bytes, purpose: bytes) -> np.random.Generator:
    return np.random.default_rng(np.frombuffer(derived_key(seed, b"waveform " + purpose), np.uint32))
