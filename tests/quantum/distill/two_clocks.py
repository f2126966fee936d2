"""Photon pairs as two sites with clocks of their own record them, drawn without any other simulator."""

from dataclasses import dataclass

import numpy as np

from haris.nouns.time_tags import TimeTags


@dataclass(frozen=True)
class Emulated:
    """Two recordings, and what is true of them. pair_*: of each tag, the number of its pair, or -1."""

    alice: TimeTags
    bob: TimeTags
    pair_alice: np.ndarray
    pair_bob: np.ndarray
    offset_at: object


def emulate(
    seed,
    seconds=10.0,
    pairs_hz=1e4,
    singles_hz=1e5,
    qber=0.03,
    offset_ps=1_234_567_890_123,
    frequency_error=1e-7,
    drift_per_s=0.0,
    jitter_ps=350.0,
    p_key_basis=0.5,
    alice_zero_ps=5 * 10**14,
    skew_ps=((0, 0, 0, 0), (0, 0, 0, 0)),
):
    """singles_hz: of each site, the pairs' clicks included. jitter_ps: of a detector. skew_ps: its delay, by site."""
    rng = np.random.default_rng(seed)
    span = seconds * 1e12

    def offset_at(time_ps):  # of Bob's clock, less offset_ps, at Alice's time
        since = np.asarray(time_ps - alice_zero_ps, dtype=np.float64)
        return frequency_error * since + drift_per_s * since**2 / 2e12

    n_pairs = rng.poisson(pairs_hz * seconds)
    n_alone = rng.poisson((singles_hz - pairs_hz) * seconds, 2)
    when = rng.random(n_pairs) * span
    basis = (rng.random((2, n_pairs)) >= p_key_basis).astype(np.uint8)
    bit = rng.integers(0, 2, (2, n_pairs), dtype=np.uint8)
    same = basis[0] == basis[1]
    bit[1] = np.where(same, bit[0] ^ (rng.random(n_pairs) < qber), bit[1])
    tags, numbers = [], []
    for site in (0, 1):
        time = np.concatenate([when, rng.random(n_alone[site]) * span]) + rng.normal(
            0, jitter_ps, n_pairs + n_alone[site]
        )
        lone_basis = (rng.random(n_alone[site]) >= p_key_basis).astype(np.uint8)
        lone = 2 * lone_basis + rng.integers(0, 2, n_alone[site], dtype=np.uint8)
        channel = np.concatenate([2 * basis[site] + bit[site], lone]).astype(np.uint8)
        number = np.concatenate([np.arange(n_pairs), np.full(n_alone[site], -1)])
        time_ps = np.rint(time).astype(np.int64) + alice_zero_ps + np.array(skew_ps[site])[channel]
        if site:
            time_ps = time_ps + offset_ps + np.rint(offset_at(time_ps)).astype(np.int64)
        order = np.argsort(time_ps, kind="stable")
        tags.append(TimeTags(time_ps[order], channel[order]))
        numbers.append(number[order])
    return Emulated(*tags, *numbers, lambda time_ps: offset_ps + offset_at(time_ps))


def recorded(light):
    """The light as quTAG wrote it at Alice's, and S-Fifteen's unit at Bob's, with detectors wired backwards."""
    tags = np.empty(len(light.alice.time_ps), [("time", "<i8"), ("input", "<u2")])
    tags["time"], tags["input"] = light.alice.time_ps, light.alice.channel + 1
    units = ((light.bob.time_ps * 32 + 62) // 125).astype(np.uint64)
    words = (units << np.uint64(10)) | (np.uint64(8) >> light.bob.channel.astype(np.uint64))
    return bytes(40) + tags.tobytes(), words.astype("<u8").tobytes()
