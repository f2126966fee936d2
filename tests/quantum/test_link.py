import dataclasses
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import haris
from haris.nouns.errors import ParameterError, ParameterWarning
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.security.bounds import estimated_leakage
from haris.quantum.security.key_length import Security
from haris.wire.distillation import LIMITS

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "links").glob("*.toml"))

METRO = Link(
    Source(1e9, (0.4, 0.13, 0.0), (0.2, 0.6, 0.2)),
    Fibre(25e3, 0.2, 3.0, 0.01),
    Detector(0.2, 1e-6, dead_time_s=1e-6),
    DecoyBB84(0.85, 4_000_000_000),
    Security(),
)

BB84_EXAMPLES = [
    path
    for path in EXAMPLES
    if (link := Link.read(path)).family.name == "decoy-bb84" and link.security.bound == "variable-length"
]

links = st.builds(
    Link,
    st.sampled_from([Source(1e9, (0.5, 0.1), (0.6, 0.4)), Source(2.5e9, (0.6, 0.2, 1e-3), (0.5, 0.3, 0.2))]),
    st.builds(Fibre, st.floats(0, 4e5), st.floats(0.1, 0.3), st.floats(0, 10), st.floats(0, 0.5)),
    st.builds(Detector, st.floats(0, 1), st.floats(0, 1e-2), st.floats(0, 1e-5), st.floats(0, 0.2)),
    st.builds(DecoyBB84, st.floats(0.05, 0.95), st.integers(1, 10**13)),
    st.builds(Security, st.sampled_from(["variable-length", "asymptotic"]), st.floats(1e-15, 1e-3)),
)


def test_parts_of_no_family_are_refused_and_what_is_ignored_is_told():
    with pytest.raises(ParameterError, match=r"^bound must be one of variable-length, .* got 'best'"):
        dataclasses.replace(METRO, security=Security("best"))
    with pytest.raises(ParameterError, match=r"^source of decoy-bb84 is a Source, got Fibre"):
        dataclasses.replace(METRO, source=METRO.channel)
    with pytest.raises(ParameterError, match=r"^protocol must be one of decoy-bb84.*, got Fibre"):
        dataclasses.replace(METRO, protocol=METRO.channel)
    ignoring = dataclasses.replace(METRO.family, ignores=("detector.dead_time_s", "detector.jitter_s"))
    assert ignoring.unused(METRO) == ["detector.dead_time_s = 1e-06"]


SNS = Link.read(Path(__file__).parents[2] / "examples" / "links" / "sns_502km.toml")
FIVE = dataclasses.replace(METRO.source, intensities=(5.0, *METRO.source.intensities[1:]))
BRIGHT = dataclasses.replace(SNS.source, decoy_intensities=(0.9, 0.05))


@pytest.mark.parametrize(
    ("link", "changed", "told"),
    [
        (METRO, {"security": Security(epsilon_secrecy=0.1)}, "an epsilon of 0.1 lets one key in 10 be known"),
        (METRO, {"detector": dataclasses.replace(METRO.detector, dead_time_s=20.0)}, "dead_time_s of 20: seconds"),
        (SNS, {"source": BRIGHT}, "a decoy stronger than the signal"),
        (METRO, {"source": FIVE}, r"intensities of 5: of pulses so bright that hold light 3.39% hold one photon"),
    ],
)
def test_what_is_valid_and_meaningless_is_told_with_the_reason(link, changed, told):
    with pytest.warns(ParameterWarning, match=told):
        assert float(dataclasses.replace(link, **changed).rate().secret_bits_per_s) >= 0.0


def test_distances_that_are_none_and_live_links_that_are_not(tmp_path):
    for wrong in (-1.0, np.nan, [0.0, np.inf]):
        with pytest.raises(ParameterError, match=r"^distance_m must be finite and at least 0"):
            METRO.rate(wrong)
    assert METRO.rate([], optimise=True).secret_bits_per_s.size == 0
    path = tmp_path / "link.toml"
    dataclasses.replace(METRO, security=Security("lim2014")).write(path)
    with pytest.raises(ParameterError, match=r"link\.toml: a live key needs bound = 'variable-length', got 'lim2014'"):
        Link.read_live(path)
    with pytest.raises(ParameterError, match=r"diqkd_400m\.toml: name 'diqkd' has no live keys"):
        Link.read_live(next(example for example in EXAMPLES if example.stem == "diqkd_400m"))
    METRO.write(path)
    assert Link.read_live(path) == METRO


