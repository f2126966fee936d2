"""Rounds of checked sources: sorted into samples and checks, emulated as by the other emulator, set by chance."""

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.nouns.raw_rounds import RawRounds
from haris.quantum.entropy.certificate import certificate
from haris.quantum.entropy.mdi_qrng import MdiQrng
from haris.quantum.entropy.round_form import chosen_settings, coins, require_well_chosen
from haris.quantum.entropy.round_forms import BOTH_CLICK, CLICK_0, CLICK_1, NO_CLICK, ROUND_FORMS
from haris.quantum.entropy.source import EntropySource, Extraction
from haris.quantum.entropy.source_independent import SOURCE_INDEPENDENT, CheckCounts, SourceIndependent
from haris.quantum.entropy.sources import SOURCES
from haris.quantum.entropy.squeezed import SqueezedLight

LIGHT = SqueezedLight(8, 1.2, 1e6, 0.1, 0.02, 10**9, 0.3, 3.0, 4.0)
QUBITS = SourceIndependent(1e6, 0.9, 0.02, 0.002, p_double=0.001)
STATES = MdiQrng(1e6, 0.5, 0.02, 0.99, 1e-4, 1e-3)
KINDS = {"squeezed": LIGHT, "source-independent": QUBITS, "mdi": STATES}


def fresh(seed=1):
    return np.random.default_rng(seed).bytes


def test_every_source_that_needs_checks_has_a_form():
    """Whose emulated light has checks that samples do not tell."""
    needy = set()
    for name, parameters in KINDS.items():
        source = SOURCES[name]
        if source.samples_tell is None and source.emulate(parameters, 100, 1).checks is not None:
            needy.add(name)
    assert needy == set(ROUND_FORMS)
    assert len({form.kind for form in ROUND_FORMS.values()}) == 3


def test_clicks_are_sorted_and_a_random_bit_is_drawn_where_both_click():
    outcomes = np.array([CLICK_1, NO_CLICK, BOTH_CLICK, CLICK_1, CLICK_0, BOTH_CLICK, CLICK_0, NO_CLICK], np.uint8)
    settings = np.array([0, 0, 0, 1, 1, 1, 0, 1], np.uint8)
    drawn = []

    def octets(n):
        drawn.append(n)
        return b"\xc0"  # ones, for both

    form = ROUND_FORMS["source-independent"]
    rounds = RawRounds(outcomes, 2, settings, 2)
    assert form.gives(rounds).tolist() == [True, False, True, False, False, False, True, False]
    emission = form.sorted(QUBITS, rounds, octets)
    assert emission.samples.values.tolist() == [1, 1, 0]
    assert emission.checks == CheckCounts(3, 2, 8, 2)
    assert drawn == [1]


def test_rounds_and_doubles_that_were_are_paid_for():
    """Coins of rounds without a click are spent, too: a tenth of the clicks, ten times the coins."""
    plain = SOURCE_INDEPENDENT.randomness(QUBITS, 50_000, 2.0**-101, CheckCounts(1000, 2))
    many = SOURCE_INDEPENDENT.randomness(QUBITS, 50_000, 2.0**-101, CheckCounts(1000, 2, 510_000, 700))
    h = 0.1414405425
    assert many.spent_bits == pytest.approx(510_000 * h + 700, rel=1e-6)
    assert plain.spent_bits == pytest.approx(51_000 / 0.9 * h + 51, rel=1e-6)
    assert many.min_entropy_bits == plain.min_entropy_bits


def test_quadratures_are_sorted():
    outcomes = np.array([0, 3, 200, 255, 3, 3], np.uint8)
    rounds = RawRounds(outcomes, 8, np.array([0, 1, 0, 0, 1, 0], np.uint8), 2)
    emission = ROUND_FORMS["squeezed"].sorted(LIGHT, rounds, fresh())
    assert emission.samples.values.tolist() == [0, 200, 255, 3]
    assert emission.checks.counts[3] == emission.checks.counts.sum() == 2
    assert emission.checks.saturated == 2


def test_states_are_sorted():
    rounds = RawRounds(np.array([1, 0, 1, 1], np.uint8), 1, np.array([0, 2, 1, 1], np.uint8), 3)
    emission = ROUND_FORMS["mdi"].sorted(STATES, rounds, fresh())
    assert emission.samples.values.tolist() == [1, 0, 1, 1]
    assert emission.checks.counted(1, 0).counts == ((0, 1), (0, 2), (1, 0))


@pytest.mark.parametrize("name", KINDS)
def test_emulated_rounds_certify_as_emulated_samples_do(name):
    """Two emulators of one model: certified bits differ by what chance does to the checks."""
    parameters, form = KINDS[name], ROUND_FORMS[name]
    n_samples = {"squeezed": 65_536, "source-independent": 50_000, "mdi": 200_000}[name]
    source = EntropySource(SOURCES[name], parameters, Extraction(n_samples * parameters.bits))
    rounds = form.emulate(parameters, round(1.1 * n_samples / form.p_gives(parameters)), 3)
    require_well_chosen(rounds.settings, form.p_settings(parameters))
    end = int(np.flatnonzero(form.gives(rounds))[n_samples - 1]) + 1
    emission = form.sorted(parameters, rounds.part(0, end), fresh())
    assert len(emission.samples) == n_samples
    checks = emission.checks.of_frame() if name == "squeezed" else emission.checks
    other = source.emulate(n_samples, 4).checks
    found = certificate(source, checks)
    wanted = certificate(source, other.of_frame() if name == "squeezed" else other)
    assert found.out_bits > 0
    assert found.out_bits == pytest.approx(wanted.out_bits, rel=0.15)
    assert found.randomness.spent_bits == pytest.approx(wanted.randomness.spent_bits, rel=0.05)


@pytest.mark.parametrize("p", [0.5, 0.02, 1.0, 2.0**-20])
def test_coins(p):
    """False alarm below 1e-9: 6 standard deviations."""
    n = 1_000_000
    thrown = int(coins(fresh(5), p, n).sum())
    assert abs(thrown - n * p) <= 6 * np.sqrt(n * p * (1 - p)) + 1


def test_settings_come_with_their_probabilities():
    p = np.array([0.9, 0.06, 0.04])
    settings = chosen_settings(fresh(6), p, 500_000)
    counts = np.bincount(settings, minlength=3)
    assert np.all(np.abs(counts - 500_000 * p) < 6 * np.sqrt(500_000 * p))
    require_well_chosen(settings, p)


@pytest.mark.parametrize(
    "settings",
    [
        np.zeros(100_000, np.uint8),
        np.ones(100_000, np.uint8),
        (np.arange(100_000) % 10 == 0).astype(np.uint8),  # a clock: the share is right
        np.repeat(chosen_settings(fresh(2), np.array([0.9, 0.1]), 50_000), 2),  # each twice
        chosen_settings(fresh(3), np.array([0.88, 0.12]), 100_000),
    ],
)
def test_settings_that_are_not_chosen_so_are_refused(settings):
    with pytest.raises(ParameterError, match="expected"):
        require_well_chosen(settings, np.array([0.9, 0.1]))
