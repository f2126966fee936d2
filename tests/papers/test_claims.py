"""How near ours must come to each kind of number."""

import pytest

from haris.nouns.errors import ParameterError
from haris.papers.claims import claims
from haris.papers.row import read_rows


def stated(tmp_path, lines, status="regression"):
    path = tmp_path / "ROWS.toml"
    path.write_text(f'[[experiment]]\nid = "a"\nstatus = "{status}"\n{lines}\n', encoding="utf-8")
    return list(claims(read_rows(path)[0]))


def test_only_keys_that_state_a_number_are_claims(tmp_path):
    text = "clock_hz = 1e9\nexpected_rate = 2.0\nmemory_rate = 3.0\nassumed_mu = 0.5\npublished_reach_km = 100.0"
    assert [(c.key, c.quantity) for c in stated(tmp_path, text)] == [
        ("expected_rate", "rate"),
        ("published_reach_km", "reach_km"),
    ]


def test_a_relative_tolerance_has_two_sides(tmp_path):
    (claim,) = stated(tmp_path, "expected_rate = 200.0\ntol_rel = 0.01")
    assert [claim.holds(x) for x in (197.9, 198.1, 201.9, 202.1)] == [False, True, True, False]


def test_an_absolute_tolerance_is_for_its_unit(tmp_path):
    reach, rate = stated(tmp_path, "tol_abs_km = 0.5\ntol_rel = 1e-3\nexpected_reach_km = 100.0\nexpected_rate = 100.0")
    assert (reach.tolerance, rate.tolerance) == pytest.approx((0.005, 0.001))


def test_what_is_printed_is_rounded(tmp_path):
    (claim,) = stated(tmp_path, "published_rate = 12300.0\ntol_rel = 1e-6")
    assert [claim.holds(x) for x in (12303.9, 12349.0, 12351.0, 12249.0)] == [True, True, False, False]
    (one_digit,) = stated(tmp_path, "published_rate = 0.5")
    assert [one_digit.holds(x) for x in (0.504, 0.506)] == [True, False]
    (many,) = stated(tmp_path, "expected_rate = 1.23456789012")
    assert many.tolerance == pytest.approx(1e-6)


def test_zero_is_met_absolutely(tmp_path):
    (claim,) = stated(tmp_path, "expected_bits = 0.0\ntol_rel = 1e-5")
    assert claim.holds(0.0)
    assert not claim.holds(1e-4)


def test_a_plausible_number_is_met_in_its_order_of_magnitude(tmp_path):
    (claim,) = stated(tmp_path, "published_rate_bps = 1000.0", "plausibility")
    assert [claim.holds(x) for x in (310.0, 320.0, 3100.0, 3200.0)] == [False, True, True, False]
    (narrow,) = stated(tmp_path, "digitised_rate = 1000.0\ntol_rel = 0.1", "plausibility")
    assert [narrow.holds(x) for x in (890.0, 1090.0)] == [False, True]


def test_a_range_holds_what_lies_in_it(tmp_path):
    (claim,) = stated(tmp_path, "approx_reach_db = [60.0, 64.0]", "plausibility")
    assert [claim.holds(x) for x in (59.9, 60.0, 64.0, 64.1)] == [False, True, True, False]


@pytest.mark.parametrize(("side", "below", "above"), [("at least", False, True), ("at most", True, False)])
def test_a_bound_holds_on_its_side(tmp_path, side, below, above):
    bound, computed = stated(
        tmp_path, f'side = "{side}"\npublished_rate = 10.0\nexpected_rate = 11.0\ntol_rel = 0.01', "bound"
    )
    assert (bound.holds(9.0), bound.holds(11.0)) == (below, above)
    assert (computed.holds(11.05), computed.holds(12.0)) == (True, False)


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        ('expected_rate = "many"', 4, "expected_rate must be a number"),
        ("expected_rate = nan", 4, "expected_rate must be a number"),
        ("approx_rate = [2.0, 1.0]", 4, "approx_rate must be a number, or a range"),
        ("expected_rate = 1.0\ntol_rel = 0.0", 5, "tol_rel must be a number"),
        ("expected_rate = 1.0\ntol_abs = -1", 5, "tol_abs must be a number"),
    ],
)
def test_a_wrong_number_names_its_line(tmp_path, lines, line, words):
    with pytest.raises(ParameterError, match=rf"ROWS\.toml:{line}: a: {words}"):
        stated(tmp_path, lines)
