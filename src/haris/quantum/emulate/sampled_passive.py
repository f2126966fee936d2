"""One block of emulated passive state preparation: what Alice estimates and what Bob measures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from haris.nouns.checks import require_not_negative, require_probability
from haris.nouns.symbols import Symbols
from haris.quantum.emulate.expected_passive import expected_passive_channel
from haris.quantum.emulate.sampled_gaussian import generator, measured
from haris.quantum.optics.oscillator_receiver import OscillatorReceiver
from haris.quantum.optics.split_fibre import SplitFibre
from haris.quantum.optics.thermal_source import ThermalSource


def sampled_passive_symbols(
    source: ThermalSource,
    fibre: SplitFibre,
    receiver: OscillatorReceiver,
    n_symbols: int,
    seed: int | bytes,
    eve_fraction: float = 0.0,
) -> tuple[Symbols, Symbols]:
    """Sample n_symbols: Alice's estimates of the light that left, and Bob's values. The same arguments give the same.

    Of homodyne detection, Alice's values are those of the quadrature that Bob drew and told. Alice's do not depend on
    Eve, who measures both quadratures of the share eve_fraction of the symbols and resends what she found.
    Raises ParameterError on arguments outside their range.
    """
    require_not_negative("n_symbols", n_symbols)
    require_probability("eve_fraction", eve_fraction)
    only = replace(source, mode_overlap=1.0, trusted=True)
    channel = replace(expected_passive_channel(only, fibre, receiver), trusted_preparation_snu=0.0)
    # The channel of the mode that Bob measures, without any noise that the light brings of itself.
    shape = (n_symbols, channel.values_per_symbol)
    field = generator(seed, b"thermal field").standard_normal(shape, dtype=np.float32)
    light = field * np.float32(np.sqrt(source.outgoing_variance_snu))
    return Symbols(_estimated(source, field, seed)), measured(light, channel, seed, eve_fraction)


def _estimated(source: ThermalSource, field: NDArray[np.float32], seed: int | bytes) -> NDArray[np.float32]:
    """Alice's estimates of the outgoing quadratures of her mode; field: of Bob's, at unit variance."""
    random = generator(seed, b"Alice's detection")
    beside = random.standard_normal(field.shape, dtype=np.float32)
    noise = random.standard_normal(field.shape, dtype=np.float32)
    seen = np.float32(np.sqrt(source.mode_overlap)) * field + np.float32(np.sqrt(1.0 - source.mode_overlap)) * beside
    strength = np.sqrt(source.measured_variance_snu)
    variance = source.measured_variance_snu + 1.0 + source.electronic_noise_snu
    value = np.float32(strength) * seen + np.float32(np.sqrt(1.0 + source.electronic_noise_snu)) * noise
    together = np.sqrt(source.outgoing_variance_snu) * strength
    return np.asarray(np.float32(together / variance) * value)
