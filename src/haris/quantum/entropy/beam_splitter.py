"""Photons at a beam splitter, counted by two detectors: which of the two clicked is a bit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.converter import require_clock
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.source import Emission, SampleStatistics, Source
from haris.quantum.security.key_length import term

FRT = "Frauchiger, Renner, Troyer, arXiv:1311.4547 (2013)"
PROOF = Proof(
    theorem="average guessing probability given all but the beam splitter's choice, Frauchiger, Renner, Troyer, "
    "arXiv:1311.4547 (2013); chain over events, each after the worst state of the detectors (first-order Markov)",
    attacks="classical side information: photon numbers, dark counts, after-pulses, all earlier bits; and, with "
    "loss_known, which photon each detector would see, known exactly",
    finite=True,
    assumptions=(
        "the beam splitter's choice for each photon is quantum and nobody else's",
        "photon numbers are Poissonian, of the stated mean",
        "after a click both detectors are held off for dead_time_s",
        "a detector that clicked does so anew in the next pulse with at most p_afterpulse",
        "transmittance, efficiencies, p_dark and p_afterpulse are those of the device; what neither or both detectors "
        "saw is left out",
    ),
)
LEAST_PHOTONS, MOST_PHOTONS = 1e-9, 5.0
LEAST_SHARE = 1e-6
_MOST_COUNT = 60
_LEAST_LAG = 1e-6


@dataclass(frozen=True, slots=True)
class BeamSplitter:
    """Parameters of a photon-counting source. A raw sample is one bit of a pulse of which exactly one detector clicked.

    pulse_hz: pulses a second. mean_photons: of a pulse, at the beam splitter, at most 5.
    transmittance: to detector 1; the rest goes to detector 0. efficiency_0, efficiency_1: of the detectors.
    p_dark: probability that a detector clicks without a photon in a pulse.
    p_afterpulse: that a detector clicks anew in the next pulse after a click of its own, beside all else.
    dead_time_s: how long both detectors are held off after a click.
    loss_known: whether the adversary may know which photons each detector would see, as the source of the proof has it;
    without it a detector's loss is as unknown as the beam splitter's choice.
    Raises ParameterError where dark counts are no fewer than photons.
    """

    pulse_hz: float
    mean_photons: float
    transmittance: float = 0.5
    efficiency_0: float = 1.0
    efficiency_1: float = 1.0
    p_dark: float = 0.0
    p_afterpulse: float = 0.0
    dead_time_s: float = 0.0
    loss_known: bool = True

    def __post_init__(self) -> None:
        require_clock("pulse_hz", self.pulse_hz)
        if not LEAST_PHOTONS <= self.mean_photons <= MOST_PHOTONS:
            raise ParameterError(
                f"mean_photons must lie in [{LEAST_PHOTONS:g}, {MOST_PHOTONS:g}], got {self.mean_photons}"
            )
        for name in ("transmittance", "efficiency_0", "efficiency_1"):
            most = 1.0 - LEAST_SHARE if name == "transmittance" else 1.0
            if not LEAST_SHARE <= getattr(self, name) <= most:
                raise ParameterError(f"{name} must lie in [{LEAST_SHARE:g}, {most:g}], got {getattr(self, name)}")
        for name in ("p_dark", "p_afterpulse"):
            require_probability(name, getattr(self, name), 0.5)
        require_not_negative("dead_time_s", self.dead_time_s)
        fewest = -math.expm1(-self.mean_photons * min(self.to_0, self.to_1))
        if self.p_dark >= fewest:
            raise ParameterError(
                f"p_dark must be below {fewest:.3g}, what a detector has of photons: dark counts above the signal; "
                f"got {self.p_dark}"
            )

    @property
    def to_0(self) -> float:
        """Probability that a photon at the beam splitter is seen by detector 0."""
        return (1.0 - self.transmittance) * self.efficiency_0

    @property
    def to_1(self) -> float:
        """Probability that a photon at the beam splitter is seen by detector 1."""
        return self.transmittance * self.efficiency_1

    @property
    def bits(self) -> int:
        """Of a raw sample."""
        return 1

    @property
    def clock_hz(self) -> float:
        """Raw bits a second: events over the pulses that they and all clicks take, without after-pulses."""
        none, zero, one, _ = _outcomes(self, 0.0, 0.0)
        held = math.floor(min(self.dead_time_s * self.pulse_hz, 1e18) + 1e-9)
        return self.pulse_hz * (zero + one) / (1.0 + (1.0 - none) * held)


def _outcomes(parameters: BeamSplitter, after_0: float, after_1: float) -> tuple[float, float, float, float]:
    """Probabilities of no click, detector 0 alone, detector 1 alone, both; after-pulses come with these."""
    dark = math.log1p(-parameters.p_dark)
    log_0 = dark + math.log1p(-after_0) - parameters.mean_photons * parameters.to_0
    log_1 = dark + math.log1p(-after_1) - parameters.mean_photons * parameters.to_1
    click_0, click_1 = -math.expm1(log_0), -math.expm1(log_1)
    return math.exp(log_0 + log_1), click_0 * math.exp(log_1), click_1 * math.exp(log_0), click_0 * click_1


def _poisson(mean: float) -> NDArray[np.float64]:
    """Probabilities of 0, 1, ... as far as they matter; the rest is counted as guessed."""
    most = min(_MOST_COUNT, 2 + int(mean + 12.0 * math.sqrt(mean) + 12.0))
    count = np.arange(most)
    log = count * math.log(mean) if mean > 0.0 else np.where(count == 0, 0.0, -np.inf)
    return np.asarray(np.exp(log - mean - gammaln(count + 1.0)))


def event_guess(parameters: BeamSplitter, after_0: float, after_1: float) -> float:
    """Best guess of a raw bit, given all but the beam splitter's choice; after-pulses come with these probabilities.

    Photons are known to be of three kinds: those that either detector would see, detector 0 alone, detector 1 alone.
    Their numbers are independent and Poissonian. An event with bit 0 sends all of the first and the last kind to
    detector 0, an event with bit 1 all of the first and the second to detector 1, and one detector clicks.
    """
    mean, t = parameters.mean_photons, parameters.transmittance
    e0, e1 = parameters.efficiency_0, parameters.efficiency_1
    if parameters.loss_known:
        means = mean * e0 * e1, mean * e0 * (1.0 - e1), mean * (1.0 - e0) * e1
    else:
        seen = parameters.to_0 + parameters.to_1
        means, t = (mean * seen, 0.0, 0.0), parameters.to_1 / seen
    parts = [_poisson(each) for each in means]
    either, only_0, only_1 = np.meshgrid(*(np.arange(len(part)) for part in parts), indexing="ij", sparse=True)
    weight = parts[0][:, None, None] * parts[1][:, None] * parts[2]
    one_way = (1.0 - t) ** (either + only_1), t ** (either + only_0)
    noise = [1.0 - (1.0 - parameters.p_dark) * (1.0 - after) for after in (after_0, after_1)]
    guessed = max(0.0, 1.0 - float(weight.sum()))
    for click_0 in (False, True):
        for click_1 in (False, True):
            p = (noise[0] if click_0 else 1.0 - noise[0]) * (noise[1] if click_1 else 1.0 - noise[1])
            zero = one_way[0] * np.where(click_0 | (either > 0), 1.0, 1.0 - t**only_0) * (not click_1)
            one = one_way[1] * np.where(click_1 | (either > 0), 1.0, 1.0 - (1.0 - t) ** only_1) * (not click_0)
            guessed += p * float(np.sum(weight * np.maximum(zero, one)))
    _, alone_0, alone_1, _ = _outcomes(parameters, after_0, after_1)
    return min(1.0, guessed / (alone_0 + alone_1))


def randomness(parameters: BeamSplitter, n_samples: int, epsilon: float, checks: None = None) -> Randomness:
    """Min-entropy of n_samples raw bits, each after the state of the detectors that tells most; nothing is estimated.

    The guess is a ratio of functions that are linear in each after-pulse's probability: an end is the worst.
    """
    ends = (0.0, parameters.p_afterpulse)
    guesses = {(a, b): event_guess(parameters, a, b) for a in ends for b in ends}
    guess = max(guesses.values())
    bits = min(1.0, max(0.0, -math.log2(guess)))
    chain = _chain(parameters)
    terms = (
        term("events", parameters.clock_hz, "Hz", "pulses of which one detector clicked", ""),
        term("bias", abs(_stationary(chain) - 0.5), "", "of a bit, from one half", ""),
        term("Markov bits", -math.log2(chain.max()), "bits", "a bit after the last one, if nothing else is known", ""),
        term("guess without after-pulses", guesses[0.0, 0.0], "", "of a bit, given all but the choice", FRT),
        term("guessing probability", guess, "", "of a bit, after the worst state", FRT),
        term("bits a sample", bits, "bits", "min-entropy, at worst", FRT),
    )
    return Randomness(n_samples, n_samples * bits, 0.0, terms, PROOF)


def _clicks(parameters: BeamSplitter) -> NDArray[np.float64]:
    """Probability of the next click (0, 1, both) after the last one (0, 1, both)."""
    p = parameters.p_afterpulse
    rest = np.array(_outcomes(parameters, 0.0, 0.0))
    first = np.array([_outcomes(parameters, *after) for after in ((p, 0.0), (0.0, p), (p, p))])
    return np.asarray(first[:, 1:] + first[:, :1] * rest[1:] / rest[1:].sum())


def _chain(parameters: BeamSplitter) -> NDArray[np.float64]:
    """Probability of the next bit after the last one; clicks of both between them are passed over."""
    clicks = _clicks(parameters)
    after_both = clicks[2, :2] / clicks[2, :2].sum()
    return np.asarray(clicks[:2, :2] + clicks[:2, 2:] * after_both)


def _stationary(chain: NDArray[np.float64]) -> float:
    """Share of ones in the long run."""
    return float(chain[0, 1] / (chain[0, 1] + chain[1, 0]))


def statistics(parameters: BeamSplitter) -> SampleStatistics:
    """Of the bits: a first-order Markov chain. A bit has only a lowest and a highest code: all are saturated."""
    chain = _chain(parameters)
    ones, lag = _stationary(chain), float(chain[1, 1] - chain[0, 1])
    n_lags = int(math.log(_LEAST_LAG) / math.log(abs(lag))) if _LEAST_LAG < abs(lag) < 1.0 else 0
    return SampleStatistics(ones, ones * (1.0 - ones), 1.0, tuple(lag**k for k in range(1, n_lags + 1)))


def emulate(parameters: BeamSplitter, n_samples: int, seed: int) -> Emission:
    """Bits of the same chain. Where a uniform number gives one bit after 0 and after 1, no earlier bit matters."""
    rng = np.random.Generator(np.random.SFC64(seed))
    chain = _chain(parameters)
    uniform = rng.random(n_samples)
    after_0, after_1 = uniform < chain[0, 1], uniform < chain[1, 1]
    bits = after_0.astype(np.uint8)
    bits[0] = uniform[0] < _stationary(chain)
    open_ = np.flatnonzero(after_0 != after_1)
    open_ = open_[open_ > 0]
    follows = after_1[open_].astype(np.uint8)
    while open_.size:
        ready = np.ones(open_.size, bool)
        ready[1:] = open_[1:] != open_[:-1] + 1
        now = open_[ready]
        bits[now] = np.where(bits[now - 1] == 1, follows[ready], 1 - follows[ready])
        open_, follows = open_[~ready], follows[~ready]
    return Emission(RawSamples(bits, 1, parameters.clock_hz))


BEAM_SPLITTER = Source(
    "beam-splitter",
    "photons at a beam splitter, counted by two detectors; trusted",
    BeamSplitter,
    randomness,
    emulate,
    statistics,
    PROOF,
)
