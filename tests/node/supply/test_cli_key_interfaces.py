"""haris key over 004 and SKIP, and who it says is not trusted: what it prints, and with which code it ends."""

import asyncio
import json
import os
from uuid import UUID

import pytest
from kme_lab import Authority
from stream_lab import StreamLab
from test_skip import SYSTEMS

from haris.cli.main import main
from haris.node.pki.mutual_tls import TlsFiles
from haris.node.supply.skip_face import skip_routes


class FacesLab(StreamLab):
    def routes(self, site, supply):
        return skip_routes(supply, SYSTEMS, lambda: self.sites[site].kme.deliveries, os.urandom)


@pytest.fixture
async def lab(tmp_path):
    lab = FacesLab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    lab.seed("bank", "exchange", 8)
    yield lab
    await lab.close()


async def key(lab, sae, site, kme, *arguments):
    files = lab.files[sae]
    options = ["--cert", files.certificate, "--key", files.private_key, "--ca", files.authority]
    return await asyncio.to_thread(main, ["key", *arguments, "--kme", kme, *map(str, options)])


async def stream(lab, sae, site, *arguments):
    return await key(lab, sae, site, f"127.0.0.1:{lab.ports[site]}", *arguments, "--interface", "004")


async def test_the_two_ends_of_a_stream(lab, capsys):
    options = ("--number", "2", "--json", "--size", "128")
    codes = await asyncio.gather(
        stream(lab, "alice", "bank", "enc", "bob", *options, "--dialect", "terminated"),
        stream(lab, "bob", "exchange", "dec", "alice", *options),
    )
    assert codes == [0, 0]
    one, other = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert one["Key_stream_ID"] == other["Key_stream_ID"]
    assert [(each["index"], each["key"]) for each in one["keys"]] == [
        (each["index"], each["key"]) for each in other["keys"]
    ]
    assert [each["index"] for each in one["keys"]] == [0, 1]
    assert one["keys"][0]["metadata"]["hops"] == 1
    name = str(UUID(int=4))
    await asyncio.gather(
        stream(lab, "alice", "bank", "enc", "bob", "--stream", name),
        stream(lab, "bob", "exchange", "dec", "alice", "--stream", name),
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[2]
    assert lines[0].startswith(f"{name}/0  ")
    assert lines[1] == "  256 bits, origin measured, hops 1"


async def test_a_peer_that_does_not_come(lab, capsys):
    assert await stream(lab, "alice", "bank", "enc", "bob", "--wait-s", "0") == 3
    assert "status 1: the peer application has not come" in capsys.readouterr().err
    assert await stream(lab, "alice", "bank", "enc", "nobody") == 3
    assert "status 4" in capsys.readouterr().err


async def test_skip_prints_the_same_key_at_both_ends(lab, capsys):
    bank, exchange = lab.url("bank"), lab.url("exchange")
    assert await key(lab, "alice", "bank", bank, "enc", "KP_BOB", "--interface", "skip", "--json") == 0
    taken = json.loads(capsys.readouterr().out)
    key_id = taken["keys"][0]["key_ID"]
    dec = ("dec", "KP_ALICE", key_id, "--interface", "skip")
    assert await key(lab, "bob", "exchange", exchange, *dec, "--json") == 0
    assert json.loads(capsys.readouterr().out) == taken
    assert await key(lab, "bob", "exchange", exchange, *dec) == 2
    assert await key(lab, "alice", "bank", bank, "enc", "KP_BOB", "--size", "128", "--interface", "skip") == 0
    assert capsys.readouterr().out.endswith("  128 bits\n")
    assert await key(lab, "alice", "bank", bank, "enc", "KP_BOB", "--size", "4096", "--interface", "skip") == 3
    assert await key(lab, "alice", "bank", bank, "status", "KP_BOB", "--interface", "skip") == 0
    assert "local_system         KP_ALICE" in capsys.readouterr().out
    assert await key(lab, "alice", "bank", bank, "status", "bob", "--interface", "skip") == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["status", "bob"], "no call of 004"),
        (["dec", "bob", str(UUID(int=1))], "004 names no keys"),
        (["enc", "bob", "--also", "carol"], "--also belongs to enc of 014"),
        (["enc", "bob", "--size", "7"], "multiple of 8"),
        (["enc", "bob", "--size", "8"], "proposes"),
        (["enc", "bob", "--wait-s", "-1"], "--wait-s"),
        (["enc", "bob", "--wait-s", "nan"], "--wait-s"),
        (["enc", "bob", "--interface", "014", "--stream", str(UUID(int=1))], "--stream belongs to enc of 004"),
        (["enc", "bob", "--interface", "skip", "--number", "2"], "--number belongs to enc of 014 and 004"),
        (["enc", "bob", "--interface", "004", "--number", "0"], "--number must be at least 1"),
    ],
)
async def test_bad_input_ends_with_2(lab, capsys, arguments, text):
    kme = f"127.0.0.1:{lab.ports['bank']}"
    interface = [] if "--interface" in arguments else ["--interface", "004"]
    assert await key(lab, "alice", "bank", kme, *arguments, *interface) == 2
    assert text in capsys.readouterr().err


@pytest.fixture
def elsewhere(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    return Authority(tmp_path / "elsewhere", "another authority")


def place(lab, interface):
    return f"127.0.0.1:{lab.ports['bank']}" if interface == "004" else lab.url("bank")


@pytest.mark.parametrize("interface", ["014", "skip", "004"])
async def test_a_server_of_another_authority_is_not_trusted(lab, elsewhere, capsys, interface):
    files = lab.files["alice"]
    foreign = elsewhere.issue("alice").authority
    lab.files["alice"] = TlsFiles(files.certificate, files.private_key, foreign)
    assert await key(lab, "alice", "bank", place(lab, interface), "enc", "bob", "--interface", interface) == 2
    told = capsys.readouterr().err
    assert "is not trusted: self-signed certificate in certificate chain (trusted: another authority)" in told


@pytest.mark.parametrize("interface", ["014", "skip"])
async def test_a_certificate_of_ours_that_is_not_accepted(lab, elsewhere, capsys, interface):
    files = elsewhere.issue("alice")
    lab.files["alice"] = TlsFiles(files.certificate, files.private_key, lab.files["alice"].authority)
    assert await key(lab, "alice", "bank", place(lab, interface), "enc", "bob", "--interface", interface) == 2
    assert "does not accept our certificate: unknown ca" in capsys.readouterr().err


@pytest.mark.parametrize("interface", ["014", "skip", "004"])
async def test_a_port_that_cannot_be_is_bad_input_and_nobody_there_is_no_key(lab, capsys, interface):
    scheme = "" if interface == "004" else "https://"
    ask = ("enc", "bob", "--interface", interface)
    assert await key(lab, "alice", "bank", f"{scheme}localhost:99999", *ask) == 2
    assert f"HOST:PORT, got '{scheme}localhost:99999'" in capsys.readouterr().err
    assert await key(lab, "alice", "bank", f"{scheme}127.0.0.1:9", *ask) == 3
    assert "cannot be reached" in capsys.readouterr().err
