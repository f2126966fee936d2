"""The noise that pilot-aided processing of emulated waveforms leaves, beside the budget."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from haris.nouns.errors import ParameterError
from haris.nouns.symbols import Symbols
from haris.quantum.distill.estimate_channel import estimated_channel
from haris.quantum.distill.pilot_recovery import PhaseLost, Recovered, recovered
from haris.quantum.emulate.pilot_waveform import sampled_record
from haris.quantum.families.coherent_hardware import budget_of, estimated, quadrature_parts
from haris.quantum.families.family import Parts
from haris.quantum.security.gaussian_channel import GaussianChannel

LEAST_KNOWN = 4096
"""Symbols disclosed, at least, for delay and phase."""


@dataclass(frozen=True, slots=True)
class MeasuredNoise:
    """Alice's symbols that were recovered, what came out at Bob's, and the channel that both say.

    error_snu: one standard deviation of the channel's noise, of the symbols and of the calibration.
    """

    alice: Symbols
    bob: Recovered
    channel: GaussianChannel
    error_snu: float


def measured_noise(parts: Parts, n_symbols: int, seed: int | bytes) -> MeasuredNoise | PhaseLost:
    """Emulate a link's waveforms, recover the symbols, estimate the channel over all of them.

    Raises ParameterError on a link without hardware or with a transmitted oscillator, and on too few symbols for its
    pilot's filter.
    """
    source, fibre, receiver, protocol = quadrature_parts(parts)
    budget = budget_of(parts)
    if budget is None or protocol.waveform is None:
        raise ParameterError("detector must have its hardware, with a local oscillator, to emulate waveforms")
    sent, record = sampled_record(source, fibre, receiver, protocol.waveform, n_symbols, seed)
    n_known = min(n_symbols, max(round(n_symbols * protocol.p_estimation), LEAST_KNOWN))
    bob = recovered(record, protocol.waveform, source.clock_hz, float(budget.pilot_bandwidth_hz), sent.part(0, n_known))
    if isinstance(bob, PhaseLost):
        return bob
    alice = sent.part(bob.first, bob.end)
    expected, _ = estimated(parts, np.asarray(fibre.length_m))
    known = replace(expected, electronic_noise_snu=bob.electronic_noise_snu)
    channel = estimated_channel(alice, bob.symbols, known)
    dark = bob.electronic_noise_snu
    calibration = (16.0 * (0.5 + dark) ** 2 + (1.0 + dark) ** 2 + 9.0 * dark**2) / n_symbols
    values = float(channel.value_noise_snu)
    error = values * np.sqrt(1.0 / alice.n_symbols + calibration) / channel.gain
    return MeasuredNoise(alice, bob, channel, float(error))
