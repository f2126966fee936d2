"""Passes by other protocols: a slot is a fibre of its loss, and slots add up to one block."""

from dataclasses import replace

import numpy as np
import pytest
from flying_links import EXAMPLE, PARTS, WRONG, link_by

from haris.nouns.document import parse_document
from haris.nouns.errors import ParameterError
from haris.quantum.link import FAMILIES, Link
from haris.quantum.optics.fibre import Fibre
from haris.quantum.protocols.bbm92 import BBM92
from haris.quantum.security.key_length import Security
from haris.quantum.space.block_key import MOST_QBER
from haris.quantum.space.light import least_transmittance, pass_light
from haris.quantum.space.live import require_live
from haris.quantum.space.pass_blocks import LATER
from haris.quantum.space.pass_key import pass_counts
from haris.quantum.space.pass_link import FLYING, GROUNDED, PassLink, PassProtocol, block_key, expected_block
from haris.quantum.space.scenario import Scenario, scenario_of

SEVERAL = PassProtocol(0.8, name="six-state", passes_a_block=2)


def fibre_of_20_db(name, n_pulses):
    """The same devices on a fibre; pairs from Alice's end."""
    link = link_by(name)
    source = replace(link.source, position=0.0) if name == "bbm92" else link.source
    protocol = FAMILIES[name].protocol(p_key_basis=0.8, block_pulses=n_pulses)
    return Link(source, Fibre(0.0, 0.2, 20.0, WRONG), link.detector, protocol, link.security)


@pytest.mark.parametrize("name", FLYING)
def test_slots_of_one_loss_are_a_block_on_a_fibre_of_that_loss(name):
    link, fibre = link_by(name), fibre_of_20_db(name, 3 * 10**9)
    one, three = (expected_block(link, 30.0 / n, np.full(n, 0.01), np.zeros(n)) for n in (1, 3))
    key = fibre.rate().key
    for counts in (one, three):
        found = block_key(link, counts)
        assert counts.n_pulses == 3e9
        assert abs(int(found.length_bits) - int(key.length_bits)) <= 1
        assert float(counts.key_qber) == pytest.approx(float(fibre.rate().qber), rel=1e-12)
        assert float(found.value("sifted")) == pytest.approx(float(key.value("sifted")), rel=1e-12)
    assert int(key.length_bits) > 1000


@pytest.mark.parametrize("name", FLYING)
def test_slots_add_up_whatever_their_loss_and_sky(name):
    link = link_by(name)
    eta, sky = np.array([1e-3, 1e-2, 3e-3, 1e-4]), np.array([0.0, 1e-6, 0.0, 1e-5])
    whole = expected_block(link, 10.0, eta, sky)
    parts = [expected_block(link, 10.0, eta[i : i + 1], sky[i : i + 1]) for i in range(4)]
    assert float(whole.sifted_bits) == pytest.approx(sum(float(each.sifted_bits) for each in parts), rel=1e-12)
    assert float(whole.n_pulses) == 4e9
    bright = expected_block(link, 10.0, eta, sky + 1e-3)
    assert float(bright.key_qber) > 2.0 * float(whole.key_qber)


def test_sums_of_decoy_bb84_are_those_of_any_protocol():
    link = link_by("decoy-bb84")
    eta, sky = np.array([1e-3, 1e-2, 3e-3]), np.array([0.0, 1e-6, 1e-5])
    quick = pass_counts(link.source, link.detector, 0.8, WRONG, 10.0, eta, sky)
    slow = expected_block(link, 10.0, eta, sky)
    np.testing.assert_allclose(quick.clicks, slow.clicks, rtol=1e-12)
    np.testing.assert_allclose(quick.errors, slow.errors, rtol=1e-12)


@pytest.mark.parametrize("name", FLYING)
def test_a_pass_without_a_slot_has_no_bits(name):
    counts = expected_block(link_by(name), 1.0, np.zeros(0), np.zeros(0))
    assert float(counts.sifted_bits) == 0.0
    assert int(block_key(link_by(name), counts).length_bits) == 0


def by(protocol, source="", detector=""):
    """The Micius pass of 2016 by another protocol."""
    text = EXAMPLE.read_text(encoding="utf-8").replace("p_key_basis = 0.5", f"p_key_basis = 0.6\n{protocol}")
    for table, lines in (("source", source), ("detector", detector)):
        if lines:
            start = text.index(f"[{table}]")
            text = f"{text[:start]}[{table}]\n{lines}\n\n{text[_next(text, start) :]}"
    return scenario_of(parse_document(text, "PASS.toml"))


def _next(text, start):
    return text.index("\n[", start) + 1


