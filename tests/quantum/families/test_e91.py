"""Bell tests of a pair source (E91): S expected, sampled and distilled, against theory and PyPI qkd."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import qkd
from distill_pair import BLOCK, End, accepted_keys, drive, entropy_from
from scipy.stats import chi2

from haris.node.distil.run import Result, Source
from haris.nouns.bell_counts import BellCounts
from haris.nouns.blocks import Aborted
from haris.nouns.errors import ParameterError
from haris.nouns.keys import Origin
from haris.quantum.distill.transcript import Sender, Transcript
from haris.quantum.link import Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.protocols.bbm92 import BBM92, BELL_ANGLES_RAD
from haris.quantum.security.key_length import Security
from haris.report.bell_test import bell_figures, bell_lines
from haris.wire.distillation import Abort, decode, encode
from haris.wire.recording import read_block_header, write_half

EXAMPLE = Path(__file__).parents[3] / "examples" / "links" / "e91_10km.toml"
LINK = Link(
    PairSource(1e9, 0.02, 0.98, modes=np.inf), Fibre(10e3, 0.2), PairReceivers(0.4, 0.4, 1e-6, 1e-6),
    BBM92(0.7, 16_000_000, 0.3), Security(epsilon_secrecy=1e-6),
)  # fmt: skip
FALSE_ALARM = 1e-6


@cache
def light(eve_fraction=0.0):
    return LINK.emulate(LINK.protocol.block_pulses, 3, eve_fraction)


def distilled(alice, bob, link=LINK, attacker=None):
    live, agreed, logs = link.family.require_live(link), link.agreement(), (Transcript(BLOCK), Transcript(BLOCK))
    a = live.alice(BLOCK, alice, agreed, link.block_length, lambda _: b"", entropy_from(1), logs[0])
    b = live.bob(BLOCK, bob, agreed, link.block_length, entropy_from(2), logs[1])
    ends = End(Sender.ALICE, a, logs[0]), End(Sender.BOB, b, logs[1])
    drive(*ends, attacker) if attacker else drive(*ends)
    return ends


def faint(visibility, modes=1.0):
    """Hardly a window with two pairs, no noise."""
    return replace(
        LINK, source=PairSource(1e9, 1e-7, visibility, modes=modes), detector=PairReceivers(0.5, 0.5, 0.0, 0.0)
    )


def test_s_is_that_of_theory_and_of_qkd():
    for visibility in np.linspace(0.3, 1.0, 500):
        bell = faint(visibility).expected_counts().bell
        assert bell.chsh == pytest.approx(2 * np.sqrt(2) * visibility, rel=1e-6)
        # qkd 0.2.0: Ekert's orientations and singlets, for which his S is the negative.
        a1, _, a3, b1, _, b3 = qkd._core.ekert_settings()
        assert bell.chsh == pytest.approx(-qkd._core.ekert_chsh(a1, a3, b1, b3, visibility), rel=1e-6)
        assert bell.chsh == pytest.approx(qkd._core.pair_chsh(visibility), rel=1e-6)
        counts = faint(visibility).expected_counts()
        assert counts.qber[0] == pytest.approx(qkd._core.ekert_qber(float(bell.chsh)), abs=1e-6)
        each = 2.0 * bell.agreements / bell.test_rounds - 1.0
        theirs = [
            [-qkd._core.ekert_correlate(0.0, 2.0 * angle, visibility) for angle in row] for row in BELL_ANGLES_RAD
        ]
        np.testing.assert_allclose(each, theirs, rtol=1e-5)


@pytest.mark.parametrize("distance_m", [0.0, 50e3, [[10e3], [100e3]]])
def test_expected_s_is_the_one_that_the_rate_shows(distance_m):
    bell = LINK.expected_counts(distance_m=distance_m).bell
    np.testing.assert_allclose(bell.chsh, LINK.rate(distance_m).key.value("chsh"), rtol=1e-9)


def test_windows_of_the_test_make_no_key_and_the_bound_is_as_it_was():
    plain = replace(LINK, protocol=BBM92(0.7, 16_000_000))
    with_test, without = LINK.expected_counts(), plain.expected_counts()
    np.testing.assert_allclose(with_test.clicks, 0.7 * without.clicks)
    assert with_test.bell.test_rounds.sum() == pytest.approx(0.3 * without.clicks.sum() / (0.7**2 + 0.3**2))
    assert 0 < LINK.rate().key.length_bits < 0.7 * plain.rate().key.length_bits
    assert LINK.rate().key.proof == plain.rate().key.proof
    assert plain.agreement().tests is False


@pytest.mark.parametrize("modes", [1.0, 2.5, np.inf])
@pytest.mark.parametrize("dark", [0.0, 2e-3])
def test_sampled_tests_are_the_expected_ones(modes, dark):
    source = PairSource(1.7e9, 0.4, visibility=0.96, test_visibility=0.8, modes=modes, position=0.2)
    link = Link(
        source, Fibre(10e3, 0.2, misalignment=0.01), PairReceivers(0.5, 0.8, dark, 2 * dark),
        BBM92(0.6, 400_000, 0.5), Security(epsilon_secrecy=1e-3),
    )  # fmt: skip
    seen = distilled(*link.emulate(400_000, 7), link)[0].result.counts
    wanted = link.expected_counts()

    def table(counts):
        bell = counts.bell
        of_test = np.concatenate([bell.agreements, bell.test_rounds - bell.agreements])
        return np.concatenate([of_test.ravel(), counts.clicks.ravel()])

    deviation = ((table(seen) - table(wanted)) ** 2 / table(wanted)).sum()
    assert deviation < chi2(10).isf(FALSE_ALARM)
    assert abs(seen.bell.chsh - wanted.bell.chsh) < 5 * seen.bell.chsh_deviation


def test_light_becomes_key_with_a_measured_s_at_both_ends():
    a, b = distilled(*light())
    keys = accepted_keys(a, b)
    np.testing.assert_array_equal(*keys)
    assert 0.6 * LINK.rate().key.length_bits < len(keys[0]) < 1.6 * LINK.rate().key.length_bits
    ours, theirs, expected = a.result.counts.bell, b.result.counts.bell, LINK.expected_counts().bell
    np.testing.assert_array_equal(ours.test_rounds, theirs.test_rounds)
    np.testing.assert_array_equal(ours.agreements, theirs.agreements)
    assert abs(ours.chsh - expected.chsh) < 5 * ours.chsh_deviation
    assert 2.0 + 5 * ours.chsh_deviation < ours.chsh
    assert a.result.length == LINK.block_length(a.result.counts, a.result.leaked_bits)


def test_the_deviation_is_the_spread_of_s():
    rng, expected = np.random.default_rng(1), LINK.expected_counts(2_000_000).bell
    rounds = np.round(expected.test_rounds).astype(int)
    p = expected.agreements / expected.test_rounds
    drawn = [BellCounts(1, np.array(0), np.array(0), rounds, rng.binomial(rounds, p)) for _ in range(2000)]
    spread = np.std([float(bell.chsh) for bell in drawn])
    assert float(np.mean([bell.chsh_deviation for bell in drawn])) == pytest.approx(spread, rel=0.07)
    none = BellCounts(1, np.array(0), np.array(0), np.zeros((2, 2)), np.zeros((2, 2)))
    assert none.chsh == 0.0
    assert none.chsh_deviation == 2.0


def test_eve_leaves_half_of_s_no_key_and_a_warning():
    a, b = distilled(*light(1.0))
    assert isinstance(a.result, Aborted)
    assert accepted_keys(a, b) is None
    bell = a.result.counts.bell
    honest = LINK.expected_counts().bell.chsh
    assert bell.chsh == pytest.approx(honest / 2, abs=5 * bell.chsh_deviation)
    shown = bell_figures(Source(LINK, Origin.EMULATED), Result(bell=bell))
    assert shown["chsh_far_below"]
    assert "WARNING: S is" in bell_lines(shown)[1]


def test_an_honest_s_is_told_without_a_warning_and_blocks_add_up():
    bell = distilled(*light())[0].result.counts.bell
    shown = bell_figures(Source(LINK, Origin.EMULATED), Result(bell=bell + bell))
    assert shown["chsh"] == pytest.approx(float(bell.chsh))
    assert shown["chsh_deviation"] == pytest.approx(float(bell.chsh_deviation) / 2**0.5, rel=1e-2)
    assert not shown["chsh_far_below"]
    (line,) = bell_lines(shown)
    assert f"expected {shown['chsh_expected']:.4f}" in line
    assert bell_figures(Source(LINK, Origin.EMULATED), Result()) == {}
    assert bell_lines({}) == []


def test_a_window_that_was_told_in_the_test_is_never_key():
    # Bob's detectors of both kinds click in the same windows: what Alice told of them must not be sifted.
    alice, bob = light()
    of_test = np.flatnonzero(bob.channel >= 4)
    at = np.sort(np.concatenate([np.arange(len(bob.channel)), of_test]))
    first = np.diff(at, prepend=-1) > 0
    channel = np.where(first, bob.channel[at], bob.channel[at] & 1).astype(np.uint8)
    doubled = replace(bob, time_ps=bob.time_ps[at], channel=channel)
    plain, more = distilled(alice, bob), distilled(alice, doubled)
    assert more[0].result.counts.clicks.sum() == plain[0].result.counts.clicks.sum()


@pytest.mark.parametrize("number", [0, 1])
def test_messages_of_the_test_that_cannot_be_make_no_key(number):
    def attacker(_, at, octets):
        if at != number:
            return [octets]
        said = decode(octets)
        name = ("directions", "outcomes")[number]
        return [encode(type(said)(**{**{f: getattr(said, f) for f in said.__struct_fields__}, name: b""}))]

    assert accepted_keys(*distilled(*light(), attacker=attacker)) is None


def test_a_peer_who_gives_up_during_the_test_is_heard():
    live, log = LINK.family.require_live(LINK), Transcript(BLOCK)
    a = live.alice(BLOCK, light()[0], LINK.agreement(), LINK.block_length, lambda _: b"", entropy_from(1), log)
    next(a)
    with pytest.raises(StopIteration) as end:
        a.send(Abort(reason="peer"))
    assert isinstance(end.value.value, Aborted)


def test_halves_pass_through_their_recording_and_channels_have_a_role():
    live, agreed = LINK.family.require_live(LINK), LINK.agreement()
    for role, half in zip(Sender, light(), strict=True):
        head, octets = write_half(0, half)
        assert write_half(0, live.read(role, read_block_header(head), octets, agreed)) == (head, octets)
    head, octets = write_half(0, light()[1])
    for role, known in ((Sender.ALICE, agreed), (Sender.BOB, replace(agreed, tests=False))):
        with pytest.raises(ParameterError, match="there are 0 to 3"):
            live.read(role, read_block_header(head), octets, known)


def test_a_share_of_all_windows_is_refused():
    for p_bell in (1.0, -0.1, np.nan):
        with pytest.raises(ParameterError, match="p_bell"):
            BBM92(0.5, 10, p_bell)


def test_the_example_gives_key():
    link = Link.read(EXAMPLE)
    assert link.protocol.p_bell == 0.2
    assert link.rate().key.length_bits > 10_000
