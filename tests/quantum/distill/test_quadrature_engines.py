"""From light of continuous variables to key at two ends that share messages only, and what ends without one."""

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from distill_pair import drive
from quadrature_light import LINK, SLICED, distilled, pair, same_key

from haris.nouns.blocks import Aborted, AbortReason, Distilled
from haris.nouns.errors import ParameterError, PeerError
from haris.nouns.quadrature_counts import QuadratureSums
from haris.nouns.symbols import Symbols
from haris.quantum.distill.engine import Abandon
from haris.quantum.distill.quadrature_block import Estimate, n_frames, parted
from haris.quantum.distill.reconciliation_plan import candidates, words
from haris.quantum.distill.slices import Slicing
from haris.quantum.distill.soft_code import SoftCode
from haris.quantum.link import Link
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.oscillator_receiver import OscillatorReceiver
from haris.quantum.optics.split_fibre import SplitFibre
from haris.quantum.optics.thermal_source import ThermalSource
from haris.quantum.protocols.passive_cv import PassiveCV
from haris.quantum.security.key_length import BlockLength, Security
from haris.wire.distillation import decode, encode
from haris.wire.quadratures import Disclosed, Estimated, Kept, Mapped, Measured, Sampled


@pytest.fixture(scope="module")
def halves():
    return LINK.emulate(LINK.protocol.block_pulses, seed=1)


@pytest.fixture(scope="module")
def whole_run(halves):
    """Both outcomes, and every message that crossed."""
    seen = []

    def channel(sender, number, octets):
        seen.append((sender, octets))
        return [octets]

    return (*distilled(LINK, halves, channel), seen)


def changed(kind, **changes):
    """A channel on which the first message of a kind reads differently."""
    left = [1]

    def channel(sender, number, octets):
        message = decode(octets)
        if isinstance(message, kind) and left:
            left.pop()
            new = {name: value(message) if callable(value) else value for name, value in changes.items()}
            return [encode(msgspec.structs.replace(message, **new))]
        return [octets]

    return channel


def test_light_becomes_key_of_the_planned_length_in_eight_dimensions(whole_run):
    alice, bob, seen = whole_run
    assert isinstance(alice, Distilled)
    assert isinstance(bob, Distilled)
    assert same_key(alice, bob)
    assert alice.counts == bob.counts
    assert alice.leaked_bits == bob.leaked_bits == round(0.8 * 1_024_000) + 129
    assert (alice.counts.scheme, alice.n_reconciled) == ("8 dimensions, rate 0.2", 1_024_000)
    kinds = [type(decode(octets)).__name__ for _, octets in seen]
    assert kinds == [
        *("Measured", "Sampled", "Disclosed", "Disclosed", "Disclosed", "Estimated"),
        *("Mapped", "Kept", "Verified", "Amplification", "Done"),
    ]
    # With the beta that was reached the plan differs from the block by its estimates alone.
    beta = {term.name: float(term.value) for term in alice.length.terms}["beta"]
    agreed = LINK.agreement()
    frames = 1_024_000 / agreed.block_pulses
    protocol = replace(LINK.protocol, reconciliation_efficiency=beta, p_estimation=1 - frames)
    planned = int(replace(LINK, protocol=protocol).rate().key.length_bits)
    assert alice.length.length_bits == pytest.approx(planned, rel=0.15)
    assert len(alice.bits) == alice.length.length_bits > 80_000
    assert "no attacks but collective ones" in alice.length.proof.assumptions[0]


def test_light_becomes_key_in_slices_of_both_quadratures():
    link = replace(SLICED, protocol=replace(SLICED.protocol, block_pulses=1_050_000, p_estimation=0.5))
    alice, bob = distilled(link, link.emulate(link.protocol.block_pulses, seed=3))
    assert same_key(alice, bob)
    assert alice.counts.scheme.startswith("slices")
    assert alice.counts.frames.n_frames == alice.counts.frames.n_kept == 1
    # The entropy of the steps as the sample says is that of a Gaussian; six deviations.
    deviation = alice.counts.entropy_deviation_bits
    assert alice.counts.entropy_bits == pytest.approx(plan_of(alice).entropy(), abs=6 * deviation)
    assert 0 < deviation < 3e-3
    assert len(alice.bits) == alice.length.length_bits > 0


