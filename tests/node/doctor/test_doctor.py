"""haris doctor finds each flaw of a key manager and names it, and finds none where there is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_boxes import FakePair, fake_pair
from kme_lab import Authority, Lab

from haris.cli.doctor import exit_code
from haris.cli.main import main
from haris.manage.findings import Findings, Weight, in_words
from haris.node.doctor.examination import Side, examine
from haris.node.pki.mutual_tls import TlsFiles


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder, self.authority = folder, Authority(folder)
        self.files: dict[str, TlsFiles] = {sae: self.authority.issue(sae, days=60) for sae in ("alice", "bob")}

    async def examine(self, pair: FakePair, both: bool = True, parallel: tuple[int, ...] = (8,)) -> Findings:
        near = Side(pair.urls[0], self.files["alice"], "alice")
        far = Side(pair.urls[1], self.files["bob"], "bob") if both else None
        return await examine(near, "bob", far, parallel, patience_s=2.0 if "dead-lock" in pair.boxes[0].flaws else 60.0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def serious(findings: Findings) -> dict[str, str]:
    return {finding.check: finding.text for finding in findings.of(Weight.WARNING, Weight.FAULT)}


async def test_a_sound_pair_is_sound(bench: Bench) -> None:
    async with fake_pair(bench.authority) as pair:
        findings = await bench.examine(pair, parallel=(8, 32))
    assert serious(findings) == {}, in_words(findings)
    assert exit_code(findings) == 0
    checks = {finding.check for finding in findings.of(Weight.SOUND)}
    assert {
        "tls.version", "tls.chain", "tls.host", "tls.old", "certificate.dates", "identity.ours", "identity.none",
        "identity.forged", "identity.header", "identity.kme", "clock", "status.items", "keys.one", "keys.same",
        "keys.replay", "keys.master", "keys.wrong_master", "keys.several", "keys.size", "parallel.8", "parallel.32",
        "errors.status", "lives",
    } <= checks  # fmt: skip
    assert findings.measured["keys_per_s_8_clients"] > 0


async def test_haris_itself_is_sound(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    await lab.start("exchange")
    await lab.start("bank")
    lab.seed("bank", "exchange", 400)
    near = Side(lab.url("bank"), lab.authority.issue("alice", days=60), "alice")
    far = Side(lab.url("exchange"), lab.authority.issue("bob", days=60), "bob")
    findings = await examine(near, "bob", far, (8, 32))
    await lab.close()
    assert set(serious(findings)) <= {"certificate.dates"}, in_words(findings)  # the laboratory's live for a day


FLAWS: dict[str, tuple[str, str]] = {
    "identity from header": ("identity.header", "claimed bob, served as bob"),
    "no client certificate": ("identity.none", "without a certificate"),
    "anybody's keys": ("keys.master", "its own key to the master"),
    "404s": ("errors.status", "404"),
    "errors without message": ("errors.message", "have no message"),
    "plain list": ("keys.one", "a plain JSON list"),
    "hexadecimal": ("keys.one", "not base64"),
    "parameters ignored": ("errors.status", "served as if it were right"),
    "wrong size": ("keys.one", "248 bits, not 256"),
    "same key_ID": ("keys.several", "names a key twice"),
    "zeros": ("keys.one", "repeats itself"),
    "replays": ("keys.replay", "a key that was fetched"),
    "ends differ": ("keys.same", "different keys under the same key_IDs"),
    "status contradicts itself": ("status.consistent", "above max_key_count"),
    "status lacks items": ("status.items", "key_size"),
    "dead-lock": ("parallel.8", "clients hang"),
}


@pytest.mark.parametrize("flaw", FLAWS)
async def test_each_flaw_is_found_and_named(bench: Bench, flaw: str) -> None:
    async with fake_pair(bench.authority, flaw) as pair:
        findings = await bench.examine(pair)
    check, words = FLAWS[flaw]
    told = [finding.text for finding in findings.of(Weight.WARNING, Weight.FAULT) if finding.check == check]
    assert any(words in text for text in told), in_words(findings)
    assert all(finding.advice for finding in findings.of(Weight.WARNING, Weight.FAULT))
    assert exit_code(findings) == 1


async def test_a_dry_box_is_told_apart_from_a_bad_one(bench: Bench) -> None:
    async with fake_pair(bench.authority, stored=0) as pair:
        findings = await bench.examine(pair)
    assert serious(findings) == {}, in_words(findings)
    assert exit_code(findings) == 3


async def test_without_the_other_end_no_key_is_drawn(bench: Bench) -> None:
    async with fake_pair(bench.authority) as pair:
        findings = await bench.examine(pair, both=False)
        assert pair.shared.n_given == 0
    assert any(finding.check == "keys" for finding in findings.of(Weight.NOTE))
    assert exit_code(findings) == 0


async def test_a_foreign_authority_is_a_fault_and_no_key_passes(bench: Bench, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    foreign = Authority(elsewhere, "other")
    bench.files = {
        sae: TlsFiles(f.certificate, f.private_key, elsewhere / "other.crt") for sae, f in bench.files.items()
    }
    assert foreign.name == "other"
    async with fake_pair(bench.authority) as pair:
        findings = await bench.examine(pair)
        assert pair.shared.n_given == 0
    assert "tls.chain" in serious(findings)


async def test_a_certificate_that_expires_soon_is_a_warning(bench: Bench) -> None:
    async with fake_pair(bench.authority, days=10) as pair:
        findings = await bench.examine(pair, both=False)
    assert "expires on" in serious(findings)["certificate.dates"]


async def test_nobody_there_is_no_key(bench: Bench) -> None:
    near = Side("https://127.0.0.1:9", bench.files["alice"], "alice")
    findings = await examine(near, "bob", None)
    assert exit_code(findings) == 3
    assert "Connection refused" in serious(findings)["tls.handshake"]


async def test_the_command_prints_words_or_json(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    alice, bob = bench.files["alice"], bench.files["bob"]
    async with fake_pair(bench.authority, "404s") as pair:
        arguments = ["doctor", pair.urls[0], "--peer", "bob", "--cert", str(alice.certificate)]
        arguments += ["--key", str(alice.private_key), "--ca", str(alice.authority), "--peer-url", pair.urls[1]]
        arguments += ["--peer-cert", str(bob.certificate), "--peer-key", str(bob.private_key), "--clients", "2"]
        run: Callable[..., int] = main
        assert await asyncio.to_thread(run, [*arguments, "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        assert await asyncio.to_thread(run, [*arguments, "--brief"]) == 1
    assert told["counts"]["warning"] == len([f for f in told["findings"] if f["weight"] == "warning"]) > 0
    words = capsys.readouterr().out
    assert "an unknown key_ID gets 404" in words
    assert "-> the standard has 400" in words
    assert "sound    " not in words
