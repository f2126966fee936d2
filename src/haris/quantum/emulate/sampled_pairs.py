"""One block of emulated pairs: what clicked at Alice's end, and what at Bob's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_probability
from haris.nouns.detections import Detections
from haris.nouns.errors import ParameterError
from haris.quantum.emulate.coincidences import arm_transmittances
from haris.quantum.emulate.sampled import derived_key
from haris.quantum.emulate.sampled_bell_windows import bell_windows
from haris.quantum.optics.medium import Medium
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bbm92 import BBM92

CHUNK_EVENTS = 2**18
"""Windows with a pair or a dark count that are held at once."""

Integers = NDArray[np.int64]
BellClicks = tuple[tuple[Integers, NDArray[np.uint8]], tuple[Integers, NDArray[np.uint8]]]
"""Windows and channels, of Alice's end and of Bob's."""


def emulate_pairs(
    source: PairSource,
    fibre: Medium,
    receivers: PairReceivers,
    protocol: BBM92,
    n_pulses: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[Detections, Detections]:
    """Sample n_pulses windows: Alice's and Bob's detections, each with the basis that its end drew for the window.

    Pairs are drawn by their number, each photon is lost or not by itself, and dark counts come besides: nothing here
    uses the closed forms. Where the bases differ Bob's photons are drawn anew, for sifting drops such windows. Eve
    measures the share eve_fraction of Bob's halves in a random basis and resends as many photons. Windows in which Bob
    tests Bell's inequality are drawn by the closed form of pair_clicks.
    The same arguments give the same light. Cost grows with the windows that hold a pair or a dark count.
    Raises ParameterError on arguments outside their range, or a block beyond 2^53 ps.
    """
    require_probability("eve_fraction", eve_fraction)
    if not 0 <= n_pulses * 1e12 / source.clock_hz < 2.0**53:
        raise ParameterError(f"n_pulses must lie in [0, 2^53 ps of light), got {n_pulses}")
    rng = np.random.default_rng(np.frombuffer(derived_key(seed, b"pairs"), dtype=np.uint32))
    light = _Light(source, fibre, receivers, protocol, eve_fraction, rng)
    halves: tuple[list[Detections], list[Detections]] = ([], [])
    for first, last in _chunks(n_pulses, light.p_event):
        for half, found in zip(halves, light.clicks(first, last, n_pulses), strict=True):
            half.append(found)
    alice, bob = (_joined(half, n_pulses) for half in halves)
    return alice, bob


@dataclass(slots=True)
class _Light:
    source: PairSource
    fibre: Medium
    receivers: PairReceivers
    protocol: BBM92
    eve_fraction: float
    rng: np.random.Generator

    @property
    def p_pair(self) -> float:
        """Probability that a window holds a pair at all."""
        mean, modes = self.source.mean_pairs, 2.0 * self.source.modes
        return float(-np.expm1(-mean if np.isinf(modes) else -modes * np.log1p(mean / modes)))

    @property
    def p_event(self) -> float:
        """Of a pair or any dark count, at most."""
        return min(1.0, self.p_pair + 2.0 * (self.receivers.p_dark_alice + self.receivers.p_dark_bob))

    def clicks(self, first: int, last: int, n_pulses: int) -> tuple[Detections, Detections]:
        """Of the windows from first to last - 1."""
        darks = (self.receivers.p_dark_alice,) * 2 + (self.receivers.p_dark_bob,) * 2
        dark = [self._some(last - first, p) for p in darks]
        paired = self._some(last - first, self.p_pair)
        windows = np.unique(np.concatenate([paired, *dark]))
        n_pairs = np.zeros(windows.size, dtype=np.int64)
        n_pairs[np.searchsorted(windows, paired)] = self._numbers(paired.size)
        bell, windows, n_pairs, dark = self._tested(last - first, windows, n_pairs, dark)
        bases = self.rng.random((2, windows.size)) >= self.protocol.p_key_basis
        at_alice = self._split(n_pairs)
        at_bob = np.where(bases[0] == bases[1], at_alice, self._split(n_pairs))
        measured = (self.rng.random(windows.size) < self.eve_fraction / 2.0) & (bases[0] == bases[1])
        at_bob = np.where(measured, self._split(n_pairs), at_bob)  # Eve's basis is the other one
        visibility = self.source.visibilities[bases[0].astype(np.int64)] * (1.0 - 2.0 * self.fibre.misalignment)
        flipped = self.rng.random(windows.size) < (1.0 - visibility) / 2.0
        at_bob = np.where(flipped, n_pairs - at_bob, at_bob)
        eta = arm_transmittances(self.source, self.fibre)
        efficiencies = self.receivers.efficiency_alice, self.receivers.efficiency_bob
        found = []
        for end, ones in enumerate((at_alice, at_bob)):
            p = float(eta[end]) * efficiencies[end]
            fired = np.stack([self.rng.binomial(n_pairs - ones, p) > 0, self.rng.binomial(ones, p) > 0])
            for bit in (0, 1):
                fired[bit, np.searchsorted(windows, dark[2 * end + bit])] = True
            which, bits = np.nonzero(fired.T)
            at, channel = windows[which], 2 * bases[end][which].astype(np.uint8) + bits.astype(np.uint8)
            if bell is not None:
                at, channel = np.concatenate([at, bell[end][0]]), np.concatenate([channel, bell[end][1]])
                order = np.argsort(at, kind="stable")
                at, channel = at[order], channel[order]
            time_ps = np.round((first + at + 0.5) * (1e12 / self.source.clock_hz)).astype(np.int64)
            found.append(Detections(n_pulses, time_ps, channel))
        return found[0], found[1]

    def _tested(
        self, n: int, windows: Integers, n_pairs: Integers, dark: list[Integers]
    ) -> tuple[BellClicks | None, Integers, Integers, list[Integers]]:
        """Clicks of the windows in which Bob tests, and what is left of the others.

        A window is one of a test that clicked with probability q = p_bell p_event, and none of a test with 1 - p_bell:
        of the windows that are not among the first, a share (1 - p_bell) / (1 - q) is among the second.
        """
        p_bell = self.protocol.p_bell
        if not p_bell:
            return None, windows, n_pairs, dark
        alice, bob = arm_transmittances(self.source, self.fibre)
        tests = bell_windows(
            self.source,
            (float(alice) * self.receivers.efficiency_alice, float(bob) * self.receivers.efficiency_bob),
            (self.receivers.p_dark_alice, self.receivers.p_dark_bob),
            self.source.visibilities * (1.0 - 2.0 * self.fibre.misalignment),
            self.eve_fraction,
        )
        q = p_bell * tests.p_event
        tested = self._some(n, q)
        kept = (self.rng.random(windows.size) < (1.0 - p_bell) / (1.0 - q)) & ~np.isin(windows, tested)
        left = windows[kept]
        clicks = tests.clicks(tested, self.protocol.p_key_basis, self.rng)
        return clicks, left, n_pairs[kept], [some[np.isin(some, left)] for some in dark]

    def _some(self, n: int, p: float) -> Integers:
        """Which of n windows have something of probability p, ascending."""
        chosen = self.rng.choice(n, self.rng.binomial(n, p), replace=False, shuffle=False)
        return np.sort(chosen.astype(np.int64))

    def _numbers(self, size: int) -> Integers:
        """Pairs of windows that have one."""
        from scipy.stats import nbinom, poisson

        chance = self.p_pair * (1.0 - self.rng.random(size))
        mean, modes = self.source.mean_pairs, 2.0 * self.source.modes
        law = poisson(mean) if np.isinf(modes) else nbinom(modes, 1.0 / (1.0 + mean / modes))
        return np.asarray(np.maximum(law.isf(chance), 1.0), dtype=np.int64)

    def _split(self, n_pairs: Integers) -> Integers:
        """How many of the pairs are of bit 1: those of few modes come together."""
        modes = self.source.modes
        share = 0.5 if np.isinf(modes) else self.rng.beta(modes, modes, n_pairs.size)
        return self.rng.binomial(n_pairs, share)


def _chunks(n_pulses: int, p_event: float) -> Iterator[tuple[int, int]]:
    width = n_pulses if p_event * n_pulses <= CHUNK_EVENTS else max(1, int(CHUNK_EVENTS / p_event))
    for first in range(0, n_pulses, max(width, 1)):
        yield first, min(first + width, n_pulses)


def _joined(parts: list[Detections], n_pulses: int) -> Detections:
    times, channels = [part.time_ps for part in parts], [part.channel for part in parts]
    return Detections(
        n_pulses,
        np.concatenate([np.empty(0, dtype=np.int64), *times]),
        np.concatenate([np.empty(0, dtype=np.uint8), *channels]),
    )
