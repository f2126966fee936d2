"""haris pki and haris tunnel as a user meets them: exit codes and words."""

import json
import socket
from pathlib import Path

import pytest

from haris.cli.main import main


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("cli") / "lab"
    assert main(["pki", str(directory), "--site", "bank", "--site", "exchange"]) == 0
    return directory


def arguments(laboratory: Path, **changes: str) -> list[str]:
    options = {
        "listen": "127.0.0.1:0",
        "to": "127.0.0.1:1",
        "kme": "https://127.0.0.1:1",
        "peer-sae": "sae-exchange",
        "sae-cert": str(laboratory / "sae-bank.crt"),
        "sae-key": str(laboratory / "sae-bank.key"),
        "ca": str(laboratory / "ca.crt"),
        "sign-cert": str(laboratory / "bank.mldsa.crt"),
        "sign-key": str(laboratory / "bank.mldsa.key"),
        "sign-ca": str(laboratory / "mldsa-ca.crt"),
        "peer-name": "exchange",
        **changes,
    }
    return ["tunnel", "connect", *(part for name, value in options.items() for part in (f"--{name}", value))]


def test_pki_says_what_it_made(tmp_path, capsys):
    assert main(["pki", str(tmp_path / "lab"), "--sae", "sae-a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["saes"] == ["sae-a"]


@pytest.mark.parametrize(("options", "text"), [([], "at least one --site"), (["--site", "a", "--days", "0"], "--days")])
def test_pki_refuses_bad_input(tmp_path, capsys, options, text):
    assert main(["pki", str(tmp_path / "lab"), *options]) == 2
    assert text in capsys.readouterr().err


def test_pki_never_overwrites(laboratory, capsys):
    assert main(["pki", str(laboratory), "--site", "bank"]) == 2
    assert "already holds" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"listen": "9001"}, "--listen must be HOST:PORT"),
        ({"kme": "http://127.0.0.1:1"}, "https://HOST:PORT"),
        ({"peer-sae": "a b"}, "--peer-sae"),
        ({"sign-cert": "nowhere.crt"}, "nowhere.crt: No such file"),
        ({"rekey-bytes": "0"}, "max_bytes"),
        ({"rekey-seconds": "-1"}, "max_seconds"),
    ],
)
def test_tunnel_refuses_bad_input(laboratory, capsys, change, text):
    assert main(arguments(laboratory, **change)) == 2
    assert text in capsys.readouterr().err


def test_tunnel_refuses_a_classical_signing_key(laboratory, capsys):
    assert main(arguments(laboratory, **{"sign-key": str(laboratory / "sae-bank.key")})) == 2
    assert "not an ML-DSA-65 private key" in capsys.readouterr().err


def test_tunnel_says_that_its_port_is_in_use(laboratory, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(arguments(laboratory, listen=f"127.0.0.1:{port}")) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["pki", "tunnel"])
def test_help_shows_an_example(capsys, command):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"haris {command}" in capsys.readouterr().out.split("example:")[1]
