"""haris key against two key managers: what it prints, and with which code it ends."""

import asyncio
import json

import pytest
from kme_lab import Lab

from haris.cli.main import main


@pytest.fixture
async def lab(tmp_path):
    lab = Lab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    yield lab
    await lab.close()


async def key(lab, sae, site, *arguments):
    files = lab.files[sae]
    options = ["--cert", files.certificate, "--key", files.private_key, "--ca", files.authority]
    return await asyncio.to_thread(main, ["key", *arguments, "--kme", lab.url(site), *map(str, options)])


async def test_enc_and_dec_print_the_same_keys(lab, capsys):
    stock = lab.seed("bank", "exchange", 4)
    assert await key(lab, "alice", "bank", "enc", "bob", "--number", "2", "--also", "bella", "--json") == 0
    taken = json.loads(capsys.readouterr().out)
    key_ids = [each["key_ID"] for each in taken["keys"]]
    assert key_ids == [str(piece.key_id) for piece in stock[:2]]
    assert taken["keys"][0]["key_extension"]["haris_hops"] == 1
    for sae in ("bob", "bella"):
        assert await key(lab, sae, "exchange", "dec", "alice", *key_ids, "--json") == 0
        assert json.loads(capsys.readouterr().out) == taken
    assert await key(lab, "bob", "exchange", "dec", "alice", *key_ids) == 2
    assert "not found on KME" in capsys.readouterr().err
    assert await key(lab, "alice", "bank", "enc", "bob", "--size", "128") == 0
    assert "128 bits, measured, epsilon 1.0e-09, hops 1" in capsys.readouterr().out


async def test_status_and_a_dry_pool(lab, capsys):
    assert await key(lab, "alice", "bank", "status", "bob", "--json") == 0
    assert json.loads(capsys.readouterr().out)["stored_key_count"] == 0
    assert await key(lab, "alice", "bank", "status", "bob") == 0
    assert "max_key_size         4096" in capsys.readouterr().out
    assert await key(lab, "alice", "bank", "enc", "bob") == 3
    assert "haris key: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["dec", "alice"], "one KEY_ID or more"),
        (["dec", "alice", "x"], "a KEY_ID is a UUID, got x"),
        (["enc", "bob", "550e8400-e29b-41d4-a716-446655440000"], "status and enc take none"),
        (["status", "bob", "--number", "2"], "--number belongs to enc"),
        (["enc", "bob", "--size", "129"], "size shall be a multiple of 8"),
    ],
)
async def test_bad_input_ends_with_2(lab, capsys, arguments, text):
    assert await key(lab, "alice", "bank", *arguments) == 2
    assert text in capsys.readouterr().err
