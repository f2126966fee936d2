"""Emulated light: the preparation of numbered pulses, and the clicks of a block of them.

Randomness is Philox4x64-10 throughout, under 32-octet keys: the first 16 octets are Philox's key, the last 16 the
two upper words of its counter, all little-endian; the lower half of the counter is the number of the pulse (Alice)
or of the decision (Bob). Source: Salmon, Moraes, Dror, Shaw, SC11 (2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, ldexp

import numpy as np
from numpy.typing import NDArray

from haris.kernels import _native  # noqa: TID251 (the surface of the extension)
from haris.nouns.checks import require_not_negative, require_positive, require_probability, require_simplex
from haris.nouns.errors import ParameterError

KEY_OCTETS = 32
NEVER = 2**64 - 1


@dataclass(frozen=True, slots=True)
class ClickLaw:
    """Everything that decides which gates of a receiver click, and when in the gate.

    p_key_basis, p_intensities: Alice's and Bob's probabilities; k intensities.
    p_click: float64 (k, 2, 2), click probability of one detector in one live gate: [intensity][bases aligned,
    unaligned][detector of the bit that was sent, the other]. p_photon: same shape, share of the clicks that a
    photon starts; the others (dark counts) are uniform in the gate.
    eve_fraction: pulses that Eve measures in a random basis and resends as her result, at their mean photon number.
    hold_off_gates: gates after a click in which both detectors are blind.
    p_afterpulse: probability that a click leaves a carrier in a detector that clicked. It fires that detector in
    the J-th live gate unless another click comes before; J is geometric with success probability p_release.
    period_ps, gate_ps: distance of the gates and their width. jitter_ps: standard deviation of a photon's tag.
    Raises ParameterError on a value outside its range.
    """

    p_key_basis: float
    p_intensities: tuple[float, ...]
    p_click: NDArray[np.float64]
    p_photon: NDArray[np.float64]
    eve_fraction: float
    hold_off_gates: int
    p_afterpulse: float
    p_release: float
    period_ps: float
    gate_ps: float
    jitter_ps: float

    def __post_init__(self) -> None:
        for table in (self.p_click, self.p_photon):
            if table.shape != (len(self.p_intensities), 2, 2) or table.dtype != np.float64:
                raise ParameterError(f"a click table is float64 (k, 2, 2), got {table.dtype} {table.shape}")
            if not np.all((table >= 0.0) & (table <= 1.0)):
                raise ParameterError("click tables hold probabilities")
        for name in ("eve_fraction", "p_afterpulse", "p_release"):
            require_probability(name, getattr(self, name))
        require_positive("p_release", self.p_release)
        require_not_negative("hold_off_gates", self.hold_off_gates)
        require_not_negative("jitter_ps", self.jitter_ps)
        if not self.gate_ps >= 2.0:
            raise ParameterError(f"a gate must span at least 2 ps, got {self.gate_ps}")
        if self.gate_ps > self.period_ps:
            raise ParameterError(f"a gate of {self.gate_ps} ps does not fit a period of {self.period_ps} ps")
        if self.jitter_ps > 4.0 * self.gate_ps:
            raise ParameterError(f"jitter of {self.jitter_ps} ps is too wide for a gate of {self.gate_ps} ps")

    @property
    def p_max(self) -> float:
        """Greatest click probability of a live gate without a trapped carrier, over all settings."""
        right, wrong = self.p_click[..., 0], self.p_click[..., 1]
        return min(1.0, float(np.max(right + wrong - right * wrong)))


def threshold(p: float) -> int:
    """The 64-bit word below which an event of probability p happens, to within 2^-64."""
    return min(int(ldexp(p, 64)), NEVER)


def preparation_thresholds(p_key_basis: float, p_intensities: Sequence[float]) -> NDArray[np.uint64]:
    """Thresholds of Alice's words: key basis first, then the cumulative ones of all intensities but the last.

    Raises ParameterError unless p_key_basis is a probability and p_intensities sum to 1.
    """
    require_probability("p_key_basis", p_key_basis)
    require_simplex("p_intensities", p_intensities)
    cumulative = [fsum(p_intensities[: i + 1]) for i in range(len(p_intensities) - 1)]
    return np.array([threshold(p) for p in (p_key_basis, *cumulative)], dtype=np.uint64)


def key_words(key: bytes) -> NDArray[np.uint64]:
    """The four little-endian words of a 32-octet key. Raises ParameterError on another length."""
    if len(key) != KEY_OCTETS:
        raise ParameterError(f"a light key has {KEY_OCTETS} octets, got {len(key)}")
    return np.frombuffer(key, dtype="<u8").astype(np.uint64)


def philox4x64(counter: Sequence[int], key: Sequence[int]) -> NDArray[np.uint64]:
    """Block of four words of Philox4x64-10 for four counter words and two key words, lowest first."""
    if len(counter) != 4 or len(key) != 2:
        raise ParameterError(f"Philox takes 4 counter and 2 key words, got {len(counter)} and {len(key)}")
    words = np.empty(4, dtype=np.uint64)
    _native.philox4x64(np.array(counter, dtype=np.uint64), np.array(key, dtype=np.uint64), words)
    return words


def pulse_settings(
    key: bytes, number: NDArray[np.int64], p_key_basis: float, p_intensities: Sequence[float]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Basis, bit and intensity index of numbered pulses under a 32-octet key.

    number: int64, one dimension, each at least 0: the pulse's number in the link's life.
    Returns three uint8 arrays of its length: basis 0 key, 1 test; bit; index into p_intensities.
    Raises ParameterError on a key, number or probability outside its range.
    """
    if number.ndim != 1 or number.dtype != np.int64 or (number.size and int(number.min()) < 0):
        raise ParameterError("pulse numbers are a one-dimensional int64 array of values >= 0")
    basis, bit, intensity = (np.empty(number.size, dtype=np.uint8) for _ in range(3))
    thresholds = preparation_thresholds(p_key_basis, p_intensities)
    _native.pulse_settings(key_words(key), thresholds, np.ascontiguousarray(number), basis, bit, intensity)
    return basis, bit, intensity


