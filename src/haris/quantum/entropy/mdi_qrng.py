"""Trusted states before a detector that nobody need trust: measurement-device-independent random numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_not_negative, require_positive, require_probability
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Proof
from haris.nouns.raw_samples import RawSamples
from haris.quantum.entropy.dead_time import DeadTime
from haris.quantum.entropy.mdi_rounds import Rounds, TestCounts
from haris.quantum.entropy.probability_estimation import Behaviours, Scores, design
from haris.quantum.entropy.randomness import Randomness
from haris.quantum.entropy.source import Emission, SampleStatistics, Source
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import term

BOTH, EARLY, LATE = range(3)
"""States of a round: a photon in both time bins in superposition, whose bin is random; and the two that test."""
ESTIMATION = "Zhang, Knill, Bierhorst, PRA 98, 040304 (2018)"
PROOF = Proof(
    theorem=f"probability estimation, {ESTIMATION} and Phys. Rev. Research 2, 033465 (2020), over all measurements of "
    "one qubit in each round; the setting of Cao, Zhou, Ma, New J. Phys. 17, 125011 (2015)",
    attacks="classical side information: the adversary makes the detector, which has memory and may do otherwise in "
    "every round, knows all states and is told how many photons each pulse has; he keeps nothing entangled with it",
    finite=True,
    assumptions=(
        "states are those stated: phases of pulses are random, photon numbers Poissonian of mean_photons; of one "
        "photon the states are a qubit's in two time bins; with none, or more, the detector does as it likes",
        "states are chosen with fresh random bits that the detector does not have",
        "the light goes from the source to the detector where nobody else reaches it, and the detector tells nothing "
        "to the outside: who measures on the way and resends bright light knows the bits, and the counts look right",
        "a round's bit is fixed before the next state is made",
    ),
)
MOST_DETECTORS, MOST_BLIND_ROUNDS = 64, 64
_SMALL_LAG, _MOST_LAGS = 1e-6, 1000
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class MdiQrng:
    """Parameters. A raw sample is a round's bit: 1 where the detector clicks in the early bin, else 0.

    pulse_hz: rounds a second. mean_photons: of a pulse, at most 10. p_test: that a state is one of the two that test,
    above 0, at most 1/2. efficiency: of a detector; like all that follows it is only expected, and never believed.
    p_dark: of a click without light in the bin. p_flip: share of the light of one bin that comes in the other.
    dead_time_s: after a click of a detector; its rounds that begin within it, at most 64, have no score. detectors:
    that take rounds in turn, and see the early bin alone.
    """

    pulse_hz: float
    mean_photons: float
    p_test: float
    efficiency: float
    p_dark: float = 0.0
    p_flip: float = 0.0
    dead_time_s: float = 0.0
    detectors: int = 1

    def __post_init__(self) -> None:
        require_positive("pulse_hz", self.pulse_hz)
        if not 1e-9 <= self.mean_photons <= 10.0:
            raise ParameterError(f"mean_photons must lie in [1e-9, 10], got {self.mean_photons}")
        if not 1e-9 <= self.p_test <= 0.5:
            raise ParameterError(f"p_test must lie in [1e-9, 0.5], got {self.p_test}")
        for name, most in (("efficiency", 1.0), ("p_dark", 1.0), ("p_flip", 0.5)):
            require_probability(name, getattr(self, name), most)
        if not 1 <= self.detectors <= MOST_DETECTORS:
            raise ParameterError(f"detectors must lie in [1, {MOST_DETECTORS}], got {self.detectors}")
        require_not_negative("dead_time_s", self.dead_time_s)
        most_s = (MOST_BLIND_ROUNDS + 1) * self.detectors / self.pulse_hz
        if self.dead_time_s > most_s:
            raise ParameterError(
                f"dead_time_s must be at most {MOST_BLIND_ROUNDS + 1} rounds of a detector, {most_s:g} s, "
                f"got {self.dead_time_s}"
            )

    @property
    def bits(self) -> int:
        """Of a raw sample."""
        return 1

    @property
    def clock_hz(self) -> float:
        """Raw bits a second."""
        return self.pulse_hz

    @property
    def p_states(self) -> NDArray[np.float64]:
        """Of both bins, early and late."""
        return np.array([1.0 - self.p_test, self.p_test / 2.0, self.p_test / 2.0])

    @property
    def blind_rounds(self) -> int:
        """Rounds of a detector that begin within the dead time of a click."""
        periods = self.dead_time_s * self.pulse_hz / self.detectors
        return max(0, math.ceil(periods * (1.0 - 1e-9)) - 1)

    @property
    def expected(self) -> NDArray[np.float64]:
        """Probability of a 1 in each state, of a detector that does as it should and has recovered."""
        share = np.array([0.5, 1.0 - self.p_flip, self.p_flip])
        return 1.0 - (1.0 - self.p_dark) * np.exp(-self.mean_photons * self.efficiency * share)

    @property
    def scored(self) -> float:
        """Share of rounds before a detector that has recovered."""
        return 1.0 / (1.0 + self.blind_rounds * float(self.p_states @ self.expected))


def behaviours(mean_photons: float) -> Behaviours:
    """All that a detector can do with a pulse: of no photon, of one (a qubit), of more."""
    none, one = math.exp(-mean_photons), mean_photons * math.exp(-mean_photons)
    more = max(0.0, -math.expm1(-mean_photons) - one)
    constant = np.array([[0.0] * 3, [1.0] * 3])
    any_ = np.array([[(k >> x) & 1 for x in range(3)] for k in range(8)], np.float64)
    return Behaviours(
        np.array([none, one, more]), (constant, constant, any_), 1, np.array([0.0, math.pi / 2.0, -math.pi / 2.0])
    )


@lru_cache(maxsize=256)
def scores(parameters: MdiQrng, n_rounds: int, epsilon: float) -> Scores:
    """The scores of single rounds, chosen for the expected detector before anything is measured."""
    n_scored = n_rounds * parameters.scored
    return design(parameters.p_states, parameters.expected, behaviours(parameters.mean_photons), n_scored, epsilon)


def randomness(
    parameters: MdiQrng, n_samples: int, epsilon: float, checks: TestCounts | Rounds | None = None
) -> Randomness:
    """Smooth min-entropy of the bits of n_samples rounds, those of tests included, beside all states.

    A block whose length follows its own counts has one of at most n_samples + 1: log2 of that is taken off.
    Raises ParameterError where checks are of another number of rounds.
    """
    if isinstance(checks, Rounds):
        checks = checks.counted(parameters.detectors, parameters.blind_rounds)
    if checks is not None and checks.n_rounds != n_samples:
        raise ParameterError(f"checks must be of {n_samples} rounds, got {checks.n_rounds}")
    chosen = scores(parameters, n_samples, epsilon)
    expected = parameters.p_states[:, None] * np.stack([1.0 - parameters.expected, parameters.expected], axis=1)
    counts = expected * n_samples * parameters.scored if checks is None else np.array(checks.counts, np.float64)
    whole = chosen.certified_bits(counts, epsilon)
    lengths = math.log2(n_samples + 1)
    bits = min(float(n_samples), max(0.0, whole - lengths))
    spent = n_samples * (float(binary_entropy(parameters.p_test)) + parameters.p_test)
    early, late = counts[EARLY], counts[LATE]
    terms = (
        term("scored rounds", counts.sum(), "", "not within the dead time of a click", ""),
        term("tests", early.sum() + late.sum(), "", "rounds of the two states that test", ""),
        term("ones of early", _share(early), "", "clicks in the early bin that was lit", ""),
        term("ones of late", _share(late), "", "clicks in the early bin that was dark", ""),
        term("single photons", behaviours(parameters.mean_photons).weights[1], "", "of pulses", "Poisson"),
        term("power", chosen.power, "", "of the scores", ESTIMATION),
        term("bits spent on states", spent, "bits", "which rounds test, and with which state", ""),
        term("bits of choosing a length", lengths, "bits", "of the block's own", ""),
        term("bits a sample", bits / n_samples, "bits", "smooth min-entropy of the block, shared out", ESTIMATION),
    )
    return Randomness(n_samples, bits, epsilon, terms, PROOF, spent_bits=spent)


def _share(pair: NDArray[np.float64]) -> float:
    whole = float(pair.sum())
    return float(pair[1]) / whole if whole > 0.0 else 0.0


def statistics(parameters: MdiQrng) -> SampleStatistics:
    """Of the bits, all rounds together. A bit has only a lowest and a highest code: all are saturated.

    After a click a detector clicks again in its round j with probability u_j, p of those in which it has not clicked
    in the blind rounds before: u_j = p (1 - sum of the last blind_rounds u).
    """
    p = float(parameters.p_states @ parameters.expected)
    mean, blind, turns = parameters.scored * p, parameters.blind_rounds, parameters.detectors
    lags: list[float] = []
    if blind and mean < 1.0:
        clicks = [1.0]
        while len(clicks) <= blind or (np.ptp(clicks[-blind - 1 :]) > _SMALL_LAG and len(clicks) < _MOST_LAGS):
            clicks.append(p * (1.0 - sum(clicks[-blind:])) if len(clicks) > blind else 0.0)
        for after in clicks[1:]:
            lags += [0.0] * (turns - 1) + [(after - mean) / (1.0 - mean)]
    return SampleStatistics(mean, mean * (1.0 - mean), 1.0, tuple(lags))


Device = Callable[[np.random.Generator, NDArray[np.uint8], NDArray[np.int64]], NDArray[np.uint8]]
"""What detectors give, piece by piece: bits of the next rounds, of their states and photon numbers."""


def emulate_device(parameters: MdiQrng, n_samples: int, seed: int, device: Device) -> Emission:
    """Rounds before any detector: the source's states and photons are as stated, the bits are the device's."""
    rng = np.random.Generator(np.random.SFC64(seed))
    values = np.empty(n_samples, np.uint8)
    early, late = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first in range(0, n_samples, _CHUNK):
        n = min(_CHUNK, n_samples - first)
        drawn = rng.random(n)
        states = (drawn < parameters.p_test).astype(np.uint8) + (drawn < parameters.p_test / 2.0).astype(np.uint8)
        values[first : first + n] = device(rng, states, rng.poisson(parameters.mean_photons, n))
        early.append(first + np.flatnonzero(states == EARLY))
        late.append(first + np.flatnonzero(states == LATE))
    rounds = Rounds(values, np.concatenate(early), np.concatenate(late))
    return Emission(RawSamples(values, 1, parameters.clock_hz), rounds)


def honest_device(parameters: MdiQrng) -> Device:
    """Detectors that do as the parameters say, and are ready at first."""
    share = parameters.efficiency * np.array([0.5, 1.0 - parameters.p_flip, parameters.p_flip])
    dead_time = DeadTime(parameters.detectors, parameters.blind_rounds)

    def device(rng: np.random.Generator, states: NDArray[np.uint8], photons: NDArray[np.int64]) -> NDArray[np.uint8]:
        dark = (1.0 - parameters.p_dark) * (1.0 - share[states]) ** photons
        return dead_time.clicks(rng.random(len(states)) >= dark).astype(np.uint8)

    return device


def emulate(parameters: MdiQrng, n_samples: int, seed: int) -> Emission:
    """Bits of detectors that do as they should, and the rounds of their tests."""
    return emulate_device(parameters, n_samples, seed, honest_device(parameters))


MDI_QRNG = Source(
    "mdi",
    "time-bin qubits before any detector; measurement-device-independent",
    MdiQrng,
    randomness,
    emulate,
    statistics,
    PROOF,
)
