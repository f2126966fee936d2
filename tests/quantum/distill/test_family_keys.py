"""Each family's emulated light, from both halves to one key as long as its bound says; and where there is none."""

from pathlib import Path

import numpy as np
import pytest
from distill_pair import BLOCK, End, accepted_keys, drive, entropy_from

from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.errors import ParameterError
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.link import FAMILIES, Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bbm92 import BBM92
from haris.quantum.security.key_length import Security

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
}  # fmt: skip
EVE = {AbortReason.QBER, AbortReason.NO_KEY_LENGTH}


def ends(link, seed=3, eve_fraction=0.0):
    live, agreed = link.family.require_live(link), link.agreement()
    alice, bob = link.emulate(link.protocol.block_pulses, seed, eve_fraction)
    logs = Transcript(BLOCK), Transcript(BLOCK)
    a = live.alice(BLOCK, alice, agreed, link.block_length, lambda _: b"", entropy_from(1), logs[0])
    b = live.bob(BLOCK, bob, agreed, link.block_length, entropy_from(2), logs[1])
    return End(Sender.ALICE, a, logs[0]), End(Sender.BOB, b, logs[1])


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_light_becomes_the_planned_key_at_both_ends(link):
    a, b = ends(link)
    for end in drive(a, b):
        assert isinstance(end, Distilled), end
    keys = accepted_keys(a, b)
    np.testing.assert_array_equal(*keys)
    assert 0.45 < keys[0].mean() < 0.55
    planned = int(link.rate().key.length_bits)
    # Counts stray by a few parts in a hundred; f_ec stands for the worse of what Cascade needs.
    assert 0.85 * planned < len(keys[0]) < 1.5 * planned
    bound = link.block_length(a.result.counts, a.result.leaked_bits)
    assert a.result.length.length_bits == bound.length_bits == len(keys[0])
    assert bound.proof.finite
    assert bound.proof == link.family.bounds[link.security.bound]


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_an_eve_who_measures_and_resends_leaves_no_key(link):
    for end in drive(*ends(link, eve_fraction=1.0)):
        assert isinstance(end, Aborted), end
        assert end.reason in EVE


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("number", [0, 1, 2, 5])
def test_what_a_third_party_changes_gives_no_key(link, number):
    def tampered(_, at, octets):
        return [octets[:-1] + bytes([octets[-1] ^ 1])] if at == number else [octets]

    a, b = ends(link)
    drive(a, b, tampered)
    assert accepted_keys(a, b) is None


def test_counts_of_the_ends_are_the_expected_ones():
    for link in LINKS.values():
        a, b = ends(link, seed=8)
        counts, expected = drive(a, b)[0].counts, link.expected_counts()
        for seen, mean in ((counts.clicks, expected.clicks), (counts.errors, expected.errors)):
            enough = mean > 25
            assert np.all(np.abs(seen - mean)[enough] < 6.0 * np.sqrt(mean[enough]))


@pytest.mark.parametrize("name", ["six_state_100km", "sarg04_50km", "b92_5km", "diqkd_400m", "qam64_cv_25km"])
def test_what_is_proved_for_endless_blocks_alone_issues_no_key(name):
    link = Link.read(EXAMPLES / f"{name}.toml")
    assert not link.family.bounds[link.security.bound].finite
    with pytest.raises(ParameterError, match="has no live keys: its bounds are asymptotic"):
        link.agreement()


def test_halves_of_another_block_are_refused():
    for link in LINKS.values():
        half = link.emulate(1000, seed=1)[0]
        log = Transcript(BLOCK)
        live = link.family.require_live(link)
        with pytest.raises(ParameterError):
            live.alice(BLOCK, half, link.agreement(), link.block_length, lambda _: b"", entropy_from(1), log)


def test_every_family_has_light():
    assert all(family.emulate is not None for family in FAMILIES.values())