PAIRS = "clock_hz = 4e8\nmean_pairs = 0.015\nvisibility = 0.97\nmodes = inf"
DECOY = "clock_hz = 400e6\nintensities = [0.5, 0.15]\np_intensities = [0.5, 0.5]"
BINS = "efficiency = 0.5\np_dark = 2e-8\nvisibility = 0.99\nwindow_s = 1e-9"
ENDS = "efficiency_alice = 0.3\nefficiency_bob = 0.4\np_dark_alice = 1e-6\np_dark_bob = 1e-6"


def test_the_same_pass_by_several_protocols():
    decoy = by("").keys(0.0)[0]
    named = by('name = "decoy-bb84"').keys(0.0)[0]
    assert named.secret_bits == decoy.secret_bits > 1e5
    six = by('name = "six-state"').keys(0.0)[0]
    assert 0.5 < six.secret_bits / decoy.secret_bits < 1.0
    pairs = by('name = "bbm92"', PAIRS, ENDS).keys(0.0)[0]
    assert 1e4 < pairs.secret_bits < decoy.secret_bits
    bins = by('name = "three-state"', DECOY, BINS).keys(0.0)[0]
    assert bins.secret_bits > 1e4


@pytest.mark.parametrize("name", GROUNDED)
def test_what_does_not_fly_says_why(name):
    assert set(FLYING) | set(GROUNDED) == set(FAMILIES)
    with pytest.raises(ParameterError, match="no protocol that flies"):
        PassProtocol(0.5, name=name)


