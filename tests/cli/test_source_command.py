"""haris source: a release lies where the site looks for it, and an unknown source is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from haris.cli.main import main

NODE = """
[site]
name = "a"
[kme]
id = "kme-a"
listen = "127.0.0.1:8443"
listen_peers = "127.0.0.1:8444"
certificate = "a.crt"
private_key = "a.key"
authority = "ca.crt"
[store]
path = "a.db"
key_encryption_key = "a.kek"
[[source]]
name = "box"
kind = "folder"
folder = "keys"
"""


def test_a_release_lies_beside_the_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.toml").write_text(NODE)
    assert main(["source", "release", str(tmp_path / "a.toml"), "box", "--by", "Omar: replaced"]) == 0
    assert (tmp_path / "a.db.release-box").read_text() == "Omar: replaced\n"
    assert main(["source", "release", str(tmp_path / "a.toml"), "other", "--by", "Omar"]) == 2
    assert "has no [[source]] other; it has box" in capsys.readouterr().err
