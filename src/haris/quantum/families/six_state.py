"""The six-state protocol over a fibre, with decoy states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.photon_counts import PhotonCounts
from haris.nouns.rounds import Rounds
from haris.quantum.emulate.photon_numbers import expected_photon_counts
from haris.quantum.emulate.sampled_six_state import emulate_six_state
from haris.quantum.families.family import Family, Knob, Parts, Rate, of
from haris.quantum.families.photon_rate import photon_rate, require_signal
from haris.quantum.optics.detector import Detector
from haris.quantum.optics.source import Source
from haris.quantum.protocols.six_state import SixState
from haris.quantum.security import lo2001
from haris.quantum.security.entropy import binary_entropy

NAME = "six-state"


def six_state_parts(parts: Parts) -> tuple[Source, Detector, SixState]:
    """Source, detector and protocol. Raises ParameterError on a link of another family."""
    return (
        of(NAME, "source", parts.source, Source),
        of(NAME, "detector", parts.detector, Detector),
        of(NAME, "protocol", parts.protocol, SixState),
    )


def photon_counts(parts: Parts, at_m: NDArray[np.float64]) -> PhotonCounts:
    """Expected sifted bits of one block at each distance, single photons told apart."""
    source, detector, protocol = six_state_parts(parts)
    n = protocol.block_pulses
    return expected_photon_counts(source, parts.channel, detector, protocol.sifting, 1, n, at_m)


def _check(parts: Parts) -> None:
    source, detector, _ = six_state_parts(parts)
    require_signal(source, detector)


def _rate(parts: Parts, at_m: NDArray[np.float64]) -> Rate:
    """Each distance is one block of expected counts. The fibre errs alike in all three bases."""
    counts = photon_counts(parts, at_m)
    leaked = parts.security.f_ec * counts.sifted * binary_entropy(counts.qber)
    return photon_rate(parts, at_m, counts, lo2001.asymptotic(counts, counts.photon_qber[..., 0], leaked))


def _emulate(parts: Parts, n_pulses: int, seed: int | bytes, eve_fraction: float) -> tuple[Rounds, Rounds]:
    source, detector, protocol = six_state_parts(parts)
    return emulate_six_state(source, parts.channel, detector, protocol, n_pulses, seed, eve_fraction)


_KNOBS = (Knob("intensity 1", 0.01, 1.0), Knob("p of the key basis", 1.0 / 3.0, 0.999))


def _settings(parts: Parts) -> dict[str, float]:
    source, _, protocol = six_state_parts(parts)
    return {_KNOBS[0].name: source.intensities[0], _KNOBS[1].name: protocol.p_key_basis}


def _turned(parts: Parts, settings: Mapping[str, float]) -> Parts:
    source, detector, protocol = six_state_parts(parts)
    mu, p_key = (settings[knob.name] for knob in _KNOBS)
    turned = replace(source, intensities=(mu, *source.intensities[1:]))
    return Parts(turned, parts.channel, detector, replace(protocol, p_key_basis=p_key), parts.security)


FAMILY = Family(
    name=NAME,
    title="six-state protocol, three bases, decoy states without end",
    source=Source,
    detector=Detector,
    protocol=SixState,
    bounds={"asymptotic": lo2001.PROOF},
    check=_check,
    rate=_rate,
    emulate=_emulate,
    knobs=_KNOBS,
    settings=_settings,
    turned=_turned,
)
