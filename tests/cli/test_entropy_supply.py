"""haris entropy serve, feed and watch as processes: curl, a fifo's reader and the kernel are at their other ends."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from haris.cli import entropy_watch
from haris.cli.main import main
from haris.node.pki.authority import make_laboratory
from haris.node.system.free_ports import free_ports
from haris.wire.randomness import Birth, SupplyStatus, read_status

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example with certificates beside it, at a free port."""
    make_laboratory(tmp_path / "pki", ["supply"], ["node"], [], datetime.now(UTC))
    text = (ROOT / "examples/supplies/emulated.toml").read_text()
    (tmp_path / "supply.toml").write_text(text.replace("7443", str(free_ports(1)[0])))
    return tmp_path


def url(folder: Path) -> str:
    port = (folder / "supply.toml").read_text().split("127.0.0.1:")[1][:5]
    return f"https://127.0.0.1:{int(port.strip(chr(34)))}"


@contextlib.contextmanager
def running(*words: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "haris.cli.main", "entropy", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def curl(folder: Path, path: str) -> tuple[int, bytes]:
    pki = folder / "pki"
    words = ["curl", "-sS", "--cacert", pki / "ca.crt", "--cert", pki / "node.crt", "--key", pki / "node.key"]
    seen = subprocess.run([*map(str, words), url(folder) + path, "-w", "%{http_code}"], capture_output=True, timeout=30)
    return int(seen.stdout[-3:] or b"0"), seen.stdout[:-3]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_example_serves(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running("serve", folder / "supply.toml", "--json") as process:
        events = [json.loads(process.stdout.readline())]
        while events[-1]["type"] != "alarm":
            events.append(json.loads(process.stdout.readline()))
        assert events[-1]["kind"] == "randomness"
        assert not events[-1]["active"]  # the start-up tests are passed
        until = time.monotonic() + 20.0
        while (answer := curl(folder, "/random?length=100&format=BINARY&origin=source"))[0] == 503:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert (answer[0], len(answer[1])) == (200, 100)
        assert len(set(answer[1])) > 30
        pki = folder / "pki"
        files = ["--cert", str(pki / "node.crt"), "--key", str(pki / "node.key"), "--ca", str(pki / "ca.crt")]
        assert main(["entropy", "watch", url(folder), *files, "--seconds", "0.2", "--every-s", "0.1", "--json"]) == 0
        status = read_status(capsys.readouterr().out.splitlines()[-1].encode())
        assert (status.state, status.birth) == ("healthy", Birth.EMULATED)
        process.send_signal(signal.SIGHUP)
        assert curl(folder, "/random?length=1")[0] == 200
        status_, out, err = ended(process)
    assert (status_, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["what"] == "stopped"


def test_a_fifo_gets_bits_of_the_source_as_it_is_read(folder: Path) -> None:
    fifo = folder / "fifo"
    with running("feed", folder / "supply.toml", "--fifo", fifo, "--laboratory", "--every-s", "0.001") as process:
        while not fifo.exists():
            time.sleep(0.01)
        for _ in range(2):  # a reader that comes again
            with open(fifo, "rb") as reader:
                octets = reader.read(20_000)
            assert len(octets) == 20_000
            assert len(set(octets)) == 256
        status, out, _ = ended(process)
    assert status == 0
    assert int(out.split()[0]) >= 40_000 - 4096


def test_emulated_bits_feed_nobody_outside_a_laboratory(folder: Path) -> None:
    with running("feed", folder / "supply.toml", "--fifo", folder / "fifo") as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert "the samples are emulated: others may know them" in err


def may_add_entropy() -> bool:
    """CAP_SYS_ADMIN is bit 21."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff"))
    return bool(int(line.split()[1], 16) >> 21 & 1) and os.access("/dev/random", os.W_OK)


def test_the_kernel_takes_entropy_from_root_alone(folder: Path) -> None:
    words = ("feed", folder / "supply.toml", "--kernel", "--laboratory", "--credit", "0", "--every-s", "0.1")
    with running(*words) as process:
        if may_add_entropy():
            assert "alarm over" in process.stderr.readline()  # the start-up tests are passed
            time.sleep(1.0)
            status, out, _ = ended(process)
            assert status == 0
            assert int(out.split()[0]) >= 512
        else:
            _, err = process.communicate(timeout=30)
            assert process.returncode == 2
            assert "/dev/random" in err


def test_watching_a_device_of_ones_own_gives_its_bits_to_nobody(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["entropy", "watch", str(folder / "supply.toml"), "--seconds", "2", "--every-s", "0.5"]) == 0
    shown = capsys.readouterr().out
    for word in ("state", "emulated vacuum (emulated)", "certified", "epsilon"):
        assert word in shown


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["serve", "{}"], "table [listener] is missing"),
        (["feed", "{}", "--fifo", "x", "--octets", "0"], "--octets"),
        (["feed", "{}", "--fifo", "x", "--every-s", "-1"], "--every-s"),
        (["feed", "{}", "--fifo", "{}", "--laboratory"], "is no fifo"),
        (["feed", "{}", "--kernel", "--credit", "9"], "credit"),
        (["watch", "{}", "--every-s", "0"], "--every-s"),
        (["watch", "https://127.0.0.1:1"], "--cert"),
    ],
)
def test_what_is_refused(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str) -> None:
    path = folder / "supply.toml"
    path.write_text(path.read_text().split("[listener]")[0])
    assert main(["entropy", *(word.format(path) for word in words)]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(("laboratory", "device", "status"), [
    (True, 'kind = "emulated"', 0),
    (False, 'kind = "emulated"', 3),
    (True, 'kind = "path"\npath = "none"', 3),
])  # fmt: skip
def test_the_secret_of_a_link_from_the_supply_of_its_site(
    folder: Path, monkeypatch: pytest.MonkeyPatch, laboratory: bool, device: str, status: int
) -> None:
    wait_s = 0.5 if "none" in device else 10.0
    monkeypatch.setattr("haris.node.entropy.site_randomness.START_S", wait_s)
    node = (ROOT / "examples/networks/two_sites/a.toml").read_text()
    node = node.replace("laboratory = true", f"laboratory = {str(laboratory).lower()}")
    (folder / "a.toml").write_text(node + f'\n[randomness]\nsupply = "supply.toml"\nwait_s = {wait_s}\n')
    supply = (folder / "supply.toml").read_text().replace('kind = "emulated"', device)
    (folder / "supply.toml").write_text(supply)
    words = ["link", "secret", "ab", "--site", "a", "--site", "b", "--folder", str(folder)]
    assert main([*words, "--randomness", str(folder / "a.toml")]) == status
    assert (folder / "ab.1.a").exists() == (status == 0)


def test_a_site_without_the_table_gives_no_secret_of_a_link(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["link", "secret", "ab", "--site", "a", "--site", "b", "--folder", str(folder)]
    assert main([*words, "--randomness", str(ROOT / "examples/networks/two_sites/a.toml")]) == 2
    assert "has no table [randomness]" in capsys.readouterr().err


def test_a_histogram_in_the_terminal() -> None:
    lines = entropy_watch.bars((0, 1, 2, 4))
    assert len(lines) == 8
    assert [lines[0][i] for i in range(4)] == [" ", " ", " ", "█"]
    assert [lines[-1][i] for i in range(4)] == [" ", "█", "█", "█"]
    assert [line[2] for line in lines] == [" "] * 4 + ["█"] * 4
    assert entropy_watch.bars(()) == [""] * 8


def test_a_failed_supply_is_shown_with_its_reason() -> None:
    filling = SupplyStatus(
        "s", "starting", "", "/dev/x", Birth.MEASURED, "mdi", 25_000_000, 0, 0, 0, 0, 0, 0, 8, 0.0, 1e-30, 0, 2.0, (),
        25_000_000, 100_000_000,
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=100)
    console.print(entropy_watch.screen(filling, filling))
    assert "25% of 100000000 samples" in console.file.getvalue()
    status = SupplyStatus(
        "s", "failed", "the device is gone", "/dev/x", Birth.MEASURED, "vacuum", 10, 10, 0, 0, 0, 1, 0, 8, 0.0, 1e-30,
        0, 2.0, (1, 2),
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=100)
    console.print(entropy_watch.screen(status, status))
    assert "failed the device is gone" in console.file.getvalue()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["squeezed.toml", "{}/out", "--samples", "1000", "--record"], 0, "1000 rounds of an emulated squeezed source"),
        (["mdi.toml", "{}/out", "--samples", "70000", "--stream"], 0, "70000 rounds of an emulated mdi source"),
        (["vacuum.toml", "{}/out", "--samples", "70000", "--stream"], 0, "70000 samples of an emulated vacuum"),
        (["vacuum.toml", "{}/out", "--samples", "10", "--record"], 2, "has no settings"),
        (["mdi.toml", "{}/out", "--samples", "10", "--orders", "x"], 2, "--orders needs --stream"),
        (["mdi.toml", "{}/out", "--samples", "10", "--stream", "--orders", "{}/none"], 2, "none: No such file"),
        (["vacuum.toml", "{}/out", "--samples", "10", "--stream", "--orders", "x"], 2, "vacuum has none"),
        (["mdi.toml", "{}/out", "--samples", "10", "--stream", "--fault", "tone"], 2, "--fault is of samples alone"),
    ],
)
def test_rounds_are_recorded_and_streamed(tmp_path: Path, capsys, words: list[str], status: int, says: str) -> None:
    file, *rest = (word.format(tmp_path) for word in words)
    assert main(["entropy", "emulate", str(ROOT / "examples/entropy" / file), *rest]) == status
    printed = capsys.readouterr()
    assert says in printed.out + printed.err
