"""Every row of the benchmark is measured, completely, at sizes too small to say anything about speed."""

import json
import math
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from haris.bench import amplification, cascade_cpp, end_to_end, one_way, reconciliation, runner
from haris.bench.amplification_peers import LIBRARIES
from haris.bench.contest import Conditions
from haris.bench.goals import Goal, read_goals
from haris.bench.machine import processor
from haris.cli.main import main
from haris.kernels.reference import toeplitz as specification
from haris.kernels.toeplitz import paths
from haris.nouns.errors import ParameterError
from haris.quantum.distill import cascade
from haris.quantum.link import Link
from haris.wire.distillation import Estimate


@pytest.fixture
def conditions(tmp_path):
    return Conditions(seed=5, scale=0.002, folder=tmp_path)


def test_every_goal_has_a_complete_row(conditions, tmp_path, monkeypatch):
    monkeypatch.setattr(cascade_cpp, "peer", lambda qber, n_frames: lambda: {"Mbit/s": 2.0, "f": 1.1})
    apart = {"keys", "continuous", "randomness"}  # see test_keys.py, test_continuous_bench.py, test_randomness_bench.py
    goals = [goal for goal in read_goals() if goal.name not in apart]
    rows = list(runner.measure(goals, conditions, n_runs=2))
    assert [(r.name, r.setting, r.unit) for r in rows] == [(g.name, g.setting, g.unit) for g in goals]
    assert {r.name for r in rows} | apart == set(runner.MEASUREMENTS)
    for row in rows:
        assert row.ours > 0 or (row.unit, row.ours) == ("frame_error_rate", 0.0)
        assert math.isfinite(row.ours)
        assert row.met == Goal(row.name, row.setting, row.unit, row.goal, "", row.sense).met(row.ours, row.peer)
        absent = row.peer_name.startswith("none:") or row.peer_name.endswith(("not installed", "names none"))
        assert (row.peer is None) == (row.ratio is None) == absent
        if row.peer is not None:
            assert row.ratio == pytest.approx(row.ours / row.peer)
        if row.name == "reconciliation" and "round trip" not in row.setting:
            assert 1.0 < row.f < 1.4
            assert row.f_strict == pytest.approx(2 * row.f)
            assert row.frames == 2 * reconciliation.BLOCKS_PER_RUN
            assert row.isa in ("avx2", "portable")
            assert 1.0 < row.peer_f < 1.3
        if row.name == "end_to_end":
            assert row.frames == 2  # one block a run
            assert 1.0 < row.f <= row.f_strict
        if row.name == "one_way":
            assert 1.0 < row.f <= row.f_strict < 1.8  # frames of 2^16 bits are small for these codes
            assert row.frames >= 2 * one_way.BLOCKS_PER_RUN
            assert row.frame_error_rate == 0.0
            assert row.isa in ("portable", "avx2", "avx512")
        if row.name == "amplification":
            assert row.isa == next(p for p in paths() if "by AVX2" not in row.setting or p not in amplification.RARE)
    assert not list(tmp_path.iterdir())


def test_the_link_of_end_to_end_is_the_example():
    example = Path(__file__).parent.parent.parent / "examples" / "links" / "li2023_10km.toml"
    assert Link.read(example) == end_to_end.LINK
    assert float(end_to_end.LINK.rate().secret_bits_per_s) == pytest.approx(115.8e6, rel=0.01)


def test_a_missing_row_fails(conditions):
    (goal,) = (g for g in read_goals() if g.name == "store")
    with pytest.raises(ParameterError, match="no row for store"):
        list(runner.measure([replace(goal, setting="another")], conditions, 1))
    with pytest.raises(ParameterError, match="nothing measured store: another"):
        list(runner.measure([goal, replace(goal, setting="another")], conditions, 1))
    with pytest.raises(ParameterError, match="in furlongs"):
        list(runner.measure([replace(goal, unit="furlongs")], conditions, 1))
    with pytest.raises(ParameterError, match="nothing measures warp"):
        list(runner.measure([Goal("warp", "9", "c", 1.0, "none: nobody")], conditions, 1))


def test_an_absent_peer_says_so(conditions, monkeypatch):
    monkeypatch.setattr(reconciliation, "QKD_MODULE", "no_such_module")
    monkeypatch.delenv(cascade_cpp.ENVIRONMENT, raising=False)
    goals = [g for g in read_goals() if g.name == "reconciliation"]
    for row in runner.measure(goals, conditions, 1):
        assert row.peer is None
        assert row.ratio is None
        assert row.peer_name.endswith(("not installed", cascade_cpp.ABSENT)) or row.peer_name.startswith("none:")
        assert (row.met is None) == (row.sense == "of peer")