def test_light_that_was_prepared_passively_goes_the_same_way():
    link = Link(
        ThermalSource(1e9, 8000.0, 39.2, 0.5, 0.6, 0.1),
        SplitFibre(500.0, 0.2, excess_noise_snu=0.001),
        OscillatorReceiver("heterodyne", 0.8, 0.01),
        PassiveCV(1_100_000, 0.88, p_estimation=0.5),
        LINK.security,
    )
    alice, bob = distilled(link, link.emulate(link.protocol.block_pulses, seed=1))
    assert same_key(alice, bob)
    assert len(alice.bits) == pytest.approx(int(link.rate().key.length_bits), rel=0.2)
    assert any("passive preparation" in assumption for assumption in alice.length.proof.assumptions)
    with pytest.raises(ParameterError, match=r"^users must be 1 for live keys"):
        replace(link, channel=replace(link.channel, users=2)).agreement()


def plan_of(end):
    """The slicing whose words the counts bear."""
    found = [each for each in candidates(end.counts.sums.snr * 0.99) if words(each) == end.counts.scheme]
    assert found
    return found[0]


def test_the_sample_is_random_exact_and_the_same_at_both_ends():
    agreed = LINK.agreement()
    n = agreed.block_pulses
    numbers = Symbols(np.arange(n, dtype=np.float32)[:, None])
    one, again, other = (parted(numbers, bytes([seed]) * 32, agreed) for seed in (1, 1, 2))
    assert np.array_equal(one.sample, again.sample)
    assert len(one.key) == 1_024_000
    assert len(one.sample) == n - 1_024_000
    assert np.array_equal(np.sort(np.concatenate([one.sample[:, 0], one.key])), numbers.values[:, 0])
    # Hypergeometric overlap of two samples, and of a sample with the first half; six deviations.
    share = len(one.sample) / n
    overlap = len(np.intersect1d(one.sample, other.sample))
    for found, mean in ((overlap, n * share**2), (int((one.sample < n / 2).sum()), n * share / 2)):
        assert abs(found - mean) < 6 * math.sqrt(n) / 2


def test_an_eve_who_resends_leaves_no_key_and_both_ends_say_why():
    alice, bob = distilled(LINK, LINK.emulate(LINK.protocol.block_pulses, seed=1, eve_fraction=0.3))
    for end in (alice, bob):
        assert (type(end), end.reason) == (Aborted, AbortReason.NO_KEY_LENGTH)
        assert end.detail.startswith("no secret bits would be left at SNR")
        assert end.counts.sums.noise > 1.1


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda x, y: (1.02 * x, y), "Alice's values vary by"),
        (lambda x, y: (np.sign(x) * np.sqrt(0.48), y), "Alice's values are not Gaussian"),
        (lambda x, y: (x, 0.97 * y), "the unit is wrong"),
        (lambda x, y: (x, y + 0.1 * x), "his receiver behind no loss makes"),
    ],
)
def test_a_calibration_that_the_sample_contradicts_ends_the_block(halves, alter, words):
    altered = alter(*(half.values for half in halves))
    for end in distilled(LINK, tuple(Symbols(values.astype(np.float32)) for values in altered)):
        assert (end.reason, words in end.detail) == (AbortReason.CALIBRATION, True)


def test_quadratures_that_differ_or_mix_end_the_block():
    link = replace(SLICED, protocol=replace(SLICED.protocol, block_pulses=1_050_000))
    alice, bob = link.emulate(link.protocol.block_pulses, seed=4)
    stretched = Symbols(bob.values * np.array([1.0, 1.02], np.float32))
    mixed = Symbols((bob.values + np.float32(0.02) * bob.values[:, ::-1]).astype(np.float32))
    for wrong, told in ((stretched, "the quadratures differ"), (mixed, "Bob's quadratures are correlated by")):
        for end in distilled(link, (alice, wrong)):
            assert (end.reason, told in end.detail) == (AbortReason.CALIBRATION, True)


def test_values_without_correlation_are_no_channel(halves):
    alice, bob = halves
    for end in distilled(LINK, (alice, Symbols(bob.values[::-1].copy()))):
        assert end.reason is AbortReason.NO_KEY_LENGTH


