"""The length of a measured block of continuous variables: beside its plan, at its limits, and when frames are lost."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.nouns.blocks import FrameCounts
from haris.nouns.quadrature_counts import QuadratureCounts, QuadratureSums
from haris.quantum.distill.estimate_channel import channel_of_sums
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_bounds import gaussian_key_length
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo
from haris.quantum.security.key_length import Security
from haris.quantum.security.measured_gaussian import measured_length

FRAME = 1_024_000
KNOWN = GaussianChannel(2.0, np.asarray(0.0), np.asarray(0.0), True, 0.7, 0.05, True)


def counts_of(known, transmittance, excess, n_sample=20_000_000, n_frames=20, n_kept=None, **others):
    """A block whose sums are as they are expected."""
    v = known.values_per_symbol
    noise = 1.0 + known.electronic_noise_snu + known.gain * (excess + transmittance * known.trusted_preparation_snu)
    t, xx = np.sqrt(known.gain * transmittance), n_sample * known.modulation_variance_snu
    row = float(xx), float(t * xx), float(t * t * xx + n_sample * noise)
    sums = QuadratureSums(n_sample, *((each,) * v for each in row), x_fourth=3.0, y_cross=0.0)
    frames = FrameCounts(n_frames, n_frames if n_kept is None else n_kept)
    bits = {"bits_per_value": 1, "entropy_bits": 1.0, **others}
    return QuadratureCounts(sums, n_frames * FRAME // v, frames, "", **bits)


def length(counts, leaked, known=KNOWN, bound="pirandola2021", epsilon=1e-9):
    security = Security(bound, epsilon, 1e-12, accepted_attacks="collective")
    return measured_length(counts, channel_of_sums(counts.sums, known), security, leaked)


@pytest.mark.parametrize("bound", ["pirandola2021", "leverrier2010"])
def test_a_block_that_meets_its_plan_has_the_planned_length(bound):
    counts = counts_of(KNOWN, 0.63, 0.003)
    leaked = round(0.8 * counts.n_kept_values)
    channel = channel_of_sums(counts.sums, KNOWN)
    beta = 0.2 * 2 / float(channel.mutual_information)
    plan = GaussianBlock(channel, counts.n_key_symbols, counts.sums.n_symbols, beta, 0.0, 1)
    planned = int(gaussian_key_length(plan, Security(bound, 1e-9, 1e-12)).length_bits)
    live = length(counts, leaked, bound=bound)
    assert abs(live.length_bits - planned) <= 1
    assert {term.name: float(term.value) for term in live.terms}["beta"] == pytest.approx(beta)
    # Bits that eight values share cost a little more smoothness by the one bound, and nothing by the other.
    grouped = length(replace(counts, values_per_group=8), leaked, bound=bound).length_bits
    assert (0.97 * planned < grouped < planned) if bound == "pirandola2021" else grouped == live.length_bits


def test_what_leaks_is_deducted_bit_for_bit_and_a_lost_frame_whole():
    counts = counts_of(KNOWN, 0.63, 0.003)
    leaked = round(0.8 * counts.n_kept_values)
    all_kept = length(counts, leaked).length_bits
    assert length(counts, leaked + 1000).length_bits in range(all_kept - 1001, all_kept - 998)
    lost = counts_of(KNOWN, 0.63, 0.003, n_kept=19)
    short = length(lost, leaked * 19 // 20).length_bits
    assert short == pytest.approx(all_kept - 0.2 * FRAME, abs=2)
    assert length(counts_of(KNOWN, 0.63, 0.003, n_kept=0), 0).length_bits == 0


@pytest.mark.parametrize("bound", ["pirandola2021", "leverrier2010"])
def test_a_lost_frame_takes_all_its_bits_though_they_are_not_equally_likely(bound):
    # Which frames are lost depends on their bits: 5 bits a value go, not their entropy of 3.
    sliced = {"bits_per_value": 5, "entropy_bits": 3.0}
    kept, lost = (counts_of(KNOWN, 0.63, 0.003, n_frames=200, n_kept=n, **sliced) for n in (200, 199))
    told = round(2.75 * FRAME)  # of a frame
    all_kept, short = (length(counts, told * counts.frames.n_kept, bound=bound).length_bits for counts in (kept, lost))
    assert short > 0
    assert all_kept - short == pytest.approx((5.0 - 2.75) * FRAME, abs=2)


def test_an_entropy_that_is_estimated_is_taken_low():
    exact = counts_of(KNOWN, 0.63, 0.003, bits_per_value=3, entropy_bits=2.5)
    told = round(2.3 * exact.n_kept_values)
    for bound in ("pirandola2021", "leverrier2010"):
        at_best = length(exact, told, bound=bound).length_bits
        estimated = length(replace(exact, entropy_deviation_bits=1e-4), told, bound=bound).length_bits
        assert at_best - 1.05 * 6.9e-4 * exact.n_kept_values < estimated < at_best - 6e-4 * exact.n_kept_values


def test_who_knows_all_bits_seldom_knows_those_of_kept_frames_seldom_too():
    """The inequality behind lost frames, on random distributions: guesses of kept bits, over 2^(lost bits)."""
    rng = np.random.default_rng(8)
    frames, symbols, eves = 3, 4, 3  # of two bits each
    for _ in range(200):
        joint = rng.dirichlet(np.full(symbols**frames * eves, 0.2)).reshape(*(symbols,) * frames, eves)
        which = rng.integers(0, 2, (symbols,) * frames + (frames,))  # frames that are lost, by all bits
        of_all = of_kept = 0.0
        for lost in itertools.product((0, 1), repeat=frames):
            here = joint * np.all(which == lost, axis=-1)[..., None]
            of_all += here.reshape(-1, eves).max(axis=0).sum()
            gone = tuple(axis for axis in range(frames) if lost[axis])
            of_kept += here.sum(axis=gone).reshape(-1, eves).max(axis=0).sum() / symbols ** sum(lost)
        assert of_kept <= of_all + 1e-12


unit = st.floats(0.0, 1.0)


@given(
    modulation=st.floats(0.03, 100.0),
    efficiency=st.floats(0.05, 1.0),
    electronics=st.floats(0.0, 1.0),
    preparation=st.sampled_from([0.0, 0.01, 1.0]),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    transmittance=unit,
    excess=st.floats(0.0, 5.0),
    sample=st.integers(1, 10**9),
    frames=st.integers(1, 150),
    kept=unit,
    told=unit,
    bits=st.integers(1, 8),
    epsilon=st.floats(1e-30, 0.1),
    bound=st.sampled_from(["pirandola2021", "leverrier2010"]),
)
@settings(max_examples=300, deadline=None)
def test_any_block_is_below_its_ceiling_and_noise_never_helps(
    modulation, efficiency, electronics, preparation, flags, transmittance, excess, sample, frames, kept, told, bits,
    epsilon, bound,
):  # fmt: skip
    heterodyne, trusted, sliced = flags
    known = GaussianChannel(
        modulation, np.asarray(0.0), np.asarray(0.0), heterodyne, efficiency, electronics, trusted, preparation
    )
    entropy = 0.9 * bits if sliced else 1.0
    form = {"bits_per_value": bits if sliced else 1, "entropy_bits": entropy, "values_per_group": 1 if sliced else 8}
    counts = counts_of(known, transmittance, excess, sample, frames, int(kept * frames), **form)
    leaked = int(told * entropy * counts.n_kept_values)
    live = length(counts, leaked, known, bound, epsilon)
    assert type(live.length_bits) is int
    assert all(np.all(np.isfinite(term.value)) for term in live.terms)
    shared = entropy * counts.n_kept_values - leaked
    eve = counts.n_key_symbols * float(holevo(channel_of_sums(counts.sums, known)))
    assert 0 <= live.length_bits <= max(shared - eve, 0.0) + 1
    noisier = counts_of(known, transmittance, excess + 0.1, sample, frames, int(kept * frames), **form)
    assert length(noisier, leaked, known, bound, epsilon).length_bits <= live.length_bits + 1