def test_the_fourier_hash_is_the_specification():
    rng = np.random.default_rng(3)
    key, seed = rng.integers(0, 2, 301, dtype=np.uint8), rng.integers(0, 2, 301 + 99, dtype=np.uint8)
    assert np.array_equal(amplification.fourier_hash(key, seed), specification(key, seed, 100))


@pytest.fixture
def a_library(tmp_path_factory):
    """A shared library with the functions of both, by the schoolbook."""
    folder = tmp_path_factory.mktemp("peer")
    (folder / "peer.c").write_text(
        """
        typedef unsigned long word;
        void gf2x_mul(word *c, const word *a, word an, const word *b, word bn) {
            for (word i = 0; i < 64 * an; ++i)
                if (a[i / 64] >> i % 64 & 1)
                    for (word j = 0; j < bn; ++j) {
                        c[i / 64 + j] ^= b[j] << i % 64;
                        if (i % 64) c[i / 64 + j + 1] ^= b[j] >> (64 - i % 64);
                    }
        }
        void bitpolymul_2_64(word *c, const word *a, const word *b, unsigned n) {
            for (word i = 0; i < 2ul * n; ++i) c[i] = 0;
            gf2x_mul(c, a, n, b, n);
        }
        void bitpolymul_2_128(word *c, const word *a, const word *b, unsigned n) { bitpolymul_2_64(c, a, b, n); }
        """
    )
    library = folder / "peer.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, folder / "peer.c"], check=True)
    return library


def test_libraries_that_the_user_built_are_measured(conditions, monkeypatch, a_library):
    for library in LIBRARIES:
        monkeypatch.setenv(library.variable, str(a_library))
    small = replace(conditions, scale=1e-5)
    goals = [goal for goal in read_goals() if goal.name == "amplification"]
    rows = [row for row in runner.measure(goals, small, 1) if "beside" in row.setting]
    assert len(rows) == 12
    for row in rows:
        assert row.ratio == pytest.approx(row.ours / row.peer)
        assert row.met == (row.ratio >= row.goal)


def test_a_library_that_is_none_is_refused(conditions, monkeypatch):
    monkeypatch.setenv("HARIS_GF2X", "/nowhere/libgf2x.so")
    goals = [goal for goal in read_goals() if goal.name == "amplification"]
    with pytest.raises(ParameterError, match="HARIS_GF2X names no library that can be loaded"):
        list(runner.measure(goals, replace(conditions, scale=1e-5), 1))


def test_reconcile_corrects_and_counts_both_ways():
    rng = np.random.default_rng(4)
    alice = rng.integers(0, 2, 20_000, dtype=np.uint8)
    bob = alice ^ (rng.random(20_000) < 0.02).astype(np.uint8)
    estimate = Estimate(test_errors=(0,), seed=bytes(32), levels=cascade.schedule(0.02, 20_000))
    corrected, usual, strict = reconciliation.reconcile(alice, bob, estimate)
    assert np.array_equal(corrected, alice)
    assert strict == 2 * usual > 20_000 * reconciliation.binary_entropy(0.02)


def test_the_command_prints_json_and_a_table(capsys, tmp_path):
    assert main(["bench", "amplification", "--runs", "1", "--scale", "0.001", "--json"]) == 1
    printed = capsys.readouterr()
    row = json.loads(printed.out)[0]
    assert "HARIS_GF2X names none" in printed.err
    assert {"name", "setting", "ours", "unit", "peer", "peer_name", "ratio", "goal", "met", "isa"} <= set(row)
    assert main(["bench", "store", "--runs", "1", "--folder", str(tmp_path)]) == 0
    assert "reserve, announce, deliver" in capsys.readouterr().out
    assert main(["bench", "warp"]) == 2
    assert "'warp'" in capsys.readouterr().err
    assert main(["bench", "store", "--folder", str(tmp_path / "none")]) == 2
    assert main(["bench", "distill", "--runs", "0"]) == 2
    assert "--runs is at least 1" in capsys.readouterr().err


def test_a_group_is_all_of_its_measurements():
    assert set(runner.GROUPS["distill"]) < set(runner.MEASUREMENTS)
    assert not set(runner.GROUPS) & set(runner.MEASUREMENTS)


def test_the_processor_is_named(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Analytical Engine: No. 2\n")
    assert processor(tmp_path / "cpuinfo").startswith("Analytical Engine: No. 2, ")
    assert processor(tmp_path / "none").endswith(" cores")
