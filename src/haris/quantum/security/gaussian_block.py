"""One block of continuous variables: the estimated channel, and how its symbols are used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haris.quantum.security.gaussian_channel import GaussianChannel
from haris.quantum.security.holevo import holevo
from haris.quantum.security.key_length import Term, term

ROUNDING = 1e-14
"""Bits a symbol given up, so that errors of rounding in entropies never make key."""

TAILS = 3
"""t too great, t too small, s^2 too great: the ways in which a channel can lie outside its estimate's interval."""

SHANNON = "Shannon (1948)"


@dataclass(frozen=True, slots=True)
class GaussianBlock:
    """Symbols of one block and the channel that they crossed.

    n_key: symbols whose values become key, before frames are lost. n_estimation: symbols that were disclosed.
    reconciliation_efficiency: beta. frame_error_rate: share of the frames that are lost.
    bits_per_value: bits that a value is turned into. shared_bits: a symbol, those that both ends came to hold and that
    were not told, where they were counted (None: planned, by beta). symbols_per_group: whose bits are made together.
    tails: ways in which estimates can fail, the channel's and, where it is estimated, that of the bits' entropy.
    """

    channel: GaussianChannel
    n_key: float
    n_estimation: float
    reconciliation_efficiency: float
    frame_error_rate: float
    bits_per_value: int
    shared_bits: float | None = None
    symbols_per_group: float = 1.0
    tails: int = TAILS

    @property
    def n_kept(self) -> float:
        """Symbols of the frames that were decoded."""
        return self.n_key * (1.0 - self.frame_error_rate)

    @property
    def bits_per_symbol(self) -> int:
        """Bits that the values of a symbol are turned into."""
        return self.bits_per_value * self.channel.values_per_symbol

    @property
    def reconciled(self) -> NDArray[np.float64]:
        """Bits a symbol that both ends hold and were not told: beta I_AB, at most the bits that there are."""
        if self.shared_bits is not None:
            return np.asarray(self.shared_bits)
        informed = self.reconciliation_efficiency * self.channel.mutual_information
        return np.asarray(np.minimum(informed, self.bits_per_symbol))

    def secret_per_symbol(self, shared: NDArray[np.float64], eve: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bits a symbol after privacy amplification, negative without key: what is shared less what Eve may know."""
        return np.asarray(shared - eve - ROUNDING)


def channel_terms(block: GaussianBlock, source: str) -> tuple[Term, ...]:
    """What the estimates say, the first terms of every bound here. source: of the Holevo bound."""
    return estimate_terms(block.channel, block.channel.mutual_information, holevo(block.channel), source)


def estimate_terms(
    channel: GaussianChannel, informed: NDArray[np.float64], eve: NDArray[np.float64], source: str
) -> tuple[Term, ...]:
    """What the estimates say, and what follows of them for any modulation.

    informed, eve: bits a symbol that Alice knows of Bob's values, and that Eve may. source: of the latter.
    """
    return (
        term("transmittance", channel.transmittance, "", "of the channel, without the receiver", "estimated"),
        term("excess_noise", channel.noise_snu, "SNU", "at the channel's output, before the receiver", "estimated"),
        term("snr", channel.snr, "", "signal to noise ratio of a value", "estimated"),
        term("information", informed, "bits", "Alice's of Bob's values, a symbol", SHANNON),
        term("holevo", eve, "bits", "Eve's of Bob's values, a symbol, as estimated", source),
    )
