"""Continuous variables: octonions, slices, codes, and the two ends."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from haris.bench.continuous import drawn, reconcile
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.quadratures import Quadratures
from haris.quantum.distill import continuous, multidimensional, slices
from haris.quantum.distill.soft_code import FOLDER, code_named, code_of_rate, codes
from haris.wire.packing import pack_bits
from haris.wire.quadratures import Kept

ROOT = Path(__file__).resolve().parents[3]


def octonions(rng, n):
    return rng.normal(size=(8, n)).astype(np.float32)


def test_octonions_are_a_normed_alternative_algebra():
    rng = np.random.default_rng(1)
    a, b = octonions(rng, 100), octonions(rng, 100)
    length = np.linalg.norm
    assert np.allclose(length(multidimensional.product(a, b), axis=0), length(a, axis=0) * length(b, axis=0), rtol=1e-5)
    conjugate = multidimensional._CONJUGATE * b
    back = multidimensional.product(multidimensional.product(a, conjugate), b)
    assert np.allclose(back, a * length(b, axis=0) ** 2, atol=1e-4)
    one = np.zeros((8, 100), np.float32)
    one[0] = 1
    assert np.allclose(multidimensional.product(one, a), a)
    assert not np.allclose(multidimensional.product(a, b), multidimensional.product(b, a))


def test_ratios_are_those_of_a_gaussian_channel_and_the_mapping_says_nothing_of_the_bits():
    rng = np.random.default_rng(2)
    alice, bob = drawn(0.16, 80_000, rng)
    bits = rng.integers(0, 2, 80_000, dtype=np.uint8)
    mapped = multidimensional.mapping(bob.values, bits)
    told = multidimensional.ratios(alice, mapped) * (1.0 - 2.0 * bits)
    # of a symmetric channel with ratio L: E exp(-L) = 1, and mean 2 snr (Richardson, Urbanke, 4.1); five deviations
    assert np.exp(-told).mean() == pytest.approx(1.0, abs=5 * np.exp(-told).std() / 80_000**0.5)
    assert told.mean() == pytest.approx(0.32, abs=5 * told.std() / 80_000**0.5)
    signs = multidimensional.signs(bits)
    correlation = (signs * mapped * np.linalg.norm(bob.values.reshape(-1, 8), axis=1)).mean() * 8
    assert abs(correlation) < 5 / 80_000**0.5


def test_slices_keep_what_is_computed_of_them():
    rng = np.random.default_rng(3)
    slicing = slices.plan(6.0)
    assert slicing.efficiency(6.0) > 0.93
    alice, bob = drawn(6.0, 60_000, rng)
    bits = slices.slices(bob.values, slicing)
    number = sum(row.astype(int) << k for k, row in enumerate(bits))
    shares = np.bincount(number) / 60_000
    assert -(shares * np.log2(shares)).sum() == pytest.approx(slicing.entropy(), abs=0.01)
    told = slices.information(6.0, slicing.step, len(slicing.codes))
    assert sum(entropy for entropy, _ in told) == pytest.approx(slicing.entropy(), abs=1e-9)
    for k, (_, equivocation) in enumerate(told):
        ratio = slices.ratios(alice, slicing, bits[:k]) * (1.0 - 2.0 * bits[k])
        assert np.log2(1.0 + np.exp(-ratio.astype(np.float64))).mean() == pytest.approx(equivocation, abs=0.02)


@pytest.mark.parametrize("snr", [0.1, 1.0, 3.0, 20.0])
def test_a_plan_is_never_better_than_the_channel(snr):
    assert slices.plan(snr).efficiency(snr) < 1.0


@pytest.mark.parametrize("scheme", [code_of_rate(0.1), slices.Slicing(0.9, (None, code_of_rate(0.65)))])
def test_both_ends_come_to_share_bits_and_count_alike(scheme):
    rng = np.random.default_rng(4)
    snr = 0.18 if scheme is code_of_rate(0.1) else 30.0
    alice, bob = drawn(snr, continuous.FRAME_VALUES, rng)
    shared, _ = reconcile(alice, bob, scheme, rng)
    assert shared.verified
    assert (shared.counts.n_frames, shared.counts.n_kept) == (1, 1)
    n = continuous.FRAME_VALUES
    told = round(n * (1 - scheme.rate)) if scheme is code_of_rate(0.1) else n + round(n * 0.35)
    assert shared.leaked_bits == told + 129
    assert shared.n_bits == (n if scheme is code_of_rate(0.1) else 2 * n)


@pytest.fixture(scope="module")
def told():
    """Alice's values, Bob's engine as it waits, and his message."""
    rng = np.random.default_rng(5)
    alice, bob = drawn(0.18, continuous.FRAME_VALUES, rng)
    return alice, next(continuous.describe(b"b", bob, code_of_rate(0.1), rng.bytes)), bob


def answer(values, message):
    engine = continuous.recover(b"b", values)
    next(engine)
    return engine.send(message)


def test_a_frame_whose_hash_differs_is_forgotten_at_both_ends(told):
    alice, message, bob = told
    engine = continuous.describe(b"b", bob, code_of_rate(0.1), np.random.default_rng(5).bytes)
    next(engine)
    reply = answer(alice, msgspec.structs.replace(message, digests=(bytes(16),)))
    assert reply.kept == b"\0"
    with pytest.raises(StopIteration) as end:
        engine.send(reply)
    assert not end.value.value.verified
    assert end.value.value.n_bits == end.value.value.leaked_bits == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"n_values": 8}, "tells of 8 values in 1 frames, here are 1024000 in 1"),
        ({"digests": (bytes(16),) * 2}, "in 2 frames"),
        ({"code": "rate_0.10-0000"}, "another code"),
        ({"code": code_of_rate(0.2).name}, r"921600 checks, its codes have 819200"),
        ({"n_checks": 7}, "7 checks"),
        ({"mapped": b"\0" * 8}, "maps 8 octets"),
        ({"mapped": np.full(continuous.FRAME_VALUES, np.nan, "<f4").tobytes()}, "not finite"),
        ({"mapped": np.full(continuous.FRAME_VALUES, 3e38, "<f4").tobytes()}, "out of range"),
        ({"checks": b""}, "octets"),
    ],
)
def test_a_message_that_does_not_fit_is_refused(told, changed, words):
    alice, message, _ = told
    with pytest.raises(PeerError, match=words):
        answer(alice, msgspec.structs.replace(message, **changed))


def test_other_messages_are_refused(told):
    alice, message, bob = told
    with pytest.raises(PeerError, match="expected Mapped or Sliced"):
        answer(alice, Kept(kept=b"\1"))
    engine = continuous.describe(b"b", bob, code_of_rate(0.1), np.random.default_rng(5).bytes)
    next(engine)
    with pytest.raises(PeerError, match="expected Kept"):
        engine.send(message)
    engine = continuous.describe(b"b", bob, code_of_rate(0.1), np.random.default_rng(5).bytes)
    next(engine)
    with pytest.raises(PeerError, match="1 bits take 1 octets"):
        engine.send(Kept(kept=pack_bits(np.ones(9, np.uint8))))


def test_values_are_checked(tmp_path):
    good = np.zeros(16, np.float32)
    for values, snr, words in (
        (good.astype(np.float64), 1.0, "float32"),
        (good.reshape(2, 8), 1.0, "one dimension"),
        (np.full(16, np.nan, np.float32), 1.0, "finite"),
        (good, 0.0, "snr"),
        (good, -1.0, "snr"),
        (good, float("nan"), "snr"),
    ):
        with pytest.raises(ParameterError, match=words):
            Quadratures(values, snr)
    kept = Quadratures(np.arange(5, dtype=np.float32), 0.25)
    kept.write(tmp_path / "q.npz")
    read = Quadratures.read(tmp_path / "q.npz")
    assert np.array_equal(read.values, kept.values)
    assert read.snr == 0.25
    assert kept.correlation == pytest.approx(0.2**0.5)
    (tmp_path / "q.npz").write_bytes(b"nothing")
    with pytest.raises(ParameterError, match="no quadratures"):
        Quadratures.read(tmp_path / "q.npz")
    with pytest.raises(ParameterError, match="whole frames of 1024000 values, got 16"):
        next(continuous.describe(b"b", Quadratures(good, 1.0), code_of_rate(0.1), bytes))
    with pytest.raises(ParameterError, match="as many, by eights"):
        multidimensional.mapping(good, np.zeros(8, np.uint8))
    with pytest.raises(ParameterError, match="step"):
        replace(slices.plan(6.0), step=0.0)
    with pytest.raises(ParameterError, match=r"no code has rate 0\.33; there are 0\.02, 0\.05"):
        code_of_rate(0.33)
    with pytest.raises(ParameterError, match="no code is named x"):
        code_named("x")


@pytest.fixture
def script(monkeypatch):
    spec = importlib.util.spec_from_file_location("multi_edge_codes", ROOT / "tools" / "multi_edge_codes.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "multi_edge_codes", module)
    spec.loader.exec_module(module)
    return module


def test_the_script_makes_a_code_again_octet_for_octet(script):
    names = {*script.MULTI_EDGE, *script.beside("soft_ensembles").ENSEMBLES}
    assert {path.stem for path in FOLDER.iterdir()} == names
    assert (FOLDER / "rate_0.05.toml").read_text() == script.code_file("rate_0.05")


@pytest.mark.trial
@pytest.mark.timeout(900)
def test_the_script_makes_every_code_again(script):
    for path in FOLDER.iterdir():
        assert path.read_text() == script.code_file(path.stem), path.stem


def test_rates_are_those_of_their_names_and_no_code_promises_more_than_it_may():
    for code in codes():
        assert code.rate == pytest.approx(float(code.name.split("-")[0].removeprefix("rate_")), abs=1e-9)
        assert code.rate < code.least_information < 1.0
        assert continuous.FRAME_VALUES % code.code.n_bits == 0
