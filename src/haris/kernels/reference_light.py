"""Plain specification of the light kernels: the same arguments, the same words, the same tags, one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, cos, floor, log, log1p, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from haris.kernels.light import NEVER, ClickLaw, key_words, preparation_thresholds, threshold

_MASK = 2**64 - 1
Words = tuple[int, int, int, int]


def philox4x64(counter: Words, key: tuple[int, int]) -> Words:
    """Philox4x64 with ten rounds (Salmon et al., SC11, 2011, section 3.3)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        a, b = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (b >> 64) ^ c1 ^ k0, b & _MASK, (a >> 64) ^ c3 ^ k1, a & _MASK
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & _MASK, (k1 + 0xBB67AE8584CAA73B) & _MASK
    return c0, c1, c2, c3


def keyed_block(key: bytes, number: int) -> Words:
    """Block `number` of a 32-octet key's stream."""
    k0, k1, upper0, upper1 = (int(word) for word in key_words(key))
    return philox4x64((number, 0, upper0, upper1), (k0, k1))


def _setting(key: bytes, number: int, thresholds: Sequence[int]) -> tuple[int, int, int]:
    """Basis, bit and intensity of one pulse."""
    words = keyed_block(key, number)
    key_basis, *cumulative = thresholds
    return int(words[0] >= key_basis), words[1] >> 63, sum(words[2] >= t for t in cumulative)


def pulse_settings(
    key: bytes, number: NDArray[np.int64], p_key_basis: float, p_intensities: Sequence[float]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Specification of haris.kernels.light.pulse_settings."""
    thresholds = [int(t) for t in preparation_thresholds(p_key_basis, p_intensities)]
    rows = [_setting(key, int(n), thresholds) for n in number]
    basis, bit, intensity = np.array(rows, dtype=np.uint8).reshape(-1, 3).T
    return basis, bit, intensity


def _uniform(word: int) -> float:
    return float(word >> 11) * 2.0**-53


def _gates_ahead(gate: int, log_u: float, p: float, end: int) -> int:
    """The gate that a geometric skip of success probability p reaches, or NEVER when it leaves the block."""
    skip = log_u * (1.0 / log1p(-p)) if p < 1.0 else 0.0
    return gate + floor(skip) if gate < end and skip < end - gate else NEVER


def _outcome(v: float, p0: float, p1: float) -> tuple[bool, bool]:
    """Which of two independent detectors click, from one uniform variate."""
    both = p0 * p1
    return v < p0, v < both or p0 <= v < p0 + p1 - both


def _offset_ps(
    law: ClickLaw, word: int, normals: int, second: bool, p_photon: float, again: Callable[[], int]
) -> float:
    """Distance of a tag from the pulse's centre. second: of a double click; again() draws a word of normals."""
    u = _uniform(word)
    if u >= p_photon:
        return ((u - p_photon) / (1.0 - p_photon) - 0.5) * law.gate_ps
    if law.jitter_ps == 0.0:
        return 0.0
    while True:
        radius = sqrt(-2.0 * log(((normals >> 32) + 1.0) * 2.0**-32))
        angle = (normals & 0xFFFFFFFF) * 2.0**-32 * (2.0 * pi)
        offset = radius * (sin(angle) if second else cos(angle)) * law.jitter_ps
        if abs(offset) <= 0.5 * law.gate_ps:
            return offset
        normals = again()


def _tag_ps(law: ClickLaw, gate: int, offset_ps: float) -> int:
    """Whole picoseconds, kept a quarter from the gate's edges."""
    centre = (gate + 0.5) * law.period_ps
    half = 0.5 * law.gate_ps - 0.25
    first, last = ceil(centre - half), ceil(centre + half) - 1
    return max(first, min(last, floor(centre + offset_ps + 0.5)))


def sample_clicks(
    law: ClickLaw, pulse_key: bytes, receiver_key: bytes, start: int, n_pulses: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Specification of haris.kernels.light.sample_clicks, for a whole block at once."""
    thresholds = [int(t) for t in preparation_thresholds(law.p_key_basis, law.p_intensities)]
    eve = threshold(law.eve_fraction)
    tags: list[tuple[int, int]] = []
    decisions = 0

    def draw() -> Words:
        nonlocal decisions
        decisions += 1
        return keyed_block(receiver_key, decisions - 1)

    live, release, trap = 0, NEVER, 0
    while live < n_pulses and law.p_max > 0.0:
        words = draw()
        gate = _gates_ahead(live, log(_uniform(words[0]) + 2.0**-53), law.p_max, n_pulses)
        released = release <= gate and release < n_pulses
        gate = release if released else gate
        if gate >= n_pulses:
            break
        basis, bit, intensity = _setting(pulse_key, start + gate, thresholds)
        if words[3] < eve and words[1] & 1 != basis:
            basis, bit = words[1] & 1, words[1] >> 1 & 1
        receiver_basis = int(words[2] >= thresholds[0])
        table = (intensity, int(receiver_basis != basis))
        p = [float(law.p_click[table][int(d != bit)]) for d in (0, 1)]
        clicked = list(_outcome(_uniform(words[1]) * (1.0 if released else law.p_max), p[0], p[1]))
        if released:
            clicked[trap] = True
        live = gate + 1
        if not any(clicked):
            continue
        more = draw()
        in_gate: list[tuple[int, int]] = []
        for d in (0, 1):
            if clicked[d]:
                p_photon = 0.0 if released and trap == d else float(law.p_photon[table][int(d != bit)])
                offset = _offset_ps(law, more[1 + d], more[3], bool(in_gate), p_photon, lambda: draw()[3])
                in_gate.append((_tag_ps(law, gate, offset), 2 * receiver_basis + d))
        tags += sorted(in_gate, key=lambda tag: tag[0])
        live, release = gate + 1 + law.hold_off_gates, NEVER
        u = _uniform(more[0])
        if u < law.p_afterpulse:
            trap = more[0] & 1 if all(clicked) else int(clicked[1])
            release = _gates_ahead(live, log1p(-u / law.p_afterpulse), law.p_release, n_pulses)
    time_ps = np.array([t for t, _ in tags], dtype=np.int64)
    return time_ps, np.array([c for _, c in tags], dtype=np.uint8)