def test_a_bound_of_a_weaker_class_issues_keys_only_where_that_is_accepted():
    weaker = dataclasses.replace(METRO.family.bounds["variable-length"], attacks="collective")
    family = dataclasses.replace(METRO.family, bounds={"variable-length": weaker})
    with pytest.raises(ParameterError, match=r"collective attacks only: no key .* accepted_attacks = 'collective'"):
        family.require_live(METRO)
    accepting = dataclasses.replace(METRO, security=Security(accepted_attacks="collective"))
    assert family.live_proof(accepting).assumptions[0].startswith("no attacks but collective ones")
    assert accepting.block_length(METRO.expected_counts(), 0).proof == METRO.family.bounds["variable-length"]
    endless = dataclasses.replace(METRO.family, bounds={"variable-length": dataclasses.replace(weaker, finite=False)})
    with pytest.raises(ParameterError, match="a live key needs"):
        endless.require_live(accepting)
    with pytest.raises(ParameterError, match=r"^accepted_attacks must be one of coherent, collective"):
        Security(accepted_attacks="none")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("length_m = 25000.0", "length_m = 1" + 400 * "0", "length_m must lie within 1e.30 of 0"),
        ("dead_time_s = 1e-06", "dead_time_s = 1e300", "dead_time_s must lie within 1e.30 of 0"),
        ('name = "decoy-bb84"', 'name = ["decoy-bb84"]', r"\[protocol\] needs name = "),
        ("epsilon_secrecy = 1e-09", "epsilon_secrecy = 1e-300", "epsilon_secrecy must be at least 1e-60, got 1e-300"),
        ("intensities = [0.4, 0.13, 0.0]", "intensities = [inf, 0.13, 0.0]", r"intensities must lie in \[0, 100\]"),
        ("f_ec = 2.2", "f_ec = inf", r"f_ec must lie in \[1"),
        ("clock_hz = 1000000000.0", "clock_hz = 1" + 5000 * "0", "not TOML that can be read"),
    ],
)
def test_numbers_with_which_arithmetic_would_overflow_are_refused_with_their_line(tmp_path, old, new, told):
    path = tmp_path / "link.toml"
    METRO.write(path)
    text = path.read_text()
    assert old in text, text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ParameterError, match=told):
        Link.read(path)


def test_a_block_of_more_pulses_than_an_integer_holds_bits_gives_no_negative_key():
    rate = dataclasses.replace(METRO, protocol=DecoyBB84(0.85, 10**23)).rate()
    assert int(rate.key.length_bits) == 2**62


def test_haris_exports_link():
    assert haris.Link is Link


@given(links)
def test_a_link_survives_its_file(tmp_path_factory, link):
    path = tmp_path_factory.mktemp("links") / "link.toml"
    link.write(path)
    assert Link.read(path) == link
    assert [p.name for p in path.parent.iterdir()] == ["link.toml"]


@settings(deadline=None)
@given(links)
def test_rates_are_finite_below_plob_and_fall_with_distance(link):
    rate = link.rate(np.append(np.linspace(0.0, 6e5, 13), 1e7))
    assert np.all(np.isfinite(rate.secret_bits_per_s))
    assert np.all(rate.secret_bits_per_s >= 0)
    assert np.all(rate.secret_bits_per_pulse <= rate.plob_per_pulse)
    if link.detector.dead_time_s == 0 and link.detector.p_afterpulse == 0:  # else less light can give more key
        assert np.all(np.diff(rate.key.length_bits) <= 0)
    assert rate.secret_bits_per_s[-1] == 0


@pytest.mark.parametrize("path", BB84_EXAMPLES, ids=lambda p: p.stem)
def test_every_live_bb84_example_gives_key(path):
    link = Link.read(path)
    rate = link.rate()
    assert rate.key.length_bits > 1e5
    assert rate.secret_bits_per_pulse < rate.plob_per_pulse
    sifted = link.expected_counts().clicks[0].sum()
    assert 5e5 < sifted < LIMITS.clicks
    assert 2.0 < link.security.f_ec <= 2.2  # both directions


@pytest.mark.parametrize(
    ("name", "loss_db", "published_bps"),
    [("boaron2018_251km", 42.7, 4900), ("boaron2018_302km", 51.3, 790)],
)
def test_boaron_links_come_near_the_experiment(name, loss_db, published_bps):
    # Within a factor of 1.5: detector, probabilities and visibility are assumed, the protocol is not the same one.
    link = Link.read(EXAMPLES[0].parent / f"{name}.toml")
    fibre = dataclasses.replace(link.channel, fixed_loss_db=0.0)
    assert -10 * np.log10(fibre.transmittance()) == pytest.approx(loss_db, abs=1e-3)
    printed = Security("rusca2018", f_ec=1.16)
    paper = dataclasses.replace(link, security=printed, protocol=DecoyBB84(0.9, link.protocol.block_pulses))
    blocks = 8.2e6 / paper.expected_counts().clicks[0].sum()
    protocol = DecoyBB84(0.9, round(link.protocol.block_pulses * blocks))
    rate = dataclasses.replace(paper, protocol=protocol).rate()
    assert published_bps / 1.5 < rate.secret_bits_per_s < published_bps * 1.5


