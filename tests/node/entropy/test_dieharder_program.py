"""dieharder itself where it is installed, and programs that stand in for it."""

import os
import random
import shutil
import stat
import sys

import pytest

from haris.node.entropy.dieharder import installed_version, run_test
from haris.quantum.entropy.dieharder import TESTS, Verdict

BY_NAME = {test.name: test for test in TESTS if test.ntuple is None}
SPHERE = BY_NAME["diehard_3dsphere"]
needs_the_program = pytest.mark.skipif(shutil.which("dieharder") is None, reason="dieharder is not installed")


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """Put a Python program of these lines in the place of dieharder."""

    def put(*lines):
        program = tmp_path / "dieharder"
        program.write_text("\n".join([f"#!{sys.executable}", "import os, sys", *lines]))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return put


TAKE = "n = 4800000\nwhile n > 0: n -= len(sys.stdin.buffer.read(min(n, 65536))) or sys.exit(9)"
TELL = "print('diehard_3dsphere, 3, 4000, 100, 0.25')"


def test_a_result_comes_with_what_it_took(pretend):
    pretend(TAKE, TELL)
    result = run_test(SPHERE, bytes)
    assert result.p_values == (0.25,)
    assert 4_800_000 <= result.octets < 5_100_000


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((TELL,), "megaoctets"),
        ((TAKE,), "0 P-values"),
        ((TAKE, TELL, "sys.exit(1)"), "ended with 1"),
        ((TAKE, TELL, "sys.stdout.flush()", "os.kill(os.getpid(), 11)"), "ended with -11"),
    ],
)
def test_a_program_that_fails_gives_no_result(pretend, lines, reason):
    pretend(*lines)
    result = run_test(SPHERE, bytes)
    assert result.p_values == ()
    assert reason in result.failure


def test_a_stream_that_ends_gives_no_result(pretend):
    pretend(TAKE, TELL)
    chunks = iter([bytes(1000)] * 3)
    result = run_test(SPHERE, lambda _: next(chunks, b""))
    assert (result.p_values, result.octets) == ((), 3000)
    assert result.failure == "the stream ended after 3000 octets"


def test_there_may_be_no_program(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert installed_version() is None


@needs_the_program
def test_good_bits_pass_the_real_one():
    good = random.Random(4).randbytes
    assert installed_version()
    assert Verdict(
        1e-3, tuple(run_test(BY_NAME[name], good) for name in ("diehard_3dsphere", "sts_monobit")), ()
    ).passed


@needs_the_program
def test_a_rewound_stream_is_rejected():
    block = random.Random(4).randbytes(2**16)
    assert Verdict(1e-3, (run_test(BY_NAME["dab_dct"], lambda _: block),), ()).rejected


@needs_the_program
def test_the_real_one_tells_of_a_stream_that_ends():
    chunks = iter([bytes(65536)] * 8)
    assert "the stream ended" in run_test(SPHERE, lambda _: next(chunks, b"")).failure
