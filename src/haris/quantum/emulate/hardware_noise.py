"""What each part of a coherent link's hardware adds: one function a cause, float64 arrays of the sweep's shape.

A sample is scaled so that its vacuum has variance 1 in each quadrature; so has then the symbol's value that a matched
filter of unit energy makes of samples. The band of a symbol is half of the clock on either side of the carrier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import e as charge

from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.converters import full_scale, overload_variance, rounding_variance
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.receiver_hardware import ReceiverHardware
from haris.quantum.optics.transmitter_hardware import TransmitterHardware
from haris.quantum.protocols.pulse_shape import pulse_spectrum
from haris.quantum.protocols.waveform import MOST_WINDOW, Waveform

Array = NDArray[np.float64]

LAG = float(np.sqrt(2.0) - 1.0)
"""A Wiener phase seen through a Gaussian filter of noise bandwidth B is off by a variance of LAG linewidth / B.

The filter's weight beyond a time u is Q(u/s), with B = 1 / (2 sqrt(pi) s); the phase walks by 2 pi linewidth a second:
2 pi linewidth 2 s int Q^2 = 2 pi linewidth s (sqrt(2/pi) - 1/sqrt(pi)).
"""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_MOST_RAD2 = 1e3
_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class Reception:
    """What several causes share. transmittance, fibre_noise and electrons_per_s are arrays of the sweep's shape.

    gain: of the light's power at the fibre's output into each value. ratio: the pilot's power over the signal's.
    samples: of a symbol. fibre_noise: at the fibre's output. electrons_per_s: of the local oscillator at a detector.
    stated: electronic noise of a value that the link gives as a number.
    """

    alice: TransmitterHardware
    bob: ReceiverHardware
    waveform: Waveform | None
    clock_hz: float
    modulation: float
    gain: float
    ratio: float
    samples: int
    stated: float
    transmittance: Array
    fibre_noise: Array
    electrons_per_s: Array

    @property
    def signal(self) -> Array:
        """Variance of a value that the modulation gives."""
        return np.asarray(self.gain * self.transmittance * self.modulation)

    @property
    def floor(self) -> Array:
        """Variance of a value without signal and before rounding; white."""
        return np.asarray(1.0 + self.stated + amplifier(self) + self.gain * self.fibre_noise)


def reception(
    source: ModulatedLaser | ConstellationLaser,
    fibre: NoisyFibre,
    receiver: CoherentReceiver,
    waveform: Waveform | None,
    distance_m: ArrayLike | None = None,
) -> Reception:
    """Of a link's parts, at distances of any shape; what names no hardware is ideal."""
    bob = receiver.hardware or ReceiverHardware()
    transmittance = fibre.transmittance(distance_m)
    electrons = (bob.lo_power_w or 0.0) * bob.responsivity_a_per_w / charge
    return Reception(
        alice=source.hardware or TransmitterHardware(),
        bob=bob,
        waveform=waveform,
        clock_hz=source.clock_hz,
        modulation=source.modulation_variance_snu,
        gain=receiver.efficiency / (2 if receiver.detection == "heterodyne" else 1),
        ratio=0.0 if waveform is None else waveform.pilot_ratio,
        samples=1 if waveform is None else waveform.samples_per_symbol,
        stated=receiver.electronic_noise_snu,
        transmittance=transmittance,
        fibre_noise=fibre.noise_snu(distance_m),
        electrons_per_s=electrons * (transmittance if bob.transmitted else np.ones(transmittance.shape)),
    )


def amplifier(light: Reception) -> Array:
    """Noise of a value, from its current: i_n^2 / (2 e I) over shot noise, both one-sided."""
    shot = 2.0 * charge**2 * light.electrons_per_s
    return _over(np.full(shot.shape, light.bob.noise_a_per_sqrt_hz**2), shot)


def pilot_bandwidth_hz(light: Reception) -> Array:
    """Of the filter that the phase is seen through: the waveform's, or that of the least error; 0 without a pilot."""
    shape = light.transmittance.shape
    if light.waveform is None:
        return np.zeros(shape)
    if light.waveform.pilot_bandwidth_hz is not None:
        return np.full(shape, light.waveform.pilot_bandwidth_hz)
    least, most = light.clock_hz / MOST_WINDOW, light.waveform.gap_hz(light.clock_hz) / 2.0
    best = np.sqrt(LAG * _linewidths_hz(light) / np.maximum(_pilot_slope(light), _LEAST))
    return np.asarray(np.minimum(np.maximum(best, least), most))


def phase_lag(light: Reception) -> Array:
    """Variance, rad^2, of what both lasers walk within the pilot's filter; below it, of the oscillator's delay."""
    if light.waveform is None:
        drift = 2.0 * np.pi * light.alice.linewidth_hz * light.bob.delay_s
        return np.full(light.transmittance.shape, min(drift, _MOST_RAD2))
    return np.asarray(np.minimum(LAG * _linewidths_hz(light) / pilot_bandwidth_hz(light), _MOST_RAD2))


def phase_noise(light: Reception) -> Array:
    """Variance, rad^2, that noise beside the pilot gives: noise over twice the pilot's power, in its filter."""
    if light.waveform is None:
        return np.zeros(light.transmittance.shape)
    with np.errstate(over="ignore"):
        return np.asarray(np.minimum(_pilot_slope(light) * pilot_bandwidth_hz(light), _MOST_RAD2))


def modulator_kept(light: Reception) -> float:
    """Share of the power that an unequal modulator leaves to the symbol a: |u|^2 of u a + v a*, turned for best."""
    return 1.0 + light.alice.iq_gain_error * (1.0 + light.alice.iq_gain_error / 2.0) - _mirrored(light)


