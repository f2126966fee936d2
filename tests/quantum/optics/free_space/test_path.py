"""A path through the air on the ground, beside integrals of the spectrum of turbulence and sampled beams."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j0, j1

from haris.nouns.errors import ParameterError
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.free_space.horizontal import (
    aperture_share,
    beam_share,
    coherence_radius_m,
    rytov_plane,
    wander_m,
)
from haris.quantum.optics.free_space.path import FreeSpacePath
from haris.quantum.optics.free_space.spread import spread_radius_m

EXAMPLE = Path(__file__).parents[4] / "examples" / "links" / "rooftops_10km.toml"
CN2, NM850 = 1e-15, 850e-9
K = 2.0 * np.pi / NM850
PATH = FreeSpacePath(10e3, NM850, 0.03, 0.2, 23e3, cn2=CN2)


def spectrum_integral(curvature, diffraction, ratio=0.0):
    """Rytov variance over the plane wave's, by the spectrum: 8 pi^2 k^2 int int kappa Phi exp(..) [1 - cos(..)].

    With x = kappa^2 L / k and xi from the receiver (0) to the sender (1). An aperture filters a spherical wave's
    shadows, as wide as they fall; ratio: k D^2 / 4 L. kappa d kappa = k/2L dx, Phi = 0.033 Cn2 kappa^(-11/3).
    """
    log_x = np.linspace(np.log(1e-6), np.log(3e3), 3000)
    x, xi = np.exp(log_x)[:, None], (np.arange(500) + 0.5) / 500.0
    u = np.sqrt(x * ratio) * (1.0 - xi) + 1e-12
    beam = np.exp(-diffraction * x * xi**2) * (1.0 - np.cos(x * xi * (1.0 - (1.0 - curvature) * xi)))
    over_path = np.mean(beam * (2.0 * j1(u) / u) ** 2, axis=1)
    whole = np.trapezoid(x[:, 0] ** (-5.0 / 6.0) * over_path, log_x)
    return 4.0 * np.pi**2 * 0.033 * whole / 1.23


@pytest.mark.parametrize(("curvature", "diffraction"), [(1.0, 0.0), (0.0, 0.0), (0.5, 0.5), (0.1, 0.3), (1.5, 0.01)])
def test_scintillation_beside_the_integral_over_the_spectrum(curvature, diffraction):
    assert beam_share(diffraction, curvature) == pytest.approx(spectrum_integral(curvature, diffraction), rel=0.01)


def test_a_spherical_wave_has_two_fifths_of_a_plane_one():
    assert beam_share(0.0, 1.0) == pytest.approx(1.0, abs=0.01)
    assert beam_share(0.0, 0.0) == pytest.approx(0.4, abs=0.005)
    assert rytov_plane(CN2, NM850, 1e3) == pytest.approx(1.23e-15 * K ** (7.0 / 6.0) * 1e3 ** (11.0 / 6.0))


@pytest.mark.parametrize("ratio", [0.1, 1.0, 10.0, 100.0])
def test_aperture_averaging_beside_the_integral(ratio):
    aperture = np.sqrt(ratio * 4.0 * 1e4 / K)
    share = spectrum_integral(0.0, 0.0, ratio) / spectrum_integral(0.0, 0.0)
    assert aperture_share(NM850, 1e4, aperture) == pytest.approx(share, rel=0.01)


def test_spread_beside_the_mean_beam():
    # Huygens and Fresnel: <I(r)> = int rho J0(k rho r / L) exp(-(k w rho / L)^2 / 8 - (rho/rho0)^(5/3)) d rho. A
    # beam as wide as the radius that is found is as bright on the axis, and half as bright where this is within 10 %.
    w, length = 0.3, 1e4
    rho0 = coherence_radius_m(3e-15, NM850, length)

    def bright(r, turbulence):
        a, b = (K * w / length) ** 2 / 8.0, turbulence * rho0 ** (-5.0 / 3.0)
        return quad(lambda s: s * j0(K * s * r / length) * np.exp(-a * s**2 - b * s ** (5.0 / 3.0)), 0.0, 0.5)[0]

    wide = spread_radius_m(w, NM850, length, rho0)
    assert (w / wide) ** 2 == pytest.approx(bright(0.0, 1.0) / bright(0.0, 0.0), rel=1e-4)
    assert wide > 1.1 * w
    half = wide * np.sqrt(np.log(2.0) / 2.0)
    assert bright(half, 1.0) / bright(0.0, 1.0) == pytest.approx(0.5, abs=0.05)
    # Fante (1975), in squares: w^2 + 8 L^2 / (k rho0)^2, whose law is a square, not 5/3.
    assert wide == pytest.approx(np.sqrt(w**2 + 8.0 * (length / (K * rho0)) ** 2), rel=0.15)


def test_wander_of_a_collimated_beam():
    # The gradient of the index, averaged over the beam: 4 pi^2 0.033 Cn2 int kappa^(-2/3) exp(-kappa^2 w^2 / 4).
    over = quad(lambda x: np.exp(x / 3.0 - np.exp(2.0 * x) * 0.3**2 / 4.0), -60.0, 6.0, limit=200)[0]
    both = 4.0 * np.pi**2 * 0.033 * CN2 * over * 1e4**3 / 3.0
    assert 2.0 * wander_m(CN2, 1e4, 0.3, 0.3) ** 2 == pytest.approx(both, rel=2e-3)
    assert wander_m(CN2, 1e4, 0.03, 0.3) < wander_m(CN2, 1e4, 0.03, 0.03)


def test_key_falls_with_distance_and_grows_with_aperture_and_visibility():
    link = Link.read(EXAMPLE)

    def bits(**changes):
        return float(replace(link, channel=replace(link.channel, **changes)).rate().secret_bits_per_s)

    for name, values in {
        "length_m": (40e3, 20e3, 10e3, 5e3, 0.0),
        "receiver_m": (0.05, 0.1, 0.2, 0.4),
        "visibility_m": (100.0, 2e3, 6e3, 10e3, 50e3, np.inf),
        "cn2": (1e-12, 1e-14, 1e-15, 0.0),
        "radiance": (1.5e8, 1.5e6, 0.0),
    }.items():
        found = [bits(**{name: value}) for value in values]
        assert found == sorted(found), name
        assert found[0] < found[-1]
    assert bits(radiance=1.5e8) == 0.0


def test_a_photon_of_the_surroundings_is_a_dark_count():
    path = replace(PATH, view_rad=1e-3, filter_m=10e-9, radiance=1.5e6)
    lit = path.lit(Detector(0.5, 1e-6, gate_s=1e-9), 1e8)
    assert lit.p_dark == pytest.approx(1.0 - (1.0 - 1e-6) * np.exp(-0.25 * path.background_photons(1e-9)))
    assert PATH.lit(Detector(0.5, 1e-6), 1e8).p_dark == 1e-6


def test_fading_grows_with_turbulence():
    calm, rough = (replace(PATH, cn2=cn2).fading() for cn2 in (1e-17, 1e-14))
    assert calm.log_variance < rough.log_variance
    assert calm.square > rough.square
    still = replace(PATH, cn2=0.0).fading()
    assert still.log_variance == 0.0
    assert still.square == np.inf


def test_parts_make_the_whole():
    path = replace(PATH, pointing_jitter_rad=1e-5, optics_db=3.0, receiver_obscuration=0.3)
    assert np.prod(list(path.parts().values())) == pytest.approx(float(path.transmittance()))
    assert path.transmittance(0.0) == pytest.approx(10.0**-0.3 * 0.91)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"visibility_m": 0.0}, "no light comes through 0 m"),
        ({"divergence_rad": 1e-6}, "diffraction's"),
        ({"wavelength_m": 10e-6}, "wavelength_m"),
        ({"length_m": -1.0}, "length_m"),
        ({"misalignment": 0.6}, "misalignment"),
    ],
)
def test_no_such_path(changes, words):
    with pytest.raises(ParameterError, match=words):
        replace(PATH, **changes)


def test_a_file_goes_round_and_other_families_keep_to_fibre(tmp_path):
    link = Link.read(EXAMPLE)
    link.write(tmp_path / "LINK.toml")
    assert Link.read(tmp_path / "LINK.toml") == link
    text = EXAMPLE.read_text(encoding="utf-8").replace("decoy-bb84", "mdi-qkd")
    (tmp_path / "other.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match="kind"):
        Link.read(tmp_path / "other.toml")
