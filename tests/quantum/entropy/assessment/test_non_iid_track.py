"""The non-IID track beside NIST's own tool: counts exactly, values to 1e-9."""

import numpy as np
import pytest
from reference_sets import NIST, samples

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.assessment.non_iid import assess_non_iid
from haris.quantum.entropy.assessment.samples import Samples


@pytest.mark.parametrize("name", [pytest.param("A_uniform8", marks=pytest.mark.trial), "B_biased1", "C_sticky4"])
def test_every_figure_is_that_of_nists_tool(name):
    told, ours = NIST[name], assess_non_iid(samples(name))
    for kind in ("literal", "bitstring"):
        estimates = getattr(ours, kind)
        assert estimates.keys() == told[kind].keys()
        for estimator, figures in told[kind].items():
            found = {"min_entropy": estimates[estimator].min_entropy, **estimates[estimator].figures}
            assert found.keys() == figures.keys(), estimator
            for figure, value in figures.items():
                if isinstance(value, int):
                    assert found[figure] == value, (estimator, figure)
                else:
                    assert found[figure] == pytest.approx(value, rel=1e-9, abs=0), (estimator, figure)
    assert ours.min_entropy == pytest.approx(told["min_entropy"], rel=1e-9)
    assert ours.h_original == pytest.approx(told["h_original"], rel=1e-9)
    assert (ours.h_bitstring is None) == (name == "B_biased1")
    if ours.h_bitstring is not None:
        assert ours.h_bitstring == pytest.approx(told["h_bitstring"], rel=1e-9)


def test_two_values_are_assessed_once_whatever_their_width():
    coin = np.random.default_rng(1).integers(0, 2, 20_000, np.uint8)
    narrow, wide = assess_non_iid(Samples(coin, 1)), assess_non_iid(Samples(coin * 128 + 7, 8))
    assert narrow == wide
    assert wide.bitstring == {}


def test_a_symbol_that_never_comes_does_not_count():
    three = np.random.default_rng(2).integers(0, 3, 20_000, np.uint8)
    assert assess_non_iid(Samples(three, 8)).literal == assess_non_iid(Samples(three * 100, 8)).literal


def test_a_period_leaves_no_entropy():
    assert assess_non_iid(Samples(np.tile(np.arange(16, dtype=np.uint8), 5000), 4)).min_entropy < 0.01


def test_few_samples_leave_out_what_they_do_not_allow():
    few = assess_non_iid(Samples(np.array([0, 1, 1], np.uint8), 1))
    assert few.literal["Compression Estimate"].min_entropy is None
    assert few.literal["t-Tuple Estimate"].min_entropy is None
    assert few.literal["LZ78Y Prediction Estimate"].min_entropy is None
    assert few.literal["Most Common Value Estimate"].min_entropy == 0.0


@pytest.mark.parametrize(
    ("values", "bits", "says"),
    [
        ([0, 3, 4, 1], 2, "sample 2 is 4, which 2 bits do not hold"),
        ([5, 5, 5], 8, "all 3 samples are 5: no entropy"),
        ([1], 8, "at least 2"),
        ([0, 1], 9, r"\[1, 8\]"),
        ([0, 1], 0, r"\[1, 8\]"),
    ],
)
def test_what_cannot_be_assessed_is_refused(values, bits, says):
    with pytest.raises(ParameterError, match=says):
        Samples(np.array(values, np.uint8), bits)