def other_frame(message):
    return message.mapped[: len(message.mapped) - 4]


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (Measured, {"n_symbols": 7}, "the peer measured 7 symbols of 1 values"),
        (Measured, {"block": bytes(16)}, "or another block"),
        (Sampled, {"values": b"1234"}, "discloses 4 octets of values"),
        (Disclosed, {"values": lambda m: b"\0\0\xc0\x7f" + m.values[4:]}, "values that are not finite"),
        (Disclosed, {"values": lambda m: b"\0\0\x80\x40" + m.values[4:]}, "not those of what was disclosed"),
        (Estimated, {"sums": (1.0,) * 5}, "not those of what was disclosed"),
        (Estimated, {"sums": (1.0,) * 6}, "the peer's estimate is none"),
        (Estimated, {"sums": (1.0, math.nan, 1.0, 3.0, 0.0)}, "the peer's estimate is none"),
        (Mapped, {"code": "rate_0.20-0000"}, "the peer reconciles by another code"),
        (Mapped, {"mapped": other_frame}, "the peer maps"),
    ],
)
def test_what_does_not_fit_ends_the_block_at_whoever_hears_it(halves, kind, changes, words):
    results = distilled(LINK, halves, changed(kind, **changes))
    assert any(isinstance(end, PeerError) and words in str(end) for end in results)
    assert not any(isinstance(end, Distilled) for end in results)


def test_a_length_that_the_other_end_does_not_allow_and_another_seed_of_the_sample(halves):
    def generous(counts, leaked):
        return replace(LINK.block_length(counts, leaked), length_bits=7)

    alice, bob = pair(LINK, *halves, length_bob=generous)
    drive(alice, bob)
    assert isinstance(bob.result, PeerError)
    assert "7 are secret" in str(bob.result)
    results = distilled(LINK, halves, changed(Sampled, seed=bytes(32)))
    assert not any(isinstance(end, Distilled) for end in results)


def test_frames_that_are_denied_leave_no_key(halves):
    results = distilled(LINK, halves, changed(Kept, kept=b"\0"))
    assert not any(isinstance(end, Distilled) for end in results)


def test_blocks_and_halves_that_do_not_fit_are_refused_before_any_message(halves):
    alice, bob = halves
    with pytest.raises(ParameterError, match="2099999 symbols of 1 values, agreed are 2100000 of 1"):
        pair(LINK, alice.part(0, 2_099_999), bob)
    with pytest.raises(ParameterError, match="agreed are 2100000 of 1"):
        pair(LINK, alice, Symbols(np.zeros((2_100_000, 2), np.float32)))
    with pytest.raises(ParameterError, match="values must be finite"):
        pair(LINK, alice, Symbols(np.full((2_100_000, 1), np.nan, np.float32)))
    short = replace(LINK, protocol=replace(LINK.protocol, block_pulses=2_000_000))
    with pytest.raises(ParameterError, match=r"^block_pulses must leave a frame of 1024000 values"):
        short.agreement()
    with pytest.raises(ParameterError, match=r"^epsilon_correctness must be at least"):
        replace(
            LINK,
            security=replace(LINK.security, epsilon_correctness=1e-24),
            protocol=replace(LINK.protocol, block_pulses=400_000_000),
        ).agreement()
    both = replace(LINK, detector=CoherentReceiver("heterodyne", 0.8, 0.01))
    assert n_frames(both.agreement()) == 2


def test_keys_of_a_weaker_class_are_issued_only_where_that_is_accepted(tmp_path):
    path = tmp_path / "link.toml"
    replace(LINK, security=Security("leverrier2010", 1e-9, 1e-12)).write(path)
    with pytest.raises(ParameterError, match=r"link\.toml: bound 'leverrier2010' is proved against collective attacks"):
        Link.read_live(path)
    replace(LINK, security=replace(LINK.security, bound="asymptotic")).write(path)
    with pytest.raises(ParameterError, match="a live key needs bound = 'pirandola2021' or 'leverrier2010'"):
        Link.read_live(path)
    LINK.write(path)
    assert Link.read_live(path) == LINK


def test_a_block_too_long_to_be_hashed_ends_before_anything_is_told_of_its_key():
    sums = QuadratureSums(10**6, (1e7,), (0.5e7,), (0.25e7 + 1e6,), 3e8, 0.0)
    few, more, many = (Estimate(sums, np.ones((8, 1), np.float32), n, n * 1_024_000) for n in (2, 40, 200))
    with pytest.raises(Abandon, match=r"200 frames are too many to be hashed at once .*: shorten the block"):
        many.plan(lambda counts, leaked: BlockLength(1000, (), None))
    best = few.plan(lambda counts, leaked: BlockLength(1000 * counts.bits_per_value, (), None))
    assert isinstance(best, Slicing)
    assert isinstance(more.plan(lambda counts, leaked: BlockLength(1000, (), None)), SoftCode)
