"""haris key over 020: keys handed to another operator's gateway, and taken back; with which code it ends."""

import asyncio
import json
from uuid import UUID

import pytest
from operators_lab import OperatorsLab

from haris.cli.main import main


@pytest.fixture
async def lab(tmp_path):
    lab = OperatorsLab(tmp_path)
    for site in ("b1", "b2", "b3"):
        await lab.start(site, laboratory=True)
    lab.seed("b1", "b2", 20)
    yield lab
    await lab.close()


async def key(lab, *arguments, name="kme-a2", gateway="kme-b1"):
    """As the gateway of operator A, at that of B."""
    files = lab.files[name]
    options = ["--cert", files.certificate, "--key", files.private_key, "--ca", lab.folder / "operators.crt"]
    options += ["--kme", lab.url("b1"), "--interface", "020", *(["--gateway-id", gateway] if gateway else [])]
    return await asyncio.to_thread(main, ["key", *arguments, *map(str, options)])


async def test_versions(lab, capsys):
    assert await key(lab, "status", "bob") == 0
    assert capsys.readouterr().out == "versions             v1\ncapabilities         synchronous_mode\n"
    assert await key(lab, "status", "bob", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"versions": ["v1"], "capabilities": ["synchronous_mode"]}


async def test_the_target_fetches_what_was_handed_over_and_a_voided_key_is_not_there(lab, capsys):
    enc = ("enc", "bob", "--initiator", "alice", "--number", "2", "--size", "128", "--json")
    assert await key(lab, *enc) == 0
    first, second = json.loads(capsys.readouterr().out)["keys"]
    assert {first["ack_status"], second["ack_status"]} == {"relayed"}
    answer = await lab.ask014("bob", f"alice/dec_keys?key_ID={first['key_id']}")
    (given,) = answer.items["keys"]
    assert (given["key"], given["key_extension"]["haris_origin"]) == (first["value"], "emulated")
    assert await key(lab, "void", "bob", second["key_id"], "--initiator", "alice") == 0
    assert capsys.readouterr().out == f"{second['key_id']}\n  voided\n"
    assert (await lab.ask014("bob", f"alice/dec_keys?key_ID={second['key_id']}")).status == 400
    assert await key(lab, "enc", "bob", "--initiator", "alice") == 0
    assert capsys.readouterr().out.endswith("\n  relayed\n")


async def test_no_stock_and_nobody_are_no_key(lab, capsys):
    assert await key(lab, "enc", "bella", "--initiator", "alice") == 3
    assert "503 insufficient key material" in capsys.readouterr().err
    await lab.stop("b1")
    assert await key(lab, "enc", "bob", "--initiator", "alice") == 3
    assert "cannot be reached" in capsys.readouterr().err


async def test_keys_for_a_trial_are_refused_by_a_gateway_that_is_no_laboratory(lab, capsys):
    await lab.stop("b1")
    await lab.start("b1")
    assert await key(lab, "enc", "bob", "--initiator", "alice") == 2
    assert "400 invalid parameter" in capsys.readouterr().err


WRONG = [
    (["enc", "nobody", "--initiator", "alice"], {}, "target_sae_id_not_recognized"),
    (["enc", "bob", "--initiator", "brian"], {}, "401 unauthorized"),
    (["enc", "bob", "--initiator", "alice"], {"name": "mallory"}, "401 unauthorized"),
    (["enc", "bob", "--initiator", "alice"], {"gateway": "kme-b2"}, "names kme-b1, not kme-b2"),
    (["enc", "bob", "--initiator", "alice"], {"gateway": ""}, "--gateway-id"),
    (["enc", "bob"], {}, "--initiator"),
    (["enc", "bob", "--initiator", "alice", "--callback-url", "https://127.0.0.1:9/"], {}, "invalid_parameter"),
    (["enc", "bob", "--initiator", "alice", "--callback-url", "x"], {}, "--callback-url shall be an https URI"),
    (["enc", "bob", "--initiator", "alice", "--size", "7"], {}, "--size"),
    (["enc", "bob", "--initiator", "alice", "--number", "1025"], {}, "--number"),
    (["dec", "bob", str(UUID(int=1))], {}, "nothing is fetched over 020"),
    (["void", "bob", "--initiator", "alice"], {}, "one KEY_ID or more"),
    (["status", "bob", "--initiator", "alice"], {}, "--initiator belongs to enc and void of 020"),
]


async def test_bad_input_ends_with_2(lab, capsys):
    for arguments, who, text in WRONG:
        assert (await key(lab, *arguments, **who), arguments) == (2, arguments)
        assert text in capsys.readouterr().err
