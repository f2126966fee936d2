"""Excess noise from hardware: against PyPI qkd (MIT), sums of its causes by hand, and what must hold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qkd import budget as peer
from qkd import impairments
from scipy.special import ndtr

from haris.nouns.errors import ParameterError
from haris.quantum.emulate import hardware_noise as noise
from haris.quantum.emulate.noise_budget import noise_budget
from haris.quantum.families.coherent_hardware import budget_of
from haris.quantum.link import Link
from haris.quantum.optics.classical_light import ClassicalLight
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.optics.receiver_hardware import ReceiverHardware
from haris.quantum.optics.transmitter_hardware import TransmitterHardware
from haris.quantum.protocols.discrete_cv import DiscreteCV
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.protocols.waveform import Waveform
from haris.quantum.security.key_length import Security

EXAMPLE = Link.read(Path(__file__).parents[3] / "examples" / "links" / "metro_cv_hardware_20km.toml")


def budget(alice=None, bob=None, waveform=EXAMPLE.protocol.waveform, km=20.0, variance=4.0, classical=None):
    return noise_budget(
        ModulatedLaser(1e8, variance, hardware=TransmitterHardware(**(alice or {}))),
        NoisyFibre(km * 1e3, 0.2, classical=classical),
        CoherentReceiver("heterodyne", 0.7, hardware=ReceiverHardware(**(bob or {}))),
        waveform,
    )


def value(made, name):
    (found,) = (float(each.value) for each in made.terms if each.name == name)
    return found


def test_ideal_hardware_adds_what_the_pilot_leaves_alone():
    made = budget()
    assert made.receiver_snu == 0.0
    assert float(made.excess_snu) == value(made, "pilot_noise")
    assert value(made, "pilot") == pytest.approx(1.0 / (2 * 100 * 0.35 * 10**-0.4 * 4.0 * 1e5), rel=1e-9)


def test_the_phase_of_a_pilot_is_the_peers_row():
    # qkd 0.2.0: (V_A + xi) expm1(V) at the input of the inferred channel T exp(-V); ours is at the output.
    rng = np.random.default_rng(5)
    for _ in range(500):
        width, variance, km = 10 ** rng.uniform(1, 6), rng.uniform(0.1, 30), rng.uniform(0, 60)
        made = budget({"linewidth_hz": width}, variance=variance, km=km)
        v = value(made, "walk") + value(made, "pilot")
        t = 10 ** (-0.02 * km)
        inferred = peer.infer(t, v)
        assert t * made.kept == pytest.approx(inferred, rel=1e-12)
        turned = value(made, "walk_noise") + value(made, "pilot_noise")
        assert turned == pytest.approx(inferred * peer.phase(variance, v), rel=1e-9)


def test_rin_of_the_oscillator_and_raman_are_the_peers():
    rng = np.random.default_rng(6)
    for _ in range(500):
        rin, km, watt = rng.uniform(-160, -110), rng.uniform(0.1, 80), 10 ** rng.uniform(-5, -1)
        backward = bool(rng.integers(2))
        light = ClassicalLight(watt, direction="backward" if backward else "forward")
        made = budget(bob={"lo_rin_db_per_hz": rin}, km=km, classical=light)
        t = 10 ** (-0.02 * km)
        beaten = 0.35 * t * 4.0 * (1.0 + 100.0) + 1.0  # with the pilot, which theirs knows nothing of
        theirs = peer.rin_lo(rin, 0.5e8, beaten, t) * t / 0.35
        assert value(made, "lo_intensity") == pytest.approx(theirs, rel=1e-9)
        # theirs is at the fibre's input, and by default at the wavelength of the worst Raman
        raman = impairments.raman(watt, km, t, wavelength=1550.12e-9, backward=backward) * t
        assert value(made, "scattered") == pytest.approx(raman, rel=1e-9)


def test_a_phase_that_walks_is_off_by_the_lag_of_a_gaussian_filter():
    # brute force: the filter's weights beyond each step of the walk, summed
    s = 200.0
    steps = np.arange(-3000, 3000) + 0.5
    squares = (ndtr(-np.abs(steps) / s) ** 2).sum()
    bandwidth = 1.0 / (2.0 * np.sqrt(np.pi) * s)
    assert 2.0 * np.pi * squares == pytest.approx(noise.LAG / bandwidth, rel=1e-5)


def test_the_best_bandwidth_is_the_best():
    waveform = EXAMPLE.protocol.waveform
    best = budget({"linewidth_hz": 1e4})
    for factor in (0.5, 0.9, 1.1, 2.0):
        width = float(best.pilot_bandwidth_hz) * factor
        assert budget({"linewidth_hz": 1e4}, waveform=replace(waveform, pilot_bandwidth_hz=width)).kept < best.kept


def test_the_modulator_is_what_regression_leaves():
    rng = np.random.default_rng(7)
    x, p = 2.0 * rng.standard_normal((2, 400_000))
    sent = x + 1j * p
    uneven = x + 1j * 1.1 * (p * np.cos(0.15) + x * np.sin(0.15))
    slope = (sent.conj() @ uneven) / (sent.conj() @ sent)
    left = (np.abs(uneven - slope * sent) ** 2).mean() / 2.0
    made = budget({"iq_gain_error": 0.1, "iq_phase_error_rad": 0.15}, km=0.0)
    assert value(made, "modulator") == pytest.approx(left, rel=0.01)
    assert made.kept / np.exp(-value(made, "pilot")) == pytest.approx(abs(slope) ** 2, rel=0.01)


def test_amplifier_and_balance_are_those_of_currents():
    # 8 pA / sqrt(Hz) beside the shot noise sqrt(2 e 5 mA) = 40 pA / sqrt(Hz)
    made = budget(bob={"lo_power_w": 5e-3, "noise_a_per_sqrt_hz": 8e-12, "lo_rin_db_per_hz": -150, "cmrr_db": 35})
    shot = np.sqrt(2 * 1.602176634e-19 * 5e-3)
    assert value(made, "amplifier") == pytest.approx((8e-12 / shot) ** 2)
    fluctuation = 5e-3 / 2 * np.sqrt(1e-15) * 10 ** (-35 / 20)  # A / sqrt(Hz), of half the current
    assert value(made, "common_mode") * 0.35 == pytest.approx((fluctuation / shot) ** 2)


def test_a_transmitted_oscillator_fades_with_the_fibre():
    bob = {"local_oscillator": "transmitted", "lo_power_w": 5e-3, "noise_a_per_sqrt_hz": 8e-12, "delay_s": 1e-9}
    near, far = (budget({"linewidth_hz": 1e5}, bob, None, km) for km in (0.0, 50.0))
    assert value(far, "amplifier") == pytest.approx(10 * value(near, "amplifier"))
    assert value(far, "delay") == pytest.approx(impairments.phase_variance(1e5, 1e-9)) == value(near, "delay")
    leaking = budget({}, {**bob, "isolation_db": 80}, None, 0.0)
    photons = 5e-3 / 1.602176634e-19 / 1e8 * 1e-8
    assert value(leaking, "lo_leak") * 0.35 == pytest.approx(2 * photons)


def test_the_receivers_noise_is_never_eves_too():
    dark = {"lo_power_w": 1e-3, "noise_a_per_sqrt_hz": 1e-11, "adc_bits": 6}
    quiet, noisy = budget(), budget(bob=dark)
    assert float(noisy.receiver_snu) > 0.3
    more = value(noisy, "overload") + value(noisy, "pilot_noise") - value(quiet, "pilot_noise")
    assert float(noisy.excess_snu - quiet.excess_snu) == pytest.approx(more)
    link = replace(EXAMPLE, detector=CoherentReceiver("heterodyne", 0.7, hardware=ReceiverHardware(**dark)))
    stated = float(budget_of(link).receiver_snu)
    key = link.rate().key
    assert key.value("receiver") == pytest.approx(stated)
    assert key.value("excess_noise") == pytest.approx(key.value("excess"))


def positive(low, high):
    return st.floats(np.log10(low), np.log10(high)).map(lambda x: 10.0**x)


transmitters = st.builds(
    TransmitterHardware,
    st.floats(0, 1e7),
    st.none() | st.floats(-180, -60),
    st.none() | st.integers(1, 24),
    st.floats(2, 20),
    st.floats(-0.9, 0.9),
    st.floats(-0.9, 0.9),
)
local = st.builds(
    ReceiverHardware,
    st.just("local"),
    st.floats(0, 1e7),
    st.floats(-1e7, 1e7),
    positive(1e-9, 10),
    positive(1e-3, 10),
    st.just(0.0) | positive(1e-15, 1e-3),
    st.none() | st.floats(-180, -60),
    st.none() | st.floats(0, 100),
    st.none() | st.integers(1, 24),
    st.floats(2, 20),
)
transmitted = st.builds(
    ReceiverHardware,
    st.just("transmitted"),
    lo_power_w=positive(1e-9, 10),
    noise_a_per_sqrt_hz=st.just(0.0) | positive(1e-15, 1e-3),
    lo_rin_db_per_hz=st.none() | st.floats(-180, -60),
    cmrr_db=st.none() | st.floats(0, 100),
    adc_bits=st.none() | st.integers(1, 24),
    delay_s=st.just(0.0) | positive(1e-12, 1e-3),
    isolation_db=st.none() | st.floats(0, 150),
)
waveforms = st.builds(
    Waveform, st.floats(1.1e8, 1.8e8), st.floats(-100, 100), st.none() | positive(1.0, 4e6), st.floats(0.1, 1.0)
)
fibres = st.builds(
    NoisyFibre,
    st.just(0.0),
    st.floats(0, 1),
    st.floats(0, 10),
    st.just(0.0),
    st.just(0.0) | st.floats(0, 0.1),
    st.just(0.0) | st.floats(0, 0.1),
    classical=st.none()
    | st.builds(ClassicalLight, positive(1e-9, 1.0), direction=st.sampled_from(["forward", "backward"])),
)
gaussian = st.builds(ModulatedLaser, st.just(1e8), positive(1e-3, 1e4), hardware=transmitters)
discrete = st.builds(
    ConstellationLaser,
    st.just(1e8),
    positive(1e-3, 10),
    st.sampled_from([4, 16]),
    st.just("binomial"),
    st.just(0.0),
    hardware=transmitters,
)


@st.composite
def links(draw):
    far = draw(st.booleans())
    hardware, waveform = (draw(transmitted), None) if far else (draw(local), draw(waveforms))
    detection = draw(st.sampled_from(["homodyne", "heterodyne"])) if far else "heterodyne"
    receiver = CoherentReceiver(
        detection, draw(st.floats(1e-3, 1.0)), draw(st.floats(0, 1)), draw(st.booleans()), hardware=hardware
    )
    if draw(st.integers(0, 3)) == 0:
        protocol = DiscreteCV(10**9, 0.95, waveform=waveform)
        return Link(draw(discrete), draw(fibres), receiver, protocol, Security("asymptotic"))
    protocol = GaussianCV(10**9, draw(st.floats(0.5, 1.0)), p_estimation=0.3, waveform=waveform)
    bound = draw(st.sampled_from(["asymptotic", "pirandola2021", "leverrier2010"]))
    return Link(draw(gaussian), draw(fibres), receiver, protocol, Security(bound))


@settings(deadline=None, max_examples=300)
@given(links())
def test_rates_through_hardware_are_finite_below_plob_and_fall_with_distance(link):
    rate = link.rate(np.append(np.linspace(0.0, 3e5, 31), 1e8))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_pulse >= 0)
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    assert all(
        np.all(np.isfinite(term.value)) and np.all(term.value >= 0)
        for term in rate.key.terms[:-1]
        if term.unit == "SNU"
    )
    if link.detector.hardware.adc_bits is None and not link.detector.hardware.transmitted:
        assert np.all(np.diff(rate.key.length_bits) <= 0)


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ({"detector": CoherentReceiver("heterodyne", 0.7)}, "detector must have its hardware"),
        ({"protocol": replace(EXAMPLE.protocol, waveform=None)}, "protocol must have a waveform"),
        ({"detector": replace(EXAMPLE.detector, detection="homodyne")}, 'detection must be "heterodyne" with a pilot'),
        ({"detector": replace(EXAMPLE.detector, hardware=ReceiverHardware("transmitted"))}, "waveform has no meaning"),
        (
            {"protocol": replace(EXAMPLE.protocol, waveform=Waveform(50e6))},
            "waveform must have its pilot_offset_hz above",
        ),
        (
            {"protocol": replace(EXAMPLE.protocol, waveform=Waveform(190e6))},
            "waveform must have its pilot_offset_hz with",
        ),
        (
            {"protocol": replace(EXAMPLE.protocol, waveform=Waveform(90e6, 10, 2e7))},
            "waveform must have its pilot_bandw",
        ),
    ],
)
def test_hardware_that_does_not_fit_is_refused(parts, wanted):
    with pytest.raises(ParameterError, match=f"^{wanted}"):
        replace(EXAMPLE, **parts)


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda: TransmitterHardware(-1.0), "linewidth_hz must be finite and at least 0, got -1"),
        (lambda: TransmitterHardware(rin_db_per_hz=3.0), "rin_db_per_hz must be finite and below 0, got 3"),
        (lambda: TransmitterHardware(dac_bits=0), r"dac_bits must lie in \[1, 24\], got 0"),
        (lambda: TransmitterHardware(dac_headroom=1.0), r"dac_headroom must lie in \[2, 20\] deviations, got 1"),
        (lambda: TransmitterHardware(iq_gain_error=-1.0), "iq_gain_error must lie between -1 and 1, got -1"),
        (lambda: ReceiverHardware("remote"), 'local_oscillator must be "local" or "transmitted"'),
        (lambda: ReceiverHardware(cmrr_db=30.0), "lo_power_w is needed by"),
        (lambda: ReceiverHardware(delay_s=1e-9), "delay_s has no meaning for a local oscillator"),
        (lambda: ReceiverHardware("transmitted", 1e3), "linewidth_hz has no meaning for a transmitted oscillator"),
        (lambda: ReceiverHardware(adc_bits=25), r"adc_bits must lie in \[1, 24\], got 25"),
        (lambda: ClassicalLight(-1.0), "power_w must be finite and at least 0, got -1"),
        (lambda: Waveform(0.0), "pilot_offset_hz must be finite and above 0"),
        (lambda: Waveform(1e8, roll_off=0.0), r"roll_off must lie in \(0, 1\], got 0"),
        (lambda: Waveform(1e8, samples_per_symbol=1), r"samples_per_symbol must lie in \[2, 64\], got 1"),
    ],
)
def test_data_sheets_that_cannot_be_are_refused(make, wanted):
    with pytest.raises(ParameterError, match=f"^{wanted}"):
        make()


def test_a_link_with_hardware_survives_its_file(tmp_path):
    EXAMPLE.write(tmp_path / "link.toml")
    assert Link.read(tmp_path / "link.toml") == EXAMPLE


def test_errors_name_the_line_of_the_table(tmp_path):
    EXAMPLE.write(tmp_path / "link.toml")
    text = (tmp_path / "link.toml").read_text()
    (tmp_path / "link.toml").write_text(text.replace("adc_bits = 12", "adc_bits = 99"))
    with pytest.raises(ParameterError, match=r"link\.toml:\d+: hardware: adc_bits must lie in \[1, 24\], got 99"):
        Link.read(tmp_path / "link.toml")


def test_the_example_gives_key_and_its_best_modulation_no_less():
    plain, best = EXAMPLE.rate([0.0, 20e3, 60e3]), EXAMPLE.rate([0.0, 20e3, 60e3], optimise=True)
    assert plain.secret_bits_per_s[1] > 5e6
    assert np.all(best.secret_bits_per_pulse >= plain.secret_bits_per_pulse)
