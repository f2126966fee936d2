"""The unit is what systemd takes for a hardened one; the container file names what is there."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNIT = ROOT / "packaging" / "haris-node.service"
CONTAINER = ROOT / "packaging" / "Containerfile"
MOST_EXPOSURE = 20
"""In tenths: systemd calls 10 and below `safe`, up to 49 `OK`. What is left is that a key manager has a network."""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (systemd)")


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that is here, since systemd looks whether it is."""
    path = tmp_path / UNIT.name
    path.write_text(re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", UNIT.read_text()))
    return path


@needs_systemd
def test_systemd_understands_every_line(unit):
    told = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    about = [line for line in told.stderr.splitlines() if UNIT.name in line]
    assert about == []


@needs_systemd
def test_the_service_is_little_exposed(unit):
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSURE}", "--no-pager", unit]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
    assert "Overall exposure level" in told.stdout


def test_keys_stay_out_of_dumps_swap_and_reach():
    lines = UNIT.read_text().splitlines()
    for line in (
        "LimitCORE=0",
        "MemorySwapMax=0",
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "MemoryDenyWriteExecute=yes",
        "LoadCredential=kek:/etc/haris/kek",
    ):
        assert line in lines


def test_the_container_file_copies_what_is_there_and_runs_as_nobody_in_particular():
    text = CONTAINER.read_text()
    for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", text):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    stages = text.split("\nFROM ")
    assert [stage.split()[0] for stage in stages[1:]] == ["debian:bookworm-slim"] * 2
    assert re.search(r"(?m)^USER 10001:10001$", stages[-1])
    extras = re.search(r'"\.\[(.*)\]"', text)
    optional = (ROOT / "pyproject.toml").read_text().split("[project.optional-dependencies]")[1]
    known = re.findall(r"(?m)^(\w+) = \[", optional)
    assert set(extras[1].split(",")) <= set(known)
    command = json.loads(re.search(r"(?m)^CMD (.*)$", text)[1])
    assert command[0] == "node"


def test_the_page_on_operation_names_only_alarms_that_there_are():
    from haris.nouns.alarms import AlarmKind

    table = (ROOT / "docs" / "how-to" / "operate.md").read_text().split("## Alarms")[1]
    named = {name for row in re.findall(r"(?m)^\| (`.*?) \|", table) for name in re.findall(r"`([a-z-]+)`", row)}
    assert named <= {str(kind) for kind in AlarmKind}
    assert named >= {str(kind) for kind in AlarmKind} - {"other", "relay-failed", "evidence-lost"}


def test_metrics_in_the_page_on_operation_exist():
    from haris.node.operation.metrics import FAMILIES

    page = (ROOT / "docs" / "how-to" / "operate.md").read_text()
    named = {name.removesuffix("_bucket") for name in re.findall(r"\bharis_[a-z_]+", page)}
    assert named <= set(FAMILIES)
