"""The noise of quadratures, term by term, as both ends will estimate it.

Bob's value of a symbol is y = sqrt(g T) (x cos f - p sin f) + z, with f the phase that recovery leaves. Over f, normal
of variance V, regression on x finds the amplitude sqrt(g T) exp(-V/2), and g T m (1 - exp(-V)) of the modulation m as
noise: both ends estimate less transmittance and that noise. (Marie and Alleaume 2017, Eq. (10), keep the transmittance
and have 2 m (1 - exp(-V/2)), the same to first order; Kish et al., Quantum 8, 1382 (2024), App. E.)

Two kinds of noise are told apart, and none stands in both. What is there in the dark, of amplifiers and converters, is
the receiver's: calibrated, and out of Eve's reach where the receiver is trusted. All else counts as Eve's, though
Alice's own hardware makes some of it, and though some, as the local oscillator's intensity noise, could be calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from haris.quantum.emulate import hardware_noise as noise
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.waveform import Waveform
from haris.quantum.security.key_length import Term, term

Array = NDArray[np.float64]

MOST_NOISE_SNU = 1e6
"""Of one term; where there is more, no light counts as received."""

LAUDENBACH = "Laudenbach et al., Adv. Quantum Technol. 1, 1800011 (2018)"
MARIE = "Marie, Alleaume, PRA 95, 012316 (2017)"
KUMAR = "Kumar, Qin, Alleaume, New J. Phys. 17, 043027 (2015)"
BENNETT = "Bennett, Bell Syst. Tech. J. 27, 446 (1948)"


@dataclass(frozen=True, slots=True)
class NoiseBudget:
    """All noise of a link, float64 arrays of the sweep's shape.

    phase: variances that phase recovery leaves, rad^2, one a cause. excess: terms of Eve's noise, shot-noise units at
    the fibre's output, before the receiver. receiver: terms of the receiver's own, of each value. kept: share of the
    transmittance that estimation finds. pilot_bandwidth_hz: of the pilot's filter, 0 without a pilot.
    """

    phase: tuple[Term, ...]
    excess: tuple[Term, ...]
    receiver: tuple[Term, ...]
    kept: Array
    pilot_bandwidth_hz: Array

    @property
    def excess_snu(self) -> Array:
        """All of Eve's."""
        return np.asarray(sum(each.value for each in self.excess))

    @property
    def receiver_snu(self) -> Array:
        """All of the receiver's."""
        return np.asarray(sum(each.value for each in self.receiver))

    @property
    def terms(self) -> tuple[Term, ...]:
        """Everything, for an explanation: what recovery leaves, Eve's noise and the receiver's, each with its sum."""
        return (
            *self.phase,
            *self.excess,
            term("excess", self.excess_snu, "SNU", "all of these, at the fibre's output: counted as Eve's", "sum"),
            *self.receiver,
            term("receiver", self.receiver_snu, "SNU", "all of the receiver's own, in each value", "sum"),
        )


def noise_budget(
    source: ModulatedLaser | ConstellationLaser,
    fibre: NoisyFibre,
    receiver: CoherentReceiver,
    waveform: Waveform | None,
    distance_m: ArrayLike | None = None,
) -> NoiseBudget:
    """The budget of a link, at distances of any shape: the noise that it states, and that of its hardware.

    waveform: of a local oscillator; None of a transmitted one.
    """
    light = noise.reception(source, fibre, receiver, waveform, distance_m)
    phase = _phase(light)
    excess = (
        *_turned(light, phase),
        *_at_output(light, fibre.scattered_snu(distance_m)),
        *_of_values(light),
    )
    shape = light.transmittance.shape
    own = (
        _capped("stated", np.full(shape, light.stated), "of each value, as the link states it", "given"),
        _capped("amplifier", noise.amplifier(light), "of each value", "i_n^2 / (2 e I), both one-sided"),
        _capped("adc", noise.adc(light), "of each value: rounding at Bob's", f"step^2 / 12 a sample; {BENNETT}"),
    )
    vast = np.any([each.value >= MOST_NOISE_SNU for each in (*excess, *own)], axis=0)
    left = np.exp(-sum(each.value for each in phase)) * noise.modulator_kept(light)
    return NoiseBudget(phase, excess, own, np.where(vast, 0.0, left), noise.pilot_bandwidth_hz(light))


def _phase(light: noise.Reception) -> tuple[Term, ...]:
    if light.waveform is None:
        drift = "2 pi linewidth delay; Qi et al., PRX 5, 041009 (2015), Eqs. (9)-(10)"
        return (term("delay", noise.phase_lag(light), "rad^2", "oscillator and signal, apart in time", drift),)
    lag = "(sqrt 2 - 1) linewidths / bandwidth, of a Gaussian filter"
    beside = f"noise / (2 x pilot) in its filter; {MARIE}, of a reference pulse"
    return (
        term("walk", noise.phase_lag(light), "rad^2", "of both lasers, as the pilot's filter follows", lag),
        term("pilot", noise.phase_noise(light), "rad^2", "of noise beside the pilot, in its filter", beside),
    )


def _turned(light: noise.Reception, phase: tuple[Term, ...]) -> tuple[Term, ...]:
    """The modulation that a phase error turns into noise, in shares of its causes."""
    variance = np.asarray(sum(each.value for each in phase))
    turned = light.transmittance * light.modulation * -np.expm1(-variance)
    source = f"regression over a normal phase; to first order {MARIE}, Eq. (10)"
    return tuple(
        _capped(f"{each.name}_noise", turned * (each.value / np.maximum(variance, 1e-300)), each.meaning, source)
        for each in phase
    )


def _at_output(light: noise.Reception, scattered: Array) -> tuple[Term, ...]:
    amplitude = "a quarter of the power's variance in half the clock"
    return (
        _capped("stated_noise", light.fibre_noise - scattered, "as the link states it, whatever its cause", "given"),
        _capped("scattered", scattered, "of classical channels, by Raman", f"2 a photon; {KUMAR}, Eq. (6)"),
        _capped("modulator", noise.modulator(light), "of unequal quadratures", "|v|^2 of the mirrored symbol"),
        _capped("intensity", noise.intensity(light), "of Alice's laser", amplitude),
        _capped(
            "skirt", noise.skirt(light), "of the pilot's line in the signal's band", "Lorentzian line, matched filter"
        ),
        _capped("dac", noise.dac(light), "of rounding and cutting at Alice's", f"step^2 / 12 a sample; {BENNETT}"),
    )


def _of_values(light: noise.Reception) -> tuple[Term, ...]:
    """Noise of values, as it would be at the fibre's output."""
    causes = (
        ("lo_intensity", noise.lo_intensity(light), "of the local oscillator", f"{LAUDENBACH}, Eq. (9.21)"),
        ("common_mode", noise.common_mode(light), "of the local oscillator, unbalanced", "(N RIN B / 4) / CMRR^2"),
        ("lo_leak", noise.lo_leak(light), "of the oscillator in the signal's mode", "2 a photon, phase unknown"),
        ("overload", noise.overload(light), "of cutting at Bob's", "Gaussian tails beyond the range"),
    )
    with np.errstate(over="ignore"):
        return tuple(_capped(name, value / light.gain, *words) for name, value, *words in causes)


def _capped(name: str, value: Array, meaning: str, source: str) -> Term:
    return term(name, np.minimum(value, MOST_NOISE_SNU), "SNU", meaning, source)
