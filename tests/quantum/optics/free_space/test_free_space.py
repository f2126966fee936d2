"""Light between a satellite and the ground, beside printed numbers, limits and sampled light."""

import numpy as np
import pytest
from scipy.special import erf, j1

from haris.nouns.errors import ParameterError
from haris.quantum.optics.free_space.clouds import p_clear
from haris.quantum.optics.free_space.diffraction import (
    beam_radius_m,
    collected,
    divergent_radius_m,
    lobe_radius_m,
    truncated_gain,
)
from haris.quantum.optics.free_space.extinction import (
    airmass,
    horizontal_transmittance,
    transmittance,
    zenith_transmittance,
)
from haris.quantum.optics.free_space.fading import Fading
from haris.quantum.optics.free_space.pointing import jitter
from haris.quantum.optics.free_space.scintillation import aperture_averaging, layer_share, saturated
from haris.quantum.optics.free_space.sky import Sky, background_photons
from haris.quantum.optics.free_space.turbulence import (
    Turbulence,
    fried_parameter_m,
    isoplanatic_angle_rad,
    rytov_variance,
)

HV57 = Turbulence(bottom_m=1e-3)


def test_diffraction_alone_would_lose_10_db_where_22_were_measured():
    # Liao et al., Nature 549, 43 (2017): 300 mm to 1 m over 1200 km, 10 urad.
    best = collected(beam_radius_m(1.2e6, 848.6e-9, 0.15), 1.0)
    assert -10.0 * np.log10(best) == pytest.approx(9.95, abs=0.3)
    measured = collected(divergent_radius_m(1.2e6, 10e-6), 1.0)
    assert -10.0 * np.log10(measured) == pytest.approx(18.6, abs=0.1)  # 3 dB of pointing come on top


def test_a_truncated_beam_is_best_at_1_12():
    # Klein, Degnan (1974): alpha = 1.12, 0.8145.
    alpha = np.linspace(0.5, 2.0, 1501)
    gain = truncated_gain(alpha)
    assert alpha[np.argmax(gain)] == pytest.approx(1.12, abs=2e-3)
    assert gain.max() == pytest.approx(0.8145, abs=1e-4)
    assert truncated_gain(1.0, 0.3) < truncated_gain(1.0)


def test_a_narrow_beam_is_not_truncated():
    # Beside an aperture that is wide for it, the beam is Gaussian.
    assert lobe_radius_m(1e6, 850e-9, 0.5, 5.0) == pytest.approx(beam_radius_m(1e6, 850e-9, 0.05), rel=4e-3)


@pytest.mark.parametrize(("truncation", "obscuration"), [(1.12, 0.0), (0.9, 0.2), (1.5, 0.4)])
def test_the_lobe_beside_a_sum_over_the_aperture(truncation, obscuration):
    # Fraunhofer's integral of the field, ring by ring, on the axis; the power that leaves is 1.
    a, wavelength, away = 0.15, 850e-9, 1e6
    edges = np.linspace(obscuration * a, a, 20_001)
    r, ring = (edges[1:] + edges[:-1]) / 2.0, np.pi * np.diff(edges**2)
    field = np.exp(-((r * truncation / a) ** 2))
    irradiance = np.sum(field * ring) ** 2 / (wavelength * away) ** 2 / np.sum(field**2 * ring)
    w = np.sqrt(2.0 / (np.pi * irradiance))
    assert lobe_radius_m(away, wavelength, 2.0 * a, truncation, obscuration) == pytest.approx(w, rel=5e-3)


def test_an_obscuration_takes_its_share():
    assert collected(1.0, 0.2, 0.3) == pytest.approx(collected(1.0, 0.2) - collected(1.0, 0.06))
    with pytest.raises(ParameterError):
        collected(1.0, 0.2, 1.0)


def test_jitter_beside_sampled_beams():
    # 400,000 samples: the mean within 5 deviations (false alarm 6e-7), the quantile within a percent.
    rng = np.random.default_rng(7)
    w, aperture, sigma = 5.0, 1.0, 1.5
    away = np.hypot(*rng.normal(0.0, sigma, (2, 400_000)))
    # What is collected at a displacement, by the equivalent radius of Farid and Hranilovic (2007), which is good while
    # the aperture is small beside the beam.
    of = jitter(w, aperture, sigma)
    v = np.sqrt(np.pi / 2.0) * aperture / 2.0 / w
    equivalent = w * np.sqrt(np.sqrt(np.pi) * erf(v) / (2.0 * v * np.exp(-(v**2))))
    assert of.square == pytest.approx((equivalent / (2.0 * sigma)) ** 2, rel=2e-3)
    share = erf(v) ** 2 * np.exp(-2.0 * away**2 / equivalent**2)
    assert of.mean == pytest.approx(share.mean(), abs=5.0 * share.std() / np.sqrt(share.size))
    missed = of.mean * Fading(np.zeros(()), of.square).quantile(0.1)
    assert missed == pytest.approx(np.quantile(share, 0.1), rel=0.01)
    assert of.best == pytest.approx(collected(w, aperture), rel=0.01)
    assert jitter(w, aperture, 0.0).mean == of.best


