"""What every command shares: the version, and errors of the system in the words of its user."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from haris.cli.main import main
from haris.quantum import link
from haris.quantum.families import decoy_bb84
from haris.quantum.protocols.bb84 import DecoyBB84

METRO = str(Path(__file__).parents[2] / "examples" / "links" / "metro_25km.toml")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"haris {version('haris')}\n"


def test_an_error_of_the_system_names_the_file_first(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    figure = tmp_path / "nowhere" / "rate.svg"
    assert main(["rate", METRO, "--plot", str(figure)]) == 2
    assert capsys.readouterr().err == f"haris rate: {figure}: No such file or directory\n"


def test_a_socket_that_cannot_be_had_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    socket = tmp_path / "nowhere" / "fibre.sock"
    assert main(["light", METRO, "--socket", str(socket)]) == 2
    assert capsys.readouterr().err == f"haris light: the light cannot listen at {socket}: No such file or directory\n"


def test_light_that_no_site_distils_is_refused_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = str(Path(METRO).with_name("diqkd_400m.toml"))
    for where in (["--socket", str(tmp_path / "fibre.sock")], ["--record", str(tmp_path / "recording")]):
        assert main(["light", other, *where]) == 2
        refused = "name 'diqkd' has no live keys: its bounds are asymptotic, and issue none"
        assert capsys.readouterr().err == f"haris light: {other}: {refused}\n"
    assert not list(tmp_path.iterdir())


def test_the_lists_of_a_laboratory_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["pki", str(tmp_path / "nowhere"), "--crl"]) == 2
    assert capsys.readouterr().err == f"haris pki: {tmp_path}/nowhere: no such directory\n"


def test_a_parameter_that_a_protocol_ignores_is_told_and_nothing_else_changes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ignoring = replace(decoy_bb84.FAMILY, ignores=("detector.p_dark",))
    monkeypatch.setitem(link._BY_PROTOCOL, DecoyBB84, ignoring)
    assert main(["rate", METRO, "--distance", "25"]) == 0
    told = capsys.readouterr()
    assert told.err.startswith("haris rate: warning: decoy-bb84 ignores detector.p_dark = ")
    assert told.err.count("\n") == 1
    assert "25.0 km" in told.out
