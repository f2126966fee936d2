"""Output entropy of conditioning, beside the standard's formula in exact arithmetic."""

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haris.nouns.errors import ParameterError
from haris.quantum.entropy.assessment.conditioning import non_vetted_output_entropy, vetted_output_entropy


def as_printed(n_in: int, n_out: int, n_inner: int, h_in: float) -> float:
    """SP 800-90B, 3.1.5.1.2, steps 1 to 6, with 350 digits."""
    with localcontext() as context:
        context.prec = 350
        two, n = Decimal(2), min(n_out, n_inner)
        high = two ** -Decimal(h_in)
        low = (1 - high) / (two**n_in - 1)
        psi = two ** (n_in - n) * low + high
        omega = (two ** (n_in - n) + (2 * n * two ** (n_in - n) * two.ln()).sqrt()) * low
        return float(-max(psi, omega).ln() / two.ln())


@given(st.integers(1, 700), st.integers(1, 600), st.integers(1, 600), st.floats(0.001, 1.0))
def test_the_formula_of_the_standard(n_in, n_out, n_inner, share):
    found = vetted_output_entropy(n_in, n_out, n_inner, share * n_in)
    assert found == pytest.approx(min(n_out, as_printed(n_in, n_out, n_inner, share * n_in)), rel=1e-9, abs=1e-12)


def test_64_bits_more_give_full_entropy():
    """SP 800-90C takes n_out + 64 bits of entropy for full entropy."""
    assert vetted_output_entropy(1024, 256, 256, 320.0) == pytest.approx(256, rel=2**-50)
    assert vetted_output_entropy(1024, 256, 256, 128.0) == pytest.approx(128, rel=1e-12)


def test_a_component_that_is_not_vetted_gives_no_more_than_its_output_shows():
    assert non_vetted_output_entropy(1024, 256, 256, 600.0, 1.0) == pytest.approx(0.999 * 256)
    assert non_vetted_output_entropy(1024, 256, 256, 600.0, 0.5) == 128
    assert non_vetted_output_entropy(1024, 256, 256, 64.0, 1.0) == pytest.approx(64)


@pytest.mark.parametrize("wrong", [(0, 1, 1, 1.0), (8, 0, 1, 1.0), (8, 1, 0, 1.0), (8, 1, 1, 0.0), (8, 1, 1, 8.1)])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ParameterError):
        vetted_output_entropy(*wrong)
    with pytest.raises(ParameterError):
        non_vetted_output_entropy(8, 8, 8, 4.0, math.nextafter(1, 2))
