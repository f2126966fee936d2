"""Shadow mode tells where an incumbent and haris differ, and keeps the keys of both to itself."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from fake_boxes import FakePair, fake_pair
from kme_lab import Lab

from haris.cli.main import main

SIDE = """
[{side}]
url = "{url}"
peer_url = "{peer_url}"
sae = "alice"
peer = "bob"
certificate = "alice.crt"
private_key = "alice.key"
peer_certificate = "bob.crt"
peer_private_key = "bob.key"
authority = "ca.crt"
"""


@pytest.fixture
async def lab(tmp_path: Path):
    lab = Lab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    lab.seed("bank", "exchange", 64)
    yield lab
    await lab.close()


def write(lab: Lab, pair: FakePair) -> str:
    path = lab.folder / "SHADOW.toml"
    text = SIDE.format(side="incumbent", url=pair.urls[0], peer_url=pair.urls[1])
    text += SIDE.format(side="haris", url=lab.url("bank"), peer_url=lab.url("exchange"))
    path.write_text(text + "[pace]\nevery_s = 0.01\n")
    return str(path)


async def shadow(lab: Lab, pair: FakePair, *options: str) -> int:
    return await asyncio.to_thread(main, ["shadow", write(lab, pair), "--rounds", "3", *options])


async def test_two_that_keep_the_standard_do_not_differ(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    async with fake_pair(lab.authority) as pair:
        assert await shadow(lab, pair) == 0
        assert pair.shared.n_given == 3
        assert not pair.shared.kept  # each was fetched, by the shadow's own slave
    words = capsys.readouterr().out
    assert "no difference" in words
    assert "dec_keys again" in words
    assert "400 (3)" in words


@pytest.mark.parametrize(
    ("flaw", "request_name", "incumbent", "haris"),
    [
        ("replays", "dec_keys again", "200", "400"),
        ("404s", "dec_keys of no UUID", "404", "400"),
        ("parameters ignored", "enc_keys of size 7", "200", "400"),
        ("ends differ", "dec_keys", "200: other bytes", "200"),
        ("wrong size", "enc_keys", "200: wrong size", "200"),
        ("errors without message", "enc_keys of size 7", "422: without a message", "400"),
        ("status lacks items", "status", "200: items are missing", "200"),
    ],
)
async def test_what_the_incumbent_does_otherwise_is_told(
    lab: Lab, capsys: pytest.CaptureFixture[str], flaw: str, request_name: str, incumbent: str, haris: str
) -> None:
    async with fake_pair(lab.authority, flaw) as pair:
        assert await shadow(lab, pair, "--json") == 1
    *told, summary = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [(d["request"], d["incumbent"], d["haris"]) for d in told]
    assert found.count((request_name, incumbent, haris)) == 3
    assert sum(kind["times"] for kind in summary["differences"]) == len(told)
    assert summary["requests"]["status"]["haris"]["outcomes"] == {"200": 3}
    assert all("key_ID" not in line for line in map(json.dumps, told))


async def test_an_incumbent_that_runs_dry_is_seen_beside_haris(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    async with fake_pair(lab.authority, stored=1) as pair:
        assert await shadow(lab, pair) == 1
    assert "incumbent 503; haris 200" in capsys.readouterr().out


def test_a_configuration_that_lacks_a_side_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.toml").write_text("[pace]\nevery_s = 1\n")
    assert main(["shadow", str(tmp_path / "s.toml")]) == 2
    assert "lacks incumbent" in capsys.readouterr().err
