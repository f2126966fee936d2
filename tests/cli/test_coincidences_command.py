import json

import numpy as np
import pytest
from two_clocks import emulate, recorded

from haris.cli.main import main

OFFSET_PS = 1_234_567_890_123


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    light = emulate(1, seconds=6.0, qber=0.01, offset_ps=OFFSET_PS, alice_zero_ps=10**12)
    paths = folder / "alice.bin", folder / "bob.ts"
    for path, octets in zip(paths, recorded(light), strict=True):
        path.write_bytes(octets)
    return [str(path) for path in paths]


def run(capsys, *arguments):
    code = main(["coincidences", *arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


FORMATS = ("--format", "qutag", "--bob-format", "s-fifteen", "--bob-detectors", "4,3,2,1")


def test_two_recordings_become_key(capsys, recordings):
    code, out, _ = run(capsys, *recordings, *FORMATS, "--distil", "--json")
    told = json.loads(out)
    assert code == 0
    expected = OFFSET_PS + 1e-7 * (told["time_ps"] - 10**12)
    assert abs(told["offset_ps"] - expected) < 5 * told["offset_sigma_ps"]
    assert told["frequency_error"] == pytest.approx(1e-7, abs=1e-10)
    assert told["jitter_ps"] == pytest.approx(350 * 2**0.5, rel=0.05)
    assert told["tracked_s"] == pytest.approx(6.0, abs=0.1)
    assert all(abs(late) < 40 for site in ("alice", "bob") for late in told["skew_ps"][site])  # 7 sigma of 7500 pairs
    for basis in ("key", "test"):
        assert told["sifted"][basis] == pytest.approx(15_000, rel=0.05)
        assert told["qber"][basis] == pytest.approx(0.0125, abs=0.005)
        assert told["visibility"][basis] == 1 - 2 * told["qber"][basis]
    assert told["secret_bits"] > 3000
    assert told["distilled"]["same_at_both_ends"]
    assert told["distilled"]["secret_bits"] == pytest.approx(told["secret_bits"], rel=0.2)
    terms = {term["name"]: term["value"] for term in told["terms"]}
    assert terms["sifted"] == told["sifted"]["key"]


def test_text_gives_the_offset_to_the_picosecond(capsys, recordings):
    code, out, _ = run(capsys, *recordings, *FORMATS, "--offset", "1", "--reach", "0.5", "--window-ps", "2000")
    assert code == 0
    assert out.startswith("offset        1.234568")
    assert "windows of 2000 ps" in out
    assert "key basis" in out


def test_opposite_wiring_is_all_errors_and_no_key(capsys, recordings):
    wrong = (*FORMATS[:-1], "3,4,1,2")
    code, out, _ = run(capsys, *recordings, *wrong, "--offset", "1", "--reach", "0.5", "--distil")
    assert code == 3
    assert "QBER 98." in out
    assert "distilled     no key: QBER of the test basis" in out


def test_what_does_not_fit_is_told(capsys, recordings, tmp_path):
    alice, bob = recordings
    code, _, err = run(capsys, alice, bob, "--format", "qutag")
    assert code == 2
    assert f"{bob}: the file ends within the tag at octet" in err or f"{bob}: the tag at octet" in err
    code, _, err = run(capsys, alice, bob, *FORMATS, "--detectors", "H,V,D,A")
    assert (code, err) == (2, "haris coincidences: detectors are four numbers such as 1,2,3,4, got 'H,V,D,A'\n")
    code, _, err = run(capsys, alice, bob, *FORMATS, "--offset", "3", "--reach", "0.5")
    assert code == 2
    assert "no correlation between the recordings within 0.5 s of an offset of 3.000000 s" in err
    empty = tmp_path / "empty.ts"
    empty.write_bytes(np.zeros(0, np.uint64).tobytes())
    code, _, err = run(capsys, alice, str(empty), *FORMATS)
    assert (code, err) == (2, f"haris coincidences: {empty}: none of these detectors clicked\n")