@pytest.mark.parametrize(
    ("protocol", "source", "detector", "words"),
    [
        ('name = "gaussian-cv"', "", "", "fading"),
        ('name = "b92"', "", "", "none of its bounds holds for a finite block"),
        ('name = "bb84"', "", "", "must be one of decoy-bb84, three-state"),
        ('name = "bbm92"', "", ENDS, "mean_pairs"),
        ('name = "bbm92"', PAIRS + "\nposition = 0.2", ENDS, "position"),
        ('name = "three-state"', "", BINS.replace("1e-9", "6e-9"), "window_s"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(protocol, source, detector, words):
    with pytest.raises(ParameterError, match=words) as told:
        by(protocol, source, detector)
    assert str(told.value).startswith("PASS.toml:")


def test_bounds_are_those_of_the_protocol():
    with pytest.raises(ParameterError, match="bound of a pass by six-state must be one of variable-length"):
        replace(link_by("six-state"), security=Security(bound="asymptotic"))
    with pytest.raises(ParameterError, match="of name = 'decoy-bb84' alone"):
        require_live(link_by("six-state"))


@pytest.fixture(scope="module")
def two_stations():
    return Scenario.read(EXAMPLE.with_name("micius_two_stations_2020.toml"))


def test_two_stations_share_pairs_and_both_arms_lose(two_stations):
    link = two_stations.link
    bob, alice, dark = np.full(2, 1e-3), np.full(2, 4e-3), np.zeros(2)
    counts = expected_block(link, 100.0, bob, dark, alice, dark)
    turned = expected_block(link, 100.0, alice, dark, bob, dark)
    np.testing.assert_allclose(counts.coincidences, turned.coincidences, rtol=1e-12)
    # A fibre with the source in its middle, each arm losing as much.
    half = expected_block(link, 100.0, np.full(1, 1e-3), np.zeros(1), np.full(1, 1e-3), np.zeros(1))
    fibre = Link(link.source, Fibre(0.0, 0.2, 60.0), link.detector, BBM92(0.5, 4 * 10**10), link.security)
    assert float(half.sifted_bits) == pytest.approx(float(fibre.expected_counts().clicks.sum()), rel=1e-9)
    # And one that is off the middle, so that the arms lose 15 and 45 dB.
    apart = expected_block(link, 100.0, np.full(1, 10.0**-4.5), np.zeros(1), np.full(1, 10.0**-1.5), np.zeros(1))
    off = replace(fibre, source=replace(link.source, position=0.25))
    assert float(apart.sifted_bits) == pytest.approx(float(off.expected_counts().clicks.sum()), rel=1e-9)
    sunny = expected_block(link, 100.0, bob, dark, alice, dark + 1e-4)
    assert float(sunny.key_qber) > float(counts.key_qber)


def test_a_block_of_several_passes_is_told_at_its_last(two_stations):
    few = replace(two_stations, search=replace(two_stations.search, days=5.0))
    alone, joint = (
        replace(few, link=replace(few.link, protocol=replace(few.link.protocol, passes_a_block=n))).keys(0.0)
        for n in (1, 3)
    )
    nights = [i for i, each in enumerate(alone) if each.qber < 0.11]
    assert len(nights) == 5
    assert all(each.reason.startswith("the Sun") for i, each in enumerate(joint) if i not in nights)
    assert [joint[i].reason == LATER for i in nights] == [True, True, False, True, False]
    for i, last in enumerate((nights[2], nights[4])):
        terms = joint[last].key
        of = nights[:3] if i == 0 else nights[3:]
        sifted = sum(float(alone[each].counts.coincidences[0]) for each in of)
        assert float(terms.value("sifted")) == np.floor(sifted)
        assert joint[last].sifted_bits == alone[last].sifted_bits


def test_the_published_key_needs_its_passes_together(two_stations):
    # Published: 6,208 coincidences in 3,100 s, half of them sifted; 372 bits with both bases made key, here one is.
    keys = [each for each in two_stations.keys(0.0) if each.qber < 0.11]
    rate_hz = 2.0 * sum(each.sifted_bits for each in keys) / sum(each.flown.duration_s for each in keys)
    assert 1.0 < rate_hz / (6208 / 3100) < 1.3
    assert 0 < keys[10].secret_bits < 372
    assert all(each.secret_bits == 0 for each in keys[:10])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stations": ("a", "a")}, "stations are two"),
        ({"stations": ("a", "b"), "name": "decoy-bb84"}, "stations are two of name = 'bbm92'"),
        ({"passes_a_block": 0}, "passes_a_block"),
    ],
)
def test_stations_and_blocks_are_checked(changes, words):
    with pytest.raises(ParameterError, match=words):
        PassProtocol(0.5, **({"name": "bbm92"} | changes))


def test_no_light_to_two_stations_goes_up(two_stations):
    up = replace(two_stations.link.channel, direction="uplink", waist_m=0.1)
    with pytest.raises(ParameterError, match="direction"):
        replace(two_stations.link, channel=up)
    across = replace(link_by("six-state").channel, direction="crosslink")
    with pytest.raises(ParameterError, match="one block a window"):
        PassLink(*PARTS["six-state"][:1], across, PARTS["six-state"][1], SEVERAL, Security())
    text = EXAMPLE.with_name("micius_two_stations_2020.toml").read_text(encoding="utf-8")
    with pytest.raises(ParameterError, match="'Lijiang', which is no"):
        scenario_of(parse_document(text.replace('"Nanshan"]', '"Lijiang"]'), "PASS.toml"))


def test_a_season_is_of_one_block_a_pass(two_stations):
    with pytest.raises(ParameterError, match="one block a pass"):
        two_stations.season(0.0)


def test_250_random_passes_of_each_kind_have_no_negative_key():
    rng = np.random.default_rng(7)
    for number in range(250):
        link = link_by(list(FLYING)[number % len(FLYING)])
        link = replace(link, channel=replace(link.channel, misalignment=rng.uniform(0.0, 0.5)))
        n = rng.integers(0, 5)
        eta = np.where(rng.random(n) < 0.1, rng.integers(0, 2, n), 10.0 ** rng.uniform(-30.0, 0.0, n))
        sky = np.where(rng.random(n) < 0.3, 0.0, 10.0 ** rng.uniform(-12.0, 5.0, n))
        alice = (eta[::-1], sky[::-1]) if link.protocol.name == "bbm92" and number % 2 else ()
        counts = expected_block(link, 10.0 ** rng.uniform(-3.0, 4.0), eta, sky, *alice)
        bits = int(block_key(link, counts).length_bits)
        assert 0 <= bits <= float(counts.sifted_bits)
        assert 0.0 <= float(counts.key_qber) <= 1.0


@pytest.mark.parametrize("name", FLYING)
def test_at_the_least_transmittance_the_error_rate_is_the_most(name):
    link = link_by(name)
    slots = by("").keys(0.0)[0].slots
    least = least_transmittance(slots, link)
    if name != "bbm92":
        link = replace(link, source=replace(link.source, intensities=(0.5, 0.4999), p_intensities=(0.99, 0.01)))
    found = expected_block(link, 1.0, least[:1], slots.background[:1])
    assert float(found.key_qber) == pytest.approx(MOST_QBER, abs=1e-4)
    dark = replace(link, channel=replace(link.channel, misalignment=0.2))
    assert np.all(least_transmittance(slots, dark) == np.inf)


def test_the_light_of_pairs_fades_too():
    scenario = Scenario.read(EXAMPLE.with_name("cubesat_pairs_500km.toml"))
    (key, *_) = (each for each in scenario.keys(0.0) if each.secret_bits > 0)
    light = pass_light(key, scenario.link, 60.0 * 86400.0)
    assert light.faded_bits == pytest.approx(key.secret_bits, rel=0.02)
    assert 0.0 < light.outage < 0.05


@pytest.mark.parametrize("name", FLYING)
def test_a_bound_of_endless_blocks_tells_no_epsilon(name):
    link = link_by(name)
    assert link.certainty == "epsilon 1e-09"
    if "asymptotic" in link.varying.bounds:
        told = replace(link, security=replace(link.security, bound="asymptotic")).certainty
        assert told == "the limit of endless blocks and no key of one"
