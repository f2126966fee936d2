"""Each family's emulated light, from both halves to one key as long as its bound says; and where there is none."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from distill_pair import BLOCK, End, accepted_keys, drive, entropy_from

from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.errors import ParameterError
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.link import Link
from haris.quantum.optics.bell_station import BellStation
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.optics.sending_source import SendingSource
from haris.quantum.optics.source import Source
from haris.quantum.optics.station import Station
from haris.quantum.protocols.bbm92 import BBM92
from haris.quantum.protocols.mdi_qkd import MdiQkd
from haris.quantum.protocols.six_state import SixState
from haris.quantum.protocols.sns import SendingOrNot
from haris.quantum.security import sns_aopp
from haris.quantum.security.key_length import Security
from haris.quantum.security.odd_parity import pair_bits
from haris.wire.recording import read_block_header, write_half

EXAMPLES = Path(__file__).parents[3] / "examples" / "links"
LINKS = {
    "bbm92, source midway": Link(
        PairSource(1e9, 0.02, 0.98, modes=np.inf), Fibre(10e3, 0.2), PairReceivers(0.4, 0.4, 1e-6, 1e-6),
        BBM92(0.8, 12_000_000), Security(epsilon_secrecy=1e-6),
    ),
    "bbm92, source at Alice's": Link(
        PairSource(1e9, 0.02, 0.98, modes=np.inf, position=0.0), Fibre(10e3, 0.2), PairReceivers(0.4, 0.4, 1e-6, 1e-6),
        BBM92(0.8, 12_000_000), Security(epsilon_secrecy=1e-6),
    ),
    "mdi-qkd": Link(
        Source(1e9, (0.6, 0.2, 0.001), (0.5, 0.35, 0.15)), Fibre(1e3, 0.2, 0.0, 0.003), BellStation(0.95, 1e-7),
        MdiQkd(0.5, 50_000_000), Security("curty2014", epsilon_secrecy=1e-3),
    ),
    "six-state": Link(
        Source(1e9, (0.6, 0.15, 0.0), (0.5, 0.4, 0.1)), Fibre(1e3, 0.2, 0.0, 0.005),
        Detector(0.8, 1e-6, dead_time_s=3e-9, p_afterpulse=0.01), SixState(0.6, 5_000_000),
        Security(epsilon_secrecy=1e-3),
    ),
    "sns-tf": Link(
        SendingSource(350e6, 0.5, (0.3, 0.05), 0.7, 0.27, (0.05, 0.9, 0.05), 200.0, 1000.0),
        Fibre(20e3, 0.165, 0.0, 0.005),
        Station(0.6, 1e-9, 10e-6, 20.0, 8000.0),
        SendingOrNot(8_000_000, 0.36), Security("aopp", epsilon_secrecy=1e-4),
    ),
}  # fmt: skip
EVE = {AbortReason.QBER, AbortReason.NO_KEY_LENGTH}


def part(name, share=1):
    """The link with a share of its block."""
    link = LINKS[name]
    return replace(link, protocol=replace(link.protocol, block_pulses=link.protocol.block_pulses // share))


@cache
def light(name, share, eve_fraction):
    link = part(name, share)
    return link.emulate(link.protocol.block_pulses, 3, eve_fraction)


def ends(name, share=1, eve_fraction=0.0):
    link = part(name, share)
    live, agreed = link.family.require_live(link), link.agreement()
    alice, bob = light(name, share, eve_fraction)
    logs = Transcript(BLOCK), Transcript(BLOCK)
    a = live.alice(BLOCK, alice, agreed, link.block_length, lambda _: b"", entropy_from(1), logs[0])
    b = live.bob(BLOCK, bob, agreed, link.block_length, entropy_from(2), logs[1])
    return End(Sender.ALICE, a, logs[0]), End(Sender.BOB, b, logs[1])


@pytest.mark.parametrize("name", LINKS)
def test_light_becomes_the_planned_key_at_both_ends(name):
    link, (a, b) = LINKS[name], ends(name)
    for end in drive(a, b):
        assert isinstance(end, Distilled), end
    keys = accepted_keys(a, b)
    np.testing.assert_array_equal(*keys)
    assert 0.45 < keys[0].mean() < 0.55
    if name == "sns-tf":  # a fixed length, which follows from the link alone
        planned = sns_aopp.planned(link.expected_counts(), link.security)[0]
        assert len(keys[0]) == planned > 3000
        return
    planned = int(link.rate().key.length_bits)
    # Small blocks: what is left of small differences strays by a third; f_ec stands for the worst of Cascade.
    assert 0.6 * planned < len(keys[0]) < 1.6 * planned
    bound = link.block_length(a.result.counts, a.result.leaked_bits)
    assert a.result.length.length_bits == bound.length_bits == len(keys[0])
    assert bound.proof.finite
    assert bound.proof == link.family.bounds[link.security.bound]


@pytest.mark.parametrize("name", LINKS)
def test_an_eve_who_measures_and_resends_leaves_no_key(name):
    for end in drive(*ends(name, 8, 1.0)):
        assert isinstance(end, Aborted), end
        assert end.reason in EVE


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("number", [1, 4])
def test_what_a_third_party_changes_gives_no_key(name, number):
    def tampered(_, at, octets):
        return [octets[:-1] + bytes([octets[-1] ^ 1])] if at == number else [octets]

    a, b = ends(name)
    drive(a, b, tampered)
    assert accepted_keys(a, b) is None


def test_counts_of_the_ends_are_the_expected_ones():
    for name, link in LINKS.items():
        if name == "sns-tf":  # of its signal windows only pairs are counted: below
            continue
        counts, expected = drive(*ends(name))[0].counts, link.expected_counts()
        for seen, mean in ((counts.clicks, expected.clicks), (counts.errors, expected.errors)):
            enough = (mean > 25) & ((seen > 0) | (mean is expected.clicks))  # not every error is told
            assert np.all(np.abs(seen - mean)[enough] < 6.0 * np.sqrt(mean[enough]))


@pytest.mark.parametrize("name", ["sarg04_50km", "b92_5km", "diqkd_400m", "qam64_cv_25km"])
def test_what_is_proved_for_endless_blocks_alone_issues_no_key(name):
    link = Link.read(EXAMPLES / f"{name}.toml")
    assert not link.family.bounds[link.security.bound].finite
    with pytest.raises(ParameterError, match="has no live keys: its bounds are asymptotic"):
        link.agreement()


def test_pairs_of_sending_or_not_are_the_expected_ones():
    link = LINKS["sns-tf"]
    found, expected = drive(*ends("sns-tf"))[0].counts, link.expected_counts()
    pairing = pair_bits(expected.signal)
    seen = [*found.counts.decoys, found.counts.slice_clicks, found.counts.slice_errors, found.n_bits]
    mean = [*expected.decoys, expected.slice_clicks, expected.slice_errors, expected.signal.sum()]
    seen, mean = np.array([*seen, found.n_pairs, found.n_kept]), np.array([*mean, pairing.pairs, pairing.kept])
    assert np.all(np.abs(seen - mean) < 6.0 * np.sqrt(mean + 1.0))
    assert found.n_wrong < pairing.wrong + 6.0 * np.sqrt(pairing.wrong + 1.0)


def test_a_fixed_length_is_given_whole_or_not_at_all():
    link = LINKS["sns-tf"]
    found, expected = drive(*ends("sns-tf"))[0].counts, link.expected_counts()
    length, most_leaked = sns_aopp.planned(expected, link.security)
    assert link.block_length(found, most_leaked).length_bits == length
    assert link.block_length(found, most_leaked + 1).length_bits == 0
    erring = replace(found, counts=replace(found.counts, slice_errors=found.counts.slice_clicks // 5))
    assert link.block_length(erring, 0).length_bits == 0
    with pytest.raises(ParameterError, match="cannot be"):
        replace(found, n_pairs=found.n_bits)


def test_a_station_that_tells_the_ends_different_things_gets_no_key_made():
    link = LINKS["mdi-qkd"]
    live, agreed = link.family.require_live(link), link.agreement()
    alice, bob = light("mdi-qkd", 1, 0.0)
    bell = bob.bell.copy()
    bell[7] ^= 1
    logs = Transcript(BLOCK), Transcript(BLOCK)
    a = live.alice(BLOCK, alice, agreed, link.block_length, lambda _: b"", entropy_from(1), logs[0])
    b = live.bob(BLOCK, replace(bob, bell=bell), agreed, link.block_length, entropy_from(2), logs[1])
    for end in drive(End(Sender.ALICE, a, logs[0]), End(Sender.BOB, b, logs[1])):
        assert end.reason is AbortReason.SOURCE


def test_halves_pass_through_their_recording():
    for name, link in LINKS.items():
        live, agreed = link.family.require_live(link), link.agreement()
        for role, half in zip(Sender, light(name, 1, 0.0), strict=True):
            head, octets = write_half(0, half)
            read = live.read(role, read_block_header(head), octets, agreed)
            assert write_half(0, read) == (head, octets)
            damaged = octets[:-1] + bytes([octets[-1] ^ 1])
            with pytest.raises(ParameterError, match="damaged"):
                live.read(role, read_block_header(head), damaged, agreed)


def test_six_states_that_cannot_be_are_refused():
    link = LINKS["six-state"]
    live, agreed = link.family.require_live(link), link.agreement()
    alice, bob = light("six-state", 1, 0.0)
    crowded = bob.index.copy()
    crowded[1] = crowded[0] + 3  # the dead time is of three pulses
    for role, half, words in (
        (Sender.ALICE, replace(alice, setting=np.full_like(alice.setting, 9)), "a setting is 9; there are 0 to 8"),
        (Sender.ALICE, replace(alice, value=np.full_like(alice.value, 2)), "a value is 2; there are 0 to 1"),
        (Sender.BOB, replace(bob, setting=np.full_like(bob.setting, 3)), "a setting is 3; there are 0 to 2"),
        (Sender.BOB, replace(bob, index=crowded), "within the dead time of 3 pulses"),
    ):
        head, octets = write_half(0, half)
        with pytest.raises(ParameterError, match=words):
            live.read(role, read_block_header(head), octets, agreed)


def test_an_end_that_saw_other_rounds_click_or_a_basis_that_there_is_not_makes_no_key():
    link = LINKS["six-state"]
    live, agreed = link.family.require_live(link), link.agreement()
    alice, bob = light("six-state", 1, 0.0)
    index = bob.index.copy()
    index[-1] -= 1

    def bobs(half):
        logs = Transcript(BLOCK), Transcript(BLOCK)
        a = live.alice(BLOCK, alice, agreed, link.block_length, lambda _: b"", entropy_from(1), logs[0])
        b = live.bob(BLOCK, half, agreed, link.block_length, entropy_from(2), logs[1])
        return End(Sender.ALICE, a, logs[0]), End(Sender.BOB, b, logs[1])

    for end in drive(*bobs(replace(bob, index=index))):
        assert end.reason is AbortReason.SOURCE
    ends_of_three = bobs(replace(bob, setting=np.full_like(bob.setting, 3)))
    drive(*ends_of_three)
    assert accepted_keys(*ends_of_three) is None


def test_halves_of_another_block_are_refused():
    for link in LINKS.values():
        half = link.emulate(1000, seed=1)[0]
        log = Transcript(BLOCK)
        live = link.family.require_live(link)
        with pytest.raises(ParameterError):
            live.alice(BLOCK, half, link.agreement(), link.block_length, lambda _: b"", entropy_from(1), log)
