"""haris distill and haris light --record at the command line."""

import json
import signal
import subprocess
import sys
import time

import pytest
from small_light import LINK, record, with_pulses

from haris.cli.main import main


def test_a_recording_made_by_light_is_distilled_and_its_keys_are_kept(tmp_path, capsys):
    LINK.write(tmp_path / "link.toml")
    made = ["light", str(tmp_path / "link.toml"), "--record", str(tmp_path / "r"), "--blocks", "2", "--seed", "x"]
    assert main(made) == 0
    assert main(["distill", str(tmp_path / "r"), "--out", str(tmp_path / "out"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["blocks"], shown["keys"], shown["origin"]) == (2, 2, "emulated")
    assert shown["pad_bits"] == 2 * 512
    keys = json.loads((tmp_path / "out" / "keys.json").read_text())["keys"]
    assert [key["block"] for key in keys] == [0, 1]
    assert keys[1]["offset_octets"] == keys[0]["size_octets"]
    assert 8 * sum(key["size_octets"] for key in keys) == shown["secret_bits"]
    assert {key["haris_origin"] for key in keys} == {"emulated"}
    assert main(["distill", str(tmp_path / "r"), "--out", str(tmp_path / "out")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_live_link_without_key_exits_with_3_and_says_why(tmp_path, capsys):
    with_pulses(50_000).write(tmp_path / "link.toml")
    arguments = ["distill", "--link", str(tmp_path / "link.toml"), "--out", str(tmp_path / "out"), "--seed", "1"]
    assert main(arguments) == 3
    assert "block 0 gave no key: no key length" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    assert main(arguments) == 3
    assert list((tmp_path / "out").iterdir()) == []  # the caller's own folder stays


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_recording_that_is_interrupted_leaves_nothing(tmp_path, number):
    LINK.write(tmp_path / "link.toml")
    arguments = ["light", tmp_path / "link.toml", "--record", tmp_path / "r", "--blocks", "1000000"]
    light = subprocess.Popen([sys.executable, "-m", "haris.cli.main", *arguments], stderr=subprocess.PIPE)
    try:
        halves = tmp_path / "r.part" / "bob.tags"
        until = time.monotonic() + 60
        while not (halves.exists() and halves.stat().st_size > 1000):
            assert light.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        light.send_signal(number)
        assert light.communicate(timeout=30) == (None, b"")
    finally:
        light.kill()
        light.wait()
    assert light.returncode == 130
    assert [path.name for path in tmp_path.iterdir()] == ["link.toml"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["distill"], "one of the two"),
        (["distill", "x", "--link", "y"], "one of the two"),
        (["distill", "nowhere"], "nowhere: no folder of a recording"),
        (["distill", "--link", "y", "--blocks", "0"], "--blocks is at least 1, got 0"),
    ],
)
def test_wrong_arguments_exit_with_2(arguments, words, capsys):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_torn_recording_exits_with_2_and_names_the_place(tmp_path, capsys):
    path = record(tmp_path / "r", 1, with_pulses(2000)) / "bob.tags"
    path.write_bytes(path.read_bytes()[:-100])
    assert main(["distill", str(tmp_path / "r")]) == 2
    assert "bob.tags: block 0 at octet 32: the file ends within the block: " in capsys.readouterr().err