def modulator(light: Reception) -> Array:
    """Noise at the fibre's output, of what it gives to the mirrored symbol: |v|^2 of u a + v a*."""
    return np.asarray(light.transmittance * light.modulation * _mirrored(light))


def _mirrored(light: Reception) -> float:
    ratio, angle = 1.0 + light.alice.iq_gain_error, light.alice.iq_phase_error_rad
    return float((1.0 - ratio * np.cos(angle)) ** 2 + (ratio * np.sin(angle)) ** 2) / 4.0


def intensity(light: Reception) -> Array:
    """Noise at the fibre's output, of Alice's laser: an amplitude fluctuates half as much as the power.

    The pilot's fluctuates as well, as fast as it is far from the signal's band.
    """
    sent = light.transmittance * light.modulation * (1.0 + light.ratio)
    return np.asarray(sent * _in_band(light.alice.rin_db_per_hz, light) / 4.0)


def skirt(light: Reception) -> Array:
    """Noise at the fibre's output: what of the pilot's line, broad as both lasers', lies in the symbols' band.

    The line is a Lorentzian, which the pilot's own filter narrows only where it follows, near the tone. Its far ends
    are folded back by sampling at r, as if unfiltered: sum over m of 1 / (f + m r)^2 = (pi / r)^2 / sin^2(pi f / r).
    """
    if light.waveform is None:
        return np.zeros(light.transmittance.shape)
    cycles = _NODES * (1.0 + light.waveform.roll_off) / 2.0
    width = _linewidths_hz(light)
    rate_hz = light.clock_hz * light.samples
    turns = np.pi * (light.waveform.pilot_offset_hz - cycles * light.clock_hz) / rate_hz
    line = width * np.pi / 2.0 / (rate_hz * np.sin(turns)) ** 2
    weights = _WEIGHTS * (1.0 + light.waveform.roll_off) / 2.0 * light.clock_hz
    share = float(weights @ (line * pulse_spectrum(cycles, light.waveform.roll_off) ** 2))
    return np.asarray(light.transmittance * light.modulation * light.ratio * share)


def lo_intensity(light: Reception) -> Array:
    """Noise of a value, of the amplitude of the local oscillator, which signal, pilot and vacuum beat with."""
    return np.asarray((light.signal * (1.0 + light.ratio) + 1.0) * _in_band(light.bob.lo_rin_db_per_hz, light) / 4.0)


def common_mode(light: Reception) -> Array:
    """Noise of a value, of the local oscillator's intensity: half of its current, suppressed, is left."""
    if light.bob.cmrr_db is None:
        return np.zeros(light.transmittance.shape)
    left = 10.0 ** (-light.bob.cmrr_db / 10.0) / 4.0
    return np.asarray(light.electrons_per_s / light.clock_hz * _in_band(light.bob.lo_rin_db_per_hz, light) * left)


def lo_leak(light: Reception) -> Array:
    """Noise of a value, of the oscillator's photons in the signal's mode, their phase unknown: 2 a photon."""
    if light.bob.isolation_db is None:
        return np.zeros(light.transmittance.shape)
    photons = light.electrons_per_s / light.clock_hz * 10.0 ** (-light.bob.isolation_db / 10.0)
    return np.asarray(2.0 * photons)


def dac(light: Reception) -> Array:
    """Noise at the fibre's output, of rounding and cutting the waveform."""
    if light.alice.dac_bits is None:
        return np.zeros(light.transmittance.shape)
    variance, headroom = light.modulation / light.samples, light.alice.dac_headroom
    scale = full_scale(np.sqrt(2.0 * light.ratio * variance), variance, headroom)
    cut = light.samples * overload_variance(variance, headroom)
    return np.asarray(light.transmittance * (rounding_variance(scale, light.alice.dac_bits) + cut))


def adc(light: Reception) -> Array:
    """Noise of a value, of rounding samples."""
    if light.bob.adc_bits is None:
        return np.zeros(light.transmittance.shape)
    return rounding_variance(adc_scale(light), light.bob.adc_bits)


def adc_scale(light: Reception) -> Array:
    """Half of the converters' range, set by what is expected."""
    tone = np.sqrt(2.0 * light.ratio * light.signal / light.samples)
    return full_scale(tone, _sample_variance(light), light.bob.adc_headroom)


def overload(light: Reception) -> Array:
    """Noise of a value, of cutting samples, as if all that is cut lay in the symbols' band."""
    if light.bob.adc_bits is None:
        return np.zeros(light.transmittance.shape)
    return light.samples * overload_variance(_sample_variance(light), light.bob.adc_headroom)


def _sample_variance(light: Reception) -> Array:
    """Of a sample at the receiver, beside the pilot."""
    return np.asarray(light.floor + light.signal / light.samples)


def _linewidths_hz(light: Reception) -> float:
    return light.alice.linewidth_hz + light.bob.linewidth_hz


def _pilot_slope(light: Reception) -> Array:
    """Phase variance a hertz of the pilot's filter."""
    return _over(light.floor, 2.0 * light.ratio * light.signal * light.clock_hz)


def _in_band(rin_db_per_hz: float | None, light: Reception) -> float:
    """Variance of the relative power within a symbol's band, half of the clock wide."""
    return 0.0 if rin_db_per_hz is None else float(10.0 ** (rin_db_per_hz / 10.0)) * light.clock_hz / 2.0


def _over(value: Array, by: Array) -> Array:
    """A quotient that is vast where its divisor vanishes, never infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(np.minimum(value / np.maximum(by, _LEAST), 1.0 / _LEAST))
