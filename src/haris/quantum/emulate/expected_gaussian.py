"""What the two ends of continuous variables expect to estimate, from optics and protocol."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from haris.quantum.emulate.noise_budget import NoiseBudget
from haris.quantum.optics.coherent_receiver import CoherentReceiver
from haris.quantum.optics.constellation_laser import ConstellationLaser
from haris.quantum.optics.modulated_laser import ModulatedLaser
from haris.quantum.optics.noisy_fibre import NoisyFibre
from haris.quantum.protocols.gaussian_cv import GaussianCV
from haris.quantum.security.gaussian_block import GaussianBlock
from haris.quantum.security.gaussian_channel import GaussianChannel


def expected_channel(
    source: ModulatedLaser | ConstellationLaser,
    channel: NoisyFibre,
    receiver: CoherentReceiver,
    distance_m: ArrayLike | None = None,
    budget: NoiseBudget | None = None,
) -> GaussianChannel:
    """The channel as exact estimates would have it, arrays of distance_m's shape (None: the fibre's own length).

    budget: what hardware adds at these distances; None of a link that names no hardware.
    """
    kept = 1.0 if budget is None else budget.kept
    return GaussianChannel(
        modulation_variance_snu=source.modulation_variance_snu,
        transmittance=np.minimum(kept * channel.transmittance(distance_m), 1.0),
        noise_snu=channel.noise_snu(distance_m) if budget is None else budget.excess_snu,
        heterodyne=receiver.detection == "heterodyne",
        efficiency=receiver.efficiency,
        electronic_noise_snu=receiver.electronic_noise_snu if budget is None else budget.receiver_snu,
        trusted=receiver.trusted,
    )


def expected_block(channel: GaussianChannel, protocol: GaussianCV) -> GaussianBlock:
    """One block of the protocol over a channel of these estimates."""
    return GaussianBlock(
        channel=channel,
        n_key=protocol.n_symbols * (1.0 - protocol.p_estimation),
        n_estimation=protocol.n_symbols * protocol.p_estimation,
        reconciliation_efficiency=protocol.reconciliation_efficiency,
        frame_error_rate=protocol.frame_error_rate,
        bits_per_value=protocol.bits_per_value,
    )
