"""Error rates at which key dies, and the capacity of a lossy channel."""

from __future__ import annotations

import re
from collections.abc import Callable

from scipy.optimize import brentq

from haris.papers import tamaki2004
from haris.papers.computation import Computation
from haris.papers.row import Row
from haris.quantum.security.device_independent import chsh_fraction, chsh_of_qber
from haris.quantum.security.limits import plob
from haris.quantum.security.single_photons import bb84_fraction, sarg04_fraction, six_state_fraction

_ETA = re.compile(r"eta\s*=\s*([0-9.eE+-]+)")


def _threshold(fraction: Callable[[float], object]) -> Callable[[Row, str], float | None]:
    """A row's one value: the error rate between 1 and 20 % at which the fraction is 0."""

    def of(row: Row, quantity: str) -> float | None:
        return float(brentq(fraction, 0.01, 0.2, xtol=1e-14)) if quantity == "value" else None

    return of


def _depolarising(row: Row, quantity: str) -> float | None:
    """A row's one value, for its loss (none where it does not say)."""
    loss = row.number("loss", 0.0, least=0.0, most=0.9)
    return tamaki2004.depolarising_threshold(loss) if quantity == "value" else None


def _capacity(row: Row, quantity: str) -> float | None:
    """The formula's text may hold the transmittance, as `eta=1e-2`."""
    stated = _ETA.search(str(row.values.get("formula", "")))
    eta = row.number("transmittance", float(stated[1]) if stated else None, least=0.0, most=1.0 - 1e-16)
    return float(plob(eta)) if quantity == "value" else None


COMPUTATIONS = (
    Computation(("bb84_threshold", "1-2h(Q)=0"), _threshold(bb84_fraction)),
    Computation(("six_state_threshold", "sixstate_published", "1-H(Bell-diagonal*"), _threshold(six_state_fraction)),
    Computation(("sarg04_single_photon_threshold", "Fung-Tamaki-Lo 2006*"), _threshold(sarg04_fraction)),
    Computation(("diqkd_chsh_threshold", "Acin 2007*"), _threshold(lambda q: chsh_fraction(chsh_of_qber(q), q))),
    Computation(("b92_depolarising_*", "Tamaki-Lutkenhaus 2004*"), _depolarising),
    Computation(("plob_*", "-log2(1-eta)*"), _capacity),
)
