"""The how-tos of passes, followed literally: each command, and the block of Python."""

import re
import shlex
from pathlib import Path

import pytest

from haris.cli.main import main

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "how-to" / "plan-a-pass.md").read_text(encoding="utf-8")
SLOW = ("haris fly", "haris season")
"""Tried by tests of their own, on shorter searches."""


def commands():
    """Of all blocks of the page."""
    return [line for block in PAGE.split("```")[1::2] for line in block.splitlines() if line.startswith("haris ")]


def test_the_page_has_commands():
    assert sum(line.startswith(SLOW) for line in commands()) > 1
    assert len(commands()) > 8


@pytest.mark.parametrize("command", [line for line in commands() if not line.startswith(SLOW)])
def test_each_command_runs(command, capsys, tmp_path, monkeypatch):
    words = shlex.split(command)[1:]
    if "--page" in words:  # drawing is tried by tests of its own
        words = words[: words.index("--page")]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert main(words) == 0
    assert capsys.readouterr().err == ""


def test_the_block_of_python_counts_passes_and_bits(capsys, tmp_path, monkeypatch):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert "+ 365 * DAY_S" in block
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    exec(block.replace("+ 365 * DAY_S", "+ 20 * DAY_S"), {})
    n_passes, secret_bits = map(int, capsys.readouterr().out.split())
    assert n_passes > 200
    assert secret_bits > 10_000_000


def test_what_micius_gains_by_settings_is_what_the_page_says(capsys, tmp_path, monkeypatch):
    own, best = (
        int(figure.replace(",", ""))
        for figure in re.search(r"([\d,]+) secret bits\s+become some ([\d,]+)", PAGE).groups()
    )
    monkeypatch.chdir(ROOT)
    table = []
    for more in ([], ["--optimise"]):
        assert main(["pass", "examples/space/micius_xinglong_2016.toml", *more]) == 0
        table.append(int(capsys.readouterr().out.splitlines()[1].split()[-2].replace(",", "")))
    assert table[0] == pytest.approx(own, rel=1e-4)
    assert table[1] == pytest.approx(best, rel=1e-3)
