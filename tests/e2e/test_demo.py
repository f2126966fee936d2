"""The demonstration as a user runs it: exits, documented fields, bounds, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

DEMO = [sys.executable, "-m", "haris.cli.main", "demo"]
FIELDS = {
    "orders_sent",
    "orders_confirmed",
    "round_trip_ms",
    "links",
    "keys_delivered",
    "hops",
    "epsilon_max",
    "tls",
    "seconds_to_first_order",
}


def demo(*options: str, patience_s: float = 90) -> tuple[int, dict[str, Any], str]:
    """Exit code, last line as JSON, stderr."""
    done = subprocess.run([*DEMO, *options], capture_output=True, text=True, timeout=patience_s, check=False)
    lines = done.stdout.splitlines()
    return done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr


def one_clear_line(stderr: str) -> bool:
    return stderr.count("\n") == 1 and "Traceback" not in stderr


@pytest.mark.timeout(120)
def test_once_confirms_a_hundred_orders() -> None:
    code, result, stderr = demo("--once", "--json", "--seed", "once")
    assert (code, stderr) == (0, "")
    assert set(result) >= FIELDS
    assert (result["orders_sent"], result["orders_confirmed"]) == (100, 100)
    assert 0 < result["round_trip_ms"]["p50"] <= result["round_trip_ms"]["p99"]
    assert [link["name"] for link in result["links"]] == ["bank-midway", "midway-exchange"]
    for link in result["links"]:
        assert set(link) >= {"name", "qber", "secret_bits_per_s", "blocks", "aborted"}
        assert 0 < link["qber"] < 0.03
        assert link["secret_bits_per_s"] > 0
        assert link["blocks"] > link["aborted"]
    assert result["keys_delivered"] > 0
    assert result["hops"] == 2
    assert 0 < result["epsilon_max"] < 1e-6
    assert result["tls"] == {"version": "TLSv1.3", "group": "X25519MLKEM768", "psk": True, "signed": True}
    assert result["seconds_to_first_order"] > 0
    assert len(result["peak_memory_mb"]) == 8
    assert max(result["peak_memory_mb"].values()) < 300


@pytest.mark.timeout(120)
def test_eve_from_the_first_pulse_leaves_no_key() -> None:
    code, result, stderr = demo("--eve", "1.0", "--eve-after", "0", "--once", "--json")
    assert code == 3
    assert one_clear_line(stderr)
    assert (result["orders_sent"], result["orders_confirmed"], result["keys_delivered"]) == (0, 0, 0)
    assert result["links"][0]["blocks"] == result["links"][0]["aborted"] > 0
    assert result["links"][0]["qber"] > 0.15
    assert result["seconds_to_first_order"] is None


@pytest.mark.trial
@pytest.mark.timeout(150)
def test_eve_amid_the_orders_ends_them_or_is_outlived_but_never_hangs() -> None:
    code, result, stderr = demo("--once", "--eve", "1.0", "--eve-after", "30", "--json", patience_s=120)
    assert code in (0, 3)
    assert "Traceback" not in stderr
    assert 30 <= result["orders_confirmed"] <= 100
    assert (result["orders_confirmed"] == 100) == (code == 0)


def test_a_broken_log_of_orders_is_refused_with_its_line(tmp_path: Path) -> None:
    log = tmp_path / "orders.fix"
    log.write_text("# two orders\n8=FIX.4.4|9=5|35=D|11=A|10=000|\n")
    done = subprocess.run(
        [*DEMO, "--orders", str(log), "--json"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{log}: line 2: " in done.stderr
    assert one_clear_line(done.stderr)


def descendants(pid: int) -> set[int]:
    """Every process below one, by /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue  # it has ended meanwhile
        parents[int(name.split()[0])] = int(rest.split()[1])
    below, fresh = set(), {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - below
        below |= fresh
    return below


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_demonstration_with_all_its_processes(how: signal.Signals) -> None:
    with subprocess.Popen([*DEMO, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while len(children := descendants(process.pid)) < 8 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(children) == 8
        time.sleep(1.0)
        process.send_signal(how)
        _, stderr = process.communicate(timeout=20)
    assert "Traceback" not in stderr
    assert process.returncode in (2, 130)
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []
