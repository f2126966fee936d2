"""Families on a path through the air: a fibre of its loss, with light of the surroundings among the dark counts."""

from dataclasses import replace

import numpy as np
import pytest

from haris.nouns.errors import ParameterError
from haris.quantum.families.family import AIR_OR_FIBRE
from haris.quantum.link import FAMILIES, Link
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.fibre import Fibre
from haris.quantum.optics.free_space.path import FreeSpacePath
from haris.quantum.optics.pair_receivers import PairReceivers
from haris.quantum.optics.pair_source import PairSource
from haris.quantum.optics.single_photon_source import SinglePhotonSource
from haris.quantum.optics.source import Source
from haris.quantum.optics.three_state_source import FlawedSource
from haris.quantum.optics.time_bin_receiver import TimeBinReceiver
from haris.quantum.protocols.b92 import B92
from haris.quantum.protocols.sarg04 import Sarg04
from haris.quantum.security.key_length import Security

IN_AIR = [name for name, family in FAMILIES.items() if family.media is AIR_OR_FIBRE]
LASER = (1e8, (0.5, 0.15), (0.5, 0.5))
PATH = FreeSpacePath(5e3, 850e-9, 0.03, 0.2, 23e3, optics_db=3.0, misalignment=0.01, view_rad=1e-4, filter_m=1e-9)
TOWN = 150.0
GATE_S = 1e-9
ENDS = {
    "decoy-bb84": (Source(*LASER), Detector(0.5, 1e-7, gate_s=GATE_S)),
    "six-state": (Source(*LASER), Detector(0.5, 1e-7, gate_s=GATE_S)),
    "sarg04": (Source(*LASER), Detector(0.5, 1e-7, gate_s=GATE_S)),
    "b92": (SinglePhotonSource(1e8), Detector(0.5, 1e-7, gate_s=GATE_S)),
    "three-state": (Source(*LASER), TimeBinReceiver(0.5, 1e-7, 0.99, window_s=GATE_S)),
    "loss-tolerant": (FlawedSource(*LASER), TimeBinReceiver(0.5, 1e-7, 0.99, window_s=GATE_S)),
    "bbm92": (PairSource(1e9, 0.01, 0.97, position=0.0), PairReceivers(0.4, 0.5, 1e-7, 1e-7)),
}


def protocol_of(name):
    if name == "b92":
        return B92(0.5, 10**10)
    return Sarg04(10**10) if name == "sarg04" else FAMILIES[name].protocol(p_key_basis=0.8, block_pulses=10**10)


def link_by(name, channel, detector=None):
    source, own = ENDS[name]
    security = Security(bound=next(iter(FAMILIES[name].bounds)))
    return Link(source, channel, detector or own, protocol_of(name), security)


def fibre_as(path):
    loss_db = -10.0 * np.log10(float(path.transmittance()))
    return Fibre(0.0, 0.2, loss_db, path.misalignment)


def test_these_are_the_families():
    assert set(IN_AIR) == set(ENDS)


@pytest.mark.parametrize("name", ENDS)
def test_a_dark_path_is_a_fibre_of_its_loss(name):
    air, fibre = link_by(name, PATH).rate(), link_by(name, fibre_as(PATH)).rate()
    assert float(air.secret_bits_per_pulse) == pytest.approx(float(fibre.secret_bits_per_pulse), rel=1e-9)
    assert float(air.qber) == pytest.approx(float(fibre.qber), rel=1e-9)
    assert float(air.secret_bits_per_pulse) > 0.0 or name == "b92"  # which bears little loss


@pytest.mark.parametrize("name", ENDS)
def test_light_of_the_surroundings_counts_as_dark_counts_do(name):
    lit = replace(PATH, radiance=TOWN)
    detector = ENDS[name][1]
    photons = lit.background_photons(GATE_S)
    if name == "bbm92":
        dark = replace(detector, p_dark_bob=1.0 - (1.0 - 1e-7) * np.exp(-photons * 0.25))
    else:
        share = 1.0 if isinstance(detector, TimeBinReceiver) else 0.5
        dark = replace(detector, p_dark=1.0 - (1.0 - 1e-7) * np.exp(-photons * 0.5 * share))
    air, fibre = link_by(name, lit).rate(), link_by(name, fibre_as(PATH), dark).rate()
    assert float(air.qber) == pytest.approx(float(fibre.qber), rel=1e-6)
    assert float(air.qber) > float(link_by(name, PATH).rate().qber)


@pytest.mark.parametrize("name", ENDS)
def test_a_turned_link_meets_the_light_once(name):
    link = link_by(name, replace(PATH, radiance=TOWN))
    family = link.family
    turned = family.turned(link, family.settings(link))
    assert float(family.rate(turned, np.asarray(5e3)).qber) == pytest.approx(float(link.rate().qber), rel=1e-9)


@pytest.mark.parametrize("name", ["three-state", "six-state", "bbm92"])
def test_light_through_the_air_is_sampled(name):
    alice, bob = link_by(name, replace(PATH, radiance=TOWN)).emulate(20_000, 3)
    assert alice is not None
    assert bob is not None


def test_a_source_of_pairs_stands_at_one_end_of_the_air():
    link = link_by("bbm92", PATH)
    with pytest.raises(ParameterError, match="position must be 0 in the air"):
        replace(link, source=replace(link.source, position=0.5))
