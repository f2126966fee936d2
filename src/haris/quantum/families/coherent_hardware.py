"""What links of quadratures share: parts that name hardware, and the channel that is estimated through it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from haris.nouns.errors import ParameterError
from haris.quantum.emulate.expected_gaussian import expected_channel
from haris.quantum.emulate.noise_budget import NoiseBudget, noise_budget
from haris.quantum.families.family import Parts, of
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.quadratures import QuadratureProtocol
from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.key_length import Term

NAME = "quadratures"


def quadrature_parts(
    parts: Parts,
) -> tuple[ModulatedLaser | ConstellationLaser, NoisyFibre, CoherentReceiver, QuadratureProtocol]:
    """Source, fibre, receiver and protocol. Raises ParameterError on a link of other parts."""
    source = parts.source
    if not isinstance(source, ModulatedLaser | ConstellationLaser):
        raise ParameterError(
            f"source of {NAME} is a laser whose quadratures are modulated, got {type(source).__name__}"
        )
    return (
        source,
        of(NAME, "channel", parts.channel, NoisyFibre),
        of(NAME, "detector", parts.detector, CoherentReceiver),
        of(NAME, "protocol", parts.protocol, QuadratureProtocol),
    )


def require_hardware(parts: Parts) -> None:
    """Raise ParameterError unless hardware is named at both ends or at neither, and what belongs to it fits."""
    source, _, receiver, protocol = quadrature_parts(parts)
    waveform = protocol.waveform
    if receiver.hardware is None:
        if source.hardware is not None or waveform is not None:
            raise ParameterError("detector must have its hardware where source or protocol have theirs")
        return
    if receiver.hardware.transmitted:
        if waveform is not None:
            raise ParameterError("waveform has no meaning for a transmitted oscillator, which needs no pilot")
        return
    if waveform is None:
        raise ParameterError("protocol must have a waveform, whose pilot a local oscillator needs")
    if receiver.detection != "heterodyne":
        raise ParameterError('detection must be "heterodyne" with a pilot, which is seen in both quadratures')
    waveform.require_room(source.clock_hz, receiver.hardware.frequency_offset_hz)


def budget_of(parts: Parts, at_m: NDArray[np.float64] | None = None) -> NoiseBudget | None:
    """What the hardware adds at these distances (None: the link's own length); None of a link that names none."""
    source, fibre, receiver, protocol = quadrature_parts(parts)
    if receiver.hardware is None:
        return None
    return noise_budget(source, fibre, receiver, protocol.waveform, at_m)


def estimated(parts: Parts, at_m: NDArray[np.float64]) -> tuple[GaussianChannel, tuple[Term, ...]]:
    """The channel that both ends expect to estimate, and the terms of its noise; without hardware there are none."""
    source, fibre, receiver, _ = quadrature_parts(parts)
    budget = budget_of(parts, at_m)
    channel = expected_channel(source, fibre, receiver, at_m, budget)
    return channel, () if budget is None else budget.terms
