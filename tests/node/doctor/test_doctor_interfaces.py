"""haris doctor at key managers that speak 004 and SKIP: each flaw is found and named, and none where there is none."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from fake_skip import fake_providers
from fake_streams import fake_streams
from kme_lab import Authority
from test_cli_key_interfaces import FacesLab

from haris.cli.doctor import exit_code
from haris.cli.main import main
from haris.manage.findings import Findings, Weight, in_words
from haris.node.doctor.examination import Side, examine
from haris.node.pki.mutual_tls import TlsFiles

FAKES = {"skip": fake_providers, "004": fake_streams}
NAMES = {"skip": ("KP_X", "KP_Y"), "004": ("alice", "bob")}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def files(authority: Authority) -> dict[str, TlsFiles]:
    return {sae: authority.issue(sae, days=60) for sae in ("alice", "bob")}


async def examined(interface: str, files: dict[str, TlsFiles], places: tuple[str, str], both: bool = True) -> Findings:
    ours, theirs = NAMES[interface]
    near, far = Side(places[0], files["alice"], ours), Side(places[1], files["bob"], theirs)
    return await examine(near, theirs, far if both else None, patience_s=5.0, interface=interface)


def serious(findings: Findings) -> dict[str, str]:
    return {finding.check: finding.text for finding in findings.of(Weight.WARNING, Weight.FAULT)}


SOUND = {
    "skip": {
        "capabilities.items", "capabilities.peer", "clock", "keys.one", "keys.same", "keys.replay", "keys.several",
        "keys.several_same", "keys.size", "keys.size_same", "errors.status", "lives",
    },
    "004": {
        "stream.dialect", "identity.claim", "stream.joined", "keys.several", "keys.same", "keys.closed",
    },
}  # fmt: skip


@pytest.mark.parametrize("interface", FAKES)
async def test_a_sound_pair_is_sound(interface: str, authority: Authority, files: dict[str, TlsFiles]) -> None:
    async with FAKES[interface](authority) as places:
        findings = await examined(interface, files, places)
    assert serious(findings) == {}, in_words(findings)
    assert exit_code(findings) == 0
    common = {"tls.version", "tls.chain", "tls.host", "certificate.dates", "identity.none", "identity.forged"}
    assert SOUND[interface] | common <= {finding.check for finding in findings.of(Weight.SOUND)}


async def test_the_other_dialect_is_found(authority: Authority, files: dict[str, TlsFiles]) -> None:
    async with fake_streams(authority, "terminated only") as places:
        findings = await examined("004", files, places)
    assert serious(findings) == {}, in_words(findings)
    assert any("terminated" in finding.text for finding in findings.of(Weight.SOUND))


@pytest.mark.parametrize("interface", FAKES)
async def test_haris_itself_is_sound(interface: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMES, "skip", ("KP_ALICE", "KP_BOB"))
    lab = FacesLab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    for owner, peer in (("bank", "exchange"), ("exchange", "bank")):
        lab.seed(owner, peer, 40)
    files = {sae: lab.authority.issue(sae, days=60) for sae in ("alice", "bob")}
    at_004 = (f"127.0.0.1:{lab.ports['bank']}", f"127.0.0.1:{lab.ports['exchange']}")
    places = at_004 if interface == "004" else (lab.url("bank"), lab.url("exchange"))
    findings = await examined(interface, files, places)
    await lab.close()
    assert set(serious(findings)) <= {"certificate.dates"}, in_words(findings)  # the laboratory's live for a day
    assert {"keys.same", "identity.none", "identity.forged"} <= {each.check for each in findings.of(Weight.SOUND)}


FLAWS = [
    ("skip", "no client certificate", "identity.none", "without a certificate"),
    ("skip", "peer not listed", "capabilities.peer", "KP_Y is none of its remote systems"),
    ("skip", "items are lacking", "capabilities.items", "lacks key"),
    ("skip", "no keys", "capabilities.key", "gives no keys"),
    ("skip", "late clock", "clock", "behind ours"),
    ("skip", "parameters ignored", "errors.status", "served as if it were right"),
    ("skip", "fails inside", "errors.status", "gets 500"),
    ("skip", "wrong size", "keys.one", "248 bits, not 256"),
    ("skip", "zeros", "keys.one", "repeats itself"),
    ("skip", "not hexadecimal", "keys.one", "hexadecimal"),
    ("skip", "same keyId", "keys.several", "to two keys"),
    ("skip", "replays", "keys.replay", "a key that was fetched"),
    ("skip", "ends differ", "keys.same", "different keys under one keyId"),
    ("004", "no client certificate", "identity.none", "without a certificate"),
    ("004", "anybody's streams", "identity.claim", "a stream from bob, which we are not"),
    ("004", "knows nobody", "stream.open", "no qkd connection"),
    ("004", "ends apart", "stream.joined", "the ends do not meet"),
    ("004", "wrong size", "keys.several", "248 bits, not 256"),
    ("004", "zeros", "keys.several", "repeats itself"),
    ("004", "one index", "keys.several", "names a key twice"),
    ("004", "ends differ", "keys.same", "different chunks under the same indices"),
    ("004", "closed gives", "keys.closed", "a stream that is closed"),
]


@pytest.mark.parametrize(("interface", "flaw", "check", "words"), FLAWS)
async def test_each_flaw_is_found_and_named(
    interface: str, flaw: str, check: str, words: str, authority: Authority, files: dict[str, TlsFiles]
) -> None:
    async with FAKES[interface](authority, flaw) as places:
        findings = await examined(interface, files, places)
    told = [finding.text for finding in findings.of(Weight.WARNING, Weight.FAULT) if finding.check == check]
    assert any(words in text for text in told), in_words(findings)
    assert exit_code(findings) == 1


@pytest.mark.parametrize("interface", FAKES)
async def test_a_dry_box_and_one_end_alone(interface: str, authority: Authority, files: dict[str, TlsFiles]) -> None:
    async with FAKES[interface](authority, stored=0) as places:
        findings = await examined(interface, files, places)
        alone = await examined(interface, files, places, both=False)
    assert serious(findings) == serious(alone) == {}, in_words(findings)
    assert (exit_code(findings), exit_code(alone)) == (3, 0)
    assert any(finding.check == "keys" for finding in alone.of(Weight.NOTE))


async def test_the_command_takes_the_interface(
    authority: Authority, files: dict[str, TlsFiles], capsys: pytest.CaptureFixture[str]
) -> None:
    alice, bob = files["alice"], files["bob"]
    async with fake_streams(authority, "ends differ") as places:
        arguments = ["doctor", places[0], "--interface", "004", "--peer", "bob", "--cert", str(alice.certificate)]
        arguments += ["--key", str(alice.private_key), "--ca", str(alice.authority), "--peer-url", places[1]]
        arguments += ["--peer-cert", str(bob.certificate), "--peer-key", str(bob.private_key), "--json"]
        assert await asyncio.to_thread(main, arguments) == 1
        told = json.loads(capsys.readouterr().out)
        assert any(each["check"] == "keys.same" and each["weight"] == "fault" for each in told["findings"])
        arguments[1] = "https://127.0.0.1:1"
        assert await asyncio.to_thread(main, arguments) == 2
    assert "a key manager's address must be HOST:PORT" in capsys.readouterr().err