@pytest.mark.parametrize(
    ("nm", "km", "zenith"),
    [(785, 5, 0.448), (785, np.inf, 0.919), (850, 10, 0.654), (850, 20, 0.787), (1550, 50, 0.955), (1550, 5, 0.715)],
)
def test_the_table_of_transmittances(nm, km, zenith):
    assert zenith_transmittance(nm * 1e-9, km * 1e3) == pytest.approx(zenith, abs=1e-12)


@pytest.mark.parametrize("nm", [700, 785, 850, 1550])
@pytest.mark.parametrize("km", [0.05, 0.2, 0.5])
def test_fog_weakens_all_wavelengths_alike(nm, km):
    # Kim, McArthur, Korevaar (2001): below 500 m; and at the visibility a contrast of 2 % is left, 17 dB.
    found = -10.0 * np.log10(horizontal_transmittance(nm * 1e-9, km * 1e3, km * 1e3))
    assert found == pytest.approx(17.0, abs=0.02)


def test_haze_weakens_long_wavelengths_less():
    for km in (2.0, 10.0, 60.0):
        passed = [float(horizontal_transmittance(nm * 1e-9, km * 1e3, 1e3)) for nm in (700, 785, 850, 1310, 1550)]
        assert passed == sorted(passed)
    # Clearer air lets more through, wherever the law changes its power.
    air = np.unique(
        [*np.geomspace(100.0, 1e5, 200), *(v * e for v in (500, 1e3, 6e3, 5e4) for e in (0.9999, 1.0, 1.0001))]
    )
    for nm in (700, 850, 1550):
        assert np.all(np.diff([float(horizontal_transmittance(nm * 1e-9, v, 1e3)) for v in air]) > 0.0)


def test_extinction_at_10_degrees():
    # MODTRAN: 0.478 to 0.483 where the zenith has 0.876.
    assert airmass(90.0) == 1.0
    assert airmass(10.0) == pytest.approx(5.59, abs=0.01)
    assert transmittance(0.876, 10.0) == pytest.approx(0.477, abs=1e-3)


def test_transmittance_grows_with_visibility_and_wavelength():
    far = np.geomspace(100.0, 1e6, 60)
    for nm in (700, 785, 810, 850, 1310, 1550, 1700):
        assert np.all(np.diff([zenith_transmittance(nm * 1e-9, v) for v in far]) > 0.0)
    for v in (1e3, 2e4, np.inf):
        assert np.all(np.diff([zenith_transmittance(nm * 1e-9, v) for nm in range(700, 1700, 20)]) > 0.0)


@pytest.mark.parametrize(("nm", "visibility"), [(850, 0.0), (850, -1.0), (850, np.nan), (400, 2e4), (2000, 2e4)])
def test_air_that_is_not_in_the_table(nm, visibility):
    with pytest.raises(ParameterError):
        zenith_transmittance(nm * 1e-9, visibility)


def test_hufnagel_valley_5_7():
    # By name: r0 of 5 cm and theta0 of 7 urad at 500 nm.
    assert fried_parameter_m(HV57, 500e-9) == pytest.approx(0.0496, abs=1e-4)
    assert isoplanatic_angle_rad(HV57, 500e-9) == pytest.approx(6.9e-6, abs=0.1e-6)
    assert fried_parameter_m(HV57, 850e-9) == pytest.approx(0.0938, abs=1e-4)
    assert fried_parameter_m(HV57, 1550e-9) == pytest.approx(0.193, abs=1e-3)
    assert fried_parameter_m(HV57, 850e-9, 30.0) == pytest.approx(0.0938 / 2.0**0.6, abs=1e-4)


@pytest.mark.parametrize(
    ("wind", "nm", "printed"),
    [(21, 532, 0.23), (21, 850, 0.13), (21, 1550, 0.07), (30, 532, 0.36), (30, 850, 0.21), (30, 1550, 0.10)],
)
def test_itu_r_p_1622_table_2(wind, nm, printed):
    # Two digits are printed; between 5.5 m and 20 km at 75 degrees, as its heights are.
    of = Turbulence(wind_m_per_s=wind, bottom_m=5.5, top_m=20e3)
    assert rytov_variance(of, nm * 1e-9, 75.0) == pytest.approx(printed, abs=0.005)


def test_scintillation_saturates_and_is_averaged():
    assert saturated(0.01) == pytest.approx(0.01, rel=0.02)
    assert saturated(np.array([1.0, 10.0, 100.0])).max() < 1.5
    small, large = (aperture_averaging(HV57, 850e-9, d, 60.0) for d in (1e-3, 1.0))
    assert small == pytest.approx(1.0, abs=0.01)
    assert large < 0.02


