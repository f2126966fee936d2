"""Twin-field rows: how near the model comes to experiments of which it knows the fibre and little else."""

from dataclasses import replace

import pytest

from haris.papers.claims import claims
from haris.papers.computations.twin_field import COMPUTATIONS
from haris.papers.published import published_row

(TWIN_FIELD,) = COMPUTATIONS


@pytest.mark.parametrize(("efficiency", "factor"), [(0.6, 2.0), (0.8, 1.3)])
@pytest.mark.parametrize("name", ["liu2023qf_tf_202km", "liu2023qf_tf_505km"])
def test_finite_rates_of_200_to_500_km(name, efficiency, factor):
    # 0.157 dB/km, 1e13 windows, 350 MHz: an independent model came within a factor of 2 and within 30 %.
    row = published_row(name)
    row = replace(row, values={**row.values, "assumed_det_efficiency": efficiency})
    ratio = TWIN_FIELD.of(row, "rate_bps").value / row["published_rate_bps"]
    assert 1 / factor < ratio < factor


@pytest.mark.parametrize("name", ["liu2023_tf_1002km", "liu2023_tf_952km", "liu2023qf_tf_1002km"])
def test_rates_at_a_thousand_km_are_of_the_same_order(name):
    row = published_row(name)
    (claim,) = (claim for claim in claims(row, None) if claim.quantity == "rate_per_pulse")
    assert claim.holds(TWIN_FIELD.of(row, "rate_per_pulse").value)
    assert claim.value > 1e3 * row["estimated_plob_per_pulse"]


@pytest.mark.parametrize("name", ["404km", "518km", "615km"])
def test_finite_rates_of_an_experiment_with_its_own_settings(name):
    # Losses, intensities, probabilities and noise are the experiment's; its block and its interference are assumed. The
    # last one lies at the end of its reach.
    row = published_row(f"zhou2023_tf_openchannel_{name}")
    ratio = TWIN_FIELD.of(row, "finite_rate_bps").value / row["published_finite_rate_bps"]
    assert 0.5 < ratio < 2.0


def test_what_a_row_does_not_state_is_not_computed():
    assert TWIN_FIELD.of(published_row("liu2023qf_tf_202km"), "qber") is None