def initial_state() -> NDArray[np.uint64]:
    """State of a receiver that is live and rested: next gate, gate of release, trapped detector, next decision."""
    return np.array([0, NEVER, 0, 0], dtype=np.uint64)


def sample_clicks(
    law: ClickLaw,
    pulse_key: bytes,
    receiver_key: bytes,
    start: int,
    n_pulses: int,
    state: NDArray[np.uint64],
    capacity: int,
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint64]]:
    """Next time tags of a block, up to capacity of them, and the state from which to go on.

    start: number of the block's first pulse. n_pulses: its length. Pulse i of the block is centred at
    (i + 1/2) periods. capacity: at least 2, since a double click is two tags and never torn apart.
    The block is finished when the first word of the state has reached n_pulses.
    The cost is one or two Philox blocks of Bob and one of Alice for each candidate: gates are skipped geometrically
    at the greatest click probability p_max, and a candidate is kept with probability p / p_max.
    Exact to the 53 bits of a uniform variate. Raises ParameterError on arguments outside their range.
    """
    if capacity < 2 or state.shape != (4,) or state.dtype != np.uint64:
        raise ParameterError("sampling needs room for 2 tags and a state of 4 uint64 words")
    if start < 0 or n_pulses < 0 or start + n_pulses > 2**63 or n_pulses * law.period_ps > 2.0**53:
        raise ParameterError(f"a block of {n_pulses} pulses from {start} does not fit its numbers and time tags")
    time_ps = np.empty(capacity, dtype=np.int64)
    channel = np.empty(capacity, dtype=np.uint8)
    state = state.copy()
    if law.p_max == 0.0:
        state[0] = n_pulses
        return time_ps[:0], channel[:0], state
    written = _native.sample_clicks(
        key_words(pulse_key),
        key_words(receiver_key),
        preparation_thresholds(law.p_key_basis, law.p_intensities),
        np.ascontiguousarray(law.p_click),
        np.ascontiguousarray(law.p_photon),
        law.p_max,
        threshold(law.eve_fraction),
        law.hold_off_gates,
        np.array([law.p_afterpulse, law.p_release, law.period_ps, law.gate_ps, law.jitter_ps]),
        start,
        n_pulses,
        state,
        time_ps,
        channel,
    )
    return time_ps[:written], channel[:written], state
