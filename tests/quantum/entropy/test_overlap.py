"""The overlap of two quadratures' codes: printed eigenvalues, and projections on a grid."""

import math

import numpy as np
import pytest
from scipy.special import pro_rad1

from haris.quantum.entropy.overlap import quadrature_overlap


@pytest.mark.parametrize(("c", "printed"), [(0.5, 0.30969), (1.0, 0.57258), (2.0, 0.88056), (4.0, 0.99589)])
def test_the_eigenvalues_of_slepian_and_pollak(c, printed):
    """Bell Syst. Tech. J. 40, 43 (1961), table I: lambda_0 at c, which is a quarter of the area."""
    assert quadrature_overlap(4.0 * c) == pytest.approx(printed, abs=1e-5)


@pytest.mark.parametrize("area", [0.5, 2.0, 6.0])
def test_projections_on_a_grid_have_that_norm(area):
    """q on a grid, p by its Fourier transform, hbar = 1: power iteration of P_q P_p P_q."""
    n, step = 2**15, 0.01
    q = (np.arange(n) - n // 2) * step
    p = 2.0 * np.pi * np.fft.fftfreq(n, step)
    width = math.sqrt(area)
    in_q, in_p = np.abs(q) <= width / 2.0, np.abs(p) <= width / 2.0
    state = np.exp(-(q**2)) * in_q
    norm = 0.0
    for _ in range(60):
        state = np.fft.ifft(np.fft.fft(state) * in_p) * in_q
        norm = np.linalg.norm(state)
        state /= norm
    assert norm == pytest.approx(quadrature_overlap(area), rel=0.02)


def test_it_rises_from_the_area_over_2_pi_to_1():
    areas = np.geomspace(1e-30, 1e3, 200)
    found = np.array([quadrature_overlap(area) for area in areas])
    assert np.all(np.diff(found) >= 0.0)
    assert np.all(found <= np.minimum(1.0, areas / (2.0 * math.pi)) * (1 + 2e-12))
    assert found[0] == pytest.approx(1e-30 / (2.0 * math.pi))
    assert found[-1] == 1.0


def test_no_state_of_two_gaussians_does_better():
    """A state with a chance near 1 in the interval of q cannot also have it in that of p: p_q p_p <= c of both."""
    for squeeze in np.linspace(0.2, 3.0, 15):
        in_q = math.erf(0.5 / squeeze)
        in_p = math.erf(0.5 * squeeze)
        assert math.acos(math.sqrt(in_q)) + math.acos(math.sqrt(in_p)) >= math.acos(math.sqrt(quadrature_overlap(1.0)))


@pytest.mark.parametrize("area", [0.001, 0.1, 1.0, 4.0, 8.0])
def test_the_printed_formula_with_another_programs_spheroidal_function(area):
    """(area / 2 pi) S(1, area / 4)^2 by scipy's pro_rad1, which is defined above 1 only."""
    radial, _ = pro_rad1(0, 0, area / 4.0, 1.0000001)
    assert quadrature_overlap(area) == pytest.approx(area / (2.0 * math.pi) * radial**2, rel=1e-6)