def test_background_by_hand():
    # 1.5e-5 W/(m^2 sr um), 100 urad, 1 m, 1 nm, 1 ns: 1.5e-5 * 7.854e-9 * 0.7854 * 1e-3 * 1e-9 J over 2.337e-19 J.
    photons = background_photons(15.0, 100e-6, 1.0, 1e-9, 1e-9, 850e-9)
    assert photons == pytest.approx(3.96e-7, rel=2e-3)


def test_twilight_lies_between_night_and_day():
    sky = Sky()
    sun = np.linspace(-30.0, 30.0, 61)
    radiance = sky.radiance(sun)
    assert np.all(np.diff(radiance) >= 0.0)
    assert radiance[0] == pytest.approx(15.0)
    assert radiance[-1] == pytest.approx(1.5e6)


@pytest.mark.parametrize(
    ("sun_deg", "lux", "within"), [(0.0, 758.0, 1.01), (-3.0, 79.0, 2.0), (-6.0, 3.41, 1.01), (-9.0, 0.12, 2.0)]
)
def test_twilight_beside_the_explanatory_supplement(sun_deg, lux, within):
    # Illuminance by the Supplement's cubics in the elevation, as celestial.SolarSys.sunlight of MAAT has them.
    found = Sky(night_radiance=0.0).radiance(sun_deg) / 1.5e6 * 20_000.0
    assert lux / within <= found <= lux * within


def test_the_darkest_sky_is_darker_than_the_table():
    # 21.9 mag in V a square arcsecond: 3.63e-8 W m^-2 um^-1 at magnitude 0, 4.25e10 square arcseconds in a steradian.
    darkest = 10.0 ** (-0.4 * 21.9) * 3.63e-2 * 4.25e10
    assert 0.1 < darkest / Sky().night_radiance < 1.0


def test_clouds_hide_more_near_the_horizon():
    assert p_clear(0.3, 90.0) == pytest.approx(0.7)
    assert p_clear(0.3, 30.0) == pytest.approx(0.49)
    assert p_clear(1.0, 40.0) == 0.0
    with pytest.raises(ParameterError):
        p_clear(1.1, 40.0)


@pytest.mark.parametrize("elevation_deg", [90.0, 30.0])
def test_a_downlink_beside_integrals_over_height_and_spectrum(elevation_deg):
    # 8 pi^2 k^2 0.033 int Cn2 int kappa^(-8/3) [1 - cos(kappa^2 z / k)] (2 J1(kappa D/2) / (kappa D/2))^2 d kappa d z.
    k, of, secant = 2.0 * np.pi / 850e-9, Turbulence(), 1.0 / np.sin(np.radians(elevation_deg))
    log_h, log_kappa = np.linspace(0.0, np.log(3e4), 120), np.linspace(np.log(1e-2), np.log(1e4), 2500)
    h, kappa = np.exp(log_h), np.exp(log_kappa)

    def variance(aperture_m):
        u = kappa * aperture_m / 2.0 + 1e-12
        rings = kappa ** (-5.0 / 3.0) * (1.0 - np.cos(kappa**2 * h[:, None] * secant / k)) * (2.0 * j1(u) / u) ** 2
        return (
            8.0
            * np.pi**2
            * k**2
            * 0.033
            * secant
            * np.trapezoid(of.cn2(h) * h * np.trapezoid(rings, log_kappa, axis=1), log_h)
        )

    point = variance(0.0)
    assert rytov_variance(of, 850e-9, elevation_deg) == pytest.approx(point, rel=0.01)
    for aperture_m in (0.02, 0.1, 0.3, 0.8):
        share = variance(aperture_m) / point
        assert aperture_averaging(of, 850e-9, aperture_m, elevation_deg) == pytest.approx(share, rel=0.01)
        # As ITU-R P.1622 has it, fading is overstated.
        scale_m = (of.moment(2.0) / of.moment(5.0 / 6.0)) ** (6.0 / 7.0)
        printed = 1.0 / (1.0 + 1.1 * (aperture_m**2 / (secant * 850e-9 * scale_m)) ** (7.0 / 6.0))
        assert 1.0 < printed / share < 1.45


@pytest.mark.parametrize("ratio", [1e-4, 0.02, 1.3, 70.0, 2e6])
def test_a_thin_layer_beside_its_integral(ratio):
    log_x = np.linspace(-32.0, 9.0, 150_001)
    x = np.exp(log_x)
    u = np.sqrt(ratio * x) + 1e-15
    shadows = x ** (-5.0 / 6.0) * np.where(x < 3e3, 1.0 - np.cos(x), 1.0)
    whole, left = (np.trapezoid(shadows * filtered, log_x) for filtered in (1.0, (2.0 * j1(u) / u) ** 2))
    rest = 6.0 / 5.0 * x[-1] ** (-5.0 / 6.0)
    share = (left + rest * (ratio * x[-1] < 1.0)) / (whole + rest)
    assert layer_share(ratio) == pytest.approx(share, rel=0.01)
