"""Decoy BB84: Ma 2005, Lim 2014, Rusca 2018, and experiments whose keys follow them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from scipy.optimize import brentq

from haris.nouns.counts import KEY_BASIS
from haris.papers import lim2014, ma2005, rusca2018
from haris.papers.claims import PREFIXES
from haris.papers.computation import Computation, Ours, at_km
from haris.papers.lim2014 import signed_length
from haris.papers.row import Row
from haris.quantum.link import Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.source import Source
from haris.quantum.protocols.bb84 import DecoyBB84
from haris.quantum.security.entropy import binary_entropy
from haris.quantum.security.key_length import Security
from haris.quantum.security.limits import plob
from haris.quantum.security.rusca2018 import printed_vacuum, vacuum_upper


def _ma(row: Row, quantity: str) -> float | None:
    """With a weak intensity nu: from vacuum and weak decoys; without: from decoys without end."""
    system = ma2005.GobbySystem(
        row.number("fibre_db_per_km", 0.21, least=1e-3),
        row.probability("eta_bob", 0.045),
        row.probability("y0_per_pulse", 1.7e-6),
        row.number("e_detector", 0.033, least=0.0, most=0.5),
        row.number("f_ec", 1.22, least=1.0),
    )
    if efficiency := re.fullmatch(r"mu_opt_f(\d{3})", quantity):
        return ma2005.optimal_intensity(replace(system, f_ec=int(efficiency[1]) / 100.0))
    stem, km = at_km(quantity)
    if stem != "rate_per_pulse" and quantity != "max_distance_km":
        return None
    mu, share = row.positive("mu"), row.number("sift", 0.5, least=0.0, most=1.0) / 0.5

    nu = row.positive("nu") if "nu" in row.values else None

    def rate(at_km: float) -> float:
        if nu is None:
            return share * float(ma2005.infinite_decoys(system, mu, at_km * 1e3))
        return share * float(ma2005.vacuum_weak_rate(system, mu, nu, at_km * 1e3))

    return rate(km) if km is not None else _last_km(rate)


def _last_km(rate: Callable[[float], float]) -> float:
    """Where a rate that falls with distance comes to 1e-12 a pulse; 0 where it never is so much."""
    return float(brentq(lambda km: rate(km) - 1e-12, 0.0, 2000.0)) if rate(0.0) > 1e-12 else 0.0


def _lim_system(row: Row) -> lim2014.LimSystem:
    return lim2014.LimSystem(
        row.probability("eta_bob", 0.1),
        row.probability("p_dark", 6e-7),
        row.probability("p_afterpulse", 0.04),
        row.number("e_mis", 0.005, least=0.0, most=0.5),
        row.number("fibre_db_per_km", 0.2, least=1e-3),
    )


def _lim(row: Row, quantity: str) -> Ours | float | None:
    """With q_x: the block of those settings. Without: the best settings, as in Fig. 1."""
    if quantity == "detection_rate":
        distance_m = row.number("distance_km", least=0.0) * 1e3
        return float(_lim_system(row).detection(row.positive("mu"), distance_m))
    if quantity == "fixed_cost_bits":
        return _fixed_cost(row)
    return _lim_block(row, quantity) if "qx" in row.values else _lim_best(row, quantity)


def _lim_block(row: Row, quantity: str) -> float | None:
    settings = lim2014.LimSettings(
        (row.positive("mu1"), row.positive("mu2"), row.number("mu3", least=0.0)),
        (row.probability("p_mu1"), row.probability("p_mu2"), row.probability("p_mu3")),
        row.probability("qx"),
        row.positive("block_nx"),
    )
    counts = lim2014.expected_counts(_lim_system(row), settings, row.number("distance_km", least=0.0) * 1e3)
    key = lim2014.key_length(counts, _security(row, "lim2014"))
    found = {
        "s_x0": key.value("vacuum"),
        "s_x1": key.value("single"),
        "s_z1": key.value("sample"),
        "v_z1": key.value("sample_errors"),
        "phi_x": key.value("phase_error"),
        "e_obs": counts.qber[0],
        "n_pulses": counts.n_pulses,
        "key_bits": key.length_bits,
        "rate_per_pulse": key.length_bits / counts.n_pulses,
    }
    return float(found[quantity]) if quantity in found else None


def _security(row: Row, bound: str) -> Security:
    return Security(
        bound,
        row.positive("eps_sec", 1e-9),
        row.positive("eps_cor", 1e-15),
        row.number("f_ec", 1.16, least=1.0),
    )


_LIM_FIGURE = (
    "The best of a search over intensities, probabilities and q_x. The figure may end its curves at the lower edge of "
    "its axis, and the search of its authors is not told."
)


def _lim_best(row: Row, quantity: str) -> Ours | None:
    quantity = quantity.removeprefix("optimised_")
    if quantity == "max_distance_km":
        return Ours(_lim_reach(_search(row, row.positive("block_nx"))) / 1e3, _LIM_FIGURE)
    if quantity == "max_distance_km_nx1e4":
        return Ours(_lim_reach(_search(row, 1e4)) / 1e3, _LIM_FIGURE)
    if quantity == "ratio_R1e9_over_R1e7_100km":
        rates = [_lim_curve(_search(row, n_x), (100.0,))[0] for n_x in (1e9, 1e7)]
        return Ours(rates[0] / rates[1], "Two searches for the best settings.")
    stem, km = at_km(quantity)
    if stem != "rate_per_pulse" or km is None:
        return None
    places = (at_km(key)[1] for key in row.values if key.partition("_")[0] in PREFIXES and "rate_per_pulse_km" in key)
    distances_km = tuple(sorted({place for place in places if place is not None}))
    rates = _lim_curve(_search(row, row.positive("block_nx")), distances_km)
    return Ours(rates[distances_km.index(km)], _LIM_FIGURE)


def _search(row: Row, n_x: float) -> lim2014.LimSearch:
    return lim2014.LimSearch(
        _lim_system(row),
        n_x,
        row.positive("kappa", 1e-15),
        row.positive("eps_cor", 1e-15),
        row.number("f_ec", 1.16, least=1.0),
        row.number("mu3", 2e-4, least=0.0),
    )


@lru_cache
def _lim_curve(search: lim2014.LimSearch, distances_km: tuple[float, ...]) -> list[float]:
    return search.curve([km * 1e3 for km in distances_km])


@lru_cache
def _lim_reach(search: lim2014.LimSearch) -> float:
    return search.reach_m()


def _fixed_cost(row: Row) -> float:
    """Bits that Eq. (1) takes off a block of any counts for its epsilons."""
    settings = lim2014.LimSettings((0.5, 0.1, 0.0), (0.5, 0.3, 0.2), 0.5, 1e6)
    counts = lim2014.expected_counts(lim2014.LimSystem(), settings, 0.0)
    key = lim2014.key_length(counts, Security("lim2014", row.positive("eps_s"), row.positive("eps_c")))
    return float(key.value("secrecy") + key.value("correctness"))


def _rusca_system(row: Row) -> rusca2018.RuscaSystem:
    return rusca2018.RuscaSystem(
        row.probability("eta_det", 0.5),
        row.probability("p_dark", 1e-8),
        row.number("p_err", 0.01, least=0.0, most=0.5),
        row.positive("clock_hz", 1e9),
        row.number("dead_time_s", 1e-7, least=0.0),
    )


def _rusca(row: Row, quantity: str) -> Ours | float | None:
    """With p_z: the block of those settings. Without: the best settings for 1e7 sifted bits."""
    system, security = _rusca_system(row), _security(row, "rusca2018")
    if "p_z" in row.values:
        return _rusca_block(row, quantity, system, security)
    search = rusca2018.RuscaSearch(system, 1e7, security)
    words = (
        "The best of a search over intensities and probabilities; the published number is read off a logarithmic axis."
    )
    if quantity == "skr_bps_nz1e7_26db":
        return Ours(search.best(26.0)[0] * system.clock_hz, words)
    return Ours(search.reach_db(), words) if quantity == "reach_db_nz1e7" else None


def _rusca_block(row: Row, quantity: str, system: rusca2018.RuscaSystem, security: Security) -> float | None:
    settings = rusca2018.RuscaSettings(
        row.positive("mu1"),
        row.positive("mu2"),
        row.probability("p_mu1"),
        row.probability("p_z"),
        row.positive("block_nz"),
    )
    counts, live = rusca2018.expected_counts(system, settings, row.number("attenuation_db", least=0.0))
    key = rusca2018.key_length(counts, security)
    found = {
        "s_z0_lower": key.value("vacuum"),
        "s_z0_upper": vacuum_upper(counts, security.epsilon_secrecy / 19.0, printed_vacuum)[..., KEY_BASIS],
        "s_z1": key.value("single"),
        "s_x1": key.value("sample"),
        "v_x1": key.value("sample_errors"),
        "qber": counts.qber[0],
        "n_pulses": counts.n_pulses,
        "dead_time_factor": live,
        "phi": key.value("phase_error"),
        "key_bits": key.length_bits,
        "skr_bps": key.length_bits / counts.n_pulses * system.clock_hz,
    }
    return float(found[quantity]) if quantity in found else None


_THREE_STATES = (
    "Rusca's one-decoy length, with the error rate of the one test state for the phase error rate, as it is of four "
    "states, at the best probabilities of bases and intensities "
    "if both bases err as the Z basis did; no loss in the receiver's optics, which puts ours above."
)


def _boaron(row: Row, quantity: str) -> Ours | None:
    """Loss, clock, intensities, block and QBER of the table; detectors and phase error are assumed."""
    loss_db = row.number("loss_db", least=0.0)
    if quantity == "plob_per_pulse":
        return Ours(float(plob(10.0 ** (-loss_db / 10.0))))
    if quantity != "skr_bps":
        return None
    clock_hz = row.positive("clock_hz")
    p_dark = row.number("assumed_dark_hz", 0.1, least=0.0, most=clock_hz) / clock_hz
    p_err = row.number("qber_z", least=0.0, most=0.5)
    system = rusca2018.RuscaSystem(row.probability("assumed_det_efficiency", 0.5), p_dark, p_err, clock_hz, 0.0)
    intensities = (row.positive("mu1"), row.positive("mu2"))
    search = rusca2018.RuscaSearch(system, row.positive("block_nz"), _security(row, "rusca2018"), intensities)
    per_pulse, settings = search.best(loss_db)
    stated = [key for key in ("assumed_phase_error", "memory_phase_error") if key in row.values]
    if stated and (found := search.key(settings, loss_db)) is not None:
        phase = row.number(stated[0], least=0.0, most=0.5)
        saved = found[0].value("entropy") - found[0].value("single") * binary_entropy(phase)
        per_pulse = (signed_length(found[0]) + float(saved)) / found[1].n_pulses
    return Ours(max(per_pulse, 0.0) * clock_hz, _THREE_STATES)


def _fastest(row: Row, quantity: str) -> Ours | None:
    """10 km at a rate that detectors limit: all but the length is assumed."""
    if quantity != "rate_bps":
        return None
    clock_hz = row.positive("clock_hz" if "clock_hz" in row.values else "assumed_clock_hz", 2.5e9)
    system = rusca2018.RuscaSystem(
        row.probability("assumed_det_efficiency", 0.6),
        row.number("assumed_dark_hz", 100.0, least=0.0, most=clock_hz) / clock_hz,
        row.number("assumed_p_err", 0.005, least=0.0, most=0.5),
        clock_hz,
        0.0,
    )
    loss_db = row.number("distance_km", least=0.0) * row.number("assumed_fibre_db_per_km", 0.2, least=0.0)
    search = rusca2018.RuscaSearch(system, row.positive("assumed_block_nz", 1e8), _security(row, "rusca2018"))
    words = (
        "Rusca's one-decoy length at the best settings, with detectors that never rest: what the fibre would carry, "
        "above what real ones let through."
    )
    return Ours(max(search.best(loss_db)[0], 0.0) * clock_hz, words)


def _t12(row: Row, quantity: str) -> Ours | None:
    """The link of the row, by Chernoff bounds against coherent attacks."""
    if quantity != "rate_bps":
        return None
    source = Source(row.positive("clock_hz"), tuple(row["intensities"]), tuple(row["p_intensities"]))
    fibre = Fibre(
        row.number("distance_km", least=0.0) * 1e3,
        0.0,
        row.number("loss_db", least=0.0) + row.number("assumed_receiver_loss_db", 0.0, least=0.0),
        row.number("fitted_misalignment", 0.0, least=0.0, most=0.5),
    )
    detector = Detector(
        row.probability("assumed_det_efficiency"),
        row.probability("assumed_p_dark"),
        p_afterpulse=row.probability("assumed_p_afterpulse", 0.0),
    )
    protocol = DecoyBB84(row.probability("p_key_basis"), int(row.positive("assumed_block_pulses")))
    security = Security("zhang2017", row.positive("eps_sec"), 1e-15, row.number("assumed_f_ec", least=1.0))
    rate = Link(source, fibre, detector, protocol, security).rate()
    return Ours(
        float(rate.secret_bits_per_s),
        "Ours holds against coherent attacks, the published rate against collective ones, and its key of the rarer "
        "basis is left out. Dark counts and the fit of the misalignment weigh most at the far end.",
    )


def _zhang(row: Row, quantity: str) -> Ours | None:
    """The best settings on the assumed hardware."""
    if quantity != "rate_per_pulse":
        return None
    at_m = row.number("distance_km", least=0.0) * 1e3
    link = Link(
        Source(1e9, (0.48, 0.16, 0.0), (0.4, 0.5, 0.1)),
        Fibre(
            at_m, row.number("assumed_fibre_db_per_km", 0.21, least=1e-3), 0.0, row.number("assumed_e_detector", 0.033)
        ),
        Detector(row.probability("assumed_eta_bob", 0.045), row.probability("assumed_y0_per_pulse", 1.7e-6) / 2.0),
        DecoyBB84(0.7, int(row.positive("n_pulses"))),
        Security("zhang2017", row.positive("assumed_eps_sec", 1e-10), 1e-15, row.number("assumed_f_ec", 1.16)),
    )
    rate = link.rate([at_m], optimise=True)
    return Ours(float(rate.secret_bits_per_pulse[0]), "Best settings, hardware assumed; tails at epsilon squared.")


MA = "quant-ph/0503005"

COMPUTATIONS = (
    Computation(
        ("ma2005*", "decoy_bb84_vacuum+weak_*", "decoy_bb84_infinite_*", "(1-mu)exp(-mu)=*", "quant-ph/0503005"), _ma
    ),
    Computation(("t12_*", "1310.0240"), _t12),
    Computation(("zhang2017_mdi_table3_bb84_row", "decoy_bb84_chernoff_finite"), _zhang),
    Computation(("boaron2018*", "3state_timebin_1decoy_finite*", "1807.03222"), _boaron),
    Computation(("li2023_*", "2307.02364", "grunenfelder2023*", "timebin_1decoy_real_time"), _fastest),
    Computation(("rusca2018*", "1decoy_bb84_finite*", "1801.03443"), _rusca),
    Computation(("lim2014*", "2decoy_bb84_finite*", "1311.7129", "D_k", "efficient_bb84_2decoy_finite"), _lim),
)
