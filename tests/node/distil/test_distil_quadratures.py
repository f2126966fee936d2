"""Recordings of continuous variables to keys in two processes, and what ends without any."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from test_distil_run import Rig

from haris.cli.main import main
from haris.node.distil import halves
from haris.node.distil.desk import Desk
from haris.node.distil.folder import NewFolder, open_folder
from haris.node.distil.light import emulated
from haris.nouns.blocks import AbortReason
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin
from haris.nouns.symbols import Symbols
from haris.quantum.distill.transcript import Sender
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.key_length import Security
from haris.wire.distillation import decode, encode
from haris.wire.quadratures import Disclosed

LINK = Link(
    ModulatedLaser(1e8, 0.48),
    NoisyFibre(500.0, 0.2, excess_noise_snu=0.001),
    CoherentReceiver("homodyne", 0.8, 0.01),
    GaussianCV(2_100_000, 0.93, p_estimation=0.5),
    Security("leverrier2010", 1e-9, 1e-12, accepted_attacks="collective"),
)
SEED = b"quadratures"


@pytest.fixture(scope="module")
def light():
    return next(emulated(LINK, 1, SEED))


def recorded(folder, *blocks, link=LINK):
    with NewFolder(folder, link, Origin.EMULATED, bytes(16)) as recorder:
        for block in blocks:
            recorder.write(*block)
    return folder


def test_a_recording_becomes_the_same_key_at_both_ends_and_a_wrong_unit_becomes_none(tmp_path, light, capsys):
    alice, bob = light
    wrong = Symbols(bob.values * np.float32(0.95))  # shot noise was held for greater than it is
    folder = recorded(tmp_path / "r", (alice, wrong), light)
    assert (folder / "bob.tags").stat().st_size == 32 + 2 * (64 + 8 + 2 * 2_100_000) + 64
    assert main(["distill", str(folder), "--out", str(tmp_path / "keys"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [each["reason"] for each in shown["aborted"]] == [AbortReason.CALIBRATION]
    assert "the unit is wrong" in shown["aborted"][0]["detail"]
    (block,) = shown["estimates"]
    assert (block["frames"], block["frames_kept"], block["scheme"]) == (1, 1, "8 dimensions, rate 0.2")
    for name, value in (("transmittance", LINK.channel.transmittance()), ("excess_noise", 0.001)):
        assert abs(block[name] - value) < 5 * block[f"{name}_deviation"]
    assert (shown["qber_key"], shown["f"]) == (None, None)
    # The sample is drawn anew in every run, and the worst channel that it allows scatters by a tenth of so short a key.
    assert block["secret_bits"] == shown["secret_bits"] == pytest.approx(shown["planned_bits"], rel=0.6)
    assert (shown["haris_proof"]["attacks"], shown["haris_proof"]["finite"]) == ("collective", True)
    assert shown["haris_proof"]["assumptions"][0].startswith("no attacks but collective ones")
    keys = [(tmp_path / "keys" / f"{who}.key").read_bytes() for who in ("alice", "bob")]
    assert keys[0] == keys[1]
    assert 8 * len(keys[0]) == shown["secret_bits"]
    assert shown["mvalue_s"] > 0


async def test_a_value_changed_on_its_way_by_its_last_bit_breaks_the_tags(light):
    left = [1]

    def tamper(frame, octets):
        message = decode(octets) if frame == 0 else None
        if isinstance(message, Disclosed) and left:
            left.pop()
            return encode(Disclosed(values=bytes([message.values[0] ^ 1]) + message.values[1:]))
        return octets

    rig = Rig(1, LINK, tamper)
    rig.desk = Desk(os.urandom)  # pads under which tags depend on what they cover
    await rig.run()
    assert rig.verdicts == [(False, AbortReason.AUTHENTICATION)]
    assert rig.keys == [[], []]


def test_recordings_that_do_not_fit_their_link_are_refused(tmp_path, light):
    record = recorded(tmp_path / "r", light) / "alice.pulses"

    def read(link):
        with record.open("rb") as file:
            return next(halves.recorded(file, "alice.pulses", Sender.ALICE, link))

    assert read(LINK).half.n_symbols == 2_100_000
    shorter = replace(LINK, protocol=replace(LINK.protocol, block_pulses=2_090_000))
    with pytest.raises(ParameterError, match=r"block 0 at octet 32: 2100000 pulses; by link\.toml a block has 2090000"):
        read(shorter)
    with pytest.raises(ParameterError, match="2100000 symbols of 1 values, agreed are 2100000 of 2"):
        read(replace(LINK, detector=CoherentReceiver("heterodyne", 0.8, 0.01)))
    unaccepted = replace(LINK, security=replace(LINK.security, accepted_attacks="coherent"))
    unaccepted.write(tmp_path / "r" / "link.toml")
    with pytest.raises(ParameterError, match=r"link\.toml: bound 'leverrier2010' is proved against collective attacks"):
        open_folder(tmp_path / "r")


def test_light_is_not_shone_for_keys_that_would_not_be_issued(tmp_path, capsys):
    path = tmp_path / "link.toml"
    replace(LINK, security=replace(LINK.security, accepted_attacks="coherent")).write(path)
    for words in (["light", str(path), "--record", str(tmp_path / "r")], ["distill", "--link", str(path)]):
        assert main(words) == 2
        assert "unless accepted_attacks = 'collective' says that this is enough" in capsys.readouterr().err
    replace(LINK, protocol=replace(LINK.protocol, block_pulses=1_000_000)).write(path)
    assert main(["light", str(path), "--record", str(tmp_path / "r")]) == 2
    assert "block_pulses must leave a frame of 1024000 values" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
