"""Every regression and golden row of decoy BB84, and the plausible ones, to their tolerances."""

import pytest
from scipy.optimize import brentq

from haris.papers import lim2014, ma2005, rusca2018
from haris.papers.published import published_row, published_rows
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import Security
from haris.quantum.security.limits import plob
from haris.quantum.security.rusca2018 import printed_vacuum, vacuum_upper

ROWS = published_rows()


def meets(row, name, value):
    assert value == pytest.approx(row[f"expected_{name}"], rel=row["tol_rel"]), name


def test_lim2014_golden():
    row = published_row("lim2014_fixed_A")
    settings = lim2014.LimSettings(
        (row["mu1"], row["mu2"], row["mu3"]),
        (row["p_mu1"], row["p_mu2"], row["p_mu3"]),
        row["qx"],
        row["block_nx"],
    )
    counts = lim2014.expected_counts(lim2014.LimSystem(), settings, row["distance_km"] * 1e3)
    key = lim2014.key_length(counts, Security("lim2014", row["eps_sec"], row["eps_cor"], row["f_ec"]))
    assert key.value("vacuum") == row["expected_s_x0"]
    meets(row, "s_x1", key.value("single"))
    meets(row, "s_z1", key.value("sample"))
    meets(row, "v_z1", key.value("sample_errors"))
    meets(row, "phi_x", key.value("phase_error"))
    meets(row, "e_obs", counts.qber[0])
    meets(row, "n_pulses", counts.n_pulses)
    meets(row, "key_bits", key.length_bits)
    meets(row, "rate_per_pulse", key.length_bits / counts.n_pulses)


def test_lim2014_detection_rate():
    row = published_row("lim2014_detection_rate")
    meets(row, "detection_rate", lim2014.LimSystem().detection(row["mu"], row["distance_km"] * 1e3))


@pytest.mark.parametrize("loss_db", [0, 20, 40])
def test_rusca2018_golden(loss_db):
    row = published_row(f"rusca2018_fixed_{loss_db}db_nz1e7")
    settings = rusca2018.RuscaSettings(row["mu1"], row["mu2"], row["p_mu1"], row["p_z"], row["block_nz"])
    counts, live = rusca2018.expected_counts(rusca2018.RuscaSystem(), settings, row["attenuation_db"])
    key = rusca2018.key_length(counts, Security("rusca2018", row["eps_sec"], row["eps_cor"], row["f_ec"]))
    assert key.value("vacuum") == row["expected_s_z0_lower"]
    meets(row, "s_z0_upper", vacuum_upper(counts, 0, row["eps_sec"] / 19, printed_vacuum))
    meets(row, "s_z1", key.value("single"))
    meets(row, "s_x1", key.value("sample"))
    meets(row, "v_x1", key.value("sample_errors"))
    meets(row, "qber", counts.qber[0])
    meets(row, "n_pulses", counts.n_pulses)
    meets(row, "dead_time_factor", live)
    meets(row, "phi", key.value("phase_error"))
    meets(row, "key_bits", key.length_bits)
    meets(row, "skr_bps", key.length_bits / counts.n_pulses * row["clock_hz"])


def last_km(rate):
    return brentq(lambda km: float(rate(km * 1e3)) - 1e-12, 100.0, 160.0)


def test_ma2005_reach_and_rates():
    gys = ma2005.GobbySystem()
    row = published_row("ma2005_gys_infinite_decoy_maxdist")
    reach_km = last_km(lambda d: ma2005.infinite_decoys(gys, row["mu"], d))
    assert reach_km == pytest.approx(row["expected_max_distance_km"], abs=row["tol_abs_km"])
    for km in (0, 50, 100, 120):
        rate = ma2005.infinite_decoys(gys, row["mu"], km * 1e3)
        assert rate == pytest.approx(row[f"expected_rate_per_pulse_km{km}"], rel=1e-6)
    row = published_row("ma2005_gys_vacuum_weak_maxdist")
    reach_km = last_km(lambda d: ma2005.vacuum_weak_rate(gys, row["mu"], row["nu"], d))
    assert reach_km == pytest.approx(row["expected_max_distance_km"], abs=row["tol_abs_km"])


def test_ma2005_optimal_intensity():
    row = published_row("ma2005_gys_mu_opt")
    meets(row, "mu_opt_f122", ma2005.optimal_intensity(ma2005.GobbySystem()))
    meets(row, "mu_opt_f100", ma2005.optimal_intensity(ma2005.GobbySystem(f_ec=1.0)))


def test_threshold_and_plob():
    row = published_row("bb84_threshold")
    assert brentq(lambda q: 1 - 2 * binary_entropy(q), 0.05, 0.2) == pytest.approx(row["expected"], rel=row["tol_rel"])
    row = published_row("plob_100km_0p2")
    assert plob(1e-2) == pytest.approx(row["expected"], rel=row["tol_rel"])


@pytest.mark.parametrize(
    ("row", "km", "tolerance"),
    # Digitised, and good to a few per cent. The row's note: an independent optimisation lies 3 to 4.5 % above the
    # figure for large blocks and half below it for the smallest, where what the authors did is not known.
    [("1e9", 50, 0.05), ("1e7", 0, 0.05), ("1e7", 100, 0.05), ("1e6", 50, 0.1), ("1e5", 100, 0.25), ("1e4", 0, 0.6)],
)
def test_lim2014_figure(row, km, tolerance):
    row = published_row(f"lim2014_fig1_nx{row}")
    rate = lim2014.optimised_rate(lim2014.LimSystem(), row["block_nx"], km * 1e3)
    assert rate == pytest.approx(row[f"digitised_rate_per_pulse_km{km}"], rel=tolerance)
    if (again := row.get(f"independent_optimised_rate_per_pulse_km{km}")) is not None:
        assert rate == pytest.approx(again, rel=0.02)


@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith("boaron2018")])
def test_boaron2018_budget(name):
    row = ROWS[name]
    assert row["loss_db"] / row["distance_km"] == pytest.approx(row["implied_db_per_km"], abs=1e-4)
    limit = plob(10 ** (-row["loss_db"] / 10))
    assert limit == pytest.approx(row["plob_per_pulse"], rel=1e-6)
    assert row["published_skr_bps"] < row["clock_hz"] * limit


def test_the_fastest_link_stays_below_plob():
    row = ROWS["grunenfelder2023_64mbps_10km"]
    loss_db = 0.2 * row["distance_km"]  # not printed with the rate: standard fibre
    assert row["published_rate_bps"] < row["clock_hz"] * plob(10 ** (-loss_db / 10))
