"""Settings of passes by any protocol: no worse than the link's own, and as good as a search over a grid."""

from dataclasses import replace

import numpy as np
import pytest
from flying_links import EXAMPLE, PARTS, link_by

from haris.nouns.block_counts import joined
from haris.quantum.space.knobs import best_knobs, best_window, knobs_of, real_bits, turned
from haris.quantum.space.optimised import link_with, named, optimised
from haris.quantum.space.pass_key import counts_over, pass_key
from haris.quantum.space.pass_link import FLYING, PassProtocol, block_key, expected_block
from haris.quantum.space.scenario import Scenario

AGE_S = 14.0 * 86400.0


@pytest.fixture(scope="module")
def flown():
    (key,) = Scenario.read(EXAMPLE).keys(0.0)
    return key.flown


@pytest.mark.parametrize("name", FLYING)
def test_real_lengths_are_those_that_are_rounded(name):
    link = link_by(name)
    for bound in link.varying.bounds:
        if bound in ("lim2014", "sidhu2022"):
            continue  # of three intensities
        of = replace(link, security=replace(link.security, bound=bound))
        counts = expected_block(of, 30.0, np.full(2, 0.01), np.zeros(2))
        key = block_key(of, counts)
        assert key.length_bits > 0
        assert abs(real_bits(of, counts) - float(key.length_bits)) <= 1.0


def dim(name, flown):
    """A link to the flown pass with a small telescope, in slots of 10 s."""
    link = link_by(name)
    channel = replace(link.channel, receiver_m=0.6, optics_db=6.0)
    return replace(link, channel=channel, protocol=PassProtocol(0.8, 10.0, name=name))


@pytest.mark.parametrize("name", ["six-state", "bbm92"])
def test_the_chosen_settings_give_more(name, flown):
    link = dim(name, flown)
    own = pass_key(flown, link, AGE_S)
    (best,) = optimised([own], link)
    assert best.secret_bits >= own.secret_bits
    assert best.secret_bits > 1.02 * own.secret_bits or best.settings is None
    if best.settings is not None:
        chosen = link_with(link, best.settings)
        assert int(block_key(chosen, counts_over(best.slots, chosen)).length_bits) == best.secret_bits
        assert set(named(best.settings)) == set(knobs_of(link))


def test_three_states_climb_from_their_own_settings(flown):
    link = dim("three-state", flown)
    slots = pass_key(flown, replace(link, protocol=replace(link.protocol, slot_s=60.0)), AGE_S).slots
    near = turned(link, best_knobs([[slots]], link, near=knobs_of(link)))
    assert real_bits(near, counts_over(slots, near)) > 1.02 * real_bits(link, counts_over(slots, link))


def test_pairs_and_bases_are_those_of_a_grid(flown):
    link = dim("bbm92", flown)
    slots = pass_key(flown, link, AGE_S).slots
    found = best_knobs([[slots]], link)
    best = real_bits(turned(link, found), counts_over(slots, turned(link, found)))
    for pairs in np.geomspace(0.003, 0.3, 9):
        for p_key in (0.6, 0.7, 0.8, 0.9, 0.95):
            other = turned(link, {"pairs per window": pairs, "p of the key basis": p_key})
            assert real_bits(other, counts_over(slots, other)) <= best * (1.0 + 1e-3)


def test_a_window_leaves_out_slots_that_cost(flown):
    link = dim("bbm92", flown)
    noisy = replace(link, detector=replace(PARTS["bbm92"][1], p_dark_bob=3e-5))
    slots = pass_key(flown, noisy, AGE_S).slots
    used = best_window(slots, noisy)
    assert 0 < used.start < used.stop < slots.unix_s.size
    assert real_bits(noisy, counts_over(slots.part(used), noisy)) > real_bits(noisy, counts_over(slots, noisy))


def test_settings_are_sought_in_the_dark_part_of_a_pass(flown):
    link = dim("six-state", flown)
    link = replace(link, channel=replace(link.channel, optics_db=0.0))
    key = pass_key(flown, link, AGE_S)
    n = key.slots.unix_s.size
    half = replace(key.slots, background=np.where(np.arange(n) < n // 2, 3e-3, 1e-7))
    dawn = replace(key, slots=half, counts=counts_over(half, link), key=block_key(link, counts_over(half, link)))
    assert dawn.secret_bits == 0
    assert dawn.qber > 0.11
    (found,) = optimised([dawn], link)
    assert found.secret_bits > 0
    assert found.slots.background.max() == 1e-7
    day = replace(dawn, slots=replace(half, background=np.full(n, 3e-3)))
    assert optimised([day], link) == (day,)


def test_passes_of_one_block_have_one_setting():
    scenario = Scenario.read(EXAMPLE.with_name("micius_two_stations_2020.toml"))
    link = replace(scenario.link, protocol=replace(scenario.link.protocol, slot_s=20.0, passes_a_block=4))
    link = replace(link, channel=replace(link.channel, optics_db=4.0))
    keys = replace(scenario, search=replace(scenario.search, days=4.0), link=link).keys(0.0)
    found = optimised(keys, link)
    chosen = [each.settings for each in found if each.settings is not None]
    assert len(chosen) == 4
    assert all(each == chosen[0] for each in chosen)
    for each in found:
        assert each.slots.least_elevation_deg <= each.flown.max_elevation_deg
    with_key = [each for each in found if each.secret_bits > 0]
    whole = joined([each.counts for each in found if each.settings is not None])
    assert [each.secret_bits for each in with_key] == [int(block_key(link_with(link, chosen[0]), whole).length_bits)]


def test_decoy_states_of_several_passes_are_chosen_together():
    scenario = Scenario.read(EXAMPLE.with_name("qube2_like.toml"))
    link = replace(scenario.link, protocol=replace(scenario.link.protocol, slot_s=60.0, passes_a_block=2))
    keys = replace(scenario, link=link, search=replace(scenario.search, days=1.0)).keys(0.0)
    found = optimised(keys, link)
    assert sum(each.secret_bits for each in found) > 1.1 * sum(each.secret_bits for each in keys) > 0.0
