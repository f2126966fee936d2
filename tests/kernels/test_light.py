"""Light kernels: published vectors of Philox, NumPy's generator as a peer, and equality with the specification."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haris.kernels import light, reference_light
from haris.kernels.light import ClickLaw
from haris.nouns.errors import ParameterError

KEY = bytes(range(32))
ONES = 2**64 - 1

# Random123 1.14, tests/kat_vectors, lines "philox4x64 10": counter, key, output.
KNOWN_ANSWERS = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        (ONES, ONES, ONES, ONES),
        (ONES, ONES),
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_vectors(counter, key, expected):
    assert tuple(light.philox4x64(counter, key)) == expected
    assert reference_light.philox4x64(counter, key) == expected


@given(st.integers(1, 2**64 - 1), st.integers(0, ONES), st.binary(min_size=32, max_size=32))
def test_philox_agrees_with_numpy(low, second, key):
    words = light.key_words(key)
    counter = np.array([low, second, 0, 0], dtype=np.uint64)
    before = counter - np.array([1, 0, 0, 0], dtype=np.uint64)  # NumPy counts up before it draws
    peer = np.random.Philox(counter=before, key=words[:2]).random_raw(4)
    assert np.array_equal(light.philox4x64([int(c) for c in counter], [int(w) for w in words[:2]]), peer)


simplexes = st.lists(st.integers(1, 50), min_size=1, max_size=4).map(lambda w: tuple(x / sum(w) for x in w))


@given(
    key=st.binary(min_size=32, max_size=32),
    number=st.lists(st.integers(0, 2**63 - 1), max_size=30),
    p_key_basis=st.floats(0.0, 1.0),
    p_intensities=simplexes,
)
def test_pulse_settings_equal_their_specification(key, number, p_key_basis, p_intensities):
    numbers = np.array(number, dtype=np.int64)
    ours = light.pulse_settings(key, numbers, p_key_basis, p_intensities)
    specified = reference_light.pulse_settings(key, numbers, p_key_basis, p_intensities)
    for kernel, plain in zip(ours, specified, strict=True):
        assert kernel.dtype == np.uint8
        assert np.array_equal(kernel, plain)


def test_pulse_settings_follow_their_probabilities():
    """Chi-square over the 12 cells of a million pulses; false alarms 1e-6."""
    n, p_key_basis, p_intensities = 10**6, 0.9, (0.7, 0.2, 0.1)
    basis, bit, intensity = light.pulse_settings(KEY, np.arange(n), p_key_basis, p_intensities)
    counts = np.bincount(6 * basis.astype(int) + 3 * bit + intensity, minlength=12)
    p = np.einsum("a,b,c->abc", [p_key_basis, 1 - p_key_basis], [0.5, 0.5], p_intensities).ravel()
    assert ((counts - n * p) ** 2 / (n * p)).sum() < 51.1  # chi-square, 11 degrees of freedom, 1 - 4e-7


probabilities = st.sampled_from([0.0, 1e-3, 0.05, 0.3, 1.0]) | st.floats(0.0, 1.0)


@st.composite
def click_laws(draw):
    p_intensities = draw(simplexes)
    k = len(p_intensities)
    table = st.lists(probabilities, min_size=4 * k, max_size=4 * k)
    period_ps = draw(st.sampled_from([400.0, 1000.0, 1e12 / 3e8]))
    return ClickLaw(
        p_key_basis=draw(st.floats(0.05, 0.95)),
        p_intensities=p_intensities,
        p_click=np.array(draw(table)).reshape(k, 2, 2) * draw(st.sampled_from([1.0, 0.1, 0.01])),
        p_photon=np.array(draw(table)).reshape(k, 2, 2),
        eve_fraction=draw(probabilities),
        hold_off_gates=draw(st.integers(0, 30)),
        p_afterpulse=draw(probabilities),
        p_release=draw(st.sampled_from([1.0, 0.3, 0.01])),
        period_ps=period_ps,
        gate_ps=period_ps * draw(st.sampled_from([1.0, 0.4])),
        jitter_ps=draw(st.sampled_from([0.0, 30.0, 300.0])),
    )


def block(law, start, n_pulses, capacity):
    state, times, channels = light.initial_state(), [], []
    while int(state[0]) < n_pulses:
        time_ps, channel, state = light.sample_clicks(law, KEY, KEY[::-1], start, n_pulses, state, capacity)
        times.append(time_ps)
        channels.append(channel)
    return np.concatenate([*times, np.empty(0, np.int64)]), np.concatenate([*channels, np.empty(0, np.uint8)])


@settings(max_examples=150, deadline=None)
@given(
    law=click_laws(),
    start=st.integers(0, 2**40),
    n_pulses=st.integers(0, 300),
    capacity=st.sampled_from([2, 3, 50, 1000]),
)
def test_sampled_clicks_equal_their_specification_in_pieces_of_any_size(law, start, n_pulses, capacity):
    time_ps, channel = block(law, start, n_pulses, capacity)
    plain_time_ps, plain_channel = reference_light.sample_clicks(law, KEY, KEY[::-1], start, n_pulses)
    assert np.array_equal(time_ps, plain_time_ps)
    assert np.array_equal(channel, plain_channel)
    assert np.all(np.diff(time_ps) >= 0)


def small_law(**changes):
    values = {
        "p_key_basis": 0.5,
        "p_intensities": (1.0,),
        "p_click": np.full((1, 2, 2), 0.1),
        "p_photon": np.ones((1, 2, 2)),
        "eve_fraction": 0.0,
        "hold_off_gates": 0,
        "p_afterpulse": 0.0,
        "p_release": 1.0,
        "period_ps": 1000.0,
        "gate_ps": 1000.0,
        "jitter_ps": 0.0,
    }
    return ClickLaw(**(values | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"p_click": np.full((1, 2, 2), 1.5)},
        {"p_click": np.full((2, 2, 2), 0.1)},
        {"p_release": 0.0},
        {"p_afterpulse": -0.1},
        {"eve_fraction": float("nan")},
        {"hold_off_gates": -1},
        {"gate_ps": 1001.0},
        {"jitter_ps": 1e5},
    ],
)
def test_a_click_law_outside_its_range_is_refused(changes):
    with pytest.raises(ParameterError):
        small_law(**changes)


def test_arguments_outside_their_range_are_refused():
    with pytest.raises(ParameterError, match="32 octets"):
        light.pulse_settings(b"short", np.arange(3), 0.5, (1.0,))
    with pytest.raises(ParameterError, match="int64"):
        light.pulse_settings(KEY, np.array([-1]), 0.5, (1.0,))
    with pytest.raises(ParameterError, match="sum to 1"):
        light.pulse_settings(KEY, np.arange(3), 0.5, (0.4, 0.4))
    with pytest.raises(ParameterError, match="room"):
        light.sample_clicks(small_law(), KEY, KEY, 0, 10, light.initial_state(), 1)
    with pytest.raises(ParameterError, match="does not fit"):
        light.sample_clicks(small_law(), KEY, KEY, 0, 10**14, light.initial_state(), 10)


def test_certain_and_impossible_clicks():
    time_ps, _ = block(small_law(p_click=np.ones((1, 2, 2)), hold_off_gates=4), 0, 50, 1000)
    assert np.array_equal(np.unique(time_ps), 500 + 5000 * np.arange(10))
    assert block(small_law(p_click=np.zeros((1, 2, 2))), 0, 10**12, 1000)[0].size == 0