def test_one_call_for_many_distances_equals_many_calls():
    distances_m = np.array([[0.0, 10e3], [40e3, 500e3]])
    sweep = METRO.rate(distances_m)
    assert sweep.secret_bits_per_s.shape == sweep.qber.shape == (2, 2)
    for index, d in np.ndenumerate(distances_m):
        assert METRO.rate(d).key.length_bits == sweep.key.length_bits[index]


def test_a_sweep_of_many_distances_is_that_of_its_parts_and_takes_little_memory(monkeypatch):
    at_m = np.linspace(0.0, 200e3, 1000).reshape(10, 100)
    whole = METRO.rate(at_m)
    monkeypatch.setattr("haris.quantum.families.joining.CHUNK", 64)
    parts = METRO.rate(at_m)
    for field in ("distance_m", "secret_bits_per_pulse", "secret_bits_per_s", "qber", "plob_per_pulse"):
        assert np.array_equal(getattr(parts, field), getattr(whole, field))
    for mine, other in zip(parts.key.terms, whole.key.terms, strict=True):
        assert np.array_equal(mine.value, np.broadcast_to(other.value, at_m.shape))
    monkeypatch.undo()
    tracemalloc.start()
    many = METRO.rate(np.linspace(0.0, 200e3, 200_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    n_arrays = 6 + len(many.key.terms)
    assert peak < 3 * n_arrays * 8 * 200_000  # the result, its parts, and hardly more


def test_a_dead_channel_gives_zero():
    dead = dataclasses.replace(METRO, detector=Detector(0.0, 0.0))
    rate = dead.rate([0.0, 1e6])
    assert rate.secret_bits_per_s.tolist() == [0.0, 0.0]
    assert rate.qber.tolist() == [0.0, 0.0]


def test_agreement_holds_nothing_of_the_channel():
    agreement = METRO.agreement()
    assert agreement.intensities == METRO.source.intensities
    assert agreement.dead_time_s == 1e-6
    assert not {"length_m", "efficiency"} & {f.name for f in dataclasses.fields(agreement)}


def test_the_same_seed_gives_the_same_light():
    pulses, detections = METRO.emulate(2_000_000, seed=1)
    again = METRO.emulate(2_000_000, seed=1)[1]
    assert pulses.n_pulses == 2_000_000
    assert detections.time_ps.size > 0
    np.testing.assert_array_equal(detections.time_ps, again.time_ps)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (
            "length_m = 25_000",
            "length_km = 25",
            ":11: unknown key 'length_km' in [channel]; the unit is metres: length_m",
        ),
        ('kind = "fibre"', 'kind = "air"', ':10: [channel] needs kind = "fibre" or "free-space", got \'air\''),
        ("clock_hz = 1e9", "", ":4: [source] lacks clock_hz (a number)"),
        ("efficiency = 0.2", "efficiency = 20", ":17: [detector]: efficiency must lie in [0, 1], got 20"),
        ("[security]", "[securty]", ": unknown key 'securty' in the document; did you mean security?"),
        ('bound = "variable-length"', 'bound = "rusca2018"', ": bound 'rusca2018' needs 2 intensities, got 3"),
        ("gate_s = 500e-12", "gate_s = 500", ":23: gate_s must not pass the period of the clock, 1e-09 s, got 500"),
        ("[0.4, 0.13, 0.0]", "[0.4, 0.3, 0.2]", ":6: intensities must satisfy mu1 > mu2 + mu3"),
    ],
)
def test_a_wrong_file_is_told_where(tmp_path, old, new, wanted):
    text = (EXAMPLES[0].parent / "metro_25km.toml").read_text()
    assert old in text
    path = tmp_path / "link.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(ParameterError) as caught:
        Link.read(path)
    assert str(caught.value).startswith(str(path))
    assert wanted in str(caught.value)


def test_a_plan_and_a_live_block_use_one_bound():
    counts = METRO.expected_counts()
    leaked = estimated_leakage(counts, METRO.security.f_ec)
    planned = METRO.rate().key
    live = METRO.block_length(counts, float(leaked))
    assert type(live.length_bits) is int
    assert live.length_bits == planned.length_bits
    assert live.proof == planned.proof
    with pytest.raises(ParameterError, match="a live key needs"):
        dataclasses.replace(METRO, security=Security("lim2014")).block_length(counts, 0)


def test_a_mark_of_utf_8_at_the_head_of_a_file_is_no_error(tmp_path):
    path = tmp_path / "link.toml"
    METRO.write(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert Link.read(path) == METRO
